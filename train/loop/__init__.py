"""The training itself: loss, steps, checkpoints, what is watched and told."""
