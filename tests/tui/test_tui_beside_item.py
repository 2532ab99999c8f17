"""A benchmark's item beside the row in which it stands."""

from __future__ import annotations

from tunewise.curate.auditing.item_evidence import ItemEvidence
from tunewise.curate.contamination import BenchmarkItem
from tunewise.tui.texts.beside_item import beside_item

QUESTION = "Which [bold]bell[/bold] rings first when the fog comes in?"


def test_both_texts_are_marked_where_they_differ() -> None:
    item = BenchmarkItem("7\x1b[31m", "bells", QUESTION, "the \x1b[31msmall one", ("a", "b"))
    evidence = ItemEvidence(item, "question", QUESTION, 0, len(QUESTION) - 1, 0.9, 0.0)
    said = "Tell me: " + QUESTION.replace("fog", "mist") + " Thanks."
    record = {"row": 5, "messages": [{"role": "user", "content": said}]}
    hit = {
        "field": "messages[0].content",
        "start": 9,
        "end": len(said) - 9,
        "message": "90 % of the question stands here",
    }
    shown = beside_item(record, evidence, hit, "row 5")
    assert shown.left_title == "row 5  messages[0].content"
    assert shown.right_title.startswith("benchmark item bells/7")
    assert shown.left.plain.startswith("Tell me: Which [bold]bell[/bold]")
    assert "[-mist-]" in shown.left.plain
    assert "{+fog+}" in shown.right.plain
    assert shown.left.plain.endswith("? Thanks.")
    assert "choices\na\nb" in shown.right.plain
    assert "small one" in shown.right.plain
    assert "90 % of the question" in shown.right.plain
    assert "\x1b" not in shown.right.plain + shown.right_title
