"""The model card of a run: its facts, and their page."""
