"""What a run will do, need and cost, worked out before its first step."""
