"""The section of a page about one benchmark: what scores and findings say by themselves, and what a view adds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from hardiness.benchmarks.card import Card, card_of, cards
from hardiness.benchmarks.leaderboard import leaderboard_notes, timm_notes
from hardiness.benchmarks.presentation import ScoreTexts
from hardiness.core.forms import from_json
from hardiness.core.result import PARTIAL, Result, Score
from hardiness.core.section import Chart, Gallery, Grid, ModelSentence, Note, Section
from hardiness.report.views.card_view import CardView, views


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
    parts = _parts(run.benchmark.card, results, figures=figures)
    return Section(
        variant=card.variant(run),
        columns=columns,
        notes=tuple(note for result in results for note in notes_of(result)),
        people_score=parts.people,
        charts=[each for each in parts.figures if not isinstance(each, Grid)],
        grids=[each for each in parts.figures if isinstance(each, Grid)],
        place=card.place_of(run),
        headline=card.headline_of(columns),
        group=card.group_of(run),
        others=tuple((group, each) for each in columns if (group := card.metric(each.metric).overview)),
        sayings=parts.sentences,
        galleries=_galleries(results) if figures else [],
        explanations=_explanations(card, results) if figures else (),
    )


class ViewParts(NamedTuple):
    """The parts of a section that a view makes."""

    people: str
    figures: list[Chart | Grid]
    sentences: tuple[ModelSentence, ...]


def _parts(card: str, results: Sequence[Result], *, figures: bool) -> ViewParts:
    """The parts by the view of a card; by the usual one where there is none, or one of somebody else's fails."""
    try:
        return _parts_by(views.find(card) or _ByCard(card_of(results[0].run)), results, figures=figures)
    except Exception as error:
        if not views.give_up(card, error):
            raise
    return _parts_by(CardView(), results, figures=figures)


class _ByCard(CardView):
    """The view of a card that draws itself."""

    def __init__(self, card: Card) -> None:
        self._card = card

    def people(self, results: Sequence[Result]) -> str:
        return str(next(self._card.figures(results))) if self._card.names_people else ""

    def figures(self, results: Sequence[Result]) -> Iterator[Chart | Grid]:
        yield from (each for each in self._card.figures(results) if not isinstance(each, str))

    def sentence(self, result: Result, scores: ScoreTexts) -> str | tuple[str, Score | None]:
        return self._card.sentence(result, scores)


def _parts_by(view: CardView, results: Sequence[Result], *, figures: bool) -> ViewParts:
    people = view.people(results)
    if not figures:
        return ViewParts(people, [], ())
    sentences = (_sentence(view, result) for result in results if result.scores)
    return ViewParts(people, [*view.figures(results)], tuple(filter(None, sentences)))


def _sentence(view: CardView, result: Result) -> ModelSentence | None:
    answer = view.sentence(result, ScoreTexts(result.scores))
    text, score = (answer, _headline_score(result)) if isinstance(answer, str) else answer
    title = card_of(result.run).title(score.metric, score.condition) if score else ""
    return ModelSentence(result.name, text, score, title) if text else None


def _headline_score(result: Result) -> Score | None:
    card = card_of(result.run)
    column = card.headline_of(card.columns_of([result]))
    place = (column.metric, column.condition) if column else None
    return next((score for score in result.scores if (score.metric, score.condition) == place), None)


def _galleries(results: Sequence[Result]) -> list[tuple[str, Gallery]]:
    return [(r.name, from_json(Gallery, g, "galleries")) for r in results for g in r.details.get("galleries", ())]


def _explanations(card: Card, results: Sequence[Result]) -> tuple[tuple[str, str], ...]:
    """The title and meaning of each metric that has a score here."""
    names = dict.fromkeys(score.metric.removesuffix(PARTIAL) for result in results for score in result.scores)
    own = [metric for metric in card.declared if metric.name in names]
    others = [metric for name in names if (metric := card.declared_metric(name)) and metric not in own]
    return tuple((metric.title, metric.explanation) for metric in (*own, *others) if metric.explanation)


def notes_of(result: Result) -> list[Note]:
    """Warnings, why columns are undefined, checks that raised doubts, the verdict, places in published lists."""
    card, name = card_of(result.run), (result.name,)
    titled = [(s, card.title(s.metric, s.condition)) for s in card.column_scores(result.scores)]
    doubts = [finding for finding in result.findings if finding.raised or finding.name == "verdict"]
    return [
        *(Note(warning, name) for warning in result.warnings),
        *(Note(f"{of} is undefined: {s.reason}", name, card.is_headline(s)) for s, of in titled if s.value is None),
        *(
            Note(f"{of} has no interval: {s.interval_reason}", name, card.is_headline(s))
            for s, of in titled
            if s.interval_reason
        ),
        *(Note(f"{finding.name}: {finding.sentence}", name) for finding in doubts),
        *timm_notes(result),
        *leaderboard_notes(result),
    ]
