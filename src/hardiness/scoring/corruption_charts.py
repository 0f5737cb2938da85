"""What a page shows of corruptions: error by severity for each, and a matrix of both."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from hardiness.core import Chart, Condition, Curves, Heat, Interval, Layer, Line, Observer, Panel, Result, Score
from hardiness.core.section import Dots
from hardiness.reference import baseline, distortion_set
from hardiness.scoring.leaderboard import is_comparable, published_on, series_beside
from hardiness.scoring.superlatives import ends_apart, in_words, mean_intervals, words

Errors = dict[tuple[str, int], Score]

BASELINE = "AlexNet"
"""What the published ratios divide by."""


def corruption_charts(results: Sequence[Result]) -> list[Chart]:
    """Error by severity, one small panel a corruption; the matrix; and errors by corruption beside the published."""
    errors = {result.name: _errors(result) for result in results}
    names = list(dict.fromkeys(name for found in errors.values() for name, _ in found))
    severities = sorted({severity for found in errors.values() for _, severity in found})
    charts: list[Chart] = []
    if len(severities) > 1:
        charts.append(_curves(errors, names, severities, results))
    if names:
        charts.append(_matrix(errors, names, severities, results))
    if dots := _by_corruption(results):
        charts.append(dots)
    return charts


def _title(errors: Mapping[str, float], intervals: Mapping[str, Interval]) -> str:
    """Where most and least is lost, by errors as shares, the largest first; a range where these are not apart."""
    names = list(errors)
    if len(names) == 1:
        return f"Error under {words(names[0])} by severity"
    shown = {name: f"{100 * error:.0f}" for name, error in errors.items()}
    most, least = shown[names[0]], shown[names[-1]]
    if most == least:
        return f"As much is lost under each: {most} % wrong"
    if not (apart := ends_apart(errors, intervals)):
        return f"From {least} to {most} % are wrong, by corruption"
    (where, worst), (mild, mildest) = (
        (in_words(map(words, ends), len(names)), " to ".join(dict.fromkeys(shown[name] for name in reversed(ends))))
        for ends in apart
    )
    return f"Most is lost under {where} ({worst} % wrong), least under {mild} ({mildest} %)"


def noise_loss(result: Result) -> Score | None:
    """Error under the worst group of corruptions less that of clean pictures; its condition names the group.

    The interval takes both errors as independent, which is too wide for errors on the same images.

    Source: Newcombe (1998), method 10 for the difference of two proportions, without its correlation,
        doi:10.1002/(SICI)1097-0258(19980430)17:8.
    """
    found = {(s.metric, s.condition.get("group")): s for s in result.scores if set(s.condition) <= {"group"}}
    clean = found.get(("clean_error", None))
    groups = {group: s for (metric, group), s in found.items() if metric == "error" and group and s.value}
    if clean is None or clean.value is None or not groups:
        return None
    group = max(groups, key=lambda name: (groups[name].value or 0.0, name))
    worst = groups[group]
    assert worst.value is not None
    loss, interval = worst.value - clean.value, None
    if worst.interval and clean.interval:
        below = math.hypot(worst.value - worst.interval.low, clean.interval.high - clean.value)
        above = math.hypot(worst.interval.high - worst.value, clean.value - clean.interval.low)
        interval = Interval(max(loss - below, -1.0), min(loss + above, 1.0))
    return Score("loss", loss, "fraction", worst.n, interval, False, Condition(group=group))


def _errors(result: Result) -> Errors:
    return {
        (s.condition["corruption"], s.condition["severity"]): s
        for s in result.scores
        if s.metric == "error" and set(s.condition) == {"corruption", "severity"} and s.value is not None
    }


def _curves(
    errors: dict[str, Errors], names: Sequence[str], severities: Sequence[int], results: Sequence[Result]
) -> Curves:
    ticks = tuple(float(severity) for severity in severities)
    cells = {
        name: [found[name, s] for found in errors.values() for s in severities if (name, s) in found] for name in names
    }
    means = {name: _mean(scores) for name, scores in cells.items()}
    ordered = sorted(names, key=lambda name: (-means[name], name))
    panels, published = [], _published_errors(results, severities)
    for name in ordered:
        lines = []
        for model, found in errors.items():
            points = [(float(s), found[name, s]) for s in severities if (name, s) in found]
            lines.append(_line(model, points))
        shown = tuple(line for line in lines if line.x)
        beside = (published[name],) if name in published else ()
        panels.append(Panel("severity", shown, beside, ticks, tuple(map(str, severities)), name.replace("_", " ")))
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
    known = baseline(results[0].benchmark) if is_comparable(results) else None
    if known is None:
        return {}
    assert known["model"].lower() == BASELINE.lower(), "figures name the published baseline"
    levels = distortion_set(results[0].benchmark).levels
    found = {}
    for name, errors in known.get("error_by_severity", {}).items():
        points = [(float(level), error) for level, error in zip(levels, errors, strict=True) if level in severities]
        found[name] = Line(BASELINE, *(tuple(column) for column in zip(*points, strict=True)))
    return found


def _line(model: str, points: Sequence[tuple[float, Score]]) -> Line:
    known = [(x, s.value, s.interval) for x, s in points if s.value is not None]
    bounded = all(interval is not None for _, _, interval in known)
    return Line(
        model,
        tuple(x for x, _, _ in known),
        tuple(value for _, value, _ in known),
        tuple(i.low for _, _, i in known if i) if bounded else (),
        tuple(i.high for _, _, i in known if i) if bounded else (),
    )


def _matrix(
    errors: dict[str, Errors], names: Sequence[str], severities: Sequence[int], results: Sequence[Result]
) -> Heat:
    """Errors of each model; of one severity alone, which has no curves, with the published ones beside."""
    layers = tuple(
        Layer(model, tuple(tuple(_value(found.get((name, s))) for s in severities) for name in names))
        for model, found in errors.items()
        if found
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
        across="severity",
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
    shown = tuple(sorted(means, key=lambda name: (-means[name], name)))
    published: dict[str, dict[str, Score]] = {}
    for model, series in series_beside(results, "error").items():
        for row in series:
            if set(row.condition) == {"corruption"} and row.condition["corruption"] in shown:
                score = Score("error", row.value, row.unit, row.n, higher_is_better=False)
                published.setdefault(model, {})[row.condition["corruption"]] = score
    overall = series_beside(results, "mean_error")
    beside = tuple(
        Observer(model, Score("mean_error", overall[model][0].value, "fraction", overall[model][0].n), by_row)
        for model, by_row in published.items()
        if model in overall
    )
    grey = f"Grey strokes: models as published, {published_on(results)}."
    title = _mean_title({name: means[name] for name in shown}, mean_intervals(rows))
    label, every = "error ↓ better", "all that were run"
    caption = "Mean over severities."
    return Dots(
        "error_by_corruption", title, caption, label, ("", ""), every, shown, observers, None, beside, grey=grey
    )


def _mean_title(errors: Mapping[str, float], intervals: Mapping[str, Interval]) -> str:
    """Where errors as shares, the largest first, are largest and smallest; a range where these are not apart."""
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
