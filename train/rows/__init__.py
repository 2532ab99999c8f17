"""What the model reads and learns from: rendered rows, tasks, batches, packing, general rows."""
