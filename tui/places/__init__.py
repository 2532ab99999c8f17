"""The seven places of the app, and what they have in common."""
