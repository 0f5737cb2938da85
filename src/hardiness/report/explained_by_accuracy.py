"""The figure of accuracy under a shift over clean accuracy, with the line of published models and its band."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from hardiness.benchmarks.shares import EFFECTIVE
from hardiness.core.forms import from_json
from hardiness.core.result import Result, Score
from hardiness.core.spread import Interval
from hardiness.reference.published_lines import PublishedLine, published_lines, published_points
from hardiness.reference.timm_results import timm_rows
from hardiness.report.charts import Scatter, Spot, Trend
from hardiness.results.comparisons.effective_robustness import fitted
from hardiness.statistics.effective_robustness import EffectiveRobustness, FittedLine
from hardiness.statistics.spreads.combined import TwoEnds

MOST_SENTENCES = 8
"""Models of which a figure's caption says what accuracy explains of each."""

STEPS = 16
"""Points of a curve in a figure."""


def explained_chart(results: Sequence[Result]) -> Scatter | None:
    """Shifted over clean accuracy of a benchmark's results; ``None`` where no result has effective robustness."""
    explained = [
        from_json(EffectiveRobustness, {**details, "model": result.name}, EFFECTIVE.name)
        for result in results
        if (details := result.details.get(EFFECTIVE.name))
    ]
    if not explained:
        return None
    lines = published_lines(results[0].benchmark)
    most, least = max(each.clean for each in explained), min(each.clean for each in explained)
    trends = [trend for line in lines for trend in _trends(line, least, most, lines)]
    points = _published(lines[0])
    through = " and ".join(f"{line.n} models without extra data {line.part}".rstrip() for line in lines)
    classes = f"the classes of {lines[0].clean_on}" if lines[0].clean_on else "all 1,000 classes"
    caption = (
        f"The line goes through {through} ({lines[0].date[:4]}); in its band lie 95 % of such models. Above it a model "
        "is right more often than its clean accuracy explains. "
        "Dashed: continued beyond them."
    )
    if len(explained) <= MOST_SENTENCES:
        caption += "".join(f" {each.model}: {each.sentence}." for each in explained)
    return Scatter(
        name="explained_by_accuracy",
        title=_message(results[0].benchmark, explained),
        caption=caption,
        x_label=f"clean accuracy among {classes}, % (log-odds scale)",
        label=f"accuracy on {results[0].benchmark}, % (log-odds scale)",
        trends=tuple(trends),
        published=points,
        spots=tuple(_spot(each) for each in explained),
        beside=f"{len(points):,} published results",
    )


def _message(benchmark: str, explained: Sequence[EffectiveRobustness]) -> str:
    """How many models accuracy explains, how far the others lie from the line, and how many no sentence judges."""
    judged = [each for each in explained if not each.continued]
    continued = len(explained) - len(judged)
    apart = [each for each in judged if not each.interval.low <= 0 <= each.interval.high]
    beyond = [f"{continued} beyond the line's models not judged"] if continued else []
    if len(judged) < 2:
        return "; ".join([*(f"{each.model}: {each.sentence}" for each in judged), *beyond])
    how_many = f"{len(judged) - len(apart) or 'none'} of" if apart else "all"
    parts = [f"{benchmark}: clean accuracy explains {how_many} {len(judged)} models"]
    for side, sign in (("above", 1), ("below", -1)):
        there = [each for each in apart if sign * each.value > 0]
        if there:
            which = f"{there[0].model} lies" if len(there) == 1 else f"{len(there)} lie"
            least, most = (f(there, key=lambda each: abs(each.value)) for f in (min, max))
            sizes = [f"{100 * abs(each.value):.1f}" for each in (least, most)]
            parts.append(f"{which} {' to '.join(dict.fromkeys(sizes))} points {side} the line")
    return "; ".join([*parts, *beyond])


def _trends(line: PublishedLine, least: float, most: float, lines: Sequence[PublishedLine]) -> list[Trend]:
    """The line over its models, and dashed from there to models beyond; of two lines each only to its own side."""
    low, high = line.clean.low, line.clean.high
    parts = [(low, high, False)]
    if most > high and line is lines[-1]:
        parts.append((high, most, True))
    if least < low and line is lines[0]:
        parts.append((least, low, True))
    return [_trend(fitted(line), *part) for part in parts]


def _trend(line: FittedLine, begin: float, end: float, dashed: bool) -> Trend:
    first, last = (math.log(share / (1 - share)) for share in (begin, min(end, 0.999)))
    x = tuple(float(1 / (1 + math.exp(-logit))) for logit in np.linspace(first, last, STEPS))
    bands = [line.band(share) for share in x]
    return Trend(
        "continued beyond these models" if dashed else f"line of {line.n} standard models, 95 % band",
        x,
        tuple(map(line.expected, x)),
        tuple(band.low for band in bands),
        tuple(band.high for band in bands),
        dashed,
    )


def _spot(each: EffectiveRobustness) -> Spot:
    return Spot(
        each.model,
        _score("clean", each.clean, each.clean_interval),
        _score("shifted", each.shifted, each.shifted_interval),
    )


def _score(metric: str, value: float, interval: Interval) -> Score:
    return Score(metric, value, "fraction", 0, TwoEnds(value, interval.low, interval.high))


def _published(line: PublishedLine) -> tuple[tuple[float, float], ...]:
    """Clean and shifted accuracy of every published model of which both are known on the line's classes."""
    points = [(point.clean, point.shifted) for point in published_points(line.benchmark)]
    for row in timm_rows():
        clean = row.clean.get(line.benchmark) if line.clean_on else row.top1.get("imagenet-val")
        shifted = row.top1.get(line.benchmark)
        if clean is not None and shifted is not None:
            points.append((clean, shifted))
    return tuple(points)
