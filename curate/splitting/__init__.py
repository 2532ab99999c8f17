"""From clean records to parts that share nothing, and the certificate that shows it."""
