"""A stored run in place of the published baseline that ratios divide by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hardiness.benchmarks.card import Baseline
from hardiness.core.errors import ArgumentError
from hardiness.results.runs import ScoredRun, evaluated_last


@dataclass(frozen=True)
class StoredBaseline:
    """A model whose stored runs ratios divide by: what they measured and their keys, by benchmark and data."""

    model: str
    measured: Mapping[tuple[str, str], Baseline]
    keys: Mapping[tuple[str, str], str]

    @classmethod
    def from_runs(cls, runs: Sequence[ScoredRun], model: str) -> StoredBaseline:
        """The model's stored runs as baselines; of several on one data set the one that was evaluated last.

        Raises:
            ArgumentError: there is none.
        """
        divisible = [run for run in runs if run.card.divides and not run.stored.run.shows_whole_pictures]
        runs_by_place: dict[tuple[str, str], list[ScoredRun]] = {}
        for run in divisible:
            if run.stored.run.model.name == model and len(run.table):
                runs_by_place.setdefault(_place(run), []).append(run)
        measured, keys = {}, {}
        for place, at_place in runs_by_place.items():
            run = max(evaluated_last(at_place), key=lambda run: (run.rows, run.stored.key))
            divisors = run.card.as_baseline(run.table, run.stored.run)
            assert divisors is not None, f"a card that divides gives a baseline: {run.stored.run.benchmark.card}"
            measured[place], keys[place] = divisors, run.stored.key
        if not measured:
            models = sorted({run.stored.run.model.name for run in divisible})
            raise ArgumentError(
                f"--baseline {model}: must be a model with a stored run to divide by, but the output folder has "
                f"{', '.join(models) or 'none'}; run it first, as in -m {model} -b imagenet-c"
            )
        return cls(model, measured, keys)

    def of_run(self, run: ScoredRun) -> Baseline | None:
        """The model's own numbers where that run was made; ``None`` where it was not run there."""
        return self.measured.get(_place(run))

    def as_measured(self, run: ScoredRun) -> dict[str, str]:
        """The model and key of the run that a result's ratios divide by; see `of_run`."""
        return {"model": self.model, "run": self.keys[_place(run)]}


def _place(run: ScoredRun) -> tuple[str, str]:
    return run.stored.run.benchmark.name, run.stored.run.data.fingerprint
