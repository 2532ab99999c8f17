"""From scores to verdicts: paired statistics, power, forgetting, overfitting."""
