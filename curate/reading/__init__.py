"""From a source that the user names to pieces of records."""
