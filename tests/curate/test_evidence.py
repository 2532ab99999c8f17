from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tunewise.curate.evidence import excerpt, field_text

RECORD = {
    "messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": None}],
    "chosen": None,
    "label": "refund",
    "row": 3,
}


def test_fields_are_found_by_their_name() -> None:
    assert field_text(RECORD, "messages[0].content") == "Hi"
    assert field_text(RECORD, "messages[0].role") == "user"
    assert field_text(RECORD, "label") == "refund"


def test_what_is_not_there_is_none() -> None:
    missing = [
        "messages[1].content",
        "messages[7].content",
        "chosen[0].content",
        "row",
        "odd",
        None,
    ]
    assert [field_text(RECORD, field) for field in missing] == [None] * len(missing)


@given(st.text(min_size=1, max_size=300), st.data())
def test_an_excerpt_holds_the_hit_and_stays_short(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, min(len(text), start + 20)))
    part = excerpt(text, start, end, width=60)
    assert part.hit == text[start:end]
    assert len(part.before + part.hit + part.after) <= 60 + 4


def test_a_whole_text_is_cut_at_the_end() -> None:
    assert excerpt("abcdefghij", None, None, width=5).hit == "abcd…"
