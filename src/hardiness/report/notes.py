"""Notes below a table: warnings, checks that raised doubts, and places in what others published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from hardiness.benchmarks.card import card_of
from hardiness.core.attack_plan import epsilon_text
from hardiness.core.fact import Fact
from hardiness.core.result import Result, Score
from hardiness.core.spread import Interval
from hardiness.reference import robustbench
from hardiness.reference.published_numbers import published_series
from hardiness.reference.timm_results import TIMM_IMAGES, TIMM_SETS, best_rows, parameters_m, timm_row
from hardiness.report.words import advice, joined, sentence
from hardiness.report.words.attack_checks import listed


@dataclass(frozen=True, slots=True)
class Note:
    """Something to know before trusting numbers.

    Attributes:
        text: what.
        models: that it is about; empty for none.
        headline: whether it is said wherever there is a table, and not on a full page alone.
        code: of the fact that it is of; empty where it is of none.
        todo: what to do about it; empty where there is nothing.
        title: of a number that is not there, or has no interval.
        lack: why.
        is_undefined: whether it has no value.
    """

    text: str
    models: tuple[str, ...]
    headline: bool = True
    code: str = ""
    todo: str = ""
    title: str = ""
    lack: Fact | None = None
    is_undefined: bool = False

    @property
    def advised(self) -> str:
        """Its text, and what to do."""
        return joined(self.text, self.todo)

    @property
    def kind(self) -> tuple[Any, ...]:
        """By what notes on lacking numbers are one note: the lack, whatever they had; empty for others."""
        if self.lack is None:
            return ()
        about = {name: value for name, value in self.lack.arguments.items() if name != HAD}
        return self.is_undefined, self.lack.code, tuple(about.items())


def notes_of(result: Result) -> list[Note]:
    """Warnings, why columns are undefined, checks that raised doubts, the verdict, places in published lists."""
    card, name = card_of(result.run), (result.name,)
    titled = [(s, card.title(s.metric, s.condition)) for s in card.column_scores(result.scores)]
    doubts = [fact for fact in result.findings if fact.is_raised or fact.trust is not None]
    return [
        *(Note(sentence(fact), name, code=fact.code, todo=advice(fact)) for fact in result.warnings),
        *(_lacking(s, title, name, card.is_headline(s)) for s, title in titled if s.lack and s.value is None),
        *(_lacking(s, title, name, card.is_headline(s)) for s, title in titled if s.lack and s.value is not None),
        *(Note(f"{fact.code}: {sentence(fact)}", name, code=fact.code, todo=advice(fact)) for fact in doubts),
        *timm_notes(result),
        *leaderboard_notes(result),
    ]


HAD = "had"
"""The argument of lacks that says how much there was."""


def _lacking(score: Score, title: str, models: tuple[str, ...], headline: bool) -> Note:
    assert score.lack is not None
    is_undefined = score.value is None
    told = f"{title} {'is undefined' if is_undefined else 'has no interval'}: {sentence(score.lack)}"
    return Note(told, models, headline, score.lack.code, advice(score.lack), title, score.lack, is_undefined)


def merged(notes: Sequence[Note], models: int, *, advised: bool = True) -> list[str]:
    """Each note once, with the models it is about unless it is about all or none.

    Numbers that lack for one reason are one note.

    Args:
        notes: of one table.
        models: how many it has.
        advised: whether they say what to do, which readers of a paper cannot.
    """
    about: dict[Any, list[str]] = {}
    lacking: dict[Any, list[Note]] = {}
    for note in notes:
        key = note.kind or (note.advised if advised else note.text)
        if note.kind:
            lacking.setdefault(key, []).append(note)
        about.setdefault(key, []).extend(name for name in note.models if name not in about.get(key, []))
    texts = {key: _merged_text(lacking[key]) if key in lacking else key for key in about}
    return [
        texts[key] if len(names) in (0, models) else f"{', '.join(names)}: {texts[key]}" for key, names in about.items()
    ]


def _merged_text(notes: Sequence[Note]) -> str:
    """One note of several on numbers that lack for one reason; the first's own where there is one number."""
    titles, lacks = list(dict.fromkeys(note.title for note in notes)), [note.lack for note in notes if note.lack]
    if len(titles) == 1 and all(lack == lacks[0] for lack in lacks):
        return notes[0].text
    shared = lacks[0]
    if any(lack != shared for lack in lacks):
        shared = replace(shared, arguments={name: value for name, value in shared.arguments.items() if name != HAD})
    is_are, has_have = ("are", "have") if len(titles) > 1 else ("is", "has")
    what = f"{is_are} undefined" if notes[0].is_undefined else f"{has_have} no interval"
    return f"{listed(titles)} {what}: {sentence(shared)}"


