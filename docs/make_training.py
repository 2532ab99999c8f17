"""Makes the tables of keys in docs/training.md anew: `python docs/make_training.py`."""

from __future__ import annotations

from pathlib import Path

from tunewise.train.recipe_page import with_key_tables

PAGE = Path(__file__).with_name("training.md")


if __name__ == "__main__":
    PAGE.write_text(with_key_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
