"""A run's log in MLflow, on this machine unless MLFLOW_TRACKING_URI names a server."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ...workspace.errors import MissingExtraError
from ..models.base_model import first_line

EXPERIMENT = "tunewise"
_DATABASE_NAME = "mlflow.db"
# As many characters of a parameter's value as MLflow takes.
_LONGEST_PARAMETER = 6_000


class MlflowRun:
    """One attempt at a run; the numbers of a step go in one call."""

    def __init__(self, client: Any, run: str) -> None:
        """Take a client and the id of a run that it has created."""
        self._client = client
        self._run = run

    def record(self, step: int, values: Mapping[str, float], time: float) -> None:
        """Log the numbers of a step."""
        from mlflow.entities import Metric

        moment = int(time * 1000)
        metrics = [Metric(name, value, moment, step) for name, value in values.items()]
        self._client.log_batch(self._run, metrics=metrics)

    def show(self, step: int, samples: Sequence[Mapping[str, str]], time: float) -> None:
        """Keep the answers as a JSON file of the run."""
        self._client.log_dict(self._run, {"samples": list(samples)}, f"samples/step_{step}.json")

    def close(self, *, done: bool) -> None:
        """End the run."""
        self._client.set_terminated(self._run, "FINISHED" if done else "KILLED")


def open_mlflow() -> Callable[[Path, str, Mapping[str, Any]], MlflowRun]:
    """Import MLflow, and return what begins a run there.

    Raises:
        MissingExtraError: it is not installed.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    try:
        import alembic  # noqa: F401  # its database needs both
        import sqlalchemy  # noqa: F401
        from mlflow.tracking import MlflowClient
    except ImportError as error:
        raise MissingExtraError(
            error.name or "mlflow", extra="mlflow", purpose="report_to = mlflow"
        ) from error

    def begin(folder: Path, run: str, parameters: Mapping[str, Any]) -> MlflowRun:
        from mlflow.entities import Param
        from mlflow.exceptions import MlflowException

        # It tells of every table that it makes.
        for name in ("mlflow", "alembic"):
            logging.getLogger(name).setLevel(logging.ERROR)
        server = os.environ.get("MLFLOW_TRACKING_URI")
        folder.mkdir(parents=True, exist_ok=True)
        client = MlflowClient(tracking_uri=server or f"sqlite:///{folder / _DATABASE_NAME}")
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME", EXPERIMENT)
        found = client.get_experiment_by_name(name)
        try:
            place = None if server else (folder / "artifacts").as_uri()
            experiment = (
                found.experiment_id
                if found
                else client.create_experiment(name, artifact_location=place)
            )
        except MlflowException as error:
            raise RuntimeError(first_line(error)) from error
        begun = client.create_run(experiment, run_name=run)
        params = [Param(key, str(value)[:_LONGEST_PARAMETER]) for key, value in parameters.items()]
        client.log_batch(begun.info.run_id, params=params)
        return MlflowRun(client, begun.info.run_id)

    return begin
