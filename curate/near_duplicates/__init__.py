"""The near-duplicate engine: shingles, an exact join of all pairs, and sketches beyond memory."""
