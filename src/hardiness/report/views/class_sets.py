"""Sets of photographs by their parts: accuracy and confidence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

from hardiness.benchmarks.class_sets import class_set_of
from hardiness.core.condition import Condition
from hardiness.core.result import Result, Score
from hardiness.reference.class_sets import ClassSet
from hardiness.reference.published_numbers import PublishedNumber, published_beside
from hardiness.report.charts import Chart, Dots, Heat, Layer, Observer
from hardiness.report.confidence_charts import confidence_charts
from hardiness.report.explained_by_accuracy import explained_chart
from hardiness.report.published_beside import is_comparable, published_on
from hardiness.report.score_lookup import ScoreLookup
from hardiness.report.views.card_view import CardView, register


@register("class_sets")
class ClassSetsView(CardView):
    """Accuracy by part and level of the set, and confidence."""

    def figures(self, results: Sequence[Result]) -> Iterator[Chart]:
        """Accuracy by part, what clean accuracy explains, and how far confidence is trusted."""
        class_set = class_set_of(results[0].run)
        by_part = _matrix(class_set, results) if class_set.axes else _by_part(class_set, results)
        yield from filter(None, (by_part, _by_level(class_set, results), explained_chart(results)))
        yield from confidence_charts(results)

    def sentence(self, result: Result, scores: ScoreLookup) -> str:
        """The share of photographs that are answered rightly."""
        top1 = scores.value("top1")
        return f"answers {100 * top1:.1f} % of {result.benchmark} rightly" if top1 is not None else ""


def _score_of(result: Result, condition: Condition) -> Score | None:
    return next((s for s in result.scores if (s.metric, s.condition) == ("top1", condition)), None)


def _by_part(class_set: ClassSet, results: Sequence[Result]) -> Dots | None:
    """Accuracy by part, a row each."""
    rows = {str(next(iter(part.condition.values()))).replace("_", " "): part.condition for part in class_set.parts}
    observers = []
    for result in results:
        by_row = {name: score for name, condition in rows.items() if (score := _score_of(result, condition))}
        observers.append(Observer(result.name, _score_of(result, Condition()), by_row))
    if not any(observer.by_row for observer in observers):
        return None
    published = _published_by_part(class_set, rows) if is_comparable(results) else ()
    return Dots(
        "accuracy_by_part",
        f"{class_set.title}: accuracy by {next(iter(class_set.parts[0].condition))}",
        "Accuracy on each part of the set; lines are 95 % intervals.",
        "accuracy, higher is better",
        ("", ""),
        "headline",
        tuple(name for name in rows if any(name in observer.by_row for observer in observers)),
        tuple(observers),
        published=published,
        bars=True,
        grey=f"Grey strokes: published models, {published_on(results)}." if published else "",
    )


def _published_by_part(class_set: ClassSet, rows: Mapping[str, Condition]) -> tuple[Observer, ...]:
    """Published accuracies of the set: over everything, and of each part."""
    whole = {model: _as_score(row) for model, row in published_beside(class_set.name, "top1", {}).items()}
    by_row: dict[str, dict[str, Score]] = {model: {} for model in whole}
    for name, condition in rows.items():
        for model, row in published_beside(class_set.name, "top1", condition).items():
            by_row.setdefault(model, {})[name] = _as_score(row)
    return tuple(Observer(model, whole.get(model), scores) for model, scores in by_row.items())


def _as_score(row: PublishedNumber) -> Score:
    return Score(row.metric, row.value, row.unit, row.n, condition=row.condition)


def _by_level(class_set: ClassSet, results: Sequence[Result]) -> Dots | None:
    """Accuracy at each level where the set has no factors, else at the hardest level of each factor, a row each."""
    if not class_set.level:
        return None
    levels = [
        {s.condition: s for s in result.scores if s.metric == "top1" and class_set.level in s.condition}
        for result in results
    ]
    means: dict[Condition, float] = {}
    for condition in dict.fromkeys(chain.from_iterable(levels)):
        values = [each[condition].value or 0.0 for each in levels if condition in each]
        means[condition] = sum(values) / len(values)
    factors: dict[str, list[Condition]] = {}
    for condition in means:
        factors.setdefault(str(condition.get("factor", "")), []).append(condition)
    hardest = [
        condition
        for factor, conditions in factors.items()
        for condition in _hardest(conditions, means, all_of=not factor)
    ]
    rows = {" ".join(map(str, condition.values())).replace("_", " "): condition for condition in hardest}
    if not rows:
        return None
    caption = (
        f"Accuracy on the photographs of each {class_set.level}"
        if "" in factors
        else "Accuracy at the level of each factor at which models are right least often"
    )
    return Dots(
        "accuracy_by_level",
        f"{class_set.title}: {min(rows, key=lambda name: means[rows[name]])} is hardest",
        f"{caption}; lines are 95 % intervals.",
        "accuracy, higher is better",
        ("", ""),
        "headline",
        tuple(rows),
        tuple(
            Observer(
                result.name, _score_of(result, Condition()), {name: each[c] for name, c in rows.items() if c in each}
            )
            for result, each in zip(results, levels, strict=True)
        ),
        bars=True,
    )


def _hardest(levels: Sequence[Condition], means: Mapping[Condition, float], *, all_of: bool) -> Sequence[Condition]:
    """All of a factor's levels, or the one at which models are right least often."""
    return levels if all_of else [min(levels, key=means.__getitem__)]


def _matrix(class_set: ClassSet, results: Sequence[Result]) -> Heat | None:
    """Accuracy by the settings of the counted parts, rows and columns as the set says."""
    down, across = class_set.axes
    counted = [part.condition for part in class_set.parts if part.counted]

    def setting_name(condition: Condition, keys: Sequence[str]) -> str:
        return " ".join(f"ISO {condition[key]}" if key == "iso" else str(condition[key]) for key in keys)

    rows = tuple(dict.fromkeys(setting_name(each, down) for each in counted))
    heads = tuple(dict.fromkeys(setting_name(each, across) for each in counted))
    layers = []
    for result in results:
        values = {
            (setting_name(c, down), setting_name(c, across)): s.value for c in counted if (s := _score_of(result, c))
        }
        if values:
            layers.append(Layer(result.name, tuple(tuple(values.get((row, head)) for head in heads) for row in rows)))
    if not layers:
        return None
    return Heat(
        "accuracy_by_setting",
        f"{class_set.title}: accuracy by light, aperture, shutter and ISO",
        "Accuracy on the same photographs under each setting of the camera, in percent.",
        ", ".join(down),
        heads,
        rows,
        tuple(layers),
        higher_is_better=True,
    )
