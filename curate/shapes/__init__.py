"""Shapes of rows: from the fields of a raw row to a record, and back."""
