"""Recall and precision of every check on the user's own rows, by planted defects."""
