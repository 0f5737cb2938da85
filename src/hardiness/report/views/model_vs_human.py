"""Distorted objects: accuracy of models and people by set and condition."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hardiness.benchmarks.model_vs_human import ACCURACY, OOD_ACCURACY
from hardiness.core.condition import Condition
from hardiness.core.result import Result, Score
from hardiness.reference.published_numbers import published_series
from hardiness.reference.stimulus_sets import SETS, StimulusSet, stimulus_set
from hardiness.report.charts import Chart, Curves, Dots, Grid, GridCell, Line, Observer, Panel, People
from hardiness.report.score_lookup import ScoreLookup
from hardiness.report.views.card_view import CardView, register

BENCHMARK = "model-vs-human"

PEOPLE = "people"

Scores = dict[Condition, Score]


@register("model_vs_human")
class ModelVsHumanView(CardView):
    """Accuracy by set and condition beside people's."""

    def people(self, results: Sequence[Result]) -> str:
        """People's accuracy on the sets that were run."""
        return people_score(results)

    def figures(self, results: Sequence[Result]) -> Iterator[Chart | Grid]:
        """Accuracy by condition and by set, and a grid of it for each model."""
        yield from human_charts(results)
        yield from filter(None, map(by_set, results))

    def sentence(self, result: Result, scores: ScoreLookup) -> str:
        """Accuracy, and people's on the same sets."""
        beside = beside_people(result)
        if beside is None:
            return ""
        own_mean, people_mean = beside
        return f"recognises {100 * own_mean:.0f} % of distorted objects (people: {100 * people_mean:.0f} %)"


def human_charts(results: Sequence[Result]) -> list[Chart]:
    """All sets in one figure, then one small panel a set whose conditions are several."""
    scores = {result.name: _scores(result) for result in results}
    sets = [name for name in SETS if any(Condition(set=name) in by_condition for by_condition in scores.values())]
    charts: list[Chart] = []
    if sets:
        charts.append(_dots(results, sets, scores))
    if panels := [panel for name in sets if (panel := _panel(stimulus_set(name), scores))]:
        charts.append(_curves(panels))
    return charts


def by_set(result: Result) -> Grid | None:
    """A model's accuracy and people's on each set; ``None`` where there is none."""
    lookup = ScoreLookup(result.scores)
    sets = [stimulus_set(name) for name in SETS if (ACCURACY.name, Condition(set=name)) in lookup]
    rows = tuple(
        (stimuli.name, (lookup.cell(ACCURACY.name, set=stimuli.name), GridCell(stimuli.accuracy))) for stimuli in sets
    )
    return Grid(result.name, "accuracy by set of stimuli", "set", ("model", PEOPLE), rows) if rows else None


def beside_people(result: Result) -> tuple[float, float] | None:
    """A model's mean accuracy over the sets that were run, and people's over the same; ``None`` where there is none."""
    scores = _scores(result)
    sets = [name for name in SETS if Condition(set=name) in scores]
    if not sets:
        return None
    own_mean = sum(scores[Condition(set=name)].value or 0.0 for name in sets) / len(sets)
    return own_mean, sum(stimulus_set(name).accuracy for name in sets) / len(sets)


def people_score(results: Sequence[Result]) -> str:
    """People's scores in a line."""
    sets = [name for name in SETS if any(Condition(set=name) in _scores(result) for result in results)]
    if not sets:
        return ""
    people = [stimulus_set(name) for name in sets]
    mean = sum(stimuli.accuracy for stimuli in people) / len(people)
    trials = sum(level.trials for stimuli in people for level in stimuli.levels)
    return f"people: {100 * mean:.1f} on the sets that were run, the mean over sets; {trials:,} trials, all conditions"


def _scores(result: Result) -> Scores:
    return {s.condition: s for s in result.scores if s.metric == ACCURACY.name and s.value is not None}


def _panel(stimuli: StimulusSet, scores: dict[str, Scores]) -> Panel | None:
    if len(stimuli.levels) < 2:
        return None
    ticks = tuple(float(place) for place in range(len(stimuli.levels)))
    lines = tuple(line for model, by_condition in scores.items() if (line := _line(model, stimuli, by_condition)).x)
    people = Line(PEOPLE, ticks, tuple(level.accuracy for level in stimuli.levels))
    return Panel(
        stimuli.axis, lines, (), ticks, tuple(level.title for level in stimuli.levels), stimuli.name, people=people
    )


def _line(model: str, stimuli: StimulusSet, scores: Scores) -> Line:
    points = [
        (float(place), score.value, score.interval)
        for place, level in enumerate(stimuli.levels)
        if (score := scores.get(Condition(set=stimuli.name, condition=level.name))) is not None
        and score.value is not None
        and score.interval is not None
    ]
    return Line(
        model,
        tuple(x for x, _, _ in points),
        tuple(value for _, value, _ in points),
        tuple(interval.low for _, _, interval in points),
        tuple(interval.high for _, _, interval in points),
    )


def _curves(panels: Sequence[Panel]) -> Curves:
    return Curves(
        "accuracy_by_condition",
        "Accuracy by condition",
        "Accuracy of models and people as pictures are distorted more",
        "Accuracy among 16 categories, from the least distorted condition on; bands are 95 % intervals. The red line: "
        "people in a laboratory, who saw each picture for a fifth of a second.",
        tuple(panels),
        "accuracy ↑ better",
        small=True,
    )


def _dots(results: Sequence[Result], sets: Sequence[str], scores: dict[str, Scores]) -> Dots:
    observers = tuple(
        Observer(
            result.name,
            next((s for s in result.scores if s.metric.startswith("ood_accuracy") and s.value is not None), None),
            {
                name: scores[result.name][Condition(set=name)]
                for name in sets
                if Condition(set=name) in scores[result.name]
            },
        )
        for result in results
    )
    by_row = {name: stimulus_set(name).accuracy for name in sets}
    published = tuple(
        Observer(model, OOD_ACCURACY.score(rows[-1].value, rows[-1].n), {})
        for model, rows in published_series(BENCHMARK, "ood_accuracy").items()
        if len(sets) == len(SETS)
    )
    overall = sum(by_row.values()) / len(by_row)
    values = [
        observer.overall.value for observer in observers if observer.overall and observer.overall.value is not None
    ]
    caption = (
        "Accuracy over the conditions that count: no control, and none in which people were hardly ever right. "
        "Lines are 95 % intervals; people's answers stand beside."
    )
    return Dots(
        name="accuracy_by_set",
        title=f"Distorted objects: {_span(values)}people recognise {100 * overall:.0f} %",
        caption=caption,
        label="accuracy ↑ better",
        ends=("", ""),
        all_rows="mean over sets",
        rows=tuple(sets),
        observers=observers,
        people=People(overall, by_row, ()),
        published=published,
    )


def _span(values: Sequence[float]) -> str:
    if not values:
        return ""
    low, high = f"{100 * min(values):.0f}", f"{100 * max(values):.0f}"
    return f"models recognise {low if low == high else f'{low} to {high}'} %, "
