"""Commands that the app starts or asks, and how they are shown."""
