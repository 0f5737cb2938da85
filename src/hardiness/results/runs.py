"""Stored runs as their protocols see them: image tables and scores, computed once and kept beside their shards."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hardiness.benchmarks.card import Baseline, Card, MissingCard
from hardiness.benchmarks.chat_answers import ENDPOINT_COLUMNS, answer_scores, answer_warnings, chat_outputs
from hardiness.benchmarks.corruptions import strengths_of_run
from hardiness.benchmarks.level_parameters import parameter_entries, quantities_of_entries
from hardiness.benchmarks.operating_limits import (
    CorruptionLevels,
    doubts_on_falling,
    levels_by_corruption,
    limit_scores,
)
from hardiness.benchmarks.own_classes import SEVERITY_BELOW, class_scores, class_warnings
from hardiness.benchmarks.own_code import scoring_code
from hardiness.core.codes import Lack, RunRemark
from hardiness.core.columns import (
    NO_COLUMNS,
    NO_GROUPING,
    Columns,
    ColumnSource,
    Grouping,
    SliceOfPictures,
    join_columns,
    with_given,
)
from hardiness.core.condition import Condition
from hardiness.core.errors import UnknownNameError
from hardiness.core.fact import Fact
from hardiness.core.forms import from_json, json_form
from hardiness.core.memory import return_freed_memory
from hardiness.core.own_sources import sources_digest
from hardiness.core.request import Stop
from hardiness.core.result import Counts, Score
from hardiness.core.run import Run
from hardiness.core.table import RIGHT, Failure, ImageTable, Records
from hardiness.distortions.levels import Quantity
from hardiness.results.clustered import clustered_details, clustered_scores, without_bases, without_interval
from hardiness.results.grouping import clusters_of, gaps_of, slices_of
from hardiness.results.same_rows import earlier_of
from hardiness.statistics.clusters import Clusters
from hardiness.store.memo import Memo, Stamps
from hardiness.store.run import StoredRun, last_began

DIGITS = 6
"""Digits of a hash that are shown."""


def digest_of(value: Any) -> str:
    """16 hexadecimal digits over a JSON value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def question_of(run: Run) -> str:
    """A digest of what is asked of a run's model, whichever weights, view and pictures it has today.

    Of several runs of one model's name that answer one question the last takes the place of the others.
    """
    options, surrogate = json_form(run.benchmark.options), run.surrogate.model if run.surrogate else ""
    return digest_of([run.benchmark.name, run.benchmark.protocol, options, run.data.name, run.seed, surrogate])


def evaluated_last(runs: Sequence[ScoredRun]) -> list[ScoredRun]:
    """The run whose last session began last, among some; several where one session asked for them side by side."""
    if len(runs) < 2:
        return list(runs)
    # Where no session is kept nothing says that it is newer than one of which one is.
    times = [last_began(run.sessions()) or datetime.min.replace(tzinfo=UTC) for run in runs]
    return [run for run, time in zip(runs, times, strict=True) if time == max(times)]


def successors_of(runs: Sequence[ScoredRun]) -> dict[str, ScoredRun]:
    """By the key of each run that another one of its name took the place of: the one that was evaluated last."""
    by_question: dict[tuple[str, str, str], list[ScoredRun]] = {}
    for run in runs:
        identity = run.stored.run
        by_question.setdefault((identity.model.name, identity.precision, question_of(identity)), []).append(run)
    successors = {}
    for alike in by_question.values():
        earlier = earlier_of([run.stored.run for run in alike])
        last = evaluated_last([run for place, run in enumerate(alike) if place not in earlier])
        successors.update({run.stored.key: last[0] for run in alike if run not in last})
    return successors


TABLE = "images"

ROWS = ("sample", "image", "condition", "label")
"""Columns of the rows that every card reads."""

READERS = 3
"""Threads that read shards; more of them wait for each other."""

TOGETHER = 8
"""Shards that a table is made of at once: most of what a small one costs is the same for several."""


