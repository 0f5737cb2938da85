"""The driver of a command on Ray: one plain task a unit; Ray places them and tries again what failed.

Why tasks, and what of it Ray does, is in `docs/decisions/ray.md`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from hardiness.core.codes import RunRemark
from hardiness.core.errors import ModelError
from hardiness.core.fact import Fact
from hardiness.core.progress import Clock, Listener
from hardiness.engine.evaluation import EvaluationOutcome
from hardiness.engine.provenance import package_version
from hardiness.engine.ray_cluster import Cluster, Connection, connect, error_line
from hardiness.engine.ray_task import Errand, UnitListing, evaluate_unit, give_up, list_units

RETRIES = 2
"""How often Ray tries again a unit whose process died, or at which a model raised."""

FRUITLESS = 3
"""Units that fail, before one has not, until the others are left: a model that always raises wastes no night."""

PATIENCE_S = 60.0
"""How long nothing is said of a cluster where no task has listed what is missing."""

STOP_S = 8.0
"""How long a task may take to store what is finished where the command is stopped: a batch and its file."""


def on_ray(errand: Errand, cluster: Cluster, listener: Listener) -> EvaluationOutcome:
    """Evaluate an errand's missing units by tasks on a cluster.

    Raises:
        ModelError: Ray is not installed, the cluster is not there, or no process of it can list the units.
    """
    connection = connect(cluster, on_gpus=str(errand.placing["device"]) != "cpu")
    if connection.dashboard:
        listener.note(f"Ray's dashboard: http://{connection.dashboard.removeprefix('http://')}")
    threads = max(1, int(connection.resources.get("CPU", 1)))
    errand = replace(errand, version=package_version(), threads=threads)
    tasks = _Tasks(connection)
    try:
        listing = _listing(tasks, errand, listener)
        problems = _evaluate(tasks, replace(errand, keys=listing.keys), listing, cluster.actors, listener)
    except KeyboardInterrupt:
        tasks.cancel()
        raise
    return EvaluationOutcome(listing.keys, (*listing.problems, *problems), listing.remarks)


@dataclass(frozen=True)
class _Answer:
    """The answer of a task to a unit, or why there is none."""

    unit: str
    value: Any = None
    reason: str = ""


class _Tasks:
    """The tasks of a command that are under way."""

    def __init__(self, connection: Connection) -> None:
        self.ray, self.needs = connection.ray, connection.needs
        self.flying: dict[Any, str] = {}
        resources = dict(connection.resources)
        self._options = {
            "num_cpus": resources.pop("CPU", 1.0),
            "num_gpus": resources.pop("GPU", 0.0),
            "resources": resources,
            "max_calls": 0,  # one process evaluates many units: on a GPU Ray would begin another for each
            "max_retries": RETRIES,
            "retry_exceptions": True,
        }

    def submit(self, function: Callable[..., Any], unit: str, *arguments: Any) -> None:
        """Have a process call a function on behalf of a unit."""
        self.flying[self.ray.remote(**self._options)(function).remote(*arguments)] = unit

    def ends_within(self, seconds: float) -> bool:
        """Whether one of them ends so soon."""
        return bool(self.ray.wait(list(self.flying), num_returns=1, timeout=seconds)[0])

    def take(self) -> _Answer:
        """Wait for the first that ends."""
        (call, *_), _ = self.ray.wait(list(self.flying), num_returns=1)
        unit = self.flying.pop(call)
        try:
            return _Answer(unit, self.ray.get(call))
        except self.ray.exceptions.WorkerCrashedError:
            return _Answer(unit, reason=f"its process ended at it, in each of {1 + RETRIES} tries")
        except self.ray.exceptions.RayError as error:
            return _Answer(unit, reason=error_line(getattr(error, "cause", None) or error))

    def cancel(self) -> None:
        """Begin no more of them; those under way store the images that are finished."""
        for call in self.flying:
            self.ray.cancel(call)
        if self.flying:
            self.ray.wait(list(self.flying), num_returns=len(self.flying), timeout=STOP_S)
        self.flying.clear()


def _listing(tasks: _Tasks, errand: Errand, listener: Listener) -> UnitListing:
    """What is missing, listed by a task, which has the models."""
    tasks.submit(list_units, "", errand)
    if not tasks.ends_within(PATIENCE_S):
        listener.note(f"Ray loads the models, or waits until the cluster has room for {tasks.needs}")
    answer = tasks.take()
    if answer.reason:
        raise ModelError(f"nothing can be evaluated on Ray: {answer.reason}")
    listing: UnitListing = answer.value
    return listing


def _evaluate(tasks: _Tasks, errand: Errand, listing: UnitListing, most: int | None, listener: Listener) -> list[Fact]:
    """Evaluate all units, benchmark by benchmark, longest first; facts on those that could not be.

    Args:
        tasks: of the command.
        errand: with the keys of the runs.
        listing: what is missing.
        most: units that are evaluated at a time; ``None`` for as many as Ray has room for.
        listener: of progress.
    """
    reference, rows = [tasks.ray.put(errand)], listing.units
    waiting = deque(sorted(rows, key=lambda name: (int(name.partition("-")[0]), -rows[name])))
    failed: list[_Answer] = []
    evaluated = 0
    clock, remaining = Clock(warmup=1), sum(rows.values())
    names = [evaluation.benchmark.name for evaluation in errand.evaluations]
    listener.begin(names[0] if len(names) == 1 else f"{len(names)} benchmarks", listing.rows, listing.rows - remaining)
    while (waiting or tasks.flying) and (evaluated or len(failed) < FRUITLESS):
        while waiting and len(tasks.flying) < (most or len(rows)):
            name = waiting.popleft()
            tasks.submit(evaluate_unit, name, reference, name)
        answer = tasks.take()
        if answer.reason:
            failed.append(answer)
        evaluated += not answer.reason
        remaining -= rows[answer.unit]
        listener.advance(rows[answer.unit])
        if (seconds := clock.estimate(rows[answer.unit], remaining)) is not None:
            listener.estimate(seconds)
    listener.end()
    if failed and not evaluated:
        tasks.cancel()
        reasons = "; ".join(dict.fromkeys(answer.reason for answer in failed))
        return [Fact(RunRemark.UNIT_GIVEN_UP, {"line": reasons, "failed": len(failed), "units": len(rows)})]
    for answer in failed:
        tasks.submit(give_up, answer.unit, reference, answer.unit, answer.reason)
    reasons_by_unit = {answer.unit: answer.reason for answer in failed}
    counts = {"failed": len(failed), "units": len(rows)}
    return [_given_up(tasks.take(), reasons_by_unit, counts) for _ in failed]


def _given_up(stored: _Answer, reasons: Mapping[str, str], counts: Mapping[str, int]) -> Fact:
    """The fact that a unit was given up, whose images are stored as failed."""
    outcome = {"unstored": stored.reason} if stored.reason else {"images": tuple(stored.value)}
    unit = {"unit": stored.unit, "line": reasons[stored.unit]}
    return Fact(RunRemark.UNIT_GIVEN_UP, {**unit, **counts, **outcome})
