"""The parts of a split, by name and number."""

from __future__ import annotations

TRAIN, VAL, TEST, OUT_OF_DOMAIN = range(4)
PARTS = ("train", "val", "test")
"""What every split has; the numbers of parts are places in this, and what comes after it."""

ALL_PARTS = (*PARTS, "ood")
"""With the rows of topics or sources that are held out as a whole."""

LEFT_OUT = "left_out"
"""Rows that are in no part, each with the reason."""
