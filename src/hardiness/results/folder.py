"""Output folders as they are read: their runs with levels and joined, and what follows from these, each made once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from hardiness.benchmarks.card import Card, MissingCard, card_of
from hardiness.benchmarks.operating_limits import is_of_level
from hardiness.benchmarks.options import registry
from hardiness.benchmarks.presentation import benchmark_type
from hardiness.core.columns import NO_GROUPING, Grouping, refuse_no_line
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError, StoreError
from hardiness.core.fact import Fact
from hardiness.core.forms import json_form
from hardiness.core.result import Result
from hardiness.core.run import DataIdentity, Plan, Run
from hardiness.core.table import ImageTable
from hardiness.results.grouping import column_of, named_columns, without_columns
from hardiness.results.noise import Noise, stored_noise
from hardiness.results.results import results_of_runs
from hardiness.results.runs import (
    JoinedRun,
    ScoredRun,
    cells_of,
    digest_of,
    digest_of_rows,
    evaluated_last,
    successors_of,
)
from hardiness.results.same_rows import earlier_of
from hardiness.results.stored_baseline import StoredBaseline
from hardiness.store.run import StoredRun
from hardiness.store.store import Store


@dataclass(frozen=True, eq=False)
class Folder:
    """The runs of one or more output folders, read once: every command and call that reads begins here.

    Runs of several folders are seen together: one that two hold, by its key, is taken once, from where most of it is;
    levels of a corruption and photographs are found wherever they are.

    Attributes:
        stored: the runs that were there when it was opened, folder by folder.
        stores: the folders; none where the runs were at hand.
        problems: a fact for each thing of the folders that cannot be trusted.
        renamed: the folders that have not the names of their runs.
        grouping: the clusters and slices that results are asked for.
        baseline_model: a model whose stored runs ratios divide by, instead of the published baseline.
        below: the share of the clean accuracy below which it falls at some severity, of one's own classes; ``None`` for
            half.
        above: the accuracy of operating limits; ``None`` for half of the clean one.
        verify: whether every row is read again, whatever was kept.
    """

    stored: tuple[StoredRun, ...]
    stores: tuple[Store, ...] = ()
    problems: tuple[Fact, ...] = ()
    renamed: tuple[Fact, ...] = ()
    grouping: Grouping = NO_GROUPING
    baseline_model: str | None = None
    below: float | None = None
    above: float | None = None
    verify: bool = False

    @classmethod
    def open(
        cls,
        *places: Store | str | Path,
        grouping: Grouping = NO_GROUPING,
        baseline: str | None = None,
        below: float | None = None,
        above: float | None = None,
        verify: bool = False,
    ) -> Folder:
        """The runs of some output folders; attributes as of the class. Rows are read when they are needed.

        Raises:
            ArgumentError: ``below`` or ``above`` is not in (0, 1).
            DataError: a place that is named holds no records.
        """
        require_shares(below, above)
        stores = tuple(place if isinstance(place, Store) else Store.open(place) for place in places)
        surveys, damage = [store.survey() for store in stores], [store.check_schema() for store in stores]
        return cls(
            tuple(run for survey in surveys for run in survey.runs),
            stores,
            (*(fact for survey in surveys for fact in survey.problems), *filter(None, damage)),
            tuple(fact for survey in surveys for fact in survey.renamed),
            grouping,
            baseline,
            below,
            above,
            verify,
        )

    @classmethod
    def of(cls, stored: Iterable[StoredRun]) -> Folder:
        """Runs that are at hand, as while they are evaluated: their rows are those of this moment."""
        return cls(tuple(stored))

    @cached_property
    def alone(self) -> tuple[ScoredRun, ...]:
        """Every run by itself; one that is in two folders once.

        Each is asked for those clusters and slices alone whose columns its pictures have, and says in
        `ScoredRun.column_remarks` which it lacks.

        Raises:
            ArgumentError: no run's pictures have a column that is asked for, or a table that is given has no line of
                any picture.
        """
        runs = _fullest_of_keys([self._read(stored) for stored in self.stored])
        if not (self.grouping or self.grouping.columns):
            return tuple(runs)
        filled = [run for run in runs if len(run.ids)]
        for table in self.grouping.columns:
            refuse_no_line(table, [run.ids for run in filled])
        everything = {name: column for run in filled for name, column in run.picture_columns.values.items()}
        for run in filled:
            for name in _missing_columns(run):
                column_of(replace(run.picture_columns, values=everything), name)  # raises where no run has it
        return tuple(map(_fitted, runs))

    @cached_property
    def whole(self) -> tuple[ScoredRun, ...]:
        """The runs as they are compared, each with its levels; a level is alone where there is no run on its set."""
        return tuple(_with_levels(self.alone))

    @cached_property
    def runs(self) -> tuple[ScoredRun, ...]:
        """The runs as results are of them: with their levels, and those of single sets joined with the photographs.

        A run that holds photographs and sets together, as answers from a file do, stays as it is.
        """
        single = [run for run in self.whole if is_of_one_set(run)]
        groups: dict[str, list[ScoredRun]] = {}
        for run in single:
            groups.setdefault(digest_of([_place(run), _kin(run.stored.run)]), []).append(run)
        joined = [run for members in groups.values() for run in self._joined(members)]
        return (*(run for run in self.whole if run not in single), *joined)

    @property
    def address(self) -> str:
        """The folders as a person would type them."""
        return " ".join(store.address for store in self.stores)

    def keys_in(self, store: Store) -> set[str]:
        """The keys of the runs that one of its folders held when it was opened."""
        return {run.key for run in self.stored if run.files is store.files}

    @property
    def is_one_place(self) -> bool:
        """Whether all runs are taken from one output folder."""
        return len({_place(run) for run in self.alone}) <= 1

    @cached_property
    def by_key(self) -> Mapping[str, ScoredRun]:
        """The `runs` by their keys."""
        return {run.stored.key: run for run in self.runs}

    @cached_property
    def successors(self) -> Mapping[str, ScoredRun]:
        """By the key of each run that another one of its name took the place of: the one that was evaluated last."""
        return successors_of(self.runs)

    @cached_property
    def baseline(self) -> StoredBaseline | None:
        """The stored runs that ratios divide by; ``None`` for the published baseline.

        Raises:
            ArgumentError: the model has no stored run to divide by.
        """
        return StoredBaseline.from_runs(self.runs, self.baseline_model) if self.baseline_model else None

    @cached_property
    def noises(self) -> Mapping[str, Noise]:
        """The noise between runs that was measured, by the key of the run.

        Raises:
            StoreError: a record cannot be read.
        """
        return stored_noise(self.stores)

    @cached_property
    def results(self) -> tuple[Result, ...]:
        """The results of all runs, sorted by benchmark, data, protocol, variant, folder and model.

        What was kept of earlier calls is taken; nothing but what this one computes is written, beside the records.

        Raises:
            ArgumentError: as of `alone` and `baseline`.
            StoreError: records cannot be read.
        """
        noises: Mapping[str, Noise] = {}
        with suppress(StoreError):  # which a comparison says
            noises = self.noises
        return tuple(results_of_runs(self.runs, self.baseline, noises))

    def tables_of(self, result: Result) -> Sequence[ImageTable]:
        """The image tables of a result's run and of its levels; none where it is joined of several, or not here."""
        run = self.by_key.get(result.key)
        tables = [] if run is None or run.parts else [each.table for each in (run, *run.levels)]
        if run:
            run.release()
        return tables

    def save(self) -> None:
        """Keep what was computed of the runs."""
        for run in self.runs:
            run.save()

    def _read(self, stored: StoredRun) -> ScoredRun:
        card, (stamps, strangers) = card_of(stored.run), stored.contents()
        digest = digest_of_rows(stored, stamps, card)
        memo = stored.memo(digest, "rows", trusted=isinstance(card, MissingCard), anew=self.verify)
        return ScoredRun(stored, card, stamps, strangers, digest, memo, self.grouping, self.below, self.above)

    def _joined(self, members: Sequence[ScoredRun]) -> list[ScoredRun]:
        """The runs of single sets of one model in one folder, joined with each of its runs on the photographs.

        Photographs of another folder are taken where there are none in their own.
        """
        sets: dict[str, ScoredRun] = {}
        for run in members:  # of a set that has changed since, the run of which most is there
            name = run.stored.run.data.name
            sets[name] = max(sets.get(name, run), run, key=lambda each: each.rows)
        kin = _kin(members[0].stored.run)
        inside = [run for run in self.whole if _is_inside(run, members[0].card) and _kin(run.stored.run) == kin]
        near = [run for run in inside if _place(run) == _place(members[0])]
        chosen: Sequence[ScoredRun | None] = near or inside or [None]
        return [self._join(each, tuple(sets.values())) for each in chosen]

    def _join(self, inside: ScoredRun | None, sets: tuple[ScoredRun, ...]) -> ScoredRun:
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
        stored = replace(first, run=identity, plan=plan, key=identity.key)
        of_inside = [inside.stored.key, inside.stamps, cells_of(inside.stored)] if inside else []
        digest = digest_of([of_inside, [run.digest for run in sets]])
        memo = stored.memo(digest, "joined", anew=self.verify)
        run = JoinedRun(stored, sets[0].card, {}, (), digest, memo, self.grouping, inside=inside, sets=sets)
        return _fitted(run) if self.grouping or self.grouping.columns else run


