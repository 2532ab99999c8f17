"""Records and formats, checks and findings, fixes with undo, splits and exporters."""
