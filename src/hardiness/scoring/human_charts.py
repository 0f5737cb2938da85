"""What a page shows of models beside people: accuracy by condition of each set, and by set."""

from __future__ import annotations

from collections.abc import Sequence

from hardiness.core import Chart, Condition, Curves, Dots, Grid, GridCell, Line, Observer, Panel, People, Result, Score
from hardiness.reference import published_series
from hardiness.reference.stimulus_sets import SETS, StimulusSet, stimulus_set
from hardiness.scoring.grids import Lookup

BENCHMARK, METRIC = "model-vs-human", "accuracy"
PEOPLE = "people"

Scores = dict[Condition, Score]


def human_charts(results: Sequence[Result]) -> list[Chart]:
    """All sets in one figure, then one small panel a set whose conditions are several."""
    scores = {result.name: _scores(result) for result in results}
    shown = [name for name in SETS if any(Condition(set=name) in found for found in scores.values())]
    charts: list[Chart] = []
    if shown:
        charts.append(_dots(results, shown, scores))
    if panels := [panel for name in shown if (panel := _panel(stimulus_set(name), scores))]:
        charts.append(_curves(panels))
    return charts


def by_set(result: Result) -> Grid | None:
    """A model's accuracy and people's on each set; ``None`` where there is none."""
    at = Lookup(result.scores)
    found = [stimulus_set(name) for name in SETS if (METRIC, Condition(set=name)) in at]
    rows = tuple((each.name, (at.cell(METRIC, set=each.name), GridCell(each.accuracy))) for each in found)
    return Grid(result.name, "accuracy by set of stimuli", "set", ("model", PEOPLE), rows) if rows else None


def beside_people(result: Result) -> tuple[float, float] | None:
    """A model's mean accuracy over the sets that were run, and people's over the same; ``None`` where there is none."""
    found = _scores(result)
    sets = [name for name in SETS if Condition(set=name) in found]
    if not sets:
        return None
    ours = sum(found[Condition(set=name)].value or 0.0 for name in sets) / len(sets)
    return ours, sum(stimulus_set(name).accuracy for name in sets) / len(sets)


def people_score(results: Sequence[Result]) -> str:
    """People's scores in a line."""
    sets = [name for name in SETS if any(Condition(set=name) in _scores(result) for result in results)]
    if not sets:
        return ""
    known = [stimulus_set(name) for name in sets]
    mean = sum(each.accuracy for each in known) / len(known)
    trials = sum(level.trials for each in known for level in each.levels)
    return f"people: {100 * mean:.1f} on the sets that were run, the mean over sets; {trials:,} trials, all conditions"


def _scores(result: Result) -> Scores:
    return {s.condition: s for s in result.scores if s.metric == METRIC and s.value is not None}


def _panel(of: StimulusSet, scores: dict[str, Scores]) -> Panel | None:
    if len(of.levels) < 2:
        return None
    ticks = tuple(float(place) for place in range(len(of.levels)))
    lines = tuple(line for model, found in scores.items() if (line := _line(model, of, found)).x)
    people = Line(PEOPLE, ticks, tuple(level.accuracy for level in of.levels))
    return Panel(of.axis, lines, (), ticks, tuple(level.title for level in of.levels), of.name, people=people)


def _line(model: str, of: StimulusSet, found: Scores) -> Line:
    points = [
        (float(place), score.value, score.interval)
        for place, level in enumerate(of.levels)
        if (score := found.get(Condition(set=of.name, condition=level.name))) is not None
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


def _dots(results: Sequence[Result], shown: Sequence[str], scores: dict[str, Scores]) -> Dots:
    observers = tuple(
        Observer(
            result.name,
            next((s for s in result.scores if s.metric.startswith("ood_accuracy") and s.value is not None), None),
            {
                name: scores[result.name][Condition(set=name)]
                for name in shown
                if Condition(set=name) in scores[result.name]
            },
        )
        for result in results
    )
    by_row = {name: stimulus_set(name).accuracy for name in shown}
    published = tuple(
        Observer(model, Score("ood_accuracy", rows[-1].value, rows[-1].unit, rows[-1].n), {})
        for model, rows in published_series(BENCHMARK, "ood_accuracy").items()
        if len(shown) == len(SETS)
    )
    overall = sum(by_row.values()) / len(by_row)
    values = [each.overall.value for each in observers if each.overall and each.overall.value is not None]
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
        rows=tuple(shown),
        observers=observers,
        people=People(overall, by_row, ()),
        published=published,
    )


def _span(values: Sequence[float]) -> str:
    if not values:
        return ""
    low, high = f"{100 * min(values):.0f}", f"{100 * max(values):.0f}"
    return f"models recognise {low if low == high else f'{low} to {high}'} %, "
