"""Several stored runs that are scored as one: each set of other things, beside the photographs of ``imagenet-val``."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from hardiness.core import DataIdentity, ImageTable, Plan, Run
from hardiness.scoring.kept_table import KeptTable, cells_of
from hardiness.scoring.kept_values import KeptValues, digest_of
from hardiness.scoring.scored_run import SCORING, ScoredRun
from hardiness.scoring.trust import CLEAN

CARD = "ood"


def with_joined(runs: Sequence[ScoredRun], verify: bool = False) -> list[ScoredRun]:
    """The runs, where those of single sets of other things are joined with their model's run on the photographs.

    A run that holds photographs and sets together, as earlier versions stored them, stays as it is.
    """
    alone = [run for run in runs if is_of_one_set(run.stored.run)]
    groups: dict[str, list[ScoredRun]] = {}
    for run in alone:
        groups.setdefault(digest_of(_kin(run.stored.run)), []).append(run)
    made: list[ScoredRun] = []
    for members in groups.values():
        sets: dict[str, ScoredRun] = {}
        for run in members:  # of a set that has changed since, the run of which most is there
            name = run.stored.run.data.name
            sets[name] = max(sets.get(name, run), run, key=lambda each: each.rows)
        kin = _kin(members[0].stored.run)
        inside: list[ScoredRun | None] = [
            run for run in runs if _is_inside(run.stored.run) and _kin(run.stored.run) == kin
        ]
        made += [JoinedRun(each, list(sets.values()), verify) for each in inside or [None]]
    return [*(run for run in runs if run not in alone), *made]


def is_of_one_set(run: Run) -> bool:
    """Whether a run is of one set of other things, without the photographs that it is held against."""
    return run.benchmark.card == CARD and list(run.benchmark.options.get("outside", ())) == [run.data.name]


def _is_inside(run: Run) -> bool:
    return run.benchmark.name == CLEAN and not run.benchmark.options and run.benchmark.card == "classification"


def _kin(run: Run) -> list[Any]:
    """What runs have in common that belong together."""
    whole = run.as_dict()
    names = ("model", "model_options", "weights_sha256", "outputs_sha256", "code_sha256", "view", "input")
    return [*(whole[name] for name in names), run.seed, run.precision, run.data.num_classes, dict(run.versions)]


class JoinedRun(ScoredRun):
    """Runs of single sets and one of photographs, as if all rows were of one run.

    Args:
        inside: the photographs; ``None`` where they were not evaluated.
        sets: a run of each set, of one model.
        verify: read every row of the photographs again; those of the sets are as they were given.
    """

    def __init__(self, inside: ScoredRun | None, sets: Sequence[ScoredRun], verify: bool = False) -> None:
        self.inside, self.sets = inside, sets
        self.card, self._table = sets[0].card, None
        parts = [*([inside] if inside else []), *sets]
        data = [part.stored.run.data for part in parts]
        first = sets[0].stored
        identity = replace(
            first.run,
            benchmark=replace(first.run.benchmark, options={"outside": [run.stored.run.data.name for run in sets]}),
            data=DataIdentity(
                name=data[0].name,
                fingerprint=hashlib.sha256("".join(each.fingerprint for each in data).encode()).hexdigest(),
                samples=sum(each.samples for each in data),
                num_classes=data[0].num_classes,
            ),
        )
        plan: Plan = replace(first.plan, location=parts[0].stored.plan.location, released=parts[0].stored.plan.released)
        self.stored = replace(first, run=identity, plan=plan, key=identity.key)
        self._inside_table = None
        if inside:
            self._inside_table = KeptTable(inside.stored, self.card, inside.stamps, verify, CARD)
        self._values = KeptValues(self.stored, self.digest, anew=verify)

    @property
    def parts(self) -> tuple[str, ...]:
        """The key of the photographs' run, which may be empty, and those of the sets'."""
        return (self.inside.stored.key if self.inside else "", *(run.stored.key for run in self.sets))

    @cached_property
    def digest(self) -> str:
        """16 hexadecimal digits that change whenever a shard or the card does."""
        inside = [self.inside.stored.key, self.inside.stamps, cells_of(self.inside.stored)] if self.inside else []
        return digest_of([SCORING, self.card.version, inside, [run.digest for run in self.sets]])

    @property
    def table(self) -> ImageTable:
        """The image table of all parts; held until `release`."""
        if self._table is None:
            inside = [self._inside_table.made()] if self._inside_table else []
            self._table = ImageTable.join([*inside, *(run.table for run in self.sets)])
        return self._table

    def columns(self, *names: str) -> ImageTable:
        """The whole table."""
        return self.table

    def release(self) -> None:
        """Let go of the tables."""
        self._table = None
        for run in self.sets:
            run.release()

    @property
    def damage(self) -> list[str]:
        """A line for each damaged shard file of a set; those of the photographs stand with their own result."""
        return [line for run in self.sets for line in run.damage]

    @property
    def complaints(self) -> list[str]:
        """A line for each strange file beside the shards of a set."""
        return [line for run in self.sets for line in run.complaints]

    def sessions(self) -> list[Any]:
        """How the rows of every part were computed."""
        return [session for run in self.sets for session in run.sessions()]

    def save(self) -> None:
        """Keep what was computed, where the folders can be written."""
        for run in self.sets[1:]:
            run.save()
        self._values.save()
