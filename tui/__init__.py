"""The terminal app: screens and widgets over artifacts, and jobs as child processes."""
