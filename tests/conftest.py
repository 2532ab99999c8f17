"""What all tests share: the optional real data; quiet, offline, one thread."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import hypothesis
import pytest

# Set before any test imports torch: spinning threads make two test processes on two cores crawl.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_DATASETS_OFFLINE", "1")

# A shell that starts the tests in the background lets them, and all that they start, ignore Ctrl-C.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# On a busy machine any example may take long; timings belong to `perf/`. Every run of the tests
# tries the same examples; `pytest --hypothesis-profile=searching` looks for new ones.
hypothesis.settings.register_profile("repeatable", deadline=None, derandomize=True)
hypothesis.settings.register_profile("searching", deadline=None)
hypothesis.settings.load_profile("repeatable")

ROOT = Path(__file__).resolve().parents[1]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let both test processes begin with slow tests.

    The list is dealt to them in two halves, and what a process has last nobody can take from it:
    slow tests at the end would run one after the other beside an idle core.
    """
    slow = [item for item in items if item.get_closest_marker("slow")]
    quick = [item for item in items if not item.get_closest_marker("slow")]
    middle = len(quick) // 2
    items[:] = [*slow[::2], *quick[:middle], *slow[1::2], *quick[middle:]]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data sets; tests that need it are skipped where it is absent."""
    folder = Path(os.environ.get("TUNEWISE_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder} (set TUNEWISE_SHARED_DATA)")
    return folder


@pytest.fixture(scope="session")
def repository_root() -> Path:
    """The root of the checkout."""
    return ROOT