def require_shares(below: float | None, above: float | None) -> None:
    """Raise unless what a person states in place of half is a share.

    Raises:
        ArgumentError: ``below`` or ``above`` is not in (0, 1).
    """
    for name, stated, example in (("below", below, 0.7), ("above", above, 0.9)):
        if stated is not None and not 0 < stated < 1:
            raise ArgumentError(f"{name} must be above 0 and below 1, as in {example:g}, was {stated:g}")


def _fullest_of_keys(runs: Sequence[ScoredRun]) -> list[ScoredRun]:
    """The runs; of those that several folders hold, by their keys, the first of which most is there."""
    alike: dict[str, list[ScoredRun]] = {}
    for run in runs:
        alike.setdefault(run.stored.key, []).append(run)
    taken = {
        key: same[0] if len(same) == 1 else max(same, key=lambda run: run.counts().evaluated)
        for key, same in alike.items()
    }
    return [run for run in runs if run is taken[run.stored.key]]


def _missing_columns(run: ScoredRun) -> list[str]:
    """The names of the columns that a run is asked for and that its pictures have not."""
    own = run.picture_columns.values
    return [name for name in named_columns(run.grouping, tuple(own)) if name not in own]


def _fitted(run: ScoredRun) -> ScoredRun:
    """The run, asked for those clusters and slices alone whose columns its pictures have."""
    missing = _missing_columns(run) if len(run.ids) else []
    if not missing:
        return run
    own = tuple(run.picture_columns.values)
    return replace(run, grouping=without_columns(run.grouping, missing, own), lacks=tuple(missing))


