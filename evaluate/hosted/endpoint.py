"""Models behind an OpenAI-compatible endpoint: named, reached, and asked again where it is busy."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

from ...train.models.base_model import BaseModel, find_base_model, load_tokenizer
from ...workspace.errors import JobError, MissingExtraError, UsageError
from ...workspace.files import read_json, sha256_of_model
from ...workspace.safe_text import excerpt

# Answers to these will come if one waits; the rest are faults of the request.
_BUSY = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
_ATTEMPTS = 6
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0
_TIMEOUT = 300.0
_SHOWN = 300
_CHAT = "/chat/completions"
_COMPLETIONS = "/completions"
_FIXES = {
    401: "put a valid key into the environment variable {key}",
    403: "the key in {key} may not use this model; ask for access, or use another key",
    404: "check the endpoint and the model's name: URL#MODEL",
    413: "a prompt is too long for this server; leave the task out, or give fewer examples",
}


@dataclass(frozen=True, slots=True)
class HostedModel:
    """A model behind an endpoint.

    Attributes:
        name: what the endpoint calls it.
        endpoint: where requests are posted, ending in ``/completions`` or ``/chat/completions``.
        key_variable: the environment variable that holds the key; its value is kept nowhere.
        tokenizer: of the model; None for a chat endpoint, which takes messages as they are.
        tokenizer_sha256: fingerprint of the tokenizer's files.
        context: tokens that it sees; 0 for a chat endpoint, which counts them itself.
    """

    name: str
    endpoint: str
    key_variable: str
    tokenizer: Any = None
    tokenizer_sha256: str = ""
    context: int = 0

    @property
    def chats(self) -> bool:
        """Whether it takes messages, and so neither scores texts nor continues them."""
        return self.endpoint.endswith(_CHAT)

    @property
    def place(self) -> str:
        """The name by which it was found."""
        return f"{self.endpoint}#{self.name}"

    @property
    def fingerprint(self) -> dict[str, Any]:
        """What is known of what decides its answers: nobody can see the weights."""
        return {"hosted": self.place, "tokenizer": self.tokenizer_sha256}


def is_hosted(name: str) -> bool:
    """Tell whether a model's name is that of a hosted one."""
    return name.startswith(("http://", "https://"))


def find_hosted(name: str, *, tokenizer: str | None, key_variable: str) -> HostedModel:
    """Read the name of a hosted model; nothing is sent yet.

    Args:
        name: ``URL#MODEL``, such as ``http://localhost:8000/v1/completions#my-model``.
        tokenizer: folder or hub name of its tokenizer; completions are asked by tokens.
        key_variable: the environment variable that holds the key.

    Raises:
        UsageError: the name is not of that form, or the tokenizer is missing.
        MissingExtraError: what lm-eval needs for endpoints is not installed.
    """
    _check_installed()
    endpoint, _, model = name.partition("#")
    endpoint = endpoint.rstrip("/")
    parts = urlsplit(endpoint)
    if parts.username or parts.password:
        raise UsageError(
            "the endpoint holds a user name or a password, which would be kept with the results",
            where=parts.hostname or "",
            fix=f"put the key into the environment variable {key_variable}",
        )
    if not model or not endpoint.endswith(_COMPLETIONS):
        raise UsageError(
            "a hosted model is named by its endpoint and its name",
            where=name,
            fix="write URL#MODEL, where URL ends in /v1/completions or /v1/chat/completions",
        )
    if endpoint.endswith(_CHAT):
        return HostedModel(model, endpoint, key_variable)
    if tokenizer is None:
        raise UsageError(
            "a completions endpoint is asked by tokens, and the model's tokenizer is not named",
            where=name,
            fix="add --tokenizer FOLDER (the same as the server's), or use its chat endpoint",
        )
    base = find_tokenizer(tokenizer)
    found = load_tokenizer(base)
    context = _context(base.folder, found)
    return HostedModel(model, endpoint, key_variable, found, base.sha256, context)