def cells_of(stored: StoredRun) -> dict[str, str]:
    """Fingerprints of the conditions' own files, by index, sorted."""
    return {str(condition): fingerprint for condition, fingerprint in sorted(stored.cells.items())}


def digest_of_rows(stored: StoredRun, stamps: Stamps, card: Card) -> str:
    """16 hexadecimal digits that change whenever a shard of a run or its card does."""
    code = [own] if (own := scoring_code(card)) else []
    return digest_of([type(card).__name__, stamps, cells_of(stored), *code])


Scores = tuple[list[Score], list[Fact]]


@dataclass(frozen=True)
class _Scored:
    scores: list[Score]
    findings: list[Fact]


@dataclass(frozen=True)
class _ScoredByClass:
    scores: list[Score]
    warnings: list[Fact]


@dataclass(frozen=True, eq=False, repr=False)
class ScoredRun:
    """A stored run with its table, scores and details; `hardiness.results.folder` makes it, and nothing changes it.

    What was kept is taken only where it is of the same shards (by name, size and time) and the same sources; what is
    missing is computed, and kept where the folder can be written.

    Attributes:
        stored: the run.
        card: that scores it.
        stamps: of its shard files, when the folder was opened.
        strangers: names of the files beside these that are none of ours.
        digest: 16 hexadecimal digits that change whenever a shard or the card does.
        memo: values that follow from its table; `save` keeps them.
        grouping: the clusters and slices that its results are asked for, of columns that its pictures have.
        below, above: as of `hardiness.results.folder.Folder`.
        lacks: the columns that were asked for and that its pictures have not.
        levels: runs of its model at levels of corruptions, whose scores stand with its own.
    """

    stored: StoredRun
    card: Card
    stamps: Stamps
    strangers: Sequence[str]
    digest: str
    memo: Memo
    grouping: Grouping = NO_GROUPING
    below: float | None = None
    above: float | None = None
    lacks: tuple[str, ...] = ()
    levels: tuple[ScoredRun, ...] = ()

    def without_card(self) -> ScoredRun:
        """The run with what was kept of it, as where the package of its card is not installed."""
        card = MissingCard()
        return replace(self, card=card, memo=self.stored.memo(self.digest, "rows", trusted=True))

    @cached_property
    def table(self) -> ImageTable:
        """The image table: read where it was kept, else made of the rows, shard by shard; held until `release`."""
        return self.table_of(self.card, self.stored.run.benchmark.card)

    def columns(self, *names: str) -> ImageTable:
        """The image table with ``right`` and these columns alone, of which no others are read where it was kept."""
        origin = self._made_of(self.card, self.stored.run.benchmark.card)
        table = None if "table" in self.__dict__ else self.memo.columns(TABLE, origin, self.stamps, names)
        return self.table if table is None else table

    def table_of(self, card: Card, name: str, file: str = TABLE) -> ImageTable:
        """The image table as a card of that name makes it: read where it was kept, and joined with what has come since.

        Args:
            card: the run's, or another one that reads its rows.
            name: of the card.
            file: each card has a table of its own.
        """
        run = self.stored.run
        read_by_card = card.columns_read(run)
        columns = None if read_by_card is None else [*ROWS, *read_by_card]

        def make_table(shards: Sequence[str]) -> ImageTable:
            records = [self.stored.read(shard, columns) for shard in shards]
            return card.table(Records.concatenate(each for each in records if each is not None), run)

        def make_tables(shards: Sequence[str]) -> list[ImageTable]:
            with ThreadPoolExecutor(READERS, thread_name_prefix="shards") as readers:
                return list(
                    readers.map(make_table, (shards[at : at + TOGETHER] for at in range(0, len(shards), TOGETHER)))
                )

        return self.memo.table(file, self._made_of(card, name), self.stamps, make_tables, self.stored.unreadable)

    def _made_of(self, card: Card, name: str) -> dict[str, Any]:
        code = {"code": own} if (own := scoring_code(card)) else {}
        return {"card": name, "sources": sources_digest(), "cells": cells_of(self.stored), **code}

    def with_rows(self, table: ImageTable, rows: Sequence[str]) -> ImageTable:
        """Its image table with columns of the stored rows that it does not carry.

        Those that rows have not are left out, and so are rows of sequences, which fill one cell with many frames.

        Args:
            table: its image table, or some columns of it.
            rows: names of columns of the stored rows.
        """
        if not rows or not len(table):
            return table
        records = Records.concatenate(self.stored.parts([*ROWS, *rows]))
        columns = {name: records[name] for name in rows if name in records and records[name].ndim == 1}
        if not columns or len(records) != np.count_nonzero(table.evaluated):
            return table
        beside = ImageTable.from_rows(records, table.conditions, {RIGHT: np.ones(len(records), bool), **columns})
        return replace(table, columns={**table.columns, **{name: beside[name] for name in columns}})

    def release(self) -> None:
        """Let go of the table, so that memory does not grow with the number of runs."""
        for run in self.levels:
            run.release()
        for name in ("clusters", "picture_columns", "ids"):
            self.__dict__.pop(name, None)
        if self.__dict__.pop("table", None) is not None:
            return_freed_memory()

    @cached_property
    def ids(self) -> NDArray[np.object_]:
        """The ids of the pictures of its table, sorted, for which not all of it is read."""
        return self.columns().ids

    @cached_property
    def picture_columns(self) -> Columns:
        """The columns of its pictures: those that are stored beside its rows, and those that were given, which count.

        Remarks say what did not fit, without values.

        Raises:
            ArgumentError: two tables that were given disagree.
            StoreError: what is stored cannot be read.
        """
        stored = self._stored_columns()
        if not self.grouping.columns:  # of these alone no id need be known, for which the table is read
            return stored
        return with_given(stored, self.grouping.columns, self.ids, "rows")

    def _stored_columns(self) -> Columns:
        """The columns that are stored beside its rows."""
        return self.stored.picture_columns()

    @property
    def column_remarks(self) -> list[Fact]:
        """The facts that a person should know of its columns, clusters and slices; raises as `slices_of`."""
        if not (self.grouping or self.grouping.columns or self.lacks) or not len(self.ids):
            return []
        gaps = gaps_of(self.grouping, self.picture_columns, self.ids)
        arguments = {"data": self.stored.run.data.name, "columns": self.lacks}
        lacks = [Fact(RunRemark.LACKS_COLUMNS, arguments)] if self.lacks else []
        return [*self.picture_columns.remarks, *lacks, *gaps]

    @property
    def column_sources(self) -> tuple[ColumnSource, ...]:
        """The files that the columns were read from by which its results are grouped; none where they are by none."""
        return self.picture_columns.sources if self.grouping or self.grouping.columns else ()

    @cached_property
    def clusters(self) -> Clusters | None:
        """The clusters of the pictures of its table; ``None`` where each stands alone; raises as `clusters_of`."""
        if not self.grouping.cluster or not len(self.ids):
            return None
        return clusters_of(self.grouping, self.picture_columns, self.ids)

    @property
    def slices(self) -> list[SliceOfPictures]:
        """The slices of the pictures of its table, none where that is empty; raises as `slices_of`."""
        return slices_of(self.grouping, self.picture_columns, self.ids) if len(self.ids) else []

    @property
    def failures(self) -> tuple[Failure, ...]:
        """The samples that could not be evaluated, with reasons."""
        return from_json(tuple[Failure, ...], self._facts["failures"], "failures")

    @property
    def damage(self) -> list[Fact]:
        """A fact for each shard file that was left out because it is damaged."""
        return [Fact.from_dict(form) for form in self._facts["damage"]]

    @property
    def complaints(self) -> list[Fact]:
        """A line for each file beside the shards that is not what was written, or no file of ours."""
        return self.stored.complaints(self.strangers)

    @property
    def parts(self) -> tuple[str, ...]:
        """Keys of the runs that its rows are of, where they are of several."""
        return ()

    @property
    def companions(self) -> tuple[ScoredRun, ...]:
        """The runs whose rows stand in its result with its own, and whose sessions are none of `sessions`."""
        return self.levels

    def sessions(self) -> list[Any]:
        """The sessions that computed its rows, with how they did."""
        return list(self.stored.measured())

    @property
    def refusal(self) -> str:
        """Why its network was refused when it was last run, so that its rows say nothing; empty where it was not."""
        sessions = self.sessions()
        return str(sessions[-1].get("refused", "")) if sessions else ""

    def counts(self) -> Counts:
        """How much of the whole benchmark stands behind the scores."""
        whole = self.stored.plan.whole
        evaluated = {int(cell): n for cell, n in self._facts["evaluated"].items()}
        return Counts(
            expected=self.stored.run.data.samples * len(whole),
            evaluated=sum(evaluated.get(cell, 0) for cell in whole),
            failed=sum(len(failure["conditions"]) for failure in self._facts["failures"]),
            images=self._facts["images"],
        )

    @property
    def rows(self) -> int:
        """The number of image-cells that were evaluated, whatever is needed for a whole."""
        return sum(self._facts["evaluated"].values())

    def stop(self) -> Stop | None:
        """The stop that it is at; ``None`` where it has none, has come further since, or is complete.

        Where a policy stopped it, verdicts must hold at every look until all pictures were asked for without one.
        """
        stop = self.stored.stop()
        if stop is None:
            return None
        complete, further = self.counts().complete, stop.rows != self.rows
        passed = (complete and further) if stop.policy else (complete or further)
        return None if passed else stop

    def scores(self, baseline: Baseline | None) -> Scores:
        """Scores and findings against a baseline; none where nothing was evaluated."""
        if not self._facts["images"]:
            return [], []

        def compute() -> _Scored:
            scores = without_bases(self._card_scores(baseline))
            findings = self.card.findings(self.table, scores, self.stored.run)
            return _Scored(scores, list(findings))

        scored = self.memo.record(_Scored, f"scores {digest_of(baseline)}", "", compute)
        by_class = self._by_class().scores if self.stored.run.has_own_classes else []
        scores = self._with_levels([*scored.scores, *by_class])
        if clusters := self.clusters:
            if isinstance(self.card, MissingCard):  # which makes no scores, and what is kept is of pictures alone
                return [without_interval(score) for score in scores], scored.findings
            scores = clustered_scores(self._card_scores(baseline), clusters)
            if self.stored.run.has_own_classes:
                scores += clustered_scores(self._class_scores(), clusters)
            scores = self._with_levels(scores)
        return scores, scored.findings

    def _with_levels(self, scores: Sequence[Score]) -> list[Score]:
        """The scores with those of levels, which no mean takes, and the limits in place of severities."""
        if not self.levels:
            return list(scores)
        of_levels = [score for level in self.levels for score in level.scores(None)[0]]
        limits = self._limits().scores
        limited = {str(score.condition["corruption"]) for score in limits}
        others = [
            score
            for score in scores
            if not score.metric.startswith(SEVERITY_BELOW.name) or score.condition.get("corruption") not in limited
        ]
        return [*others, *of_levels, *limits]

    def parameters(self) -> list[dict[str, Any]]:
        """The named parameters of the corruptions of its cells and of its levels, as JSON; kept beside its rows.

        Of a corruption of somebody's own those that were kept where it was registered.
        """
        evaluated = [int(cell) for cell, n in self._facts["evaluated"].items() if n]
        cells = [self.stored.run.conditions[cell] for cell in evaluated]
        cells = [cell for cell in cells if "corruption" in cell and {"severity", "level"} & set(cell)]
        own: list[dict[str, Any]] = []
        if cells:
            protocol = strengths_of_run(self.stored.run)
            digest = digest_of([protocol, *(cell.as_dict() for cell in cells)])
            with suppress(UnknownNameError):
                own = list(self.memo.value("parameters", digest, lambda: parameter_entries(cells, protocol)))
        return [*own, *(entry for level in self.levels for entry in level.parameters())]

    def corruption_levels(self) -> list[CorruptionLevels]:
        """The levels of each corruption at which its model was run."""
        return list(levels_by_corruption((level.table for level in self.levels), self.quantities))

    @property
    def quantities(self) -> dict[Condition, tuple[Quantity, float]]:
        """The quantity of each cell that has one, of its own cells and of its levels."""
        return quantities_of_entries(self.parameters())

    @property
    def level_remarks(self) -> list[Fact]:
        """Warnings on its levels: pictures that failed, damage, and levels that contradict."""
        if not self.levels:
            return []
        facts: list[Fact] = []
        for level in self.levels:
            (cell,) = level.stored.run.conditions
            facts += (*level.damage, *level.complaints)
            if failures := level.failures:
                arguments = {"corruption": cell["corruption"], "level": cell["level"], "pictures": len(failures)}
                first = {"sample": failures[0].sample, "line": failures[0].reason}
                facts.append(Fact(RunRemark.LEVEL_FAILURES, arguments | first))
        return [*facts, *self._limits().warnings]

    def _limits(self) -> _ScoredByClass:
        """The operating limits of its levels, and where these contradict what limits assume."""

        def compute() -> _ScoredByClass:
            levels = self.corruption_levels()
            scores = limit_scores(levels, self.table, self.above, self.clusters)
            return _ScoredByClass(scores, list(doubts_on_falling(levels, scores)))

        if self.clusters is not None:  # their column may be another the next time
            return compute()
        levels = digest_of([level.digest for level in self.levels])
        return self.memo.record(_ScoredByClass, f"limits {self.above}", levels, compute)

    def _card_scores(self, baseline: Baseline | None) -> list[Score]:
        """The scores by its card and, of a chat model, of its answers, made anew from its table."""
        scores = self.without_unavailable(self.card.scores(self.table, self.stored.run, baseline))
        return [*scores, *(answer_scores(self.table) if self.stored.run.model.is_chat else ())]

    def _class_scores(self) -> list[Score]:
        """The scores by class, made anew from its table."""
        return self.without_unavailable(class_scores(self.table, self.stored.run, self.below))

    @property
    def outputs(self) -> str:
        """The kind of its model's outputs, as far as it is known by now, as `ModelIdentity.outputs` has it."""
        return chat_outputs(self.table) if self.stored.run.model.is_chat else self.stored.run.model.outputs

    def without_unavailable(self, scores: Sequence[Score]) -> list[Score]:
        """The scores, without the values of those that need more than the model's outputs, which say so."""
        outputs = self.outputs
        if not outputs:
            return list(scores)
        lacks = [self.card.metric(score.metric).why_unavailable(score.condition, outputs) for score in scores]
        return [
            replace(score, value=None, spread=None, lack=lack) if lack else score
            for score, lack in zip(scores, lacks, strict=True)
        ]

    @property
    def answer_warnings(self) -> list[Fact]:
        """Warnings on a chat model's answers; none of other models."""

        def compute() -> list[Fact]:
            endpoint = Records.concatenate(self.stored.parts([*ROWS, *ENDPOINT_COLUMNS]))
            return answer_warnings(self.table, self.stored.run, endpoint)

        is_some = self.stored.run.model.is_chat and self._facts["images"]
        return self.memo.record(list[Fact], "answers", "", compute) if is_some else []

    @property
    def class_warnings(self) -> list[Fact]:
        """Warnings on a person's own classes; none of ImageNet's, or where nothing was evaluated."""
        has_some = self.stored.run.has_own_classes and self._facts["images"]
        return self._by_class().warnings if has_some else []

    def _by_class(self) -> _ScoredByClass:
        """Scores by class, where classes are a person's own, and what is amiss with these."""

        def compute() -> _ScoredByClass:
            scores = without_bases(self._class_scores())
            return _ScoredByClass(scores, list(class_warnings(self.table, self.stored.run)))

        return self.memo.record(_ScoredByClass, f"scores by class {self.below}", "", compute)

    def details(self) -> dict[str, Any]:
        """Details that a page shows beyond scores; none where nothing was evaluated."""
        if not self._facts["images"]:
            return {}
        details = self.memo.value("details", "", lambda: self.card.details(self.table, self.stored.run))
        return clustered_details(details, self.table, clusters) if (clusters := self.clusters) else dict(details)

    def save(self) -> None:
        """Keep what was computed, where the folder can be written.

        What lacks a damaged shard is not kept: the file may come back with its size and time, or was read badly once.
        """
        for level in self.levels:
            level.save()
        if not self.damage:
            self.memo.save()

    @property
    def _facts(self) -> dict[str, Any]:
        """Counts and failures, so that the table need not be read for them."""

        def compute() -> dict[str, Any]:
            table = self.table
            return {
                "images": len(table),
                "evaluated": {str(cell): n for cell, n in table.counts().items()},
                "failures": json_form(table.failures),
                "damage": json_form(self.stored.damage),
            }

        facts: dict[str, Any] = self.memo.value("facts", "", compute)
        return facts


