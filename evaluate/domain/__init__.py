"""The domain's own task, made of a split's held-out rows."""
