"""A stored run in place of the published baseline that ratios divide by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hardiness.core import ArgumentError, Records
from hardiness.scoring import Context, baselines, reductions
from hardiness.store import StoredRun


def read(run: StoredRun) -> Records:
    """The rows of a run, or what its scorer needs of them where it says so."""
    scorer, context = run.run.benchmark.card, Context(run.run)
    if scorer not in reductions:
        return run.records()
    reduction = reductions.get(scorer)
    return run.records(lambda rows: reduction(rows, context))


@dataclass(frozen=True)
class StandIn:
    """A model whose stored runs ratios divide by: what they measured, by benchmark and data fingerprint."""

    model: str
    measured: Mapping[tuple[str, str], Mapping[str, Any]]

    @classmethod
    def of(cls, runs: Sequence[StoredRun], model: str) -> StandIn:
        """The model's stored runs as baselines; of several on one data set the last counts.

        Raises:
            ArgumentError: there is none.
        """
        divisible = [run for run in runs if run.run.benchmark.card in baselines]
        measured = {}
        for run in divisible:
            if run.run.model.name == model and len(records := read(run)):
                as_baseline = baselines.get(run.run.benchmark.card)
                measured[_place(run)] = as_baseline(records, Context(run.run))
        if not measured:
            models = sorted({run.run.model.name for run in divisible})
            raise ArgumentError(
                f"--baseline {model}: must be a model with a stored run to divide by, but the output folder has "
                f"{', '.join(models) or 'none'}; run it first, as in -m {model} -b imagenet-c"
            )
        return cls(model, measured)

    def for_run(self, run: StoredRun) -> Mapping[str, Any] | None:
        """What the model measured where that run was made; ``None`` where it was not run there."""
        return self.measured.get(_place(run))


def _place(run: StoredRun) -> tuple[str, str]:
    return run.run.benchmark.name, run.run.data.fingerprint
