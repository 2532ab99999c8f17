"""Records, hits and items behind the listings, read in pages."""
