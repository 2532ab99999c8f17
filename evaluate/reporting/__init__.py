"""What an evaluation tells people and machines: page, Markdown, JUnit, charts, gate, ranking."""
