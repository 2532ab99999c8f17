"""Contamination: texts in which items of a benchmark stand, word for word or edited."""

from .items import BenchmarkItem

__all__ = ["BenchmarkItem"]
