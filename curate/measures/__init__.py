"""What checks measure, free of severity: terms, mentions, associations, shares, licences."""
