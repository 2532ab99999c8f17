"""Private data wherever it is said, and masks that keep its kind and the text around it."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
import pytest

from tunewise.curate.auditing.audit import audit
from tunewise.curate.cleaning.clean import clean
from tunewise.curate.cleaning.decide import accept
from tunewise.curate.settings import AuditSettings, CleanSettings
from tunewise.workspace.artifact import Workspace

HEX = "a9f4e5b761ad7c101de3aa46bceadfbd"


@pytest.fixture
def masked(tmp_path):
    """Audit a row, accept all masks that are proposed, and return the clean row's messages."""

    def mask(row: dict[str, Any]) -> list[dict[str, Any]]:
        path = tmp_path / "rows.jsonl"
        path.write_text(json.dumps(row) + "\n")
        workspace = Workspace(tmp_path)
        audited = audit(workspace, [path], AuditSettings(checks=("privacy",)))
        found = pl.read_parquet(audited.folder / "findings.parquet")
        checks = found.filter(pl.col("fix") == "mask")["check"].unique().sort().to_list()
        accept(workspace, audited, checks)
        cleaned = clean(workspace, audited, CleanSettings(yes=True))
        return pl.read_parquet(cleaned.folder / "records.parquet")["messages"][0].to_list()

    return mask


def chat(*contents: str) -> dict[str, Any]:
    roles = ("user", "assistant")
    return {"messages": [{"role": roles[i % 2], "content": c} for i, c in enumerate(contents)]}


def test_masks_keep_the_kind_and_tell_values_apart(masked) -> None:
    row = chat(
        "My SSN is 536-90-4399, my wife's is 536-22-8726. We live at 48.20101° N, 16.36951° E.",
        "I noted 536-90-4399 for you, and 536-22-8726 for her.",
        f"See https://x.org/?api_key={HEX}&page=2, or ftp://bob:p4ssw0rt@x.org/; "
        "password: Fret7015!x",
        "The place 48.20101° N, 16.36951° E is in Vienna; mail jo@firm.org or al@firm.org.",
    )
    messages = masked(row)
    assert [message["content"] for message in messages] == [
        "My SSN is [NATIONAL_ID], my wife's is [NATIONAL_ID_2]. We live at [COORDINATES].",
        "I noted [NATIONAL_ID] for you, and [NATIONAL_ID_2] for her.",
        "See https://x.org/?api_key=[URL_CREDENTIALS]&page=2, "
        "or ftp://[URL_CREDENTIALS_2]@x.org/; password: [SECRET]",
        "The place [COORDINATES] is in Vienna; mail [EMAIL] or [EMAIL_2].",
    ]


def test_tool_calls_are_searched_and_stay_json(masked) -> None:
    arguments = {
        "to": "jo@firm.org",
        "card": "4111 1111 1111 1111",
        "text": "call +44 20 7946 0123",
    }
    bare = {"phone": 442079460123, "note": f"api_key={HEX}"}
    calls = [
        {"type": "function", "function": {"name": "send", "arguments": json.dumps(arguments)}},
        {"type": "function", "function": {"name": "store", "arguments": bare}},
    ]
    row = chat("Write to jo@firm.org!", "Done.")
    row["messages"].insert(1, {"role": "assistant", "content": None, "tool_calls": calls})
    messages = masked(row)
    assert messages[0]["content"] == "Write to [EMAIL]!"
    sent, stored = json.loads(messages[1]["tool_calls"])
    assert json.loads(sent["function"]["arguments"]) == {
        "to": "[EMAIL]", "card": "[CREDIT_CARD]", "text": "call [PHONE]",
    }  # fmt: skip
    assert stored["function"]["arguments"] == {"phone": 442079460123, "note": "api_key=[SECRET]"}


def test_a_mask_that_would_break_a_call_is_not_proposed(check_rows) -> None:
    number = 4111111111111111
    call = {"type": "function", "function": {"name": "pay", "arguments": {"card": number}}}
    row = {
        "messages": [
            {"role": "user", "content": "Pay!"},
            {"role": "assistant", "content": None, "tool_calls": [call]},
        ]
    }
    (finding,) = check_rows("privacy/credit-card", [row]).findings.to_dicts()
    assert (finding["field"], finding["fix"]) == ("messages[1].tool_calls", "review")