def _context(folder: Path, tokenizer: Any) -> int:
    """Return how many tokens a hosted model sees: as the files say, or else as lm-eval assumes."""
    from lm_eval.models.utils import resolve_max_length

    config = folder / "config.json"
    facts = SimpleNamespace(**read_json(config)) if config.is_file() else None
    return resolve_max_length(facts, tokenizer)  # pyright: ignore[reportArgumentType]


def find_tokenizer(name: str) -> BaseModel:
    """Find a folder with a tokenizer; weights need not be there."""
    folder = Path(name).expanduser()
    return BaseModel(folder, sha256_of_model(folder)) if folder.is_dir() else find_base_model(name)


@dataclass(frozen=True, slots=True)
class _Busy:
    """Why there was no answer this time, and how long the server asks to wait."""

    problem: str
    wait: str = ""


class Endpoint:
    """Posts requests to a hosted model; those that a busy server refuses are repeated.

    Args:
        model: which model.
        sleep: waits for so many seconds.
    """

    def __init__(self, model: HostedModel, *, sleep: Callable[[float], None] = time.sleep) -> None:
        """Read the key; it is neither kept on disk nor shown."""
        self.model = model
        self.sleep = sleep
        self._key = os.environ.get(model.key_variable, "").strip()

    def post(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Send a request and return the answer's JSON.

        Raises:
            UsageError: the server refuses the request or the key.
            JobError: it does not answer, or not with JSON, however often it is asked.
        """
        refused = _Busy("")
        for attempt in range(_ATTEMPTS):
            if attempt:
                self.sleep(_pause(attempt, refused.wait))
            answer = self._try(payload)
            if not isinstance(answer, _Busy):
                return answer
            refused = answer
        raise JobError(
            f"the endpoint gave no answer in {_ATTEMPTS} attempts: {refused.problem}",
            where=self.model.place,
            fix="try again later; what was answered is kept, and only the rest is asked then",
        )

    def _try(self, payload: Mapping[str, Any]) -> dict[str, Any] | _Busy:
        """Return the answer, or what was in the way where asking again may help."""
        import requests

        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        try:
            # No redirect is followed: the key belongs to this endpoint alone.
            response = requests.post(
                self.model.endpoint,
                json=dict(payload),
                headers=headers,
                timeout=_TIMEOUT,
                allow_redirects=False,
            )
        except requests.exceptions.RequestException as error:
            return _Busy(f"{type(error).__name__}: {self.masked(str(error))}")
        said = f"HTTP {response.status_code}: {self.masked(_message(response))}"
        if response.status_code in _BUSY:
            return _Busy(said, response.headers.get("Retry-After", ""))
        if response.status_code != 200:
            fix = _FIXES.get(response.status_code, "check the endpoint, the model and the task")
            raise UsageError(
                f"the endpoint refuses the request: {said}",
                where=self.model.place,
                fix=fix.format(key=self.model.key_variable),
            )
        try:
            answer = response.json()
        except ValueError:
            answer = None
        if isinstance(answer, dict):
            return answer
        return _Busy(f"no JSON object but {self.masked(response.text)!r}")

    def masked(self, text: str) -> str:
        """Return a text without the key, made safe to show."""
        hidden = text.replace(self._key, "[key]") if self._key else text
        return excerpt(hidden, _SHOWN)


def _pause(attempt: int, asked: str) -> float:
    """Return how many seconds to wait: as the server asks, or twice as long each time."""
    try:
        return min(max(0.0, float(asked)), _LONGEST_PAUSE)
    except ValueError:
        # Spread, so that several that were refused together do not come back together.
        longest = min(_FIRST_PAUSE * 2 ** (attempt - 1), _LONGEST_PAUSE)
        return longest * random.uniform(0.5, 1.0)


def _message(response: Any) -> str:
    """Return what a server says of an error."""
    try:
        content = response.json()
        error = content.get("error", content)
        return str(error.get("message", error) if isinstance(error, dict) else error)
    except (ValueError, AttributeError):
        return str(response.text)


def _check_installed() -> None:
    from importlib.util import find_spec

    for package in ("requests", "aiohttp", "tenacity"):
        if find_spec(package) is None:
            raise MissingExtraError(package, extra="hosted", purpose="asking a hosted model")
