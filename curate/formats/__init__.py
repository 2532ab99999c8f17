"""File formats: from bytes to raw rows, one module a format."""
