"""Base models and what learns in them: found, loaded, arranged, adapted."""
