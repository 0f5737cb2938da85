"""``mlflow``: runs of the experiment ``hardiness``, at ``MLFLOW_TRACKING_URI`` or else in ``OUT/mlflow.db``."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping
from typing import Any

from hardiness.report.loggers.logger import TrackerRun, register

EXPERIMENT, LONGEST = "hardiness", 500
"""Name of the experiment, and characters of a parameter that every server takes."""


class MLflow:
    """One run of an MLflow server or database."""

    def __init__(self, client: Any, run_id: str) -> None:
        self._client = client
        self._run_id = run_id

    def log(self, numbers: Mapping[str, float], step: int) -> None:
        from mlflow.entities import Metric

        now = int(1000 * time.time())
        metrics = [Metric(name, value, now, step) for name, value in numbers.items()]
        for first in range(0, len(metrics), 1000):
            self._client.log_batch(self._run_id, metrics=metrics[first : first + 1000])

    def close(self) -> None:
        self._client.set_terminated(self._run_id)


@register(
    "mlflow",
    "mlflow",
    "sqlalchemy",
    "alembic",
    quiet={"MLFLOW_DISABLE_TELEMETRY": "true"},
    summary="A new run of the experiment, with what was run as its parameters.",
)
def open_mlflow(tracked: TrackerRun) -> MLflow:
    """The run of a tracker, opened."""
    from mlflow import MlflowClient

    logging.getLogger("mlflow").setLevel(logging.WARNING)  # it tells of every table that it makes
    folder = tracked.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    server = os.environ.get("MLFLOW_TRACKING_URI")
    client = MlflowClient(tracking_uri=server or f"sqlite:///{folder / 'mlflow.db'}")
    existing = client.get_experiment_by_name(EXPERIMENT)
    files = None if server else (folder / "mlruns").as_uri()
    experiment = existing.experiment_id if existing else client.create_experiment(EXPERIMENT, artifact_location=files)
    run_id = client.create_run(experiment, run_name=tracked.name).info.run_id
    for name, text in tracked.about.items():
        client.log_param(run_id, name, text[:LONGEST])
    return MLflow(client, run_id)
