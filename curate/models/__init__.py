"""Models that the user names for a check, loaded only then."""
