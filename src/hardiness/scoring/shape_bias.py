"""What a page shows of shape bias: by category, as a grid and as a figure, with people beside the models."""

from __future__ import annotations

from collections.abc import Sequence

from hardiness.core import Condition, Dots, Grid, GridCell, Observer, People, Result, Score
from hardiness.reference import Humans, humans, published_series
from hardiness.scoring.grids import Lookup

PUBLISHED = "cue-conflict"
"""The data set that people's answers stand beside; to stimuli of one's own they say nothing."""

METRIC = "shape_bias"


def people_beside(result: Result) -> Humans | None:
    """The answers of people to the published stimuli; ``None`` where a result is of others."""
    return humans() if result.data == PUBLISHED else None


def people_score(result: Result) -> str:
    """People's scores in a line; empty where there are none."""
    people = people_beside(result)
    if people is None:
        return ""
    found = people.overall
    accuracy, shape, texture = (
        _percent(value) for value in (found.cue_accuracy, found.shape_bias, 1 - found.shape_bias)
    )
    low, high = (_percent(bound(people.shape_bias_by_observer.values())) for bound in (min, max))
    return (
        f"humans: cue accuracy {accuracy}, shape bias {shape} ({low} to {high} by person), texture bias {texture}; "
        f"{people.observers} people, {found.trials:,} trials, all 1,200 published stimuli"
    )


def by_category(result: Result) -> Grid | None:
    """Cue accuracy and shape bias by category, under each protocol, and people's shape bias where it is known."""
    at = Lookup(result.scores)
    pairs = [score.condition for score in result.scores if set(score.condition) == {"protocol", "category"}]
    if not pairs:
        return None
    protocols = list(dict.fromkeys(pair["protocol"] for pair in pairs))
    columns = [(metric, protocol) for protocol in protocols for metric in ("cue_accuracy", METRIC)]
    people = people_beside(result)
    rows = []
    for category in dict.fromkeys(pair["category"] for pair in pairs):
        cells = [at.cell(metric, protocol=protocol, category=category) for metric, protocol in columns]
        if people:
            counts = people.categories.get(category)
            cells.append(GridCell(counts.shape_bias) if counts else None)
        rows.append((category.replace("_", " "), tuple(cells)))
    heads = [f"{metric.replace('_', ' ')} ({protocol})" for metric, protocol in columns]
    people_heads = ["humans: shape bias"] if people else []
    return Grid(result.name, "by category of the shape", "category", (*heads, *people_heads), tuple(rows))


def shape_bias(results: Sequence[Result]) -> Dots | None:
    """Shape bias over all stimuli and by the shape's category, under the headline's protocol.

    Source: the plot of Geirhos et al. (2019), arXiv:1811.12231, figure 4.
    Differs: shape is on the right, categories are in the order of the models' bias, and models are side by side.
    """
    protocol = results[0].protocol
    models = [_observer(result, protocol) for result in results if result.scores]
    categories = _ordered(models)
    if not categories:
        return None
    people = people_beside(results[0])
    caption = (
        "Of the answers that name one of the two cues, the share that names the shape "
        f"(protocol {protocol}; lines are 95 % intervals). Without a marker a model answered neither cue."
    )
    if people:
        caption += f" Humans: {people.observers} people, each a line, on the 1,200 published stimuli."
    return Dots(
        name=METRIC,
        title=f"Shape or texture? {_message(models, people)}".strip(),
        caption=caption,
        label="shape bias",
        ends=("← answers by texture", "answers by shape →"),
        all_rows="all stimuli",
        rows=tuple(categories),
        observers=tuple(models),
        people=_people(people) if people else None,
        published=tuple(
            Observer(model, Score(METRIC, rows[-1].value, rows[-1].unit, rows[-1].n), {})
            for model, rows in published_series(PUBLISHED, METRIC).items()
            if people and rows[-1].condition.get("protocol") == protocol
        ),
    )


def _message(models: Sequence[Observer], people: Humans | None) -> str:
    """What the figure says: on which side of the middle the models are, and people."""
    values = [each.overall.value for each in models if each.overall and each.overall.value is not None]
    if not values or not people:
        return ""
    low, high = (f"{100 * bound(values):.0f}" for bound in (min, max))
    span = low if low == high else f"{low} to {high}"
    return f"Models follow the shape in {span} % of conflicts, people in {100 * people.overall.shape_bias:.0f} %"


def _observer(result: Result, protocol: str) -> Observer:
    found = {score.condition: score for score in result.scores if score.metric == METRIC and score.value is not None}
    by_row = {
        condition["category"]: score
        for condition, score in found.items()
        if condition.get("protocol") == protocol and "category" in condition
    }
    return Observer(result.name, found.get(Condition(protocol=protocol)), by_row)


def _people(people: Humans) -> People:
    return People(
        overall=people.overall.shape_bias,
        by_row={name: counts.shape_bias for name, counts in people.categories.items()},
        each=tuple(people.shape_bias_by_observer.values()),
    )


def _ordered(models: Sequence[Observer]) -> list[str]:
    """Categories by the mean of the models' bias, the one nearest to shape first."""
    values: dict[str, list[float]] = {}
    for each in models:
        for category, score in each.by_row.items():
            assert score.value is not None
            values.setdefault(category, []).append(score.value)
    return sorted(values, key=lambda category: (-sum(values[category]) / len(values[category]), category))


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"
