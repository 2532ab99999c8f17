"""What opening the app costs, and what it does without a terminal of its own."""

from __future__ import annotations

import subprocess
import sys


def test_the_app_imports_nothing_that_only_a_step_needs() -> None:
    heavy = ("torch", "transformers", "peft", "lm_eval", "scipy", "datasketch", "pandera")
    code = f"import tunewise.tui.app, sys; print([m for m in {heavy!r} if m in sys.modules])"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"
