"""Steps of the search on a Ray cluster, or on a local one that is started for it."""

from __future__ import annotations

import logging
import os
import socket
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

from ...workspace.errors import JobError, UsageError

LOCAL = "local"
"""The address that stands for a cluster of this machine alone, started for the purpose."""
AUTO = "auto"
"""The address that stands for the cluster that runs on this machine."""

_CALLS_PER_CORE = 4
_SECONDS_TO_ANSWER = 10
_QUIET: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}


class RayRunner:
    """Runs functions as Ray tasks, each on one core, spread over the nodes.

    Attributes:
        cores: how many cores the cluster has.
    """

    def __init__(self) -> None:
        """Take the cluster that this process is connected to."""
        import ray

        self._ray = ray
        self.cores = max(1, int(ray.cluster_resources().get("CPU", 1)))
        self._most = _CALLS_PER_CORE * self.cores
        self._running: deque[Any] = deque()

    @property
    def nodes(self) -> int:
        """How many machines of the cluster are alive."""
        return sum(bool(node["Alive"]) for node in self._ray.nodes())

    def call(
        self, function: Callable[..., Any], *arguments: Any, returns: int | None = None
    ) -> list[Any]:
        """Begin to run a function; see :class:`.sharded_pairs.Runner`."""
        # What was begun before never waits for what comes later, so waiting here is safe; without
        # it, all shards would be handed over before the first one is done.
        while len(self._running) >= self._most:
            self._ray.wait([self._running.popleft()], fetch_local=False)
        # What works on values that lie somewhere is best done there.
        bound = any(isinstance(value, self._ray.ObjectRef) for value in arguments)
        task = self._ray.remote(_only if returns == 1 else function).options(
            num_returns=returns or 1, scheduling_strategy="DEFAULT" if bound else "SPREAD"
        )
        given = (function, *arguments) if returns == 1 else arguments
        begun: Any = task.remote(*given)
        handles = [begun] if (returns or 1) == 1 else list(begun)
        self._running.append(handles[0])
        return handles

    def share(self, value: Any) -> Any:
        """Put a value where all nodes find it."""
        return self._ray.put(value)

    def fetch(self, handles: Sequence[Any]) -> list[Any]:
        """Wait for values."""
        return self._ray.get(list(handles))


def _only(function: Callable[..., list[Any]], *arguments: Any) -> Any:
    """Return the only value of a list: Ray does not take a single value out of one."""
    (value,) = function(*arguments)
    return value


@contextmanager
def ray_cluster(address: str) -> Iterator[RayRunner]:
    """Connect to a cluster, or start a local one, for the time of the context.

    A process that is connected already stays so.

    Args:
        address: ``local``, ``auto`` (the cluster that runs on this machine) or ``HOST:PORT``.

    Raises:
        UsageError: Ray is not installed, or no cluster answers there.
        JobError: Ray gave up.
    """
    if find_spec("ray") is None:
        raise UsageError(
            "Ray is not installed", where=f"--ray {address}", fix="pip install 'tunewise[ray]'"
        )
    # Ray would send figures about its use over the network.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    import ray
    from ray.exceptions import RayError

    connected = ray.is_initialized()
    if not connected:
        _connect(address)
    try:
        yield RayRunner()
    except RayError as error:
        raise JobError(
            f"a step on Ray failed: {str(error).strip().splitlines()[-1]}",
            where=f"--ray {address}",
            fix="look at the cluster's logs; the same version of tunewise must be on every node",
        ) from error
    finally:
        if not connected:
            ray.shutdown()


def _connect(address: str) -> None:
    import ray

    try:
        if address not in (LOCAL, AUTO):
            _reach(address)
        if address == LOCAL:
            ray.init(LOCAL, include_dashboard=False, **_QUIET)
        else:
            ray.init(address, **_QUIET)
    except (OSError, RuntimeError, ValueError) as error:
        raise UsageError(
            f"no Ray cluster answers: {str(error).strip().splitlines()[0]}",
            where=f"--ray {address}",
            fix=f"start one (`ray start --head`), or name `{LOCAL}` for this machine alone",
        ) from error


def _reach(address: str) -> None:
    """Find out whether anybody answers: Ray itself would go on asking for many minutes.

    Raises:
        OSError: nobody does.
        ValueError: this is no address.
    """
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit():
        raise ValueError(f"{address!r} is no HOST:PORT")
    socket.create_connection((host, int(port)), timeout=_SECONDS_TO_ANSWER).close()
