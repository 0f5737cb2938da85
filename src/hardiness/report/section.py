"""The section of a page about one benchmark: what scores and findings say by themselves, and what a view adds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from hardiness.benchmarks.card import Card, card_of, cards
from hardiness.benchmarks.galleries import Gallery, galleries_of
from hardiness.benchmarks.presentation import Column
from hardiness.core.benchmark import GROUPS, LAST
from hardiness.core.result import PARTIAL, Result, Score, TextTable
from hardiness.report.charts import Chart, Grid
from hardiness.report.notes import Note, notes_of
from hardiness.report.right_answers import of_right_answers, shows_right_answers
from hardiness.report.score_lookup import ScoreLookup
from hardiness.report.views.card_view import CardView, views


@dataclass(frozen=True, slots=True)
class ModelSentence:
    """A finding about one model, in words with numbers, as the end of a sentence that begins with its name.

    Attributes:
        model: its name.
        text: the finding.
        score: the number that the text is about, for its n and its interval; ``None`` where it is about no one number.
        title: what that number is called.
    """

    model: str
    text: str
    score: Score | None = None
    title: str = ""


@dataclass(frozen=True)
class Section:
    """One benchmark on one data set under one protocol.

    Attributes:
        variant: what tells it from others of the same benchmark and data, e.g. the surrogate of an attack.
        columns: of the table of models, headlines first.
        notes: below it.
        people_score: what people score, in a sentence; empty where nothing is known of them.
        tables: that stand below the table of models.
        charts: its figures; the first says the message, the others are details.
        grids: details of each model.
        place: where it stands among sections, smallest first: the order of the paper's experiments.
        headline: the column that stands for the section in the overview; ``None`` where none has a value.
        group: what the benchmark is about, one of `GROUPS`.
        others: further columns of the overview, each with its group.
        sayings: findings about models.
        galleries: pictures behind the numbers of each model, by its name.
        explanations: its terms, each with what it means.
    """

    variant: tuple[str, ...] = ()
    columns: tuple[Column, ...] = ()
    notes: tuple[Note, ...] = ()
    people_score: str = ""
    tables: Sequence[TextTable] = ()
    charts: Sequence[Chart] = ()
    grids: Sequence[Grid] = field(default=())
    place: int = LAST
    headline: Column | None = None
    group: str = GROUPS[-1]
    others: tuple[tuple[str, Column], ...] = ()
    sayings: tuple[ModelSentence, ...] = ()
    galleries: Sequence[tuple[str, Gallery]] = ()
    explanations: tuple[tuple[str, str], ...] = ()


def section_of(results: Sequence[Result], *, figures: bool = True) -> Section:
    """The section of some results; a card of somebody else's that fails is as one that is not installed.

    Args:
        results: of one benchmark, one data set, one protocol, one variant.
        figures: whether with all that a table leaves out: figures, grids, pictures, sentences, explained terms.
    """
    name = results[0].run.benchmark.card
    try:
        return _section(card_of(results[0].run), results, figures=figures)
    except Exception as error:
        if not cards.give_up(name, error):
            raise
    return _section(card_of(results[0].run), results, figures=figures)


def _section(card: Card, results: Sequence[Result], *, figures: bool) -> Section:
    columns, run = card.columns_of(results), results[0].run
    if shows_right_answers(results):
        columns = tuple(map(of_right_answers, columns))
    parts = _parts(run.benchmark.card, results, figures=figures)
    return Section(
        variant=card.variant(run),
        columns=columns,
        notes=tuple(note for result in results for note in notes_of(result)),
        people_score=parts.people,
        tables=parts.tables,
        charts=[figure for figure in parts.figures if not isinstance(figure, Grid)],
        grids=[figure for figure in parts.figures if isinstance(figure, Grid)],
        place=card.place_of(run),
        headline=card.headline_of(columns),
        group=card.group_of(run),
        others=tuple((group, figure) for figure in columns if (group := card.metric(figure.metric).overview)),
        sayings=parts.sentences,
        galleries=[(r.name, figure) for r in results for figure in galleries_of(r)] if figures else [],
        explanations=_explanations(card, results) if figures else (),
    )


class ViewParts(NamedTuple):
    """The parts of a section that a view makes."""

    people: str
    tables: Sequence[TextTable]
    figures: list[Chart | Grid]
    sentences: tuple[ModelSentence, ...]


def _parts(card: str, results: Sequence[Result], *, figures: bool) -> ViewParts:
    """The parts by the view of a card; by the usual one where there is none, or one of somebody else's fails."""
    try:
        return _parts_by(views.find(card) or CardView(), results, figures=figures)
    except Exception as error:
        if not views.give_up(card, error):
            raise
    return _parts_by(CardView(), results, figures=figures)


def figures_across(results: Sequence[Result]) -> list[Chart]:
    """The figures that several variants of a protocol have in common; none where a view of somebody else's fails."""
    card = results[0].run.benchmark.card
    try:
        return [*(views.find(card) or CardView()).figures_across(results)]
    except Exception as error:
        if not views.give_up(card, error):
            raise
    return []


def _parts_by(view: CardView, results: Sequence[Result], *, figures: bool) -> ViewParts:
    people, tables = view.people(results), view.tables(results)
    if not figures:
        return ViewParts(people, tables, [], ())
    sentences = (_sentence(view, result) for result in results if result.scores)
    return ViewParts(people, tables, [*view.figures(results)], tuple(filter(None, sentences)))


def _sentence(view: CardView, result: Result) -> ModelSentence | None:
    answer = view.sentence(result, ScoreLookup(result.scores))
    text, score = (answer, _headline_score(result)) if isinstance(answer, str) else answer
    title = card_of(result.run).title(score.metric, score.condition) if score else ""
    return ModelSentence(result.name, text, score, title) if text else None


def _headline_score(result: Result) -> Score | None:
    card = card_of(result.run)
    column = card.headline_of(card.columns_of([result]))
    place = (column.metric, column.condition) if column else None
    return next((score for score in result.scores if (score.metric, score.condition) == place), None)


def _explanations(card: Card, results: Sequence[Result]) -> tuple[tuple[str, str], ...]:
    """The title and meaning of each metric that has a score here."""
    names = dict.fromkeys(score.metric.removesuffix(PARTIAL) for result in results for score in result.scores)
    own = [metric for metric in card.declared if metric.name in names]
    others = [metric for name in names if (metric := card.declared_metric(name)) and metric not in own]
    return tuple((metric.title, metric.explanation) for metric in (*own, *others) if metric.explanation)
