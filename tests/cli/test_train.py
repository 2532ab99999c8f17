"""What `tunewise train` says at the end of a run."""

from __future__ import annotations

from typing import Any

from tunewise.cli.train import summary

DOCUMENT: dict[str, Any] = {
    "id": "0123456789ab",
    "artifact": "/w/.tunewise/train/0123456789ab",
    "reused": False,
    "steps": 40,
    "tokens": 1000,
    "supervised_tokens": 400,
    "seconds": 2.5,
    "best": {"step": 30, "val_loss": 1.25},
    "final": {"train_loss": 0.5, "val_loss": 1.5},
    "kept_step": 30,
    "refused": 0,
    "refusals": [],
    "warnings": ["only 40 steps"],
}


def test_losses_are_told() -> None:
    lines = summary(DOCUMENT).splitlines()
    assert "best   val loss 1.2500 at step 30" in lines
    assert "final  train loss 0.5000, val loss 1.5000" in lines


def test_a_run_without_validation_says_so() -> None:
    blind = {
        **DOCUMENT,
        "best": {"step": 0, "val_loss": None},
        "final": {"train_loss": 0.5, "val_loss": None},
        "kept_step": 40,
    }
    lines = summary(blind).splitlines()
    assert "no validation; kept is the state after step 40" in lines
    assert "final  train loss 0.5000" in lines
    assert "None" not in summary(blind)


def test_refused_rows_are_told_with_their_reasons() -> None:
    refusals = [
        {"reason": "it has no answer to learn", "rows": 1200},
        {"reason": "the chat template cannot render it: \x1b[31mrole", "rows": 2},
    ]
    text = summary({**DOCUMENT, "refused": 1205, "refusals": refusals})
    assert "1,205 rows refused:" in text
    assert "  1,200: it has no answer to learn" in text
    assert "  2: the chat template cannot render it" in text
    assert "  3: other reasons" in text
    assert "\x1b" not in text
    assert "refused" not in summary(DOCUMENT)


def test_warnings_are_not_told_twice() -> None:
    assert "only 40 steps" not in summary(DOCUMENT)
    assert "warning: only 40 steps" in summary({**DOCUMENT, "reused": True})
