"""How a check ended, as documents and events tell it."""

RAN, SKIPPED, FAILED = "ran", "skipped", "failed"