def names_of(result: Result) -> tuple[str, ...]:
    """The names under which numbers of this model may have been published: its own, and what it was recognised as."""
    published = (session.get("published_as") for session in result.measured.get("sessions", ()))
    return tuple(dict.fromkeys((result.run.model.name, *filter(None, published))))


ROUNDED_M = 0.005
"""The largest error by which timm rounds millions of parameters."""


def timm_notes(result: Result) -> list[Note]:
    """The place of a model's top-1 among timm's published results, and why its own row there says nothing of it."""
    run, notes = result.run, []
    if result.measured.get("published") or not run.data.has_imagenets_classes or run.data.is_embedded:
        return []
    if not _is_of_whole_set(result):  # a part has no place among models that met all of it
        return []
    for key, metric, title in ((result.benchmark, "top1", "top-1"), ("imagenet-real", "real_top1", "ReaL top-1")):
        score = next((s for s in result.scores if s.metric == metric and not s.condition), None)
        if key in TIMM_SETS and score is not None and score.value is not None:
            notes.append(Note(f"{title} {_place(key, score, _size_m(result))}", (result.name,)))
    row = timm_row(run.model) if notes else None
    return [*notes, Note(row, (result.name,))] if isinstance(row, str) else notes


def _is_of_whole_set(result: Result) -> bool:
    """Whether every image of the set that the published models met was evaluated."""
    images = TIMM_IMAGES.get(result.benchmark, 0)
    return result.counts.complete and not result.counts.failed and 0 < images <= result.run.data.samples


def _size_m(result: Result) -> float | None:
    """Millions of parameters of its model: as counted when it ran, else as timm says; ``None`` where neither does."""
    counted = (session.get("parameters") for session in result.measured.get("sessions", ()))
    parameters = next(filter(None, counted), None)
    return parameters / 1e6 if parameters else parameters_m(result.run.model)


def _place(benchmark: str, score: Score, size: float | None) -> str:
    """The place of a score among all models of timm, and among those of at most this many million parameters."""
    rows = best_rows(benchmark)
    small = tuple(row for row in rows if size is not None and row.parameters_m <= size + ROUNDED_M)
    among = [(f"{len(rows):,} models", rows)]
    if small and size is not None:
        among.append((f"{len(small):,} of at most {size:.3g} million parameters", small))
    assert score.value is not None
    ends = score.interval or Interval(score.value, score.value)
    texts = []
    for name, others in among:
        best, at, worst = (
            1 + sum(row.top1[benchmark] > v for row in others) for v in (ends.high, score.value, ends.low)
        )
        # Behind all of them it would be the last of one more: no place is beyond their number.
        best, at, worst = (min(place, len(others)) for place in (best, at, worst))
        texts.append(f"{at:,}{'' if best == worst else f' ({best:,}–{worst:,})'} of {name}")
    return f"would be place {' and '.join(texts)} in timm's published results"


def leaderboard_notes(result: Result) -> list[Note]:
    """RobustBench's numbers for a model under its benchmark, with the options that differ here; none if not listed."""
    clean, attacked = (published_series(result.benchmark, metric) for metric in ("clean_accuracy", "accuracy"))
    listed = (other for other in names_of(result) if other in clean and other in attacked)
    name = next((other for other in listed if robustbench.is_listed(attacked[other])), None)
    if name is None:
        return []
    before, (after,) = clean[name][0], attacked[name]
    here = result.run.benchmark.options
    differs = [
        f"{option}={expected}"
        for option, expected in (("subset", "robustbench"), ("preprocessing", robustbench.preprocessing(before.source)))
        if here.get(option) != expected
    ]
    text = (
        f"RobustBench lists {name} with {100 * before.value:.2f} % clean and {100 * after.value:.2f} % at "
        f"ε {epsilon_text(after.condition['epsilon'])}, on {after.n:,} images"
    )
    if differs:
        text += f"; for its images and preprocessing: {','.join(differs)}"
    return [Note(text, (result.name,))]
