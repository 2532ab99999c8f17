"""What is shown beside the verdicts, with its interval, and decides nothing."""
