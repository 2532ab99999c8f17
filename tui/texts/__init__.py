"""What places show, as text: records, findings, splits, runs, differences."""
