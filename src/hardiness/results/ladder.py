"""A ladder of exports: from one stored run to the next, which answers, scores and settings change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hardiness.core.codes import ModelNote, RunRemark
from hardiness.core.errors import ArgumentError
from hardiness.core.fact import Fact, error_of
from hardiness.core.forms import json_form
from hardiness.core.run import Run, spelled
from hardiness.core.table import RIGHT
from hardiness.results.comparison import TableKey, hidden_losses, runs_by_table
from hardiness.results.difference_json import difference_json, equivalence_json, finite
from hardiness.results.equivalence import EquivalenceMargin
from hardiness.results.flips import PairFlips, flips_of, places_by_kind, unmatched_answers
from hardiness.results.folder import Folder
from hardiness.results.measured import RunByImage, in_shared_cells, measured_runs, why_not_measured
from hardiness.results.runs import ScoredRun
from hardiness.results.same_rows import same_run, twins_of
from hardiness.results.shared_clusters import clusters_of_runs
from hardiness.statistics.clusters import Clusters
from hardiness.statistics.comparison import Difference, difference, shared_images
from hardiness.statistics.estimate import Estimate, mean
from hardiness.statistics.flips import Flips
from hardiness.statistics.verdicts import Outcome, equivalence_outcome

EXPORT_NOTES = (
    ModelNote.LOW_PRECISION_GRAPH,
    ModelNote.TRAINING_GRAPH,
    ModelNote.SCALES_BY_CALL,
    ModelNote.ANSWERS_ELSEWHERE,
)
"""The notes of a session that say what an export is."""


@dataclass(frozen=True)
class StepPart:
    """The change from one rung to the next in a part of the pictures.

    Attributes:
        name: of a kind of condition, such as a corruption, or a single level; empty for the headline, of all.
        title: of the score, as people call it.
        unit: of the score.
        before, after: its values.
        difference: after less before, paired.
        flips: of the answers; ``None`` where rows have none.
        margin: within which it is held for none; ``None`` where none was stated, or the score has another unit.
    """

    name: str
    title: str
    unit: str
    before: float
    after: float
    difference: Difference
    flips: Flips | None = None
    margin: float | None = None

    @property
    def outcome(self) -> Outcome | None:
        """Whether the two are equivalent within the margin, where there is one."""
        return None if self.margin is None else equivalence_outcome(self.difference.spread, self.margin)


@dataclass(frozen=True)
class ResizeTrial:
    """One rung's network on pictures that were resized in other ways, held against the answers of the other rung.

    Attributes:
        model: the rung that was run again.
        tried: the ways, by library and interpolation.
        explaining: those with which the network gives the other rung's answer to every picture.
        changed: pictures that the two rungs answer differently.
        same: further pictures, which both answer alike.
    """

    model: str
    tried: tuple[str, ...]
    explaining: tuple[str, ...]
    changed: int
    same: int

    @property
    def sentence(self) -> str:
        """The result of the trial in a sentence."""
        pictures = f"{self.changed:,} that change and on {self.same:,} that do not"
        if self.explaining:
            return (
                f"the resize explains the step: {self.model} with the pictures resized by "
                f"{' or by '.join(self.explaining)} gives the other's answers, on {pictures}"
            )
        return (
            f"resizes tried, none of which gives the other's answers on {pictures}: {self.model} with "
            f"{', '.join(self.tried)}"
        )


@dataclass(frozen=True)
class LadderStep:
    """The change from one rung to the next.

    Attributes:
        first, second: the rungs.
        parts: the headline, then each kind of condition.
        changes: settings by which the two runs differ, a phrase each.
        flips: all flips, with those by class and pictures; ``None`` where rows have no answers.
        resize: what another resize explains; ``None`` where that was not tried.
        n: images that both have.
        notes: what a person should know, such as a graph that was exported in training mode.
    """

    first: str
    second: str
    parts: tuple[StepPart, ...]
    changes: tuple[str, ...] = ()
    flips: PairFlips | None = None
    resize: ResizeTrial | None = None
    n: int = 0
    notes: tuple[Fact, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "first": self.first,
            "second": self.second,
            "n": self.n,
            "parts": [_part_json(part) for part in self.parts],
            "changes": list(self.changes),
            "flips": json_form(self.flips),
            "resize": json_form(self.resize),
            "notes": json_form(list(self.notes)),
        }


@dataclass(frozen=True)
class ExportLadder:
    """The steps of a ladder on one benchmark.

    Attributes:
        benchmark, data, variant: which.
        rungs: names of the models, in order.
        steps: from each to the next.
        margin: that verdicts of equivalence are within; ``None`` where none was stated.
        notes: rungs that are missing here.
    """

    benchmark: str
    data: str
    variant: tuple[str, ...]
    rungs: tuple[str, ...]
    steps: tuple[LadderStep, ...]
    margin: float | None = None
    notes: tuple[str, ...] = ()

    @property
    def heading(self) -> str:
        """Benchmark, data and rungs, in a line."""
        return f"{', '.join([f'{self.benchmark} on {self.data}', *self.variant])}: {' → '.join(self.rungs)}"

    def as_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "benchmark": self.benchmark,
            "data": self.data,
            "variant": list(self.variant),
            "rungs": list(self.rungs),
            "margin": self.margin,
            "steps": [step.as_dict() for step in self.steps],
            "notes": list(self.notes),
        }


def rungs_of(ladder: str | Sequence[str]) -> list[str]:
    """The names of the rungs, of a text such as ``"torch+onnx+int8"`` or a list.

    Raises:
        ArgumentError: there are fewer than two, or one is named twice.
    """
    names = [name.strip() for name in (ladder.split("+") if isinstance(ladder, str) else ladder)]
    if len(names) < 2 or not all(names) or len(set(names)) < len(names):
        raise ArgumentError(
            'ladder must name two or more models, each once, in the order of the export, as in "torch+onnx+int8", was '
            f"{'+'.join(names) or 'empty'}"
        )
    return names


@dataclass(frozen=True)
class LadderTable:
    """The runs of a ladder's rungs on one benchmark, of those that are there, in order.

    Attributes:
        key: what only runs of one table agree in.
        runs: by the name of the rung.
        absent: rungs without a run here.
    """

    key: TableKey
    runs: Mapping[str, ScoredRun]
    absent: tuple[str, ...]


def ladder_tables(folder: Folder, rungs: Sequence[str]) -> list[LadderTable]:
    """The runs of a ladder by benchmark: of each on which two rungs or more were run.

    Args:
        folder: the stored runs.
        rungs: names of models, as tables show them, or without what tells runs apart.

    Raises:
        UnknownNameError: a model was not run.
        ArgumentError: no benchmark has two of them, or several runs of one are meant.
    """
    tables = []
    places: dict[str, list[str]] = {rung: [] for rung in rungs}
    for key, runs in sorted(runs_by_table(folder, rungs).items()):
        own = {rung: run for rung in rungs if (run := _run_of(rung, runs, key[0])) is not None}
        for rung in own:
            places[rung].append(f"{key[0]} on {key[1]}")
        if len(own) > 1:
            tables.append(LadderTable(key, own, tuple(rung for rung in rungs if rung not in own)))
    if not tables:
        listed = "; ".join(f"{rung} ({', '.join(where) or 'nothing'})" for rung, where in places.items())
        raise ArgumentError(f"a ladder needs two models that were run on one benchmark and the same data, had {listed}")
    return tables


def _run_of(rung: str, runs: Mapping[str, ScoredRun], benchmark: str) -> ScoredRun | None:
    """The run of a rung; ``None`` where there is none.

    Raises:
        ArgumentError: there are several.
    """
    if rung in runs:
        return runs[rung]
    names = [name for name, run in runs.items() if run.stored.run.model.name == rung]
    if len(names) > 1:
        raise ArgumentError(f"ladder: {rung} names {len(names)} runs on {benchmark}: write one of {', '.join(names)}")
    return runs[names[0]] if names else None


def ladder_of(table: LadderTable, margin: EquivalenceMargin | None = None) -> ExportLadder:
    """The steps of a ladder on one benchmark, from stored rows alone.

    Args:
        table: its runs.
        margin: of verdicts of equivalence; ``None`` for none.

    Raises:
        ArgumentError: two runs' columns say different things of a picture.
    """
    benchmark, data, _, variant = table.key
    steps = tuple(
        _step({first: table.runs[first], second: table.runs[second]}, margin) for first, second in pairwise(table.runs)
    )
    for run in table.runs.values():
        for each in (run, *run.levels):
            each.save()
            each.release()
    notes = [f"{rung}: not run on {benchmark}, and left out of its ladder" for rung in table.absent]
    return ExportLadder(
        benchmark, data, variant, tuple(table.runs), steps, margin.value if margin else None, tuple(notes)
    )


def _step(runs: Mapping[str, ScoredRun], margin: EquivalenceMargin | None) -> LadderStep:
    """The step between two runs."""
    (first, before), (second, after) = runs.items()
    identities = before.stored.run, after.stored.run
    step = LadderStep(first, second, (), tuple(_changes(*identities)), notes=tuple(_notes(before, after)))
    if twins_of(identities):
        step = replace(step, notes=(*step.notes, same_run(*identities, first, second)))
    measured = measured_runs(runs, tables=True)
    if len(measured) < 2:
        reasons = [error_of(why_not_measured(run), name) for name, run in runs.items() if name not in measured]
        return replace(step, notes=(*step.notes, *reasons))
    clusters, _ = clusters_of_runs(runs)
    if any(run.drawn for run in measured.values()):
        measured = in_shared_cells(measured)
    ids = shared_images({name: run.ids for name, run in measured.items()})
    if not len(ids):
        return replace(step, notes=(*step.notes, Fact(RunRemark.NO_SHARED_IMAGE)))
    flips = next(iter(flips_of(runs, clusters)), None)
    parts = (*_parts(measured[first], measured[second], ids, clusters, flips, margin), *_level_parts(runs, margin))
    lines = hidden_losses((part.title, part.difference) for part in parts)
    return replace(step, parts=parts, flips=flips, n=len(ids), notes=(*step.notes, *unmatched_answers(runs), *lines))


def _level_parts(runs: Mapping[str, ScoredRun], margin: EquivalenceMargin | None) -> Iterator[StepPart]:
    """The change of accuracy at each level of a corruption that both runs have, which no mean takes."""
    (first, before), (second, after) = runs.items()
    others = {level.stored.run.conditions[0]: level for level in after.levels}
    for level in before.levels:
        condition = level.stored.run.conditions[0]
        if condition not in others:
            continue
        pair = {first: level, second: others[condition]}
        clusters, _ = clusters_of_runs(pair)
        tables = [run.table for run in pair.values()]
        ids = shared_images({name: table.ids_under(condition) for name, table in zip(pair, tables, strict=True)})
        if not len(ids):
            continue
        rights = [
            (table.cell(RIGHT, condition) == 1)[np.searchsorted(table.ids_under(condition), ids)][:, None]
            for table in tables
        ]
        one, other = (mean(ids, right) for right in rights)
        tested = difference(other, one, 1.0, None, clusters)
        flips = next((each.overall for each in flips_of(pair, clusters)), None)
        name = f"{condition['corruption']} {condition['level']}"
        title, unit = "accuracy", "fraction"
        yield StepPart(name, title, unit, one.value, other.value, tested, flips, _margin_of(margin, unit, title))


def _margin_of(margin: EquivalenceMargin | None, unit: str, title: str) -> float | None:
    """The margin of a score; ``None`` where none was stated, or the score has another unit."""
    return margin.value if margin and margin.is_of(unit, title) else None


def _parts(
    before: RunByImage,
    after: RunByImage,
    ids: NDArray[Any],
    clusters: Clusters | None,
    flips: PairFlips | None,
    margin: EquivalenceMargin | None,
) -> Iterator[StepPart]:
    """The headline of two runs, then each kind of condition: by accuracy where there are answers, else by the score."""

    def part(
        name: str, title: str, unit: str, sides: Sequence[Estimate], span: float, lacks: Fact | None, own: Flips | None
    ) -> StepPart:
        tested = difference(sides[1], sides[0], span, lacks, clusters)
        of_score = _margin_of(margin, unit, title)
        return StepPart(name, title, unit, sides[0].value, sides[1].value, tested, own, of_score)

    for score in [score for score in before.scores if after.counterparts(score)][:1]:
        (one, few), (other, fewer) = before.estimate(score, ids), after.estimate(after.counterparts(score)[0], ids)
        overall = flips.overall if flips else None
        yield part("", before.title(score), before.unit(score), (one, other), score.span, few or fewer, overall)
    if flips is None:
        return
    by_kind = dict(flips.kinds)
    both = [condition for condition in before.conditions if condition in after.conditions]
    for kind, places in places_by_kind(both).items():
        columns = [[run.conditions.index(both[place]) for place in places] for run in (before, after)]
        rights = [
            run.right[np.searchsorted(run.ids, ids)][:, at] for run, at in zip((before, after), columns, strict=True)
        ]
        sides = [mean(ids, right) for right in rights]
        yield part(kind, "accuracy", "fraction", sides, 1.0, None, by_kind.get(kind))


def _changes(before: Run, after: Run) -> Iterator[str]:
    """The settings by which two runs differ, in words."""
    one, other = before.model, after.model
    if one.is_foreign or other.is_foreign:
        sides = [("the earlier", one), ("the later", other)]
        files = [name for name, model in sides if model.is_foreign]
        yield f"{' and '.join(files)} answers come from a file, so that no view is known of them"
    elif before.shows_whole_pictures != after.shows_whole_pictures:
        which = "earlier" if before.shows_whole_pictures else "later"
        corrupted = (
            "; what is corrupted is so at its own size, and no picture of the other"
            if len(before.conditions) > 1
            else ""
        )
        yield f"the {which} model takes whole pictures, and resizes them itself{corrupted}"
    elif one.view != other.view:
        for name, value in json_form(one.view).items():
            if value != (now := json_form(other.view)[name]):
                yield f"{name} {spelled(value, '/')} → {spelled(now, '/')}"
    if one.classes != other.classes and not (one.is_foreign or other.is_foreign):
        yield "the order of the outputs (answers are matched by the names of their classes)"
    for name in dict.fromkeys((*one.options, *other.options)):
        values = [str(model.options.get(name, "none")) for model in (one, other)]
        if values[0] != values[1] and name not in ("predictions", "manifest") and name not in json_form(one.view):
            yield f"{name} {values[0]} → {values[1]}"
    if before.precision != after.precision:
        yield f"precision {before.precision} → {after.precision}"
    if one.outputs != other.outputs and not (one.is_foreign or other.is_foreign):
        yield f"outputs {one.outputs or 'logits'} → {other.outputs or 'logits'}"
    if one.weights_sha256 != other.weights_sha256 and not (one.is_foreign or other.is_foreign):
        yield "the files or weights (by their hash)"
    if one.code_sha256 != other.code_sha256:
        yield "code of one's own (by its hash)"


def _notes(before: ScoredRun, after: ScoredRun) -> Iterator[Fact]:
    """Notes on the export in the sessions of the later run that those of the earlier lack."""
    known, notes = (
        [Fact.from_dict(form) for each in run.sessions() for form in each["notes"]] for run in (before, after)
    )
    name = after.stored.run.model.name
    exported = (note for note in dict.fromkeys(notes) if note.code in EXPORT_NOTES and note not in known)
    yield from (replace(note, about=name) for note in exported)


def _part_json(part: StepPart) -> dict[str, Any]:
    """The JSON form of a part; undefined numbers, which JSON has no word for, are null."""
    return {
        "name": part.name,
        "title": part.title,
        "unit": part.unit,
        "before": finite(part.before),
        "after": finite(part.after),
        "difference": difference_json(part.difference),
        "flips": json_form(part.flips),
        "equivalence": None if part.margin is None else equivalence_json(part.difference, part.margin),
    }
