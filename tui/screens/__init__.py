"""Screens over a place: help, dialogs, jobs, editing, review, the tour."""
