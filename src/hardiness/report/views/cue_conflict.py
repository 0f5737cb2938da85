"""Shape or texture: models, people and published models by category."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hardiness.benchmarks.cue_conflict import CUE_ACCURACY, SHAPE_BIAS
from hardiness.core.condition import Condition
from hardiness.core.result import Result
from hardiness.reference.closed_questions import vlm_shape_bias
from hardiness.reference.people import Humans, humans
from hardiness.reference.published_numbers import published_series
from hardiness.report.charts import Chart, Dots, Grid, GridCell, Observer, People
from hardiness.report.score_lookup import ScoreLookup
from hardiness.report.views.card_view import CardView, register

PUBLISHED = "cue-conflict"
"""The data set that people's answers stand beside; to stimuli of one's own they say nothing."""


@register("cue_conflict")
class CueConflictView(CardView):
    """Shape bias by category beside people's."""

    def people(self, results: Sequence[Result]) -> str:
        """People's cue accuracy and shape bias."""
        return people_score(results[0])

    def figures(self, results: Sequence[Result]) -> Iterator[Chart | Grid]:
        """Shape bias by category, a grid of it for each model, and chat models as published."""
        yield from filter(None, [shape_bias(results)])
        yield from filter(None, map(by_category, results))
        if any(each.run.model.is_chat and people_beside(each) for each in results):
            yield published_chat_models()

    def sentence(self, result: Result, scores: ScoreLookup) -> str:
        """Shape bias, and people's."""
        bias = scores.value("shape_bias", protocol=result.protocol)
        if bias is None:
            return ""
        people = people_beside(result)
        beside = f" (people: {100 * people.overall.shape_bias:.0f} %)" if people else ""
        return f"follows the shape in {100 * bias:.0f} % of conflicts{beside}"


def people_beside(result: Result) -> Humans | None:
    """The answers of people to the published stimuli; ``None`` where a result is of others."""
    return humans() if result.data == PUBLISHED else None


def people_score(result: Result) -> str:
    """People's scores in a line; empty where there are none."""
    people = people_beside(result)
    if people is None:
        return ""
    overall = people.overall
    accuracy, shape, texture = (
        _percent(value) for value in (overall.cue_accuracy, overall.shape_bias, 1 - overall.shape_bias)
    )
    low, high = (_percent(bound(people.shape_bias_by_observer.values())) for bound in (min, max))
    return (
        f"humans: cue accuracy {accuracy}, shape bias {shape} ({low} to {high} by person), texture bias {texture}; "
        f"{people.observers} people, {overall.trials:,} trials, all 1,200 published stimuli"
    )


def by_category(result: Result) -> Grid | None:
    """Cue accuracy and shape bias by category, under each protocol, and people's shape bias where it is known."""
    lookup = ScoreLookup(result.scores)
    pairs = [score.condition for score in result.scores if set(score.condition) == {"protocol", "category"}]
    if not pairs:
        return None
    protocols = list(dict.fromkeys(pair["protocol"] for pair in pairs))
    columns = [(metric, protocol) for protocol in protocols for metric in (CUE_ACCURACY.name, SHAPE_BIAS.name)]
    people = people_beside(result)
    rows = []
    for category in dict.fromkeys(pair["category"] for pair in pairs):
        cells = [lookup.cell(metric, protocol=protocol, category=category) for metric, protocol in columns]
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
        name=SHAPE_BIAS.name,
        title=f"Shape or texture? {_message(models, people)}".strip(),
        caption=caption,
        label="shape bias",
        ends=("← answers by texture", "answers by shape →"),
        all_rows="all stimuli",
        rows=tuple(categories),
        observers=tuple(models),
        people=_people(people) if people else None,
        published=(
            *(
                Observer(model, SHAPE_BIAS.score(rows[-1].value, rows[-1].n), {})
                for model, rows in published_series(PUBLISHED, SHAPE_BIAS.name).items()
                if people and rows[-1].condition.get("protocol") == protocol
            ),
            *(_published_chat() if people else ()),
        ),
        grey="Grey strokes: published models, among them 42 chat models that were asked, or whose captions were read "
        "(Gavrikov et al. 2025).",
    )


def _published_chat() -> Iterator[Observer]:
    """Shape bias of chat models, by how they were asked.

    Source: Gavrikov et al. (2025), arXiv:2403.09193, on the 1,200 stimuli whose cues are in conflict.
    """
    for row in vlm_shape_bias():
        if row.is_chat:
            answered = round(row.n * row.cue_accuracy)
            yield Observer(f"{row.model} ({row.kind})", SHAPE_BIAS.score(row.shape_bias, answered), {})


def published_chat_models() -> Grid:
    """Published shape bias of chat models, CLIP models and classifiers beside each other."""
    heads = ("shape bias", "cue accuracy", "no answer")
    rows = []
    for row in sorted(vlm_shape_bias(), key=lambda each: (each.kind, -each.shape_bias)):
        missing = None if row.no_answer is None else GridCell(row.no_answer / row.n, shaded=False)
        rows.append((f"{row.model} ({row.kind})", (GridCell(row.shape_bias), GridCell(row.cue_accuracy), missing)))
    return Grid("published", "Gavrikov et al. 2025, 1,200 stimuli with conflicting cues", "model", heads, tuple(rows))


def _message(models: Sequence[Observer], people: Humans | None) -> str:
    """The message: on which side of the middle the models are, and people."""
    values = [observer.overall.value for observer in models if observer.overall and observer.overall.value is not None]
    if not values or not people:
        return ""
    low, high = (f"{100 * bound(values):.0f}" for bound in (min, max))
    span = low if low == high else f"{low} to {high}"
    return f"Models follow the shape in {span} % of conflicts, people in {100 * people.overall.shape_bias:.0f} %"


def _observer(result: Result, protocol: str) -> Observer:
    scores = {
        score.condition: score for score in result.scores if score.metric == SHAPE_BIAS.name and score.value is not None
    }
    by_row = {
        condition["category"]: score
        for condition, score in scores.items()
        if condition.get("protocol") == protocol and "category" in condition
    }
    return Observer(result.name, scores.get(Condition(protocol=protocol)), by_row)


def _people(people: Humans) -> People:
    return People(
        overall=people.overall.shape_bias,
        by_row={name: counts.shape_bias for name, counts in people.categories.items()},
        each=tuple(people.shape_bias_by_observer.values()),
    )


def _ordered(models: Sequence[Observer]) -> list[str]:
    """Categories by the mean of the models' bias, the one nearest to shape first."""
    values: dict[str, list[float]] = {}
    for observer in models:
        for category, score in observer.by_row.items():
            assert score.value is not None
            values.setdefault(category, []).append(score.value)
    return sorted(values, key=lambda category: (-sum(values[category]) / len(values[category]), category))


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"
