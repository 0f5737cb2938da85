"""One process evaluates every unit."""

from __future__ import annotations

from hardiness.engine.worker import Worker


def alone(worker: Worker) -> None:
    """Evaluate every unit with missing rows, in order."""
    worker.run(worker.units(), sum(unit.rows for unit in worker.units()))
