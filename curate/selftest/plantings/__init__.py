"""Defects to plant into sound rows, and what only looks like them, one function a kind."""
