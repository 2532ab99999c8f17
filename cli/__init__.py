"""The command line: one file a command; nothing but argument parsing and printing."""
