"""Errors by corruption and severity, beside the published ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from hardiness.benchmarks.corruption_errors import ERROR, MEAN_ERROR
from hardiness.benchmarks.presentation import words
from hardiness.core.condition import Condition
from hardiness.core.result import Interval, Metric, Result, Score
from hardiness.reference.published_numbers import baseline
from hardiness.reference.sets import distortion_set
from hardiness.report.calibration_by_severity import calibration_by_severity
from hardiness.report.charts import Chart, Curves, Dots, Grid, Heat, Layer, Line, Observer, Panel
from hardiness.report.explained_by_accuracy import explained_chart
from hardiness.report.headings import ends_apart, in_words, mean_intervals
from hardiness.report.levels import level_figures
from hardiness.report.published_beside import is_comparable, published_on, series_beside
from hardiness.report.score_lookup import ScoreLookup
from hardiness.report.views.card_view import CardView, register
from hardiness.statistics.intervals import newcombe, within

LOSS = Metric(
    "loss", higher_is_better=False, explanation="error under the worst group of corruptions less clean error."
)

Errors = dict[tuple[str, int], Score]

BASELINE = "AlexNet"
"""The model whose errors published ratios divide by."""


@register("corruption")
class CorruptionView(CardView):
    """Errors by corruption and severity, and the loss under the worst group."""

    def figures(self, results: Sequence[Result]) -> Iterator[Chart | Grid]:
        """Errors and calibration by severity, and a grid of errors for each model."""
        yield from corruption_charts(results)
        yield from filter(None, (calibration_by_severity(results), explained_chart(results)))
        yield from filter(None, map(_grid, results))
        yield from level_figures(results)

    def sentence(self, result: Result, scores: ScoreLookup) -> str | tuple[str, Score | None]:
        """How much is lost under the worst group of corruptions; the mean error where there are no groups."""
        score = noise_loss(result)
        if score is None:
            error = scores.score(MEAN_ERROR.name)
            if error is None or error.value is None:
                return ""
            return f"errs on {100 * error.value:.0f} % of corrupted pictures", error
        loss = score.value or 0.0
        where = str(score.condition["group"])
        where = f"{where} corruptions" if where == "digital" else where  # the others are nouns
        return f"loses {100 * loss:.0f} points under {where}" if loss > 0 else "loses nothing under corruptions", score


def corruption_charts(results: Sequence[Result]) -> list[Chart]:
    """Error by severity, one small panel a corruption; the matrix; and errors by corruption beside the published."""
    errors = {result.name: _errors(result) for result in results}
    names = list(dict.fromkeys(name for by_cell in errors.values() for name, _ in by_cell))
    severities = sorted({severity for by_cell in errors.values() for _, severity in by_cell})
    charts: list[Chart] = []
    if len(severities) > 1:
        charts.append(_curves(errors, names, severities, results))
    if names:
        charts.append(_matrix(errors, names, severities, results))
    if dots := _by_corruption(results):
        charts.append(dots)
    return charts


def _title(errors: Mapping[str, float], intervals: Mapping[str, Interval]) -> str:
    """The corruptions under which most and least is lost, by errors as shares, largest first; else a range."""
    names = list(errors)
    if len(names) == 1:
        return f"Error under {words(names[0])} by severity"
    percents = {name: f"{100 * error:.0f}" for name, error in errors.items()}
    most, least = percents[names[0]], percents[names[-1]]
    if most == least:
        return f"As much is lost under each: {most} % wrong"
    if not (apart := ends_apart(errors, intervals)):
        return f"From {least} to {most} % are wrong, by corruption"
    (where, worst), (mild, mildest) = (
        (in_words(map(words, ends), len(names)), " to ".join(dict.fromkeys(percents[name] for name in reversed(ends))))
        for ends in apart
    )
    return f"Most is lost under {where} ({worst} % wrong), least under {mild} ({mildest} %)"


def noise_loss(result: Result) -> Score | None:
    """Error under the worst group of corruptions less that of clean pictures; its condition names the group.

    The interval takes both errors as independent, which is too wide for errors on the same images.

    Source: Newcombe (1998), method 10 for the difference of two proportions, without its correlation,
        doi:10.1002/(SICI)1097-0258(19980430)17:8.
    """
    scores = {(s.metric, s.condition.get("group")): s for s in result.scores if set(s.condition) <= {"group"}}
    clean = scores.get(("clean_error", None))
    groups = {group: s for (metric, group), s in scores.items() if metric == "error" and group and s.value}
    if clean is None or clean.value is None or not groups:
        return None
    group = max(groups, key=lambda name: (groups[name].value or 0.0, name))
    worst = groups[group]
    assert worst.value is not None
    loss, interval = worst.value - clean.value, None
    if worst.interval and clean.interval:
        interval = within(newcombe(worst.value, worst.interval, clean.value, clean.interval), -1.0)
    return LOSS.score(loss, worst.n, interval, Condition(group=group))


def _errors(result: Result) -> Errors:
    return {
        (s.condition["corruption"], s.condition["severity"]): s
        for s in result.scores
        if s.metric == "error" and _is_cell_of_set(s, result) and s.value is not None
    }


def _is_cell_of_set(score: Score, result: Result) -> bool:
    """Whether a score is of a cell of the set that the run is of, and not of a severity that stands beside it.

    A published result lists no cells: all of its scores are of the set.
    """
    cells = result.run.conditions
    return set(score.condition) == {"corruption", "severity"} and (score.condition in cells or len(cells) < 2)


def _curves(
    errors: dict[str, Errors], names: Sequence[str], severities: Sequence[int], results: Sequence[Result]
) -> Curves:
    ticks = tuple(float(severity) for severity in severities)
    cells = {
        name: [by_cell[name, s] for by_cell in errors.values() for s in severities if (name, s) in by_cell]
        for name in names
    }
    means = {name: _mean(scores) for name, scores in cells.items()}
    ordered = sorted(names, key=lambda name: (-means[name], name))
    panels, published = [], _published_errors(results, severities)
    for name in ordered:
        lines = []
        for model, by_cell in errors.items():
            points = [(float(s), by_cell[name, s]) for s in severities if (name, s) in by_cell]
            lines.append(_line(model, points))
        curves = tuple(line for line in lines if line.x)
        beside = (published[name],) if name in published else ()
        panels.append(Panel("severity", curves, beside, ticks, tuple(map(str, severities)), name.replace("_", " ")))
    return Curves(
        "error_by_severity",
        "Error by severity",
        _title({name: means[name] for name in ordered}, mean_intervals(cells)),
        "Error by severity of each corruption, the most harmful first; bands are 95 % intervals.",
        tuple(panels),
        "error ↓ better",
        small=True,
        beside=f"{BASELINE} as published",
        grey=f"Thin grey lines: {BASELINE} as published, {published_on(results)}.",
    )


def _published_errors(results: Sequence[Result], severities: Sequence[int]) -> dict[str, Line]:
    """The published errors that ratios divide by, as a curve over these severities, by corruption."""
    published = baseline(results[0].benchmark) if is_comparable(results) else None
    if published is None:
        return {}
    assert published["model"].lower() == BASELINE.lower(), "figures name the published baseline"
    levels = distortion_set(results[0].benchmark).levels
    curves = {}
    for name, errors in published.get("error_by_severity", {}).items():
        points = [(float(level), error) for level, error in zip(levels, errors, strict=True) if level in severities]
        curves[name] = Line(BASELINE, *(tuple(column) for column in zip(*points, strict=True)))
    return curves


def _line(model: str, points: Sequence[tuple[float, Score]]) -> Line:
    values = [(x, s.value, s.interval) for x, s in points if s.value is not None]
    bounded = all(interval is not None for _, _, interval in values)
    return Line(
        model,
        tuple(x for x, _, _ in values),
        tuple(value for _, value, _ in values),
        tuple(i.low for _, _, i in values if i) if bounded else (),
        tuple(i.high for _, _, i in values if i) if bounded else (),
    )


def _matrix(
    errors: dict[str, Errors], names: Sequence[str], severities: Sequence[int], results: Sequence[Result]
) -> Heat:
    """Errors of each model; of one severity alone, which has no curves, with the published ones beside."""
    layers = tuple(
        Layer(model, tuple(tuple(_value(by_cell.get((name, s))) for s in severities) for name in names))
        for model, by_cell in errors.items()
        if by_cell
    )
    caption = (
        "The stronger the colour, the worse. With two models chosen, the first shows its difference to the second."
    )
    if len(severities) == 1 and (published := _published_errors(results, severities)):
        of_each = tuple(published[name].y if name in published else (None,) for name in names)
        layers += (Layer(BASELINE, of_each),)
        caption += f" {BASELINE}: as published, {published_on(results)}."
    return Heat(
        "error_matrix",
        "Error by corruption and severity, in %",
        caption,
        "severity",
        tuple(str(severity) for severity in severities),
        tuple(names),
        layers,
    )


def _by_corruption(results: Sequence[Result]) -> Dots | None:
    """Mean error of each corruption over its severities, with the published models as strokes."""
    observers = tuple(_observer(result) for result in results)
    rows: dict[str, list[Score]] = {}
    for each in observers:
        for name, score in each.by_row.items():
            rows.setdefault(name, []).append(score)
    if not rows:
        return None
    means = {name: _mean(scores) for name, scores in rows.items()}
    ordered = tuple(sorted(means, key=lambda name: (-means[name], name)))
    published: dict[str, dict[str, Score]] = {}
    for model, series in series_beside(results, "error").items():
        for row in series:
            if set(row.condition) == {"corruption"} and row.condition["corruption"] in ordered:
                score = ERROR.score(row.value, row.n)
                published.setdefault(model, {})[row.condition["corruption"]] = score
    overall = series_beside(results, "mean_error")
    beside = tuple(
        Observer(model, MEAN_ERROR.score(overall[model][0].value, overall[model][0].n), by_row)
        for model, by_row in published.items()
        if model in overall
    )
    grey = f"Grey strokes: models as published, {published_on(results)}."
    title = _mean_title({name: means[name] for name in ordered}, mean_intervals(rows))
    label, all_rows = "error ↓ better", "all that were run"
    caption = "Mean over severities."
    return Dots(
        "error_by_corruption", title, caption, label, ("", ""), all_rows, ordered, observers, None, beside, grey=grey
    )


def _mean_title(errors: Mapping[str, float], intervals: Mapping[str, Interval]) -> str:
    """The corruptions with the largest and the smallest errors, as shares, largest first; else a range."""
    names = list(errors)
    if len(names) == 1:
        return f"Error under {words(names[0])}"
    most, least = (f"{100 * errors[name]:.1f}" for name in (names[0], names[-1]))
    if most == least:
        return "Error by corruption: the same under each"
    if not (apart := ends_apart(errors, intervals)):
        return f"Error by corruption: {least} to {most} %"
    where, mild = (in_words(map(words, ends), len(errors)) for ends in apart)
    return f"Error by corruption: most under {where}, least under {mild}"


def _observer(result: Result) -> Observer:
    by_row = {
        str(s.condition["corruption"]): s
        for s in result.scores
        if s.metric == "error" and set(s.condition) == {"corruption"} and s.value is not None
    }
    overall = next((s for s in result.scores if s.metric.startswith("mean_error") and s.value is not None), None)
    return Observer(result.name, overall, by_row)


def _mean(scores: Sequence[Score]) -> float:
    return sum(s.value for s in scores if s.value is not None) / max(1, len(scores))


def _value(score: Score | None) -> float | None:
    return None if score is None else score.value


def _grid(result: Result) -> Grid | None:
    """Errors by corruption and severity, with each row's mean and CE; ``None`` where a result has no such cells."""
    cells = [score.condition for score in result.scores if _is_cell_of_set(score, result)]
    if not cells:
        return None
    lookup = ScoreLookup(result.scores)
    severities = sorted({cell["severity"] for cell in cells})
    names = list(dict.fromkeys(cell["corruption"] for cell in cells))
    has_ratios = not result.run.data.classes or any(score.metric == "ce" for score in result.scores)
    rows = [
        (
            name.replace("_", " "),
            (
                *(lookup.cell("error", corruption=name, severity=severity) for severity in severities),
                lookup.cell("error", corruption=name),
                *((lookup.cell("ce", shaded=False, corruption=name),) if has_ratios else ()),
            ),
        )
        for name in names
    ]
    means = [lookup.cell("error", severity=severity) for severity in severities]
    if len(names) > 1 and any(means):
        whole = lookup.cell("mce", shaded=False) or lookup.cell("mce_partial", shaded=False)
        mean = lookup.cell("mean_error") or lookup.cell("mean_error_partial")
        rows.append(("all of the set", (*means, mean, *((whole,) if has_ratios else ()))))
    heads = (*(f"severity {severity}" for severity in severities), "mean", *(("CE",) if has_ratios else ()))
    return Grid(result.name, "error by corruption and severity", "corruption", heads, tuple(rows))
