"""Benchmarks: suites, their files and items, and asking them through lm-eval."""
