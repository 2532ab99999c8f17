from __future__ import annotations

from tunewise.workspace.nearest import nearest


def test_a_close_name_is_proposed_and_otherwise_all() -> None:
    assert nearest("duplicates/exakt", ["duplicates/exact", "text/html"]).endswith(
        "'duplicates/exact'?"
    )
    assert nearest("zzz", ["b", "a"]) == "known: a, b"