def _with_levels(runs: Sequence[ScoredRun]) -> list[ScoredRun]:
    """The runs, where those at levels of a corruption are the `levels` of their model's runs on the set.

    Of a level that was run twice, as with another version of its corruption, the run with most rows counts, of equal
    ones that which was evaluated last.
    """
    levels = [run for run in runs if is_of_level(run.stored.run)]
    earlier = earlier_of([run.stored.run for run in levels])
    levels = [run for place, run in enumerate(levels) if place not in earlier]
    if not levels:
        return list(runs)
    whole: list[ScoredRun] = []
    taken: set[str] = set()
    for run in (run for run in runs if run not in levels):
        by_cell: dict[Condition, list[ScoredRun]] = {}
        for level in levels:
            if _is_level_of(level.stored.run, run.stored.run):
                by_cell.setdefault(level.stored.run.conditions[0], []).append(level)
        own = tuple(sorted(map(_fullest, by_cell.values()), key=_place_of_level))
        whole.append(replace(run, levels=own) if own else run)
        taken |= {level.stored.key for alike in by_cell.values() for level in alike}
    return [*whole, *(run for run in levels if run.stored.key not in taken)]


def _place(run: ScoredRun) -> str:
    """The address of the output folder that a run is in."""
    return run.stored.files.address


def _place_of_level(level: ScoredRun) -> tuple[str, float]:
    """The place of a level among others: by corruption, then by value."""
    (cell,) = level.stored.run.conditions
    return str(cell["corruption"]), float(cell["level"].rpartition("=")[2])


def _fullest(runs: Sequence[ScoredRun]) -> ScoredRun:
    most = max(run.rows for run in runs)
    return evaluated_last([run for run in runs if run.rows == most])[0]


def _is_level_of(level: Run, run: Run) -> bool:
    """Whether a run at a level is of the model, the set and the pictures of another run; no JPEG follows a level."""
    apart = ("kernels", "cell")
    options = [{k: v for k, v in json_form(each.benchmark.options).items() if k not in apart} for each in (level, run)]
    benchmarks = [(each.benchmark.name, each.benchmark.card, each.benchmark.protocol) for each in (level, run)]
    is_of_set = benchmarks[0] == benchmarks[1] and options[0] == {**options[1], "jpeg": False}
    return is_of_set and level.data.fingerprint == run.data.fingerprint and _kin(level) == _kin(run)


def is_of_one_set(run: ScoredRun) -> bool:
    """Whether an out-of-distribution run holds the pictures of one outlier set alone."""
    identity = run.stored.run
    alone = list(identity.benchmark.options.get("outside", ())) == [identity.data.name]
    return bool(run.card.joined_with) and alone


def _is_inside(run: ScoredRun, card: Card) -> bool:
    """Whether a run is of the photographs that single sets are held against, in the protocol's own way."""
    identity = run.stored.run
    return benchmark_type(identity) is registry.get(card.joined_with) and not identity.benchmark.options.get("subset")


def _kin(run: Run) -> list[Any]:
    """The facts that runs have in common that belong together."""
    return [
        json_form(run.model),
        json_form(run.input),
        run.seed,
        run.precision,
        run.data.num_classes,
        dict(run.with_ordinal(0).versions),
    ]
