"""A project on disk: settings, artifacts with manifests, locks, jobs and their events."""
