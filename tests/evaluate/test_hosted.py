"""Hosted models, asked through a local server that stands for an OpenAI-compatible endpoint."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import torch

from tunewise.curate.reading.read import read_dataset
from tunewise.curate.settings import SplitSettings
from tunewise.curate.splitting.split import split
from tunewise.evaluate.comparison import compare_models
from tunewise.evaluate.hosted.endpoint import Endpoint, find_hosted
from tunewise.evaluate.reporting.report import report
from tunewise.evaluate.run import evaluate_models
from tunewise.evaluate.scoring.generation import generate
from tunewise.evaluate.settings import EvaluateSettings, ReportSettings
from tunewise.workspace.artifact import Artifact, Workspace
from tunewise.workspace.errors import JobError, UsageError

KEY = "sk-very-secret-0123456789"
VARIABLE = "A_KEY_FOR_TESTS"
SETTINGS = EvaluateSettings(
    suites=("who.jsonl", "sums.jsonl", "texts.jsonl"),
    answer_tokens=6,
    choice_items=6,
    api_key_variable=VARIABLE,
)


@dataclass
class Server:
    """Serves a model; `before` may answer a request in its place: (status, headers, body)."""

    model: Any
    tokenizer: Any
    url: str = ""
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    before: Callable[[int], tuple[int, dict[str, str], bytes] | None] = lambda number: None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, path: str, asked: dict[str, Any]) -> dict[str, Any]:
        if path.endswith("/chat/completions"):
            said = asked["messages"][-1]["content"]
            return {"choices": [{"index": 0, "message": {"content": f" You said: {said[:20]}"}}]}
        (tokens,) = asked["prompt"]
        if asked.get("echo"):
            return {"choices": [{"index": 0, "text": "", "logprobs": self.told(tokens)}]}
        new = generate(self.model, [tokens], [asked["max_tokens"]], ends=frozenset({2}))[0]
        text = self.tokenizer.decode(new, skip_special_tokens=True)
        for stop in asked["stop"]:
            text = text.split(stop)[0]
        return {"choices": [{"index": 0, "text": text}]}

    def told(self, tokens: list[int]) -> dict[str, Any]:
        with torch.no_grad():
            table = torch.log_softmax(self.model(torch.tensor([tokens])).logits[0], -1)
        own: list[Any] = [None, *table[range(len(tokens) - 1), tokens[1:]].tolist()]
        best: list[Any] = [None, *({"best": value} for value in table.max(-1).values.tolist())]
        # One more token, which the request has to ask for.
        return {"token_logprobs": [*own, best[-1]["best"]], "top_logprobs": best}


@pytest.fixture
def server(tiny: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    served = Server(*tiny)
    monkeypatch.setenv(VARIABLE, KEY)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with served.lock:
                number = len(served.requests)
                served.requests.append(asked)
                served.keys.add(self.headers.get("Authorization", ""))
                status, headers, body = served.before(number) or (
                    200, {}, json.dumps(served.answer(self.path, asked)).encode(),
                )  # fmt: skip
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            return

    web = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=web.serve_forever, daemon=True)
    thread.start()
    served.url = f"http://127.0.0.1:{web.server_address[1]}/v1"
    yield served
    web.shutdown()
    web.server_close()
    thread.join()


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    who = [
        {"id": f"q{n}", "query": f"Number {n} is", "choices": ["blue", "red book"], "gold": n % 2}
        for n in range(4)
    ]
    sums = [{"prompt": f"{n} {n + 1}", "answer": f"{n + 2}\nand"} for n in range(4)]
    texts = [{"text": "The sky is blue. " * n} for n in (1, 7)]
    for name, rows in {"who": who, "sums": sums, "texts": texts}.items():
        (tmp_path / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return Workspace(tmp_path)


@pytest.fixture
def parts(workspace: Workspace) -> Artifact:
    rows = [
        {"messages": [{"role": "user", "content": f"What of no {n} and {n * n % 37}?"},
                      {"role": "assistant", "content": f"It {n * 37 % 101} runs {n}."}]}
        for n in range(30)
    ]  # fmt: skip
    data = workspace.root / "data.jsonl"
    data.write_text("\n".join(map(json.dumps, rows)))
    return split(workspace, read_dataset([data]), SplitSettings(ratios=(0.5, 0.2, 0.3)))


def hosted(server: Server, way: str = "completions", name: str = "tiny") -> str:
    return f"{server.url}/{way}#{name}"


def document(artifact: Artifact) -> dict[str, Any]:
    return json.loads((artifact.folder / "evaluate.json").read_text())


def test_a_hosted_model_answers_as_the_same_model_here(
    server: Server, workspace: Workspace, parts: Artifact, tiny_model: Path
) -> None:
    """Choices, greedy answers, whole texts and the domain, item by item; no key on the disk."""
    # Busy servers are asked again: too many requests, and an overload.
    server.before = lambda number: {
        3: (429, {"Retry-After": "0"}, b"slow down"),
        4: (503, {"Retry-After": "0"}, b"{}"),
    }.get(number)
    comparison = compare_models(
        str(tiny_model), hosted(server), split=parts,
        tokenizer=str(tiny_model), api_key_variable=VARIABLE,
    )  # fmt: skip
    made = evaluate_models(workspace, comparison, SETTINGS)
    items = pl.read_parquet(made.folder / "items.parquet")
    assert set(items["task"]) >= {"who", "sums", "texts", "domain/answer-choice"}
    assert items["base_output"].to_list() == items["tuned_output"].to_list()
    told = items.select("base_log_likelihoods", "tuned_log_likelihoods").drop_nulls()
    both = told.explode(*told.columns), items.select("base_score", "tuned_score")
    for pair in both:
        assert pair.select((pl.first() - pl.last()).abs().max()).item() < 1e-4
    assert server.keys == {f"Bearer {KEY}"}
    assert all(asked["model"] == "tiny" for asked in server.requests)
    found = document(made)
    assert found["full_model"] == hosted(server)
    assert found["not_asked"][0]["what"] == "losses and overfitting"
    assert report(workspace, made, ReportSettings()).folder.is_dir()
    for path in workspace.root.rglob("*"):
        assert not path.is_file() or KEY.encode() not in path.read_bytes()
    asked_before = len(server.requests)
    evaluate_models(workspace, comparison, SETTINGS.model_copy(update={"margin_share": 0.1}))
    assert len(server.requests) == asked_before


def test_what_was_answered_before_a_failure_is_not_asked_again(
    server: Server, workspace: Workspace, tiny_model: Path
) -> None:
    comparison = compare_models(
        str(tiny_model), hosted(server), tokenizer=str(tiny_model), api_key_variable=VARIABLE
    )
    no_funds = (402, {}, b'{"error": {"message": "no funds"}}')
    server.before = lambda number: no_funds if number >= 5 else None
    settings = SETTINGS.model_copy(update={"suites": ("who.jsonl", "sums.jsonl")})
    with pytest.raises(UsageError, match="402: no funds"):
        evaluate_models(workspace, comparison, settings)
    server.before = lambda number: None
    evaluate_models(workspace, comparison, settings)
    asked = [json.dumps(asked, sort_keys=True) for asked in server.requests]
    # Two choices of four questions and four sums; none is paid for twice but those refused.
    assert len(set(asked)) == 12
    refused = sum(asked.count(one) - 1 for one in set(asked))
    assert 0 < refused <= 8
    assert not list((workspace.store / "cache").glob("*.journal"))


def test_a_chat_endpoint_is_asked_what_is_answered_freely(
    server: Server, workspace: Workspace, parts: Artifact
) -> None:
    base, tuned = (hosted(server, "chat/completions", name) for name in ("one", "two"))
    comparison = compare_models(base, tuned, split=parts, api_key_variable=VARIABLE)
    settings = SETTINGS.model_copy(update={"prompted_base": 1})
    made = evaluate_models(workspace, comparison, settings)
    found = document(made)
    assert [task["task"] for task in found["tasks"]] == [
        "sums", "domain/exact-match", "domain/token-f1", "domain/rouge-l",
    ]  # fmt: skip
    left = {entry["what"] for entry in found["not_asked"]}
    assert left == {
        "who", "texts", "losses and overfitting", "domain/answer-choice", "divergence",
    }  # fmt: skip
    bar = [one for one in found["observations"] if one["topic"] == "prompted base"]
    assert [one["name"] for one in bar] == [
        "domain/exact-match", "domain/token-f1", "domain/rouge-l",
    ]  # fmt: skip
    items = pl.read_parquet(made.folder / "items.parquet").filter(pl.col("task") == "sums")
    assert items["tuned_output"].to_list()[0].strip() == "You said: 0 1"
    rows = [asked["messages"] for asked in server.requests if "What of no" in str(asked)]
    assert rows[0][-1]["role"] == "user"
    assert {len(turns) for turns in rows} == {1, 3}
    assert {asked["model"] for asked in server.requests} == {"one", "two"}
    assert document(made)["engine"] == "hosted"
    assert report(workspace, made, ReportSettings()).folder.is_dir()


def test_a_refused_key_is_told_without_the_key(server: Server) -> None:
    said = json.dumps({"error": {"message": f"Incorrect API key: {KEY}"}}).encode()
    server.before = lambda number: (401, {}, said)
    model = find_hosted(hosted(server, "chat/completions"), tokenizer=None, key_variable=VARIABLE)
    with pytest.raises(UsageError) as caught:
        Endpoint(model).post({"messages": []})
    assert "[key]" in caught.value.what
    assert KEY not in str(caught.value)
    assert VARIABLE in caught.value.fix
    assert len(server.requests) == 1


def test_a_server_that_stays_away_is_asked_some_times_and_then_told(server: Server) -> None:
    server.before = lambda number: (500, {}, b"\x1b]0;title\x07oh no")
    model = find_hosted(hosted(server, "chat/completions"), tokenizer=None, key_variable=VARIABLE)
    pauses: list[float] = []
    with pytest.raises(JobError, match="HTTP 500") as caught:
        Endpoint(model, sleep=pauses.append).post({})
    assert "\x1b" not in str(caught.value)
    assert len(server.requests) == len(pauses) + 1 == 6
    assert all(0.5 * 2**n <= pause <= 2**n for n, pause in enumerate(pauses))
    gone = find_hosted("http://127.0.0.1:9/v1/chat/completions#x", tokenizer=None, key_variable="K")
    with pytest.raises(JobError, match="ConnectionError"):
        Endpoint(gone, sleep=pauses.append).post({})


def test_a_server_without_probabilities_is_told(
    server: Server, workspace: Workspace, tiny_model: Path
) -> None:
    server.before = lambda number: (200, {}, b'{"choices": [{"index": 0, "text": "x"}]}')
    comparison = compare_models(
        str(tiny_model), hosted(server), tokenizer=str(tiny_model), api_key_variable=VARIABLE
    )
    with pytest.raises(JobError, match="does not tell the probabilities"):
        evaluate_models(workspace, comparison, SETTINGS)


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("http://h/v1/completions", "endpoint and its name"),
        ("http://h/v1#m", "endpoint and its name"),
        ("https://user:secret@h/v1/completions#m", "user name or a password"),
        ("http://h/v1/completions#m", "asked by tokens"),
    ],
)
def test_names_of_hosted_models_are_checked(name: str, match: str) -> None:
    with pytest.raises(UsageError, match=match) as caught:
        find_hosted(name, tokenizer=None, key_variable="K")
    assert "secret" not in str(caught.value)
