"""From findings to clean rows: decisions, what they do, their replay, and its proof."""