def without_clusters(*runs: ScoredRun) -> Fact | None:
    """Why numbers of several runs have no interval together: pictures of some alone come in clusters; else ``None``."""
    alone = [run.stored.run.data.name for run in runs if run.clusters is None]
    return Fact(Lack.CLUSTERS_OF_ONE, {"data": alone[0]}) if 0 < len(alone) < len(runs) else None


@dataclass(frozen=True, eq=False, repr=False)
class JoinedRun(ScoredRun):
    """Runs of single sets and one of photographs, as if all rows were of one run.

    Attributes:
        inside: the photographs; ``None`` where they were not evaluated.
        sets: a run of each set, of one model.
    """

    inside: ScoredRun | None = None
    sets: tuple[ScoredRun, ...] = ()

    @property
    def parts(self) -> tuple[str, ...]:
        """The key of the photographs' run, which may be empty, and those of the sets'."""
        return (self.inside.stored.key if self.inside else "", *(run.stored.key for run in self.sets))

    @cached_property
    def table(self) -> ImageTable:
        name = self.stored.run.benchmark.card
        inside = [self.inside.table_of(self.card, name, f"{TABLE}-{name}")] if self.inside else []
        return ImageTable.join([*inside, *(run.table for run in self.sets)])

    def columns(self, *names: str) -> ImageTable:
        """The whole table."""
        return self.table

    def _stored_columns(self) -> Columns:
        """The columns that are stored beside the rows of its parts."""
        columns = NO_COLUMNS
        for run in [*([self.inside] if self.inside else []), *self.sets]:
            columns, _ = join_columns(columns, run.stored.picture_columns())
        return columns

    def with_rows(self, table: ImageTable, rows: Sequence[str]) -> ImageTable:
        """The table as it is: rows of several runs are added to none."""
        return table

    def release(self) -> None:
        super().release()
        for run in self.sets:
            run.release()

    @property
    def damage(self) -> list[Fact]:
        """A fact for each damaged shard file of a set; those of the photographs stand with their own result."""
        return [fact for run in self.sets for fact in run.damage]

    @property
    def complaints(self) -> list[Fact]:
        """A fact for each strange file beside the shards of a set."""
        return [fact for run in self.sets for fact in run.complaints]

    @property
    def companions(self) -> tuple[ScoredRun, ...]:
        return (self.inside,) if self.inside else ()

    def sessions(self) -> list[Any]:
        return [session for run in self.sets for session in run.sessions()]

    @property
    def refusal(self) -> str:
        runs = [*([self.inside] if self.inside else []), *self.sets]
        return next((reason for run in runs if (reason := run.refusal)), "")

    def save(self) -> None:
        for run in self.sets:
            run.save()
        if not self.damage:
            self.memo.save()
