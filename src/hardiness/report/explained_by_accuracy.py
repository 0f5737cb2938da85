"""The figure of accuracy under a shift over clean accuracy, with the line of published models and its band."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from hardiness.benchmarks.shares import EFFECTIVE
from hardiness.core.forms import from_json
from hardiness.core.result import Result
from hardiness.reference.published_lines import PublishedLine, published_lines, published_points
from hardiness.reference.timm_results import timm_rows
from hardiness.report.charts import Scatter, Spot, Trend
from hardiness.results.comparisons.effective_robustness import fitted
from hardiness.statistics.effective_robustness import EffectiveRobustness, FittedLine

MOST_SENTENCES = 8
"""Models of which a figure's caption says what accuracy explains of each."""

STEPS = 16
"""Points of a curve in a figure."""


def explained_chart(results: Sequence[Result]) -> Scatter | None:
    """Shifted over clean accuracy of a benchmark's results; ``None`` where no result has effective robustness."""
    explained = [
        (result.name, from_json(EffectiveRobustness, details, EFFECTIVE.name))
        for result in results
        if (details := result.details.get(EFFECTIVE.name))
    ]
    if not explained:
        return None
    lines = published_lines(results[0].benchmark)
    clean = [each.clean.number for _, each in explained]
    trends = [trend for line in lines for trend in _trends(line, min(clean), max(clean), lines)]
    points = _published(lines[0])
    through = " and ".join(f"{line.n} models without extra data {line.part}".rstrip() for line in lines)
    classes = f"the classes of {lines[0].clean_on}" if lines[0].clean_on else "all classes"
    caption = (
        f"The line goes through {through} ({lines[0].date[:4]}); in its band lie 95 % of such models. Above it a model "
        "is right more often than its clean accuracy explains. "
        "Dashed: continued beyond them."
    )
    if len(explained) <= MOST_SENTENCES:
        caption += "".join(f" {model}: {explanation_of(each)}." for model, each in explained)
    return Scatter(
        name="explained_by_accuracy",
        title=_message(results[0].benchmark, explained),
        caption=caption,
        x_label=f"clean accuracy among {classes}, % (log-odds scale)",
        label=f"accuracy on {results[0].benchmark}, % (log-odds scale)",
        trends=tuple(trends),
        published=points,
        spots=tuple(Spot(model, each.clean, each.shifted) for model, each in explained),
        beside=f"{len(points):,} published results",
    )


def explanation_of(effect: EffectiveRobustness) -> str:
    """A clause on how much clean accuracy explains, with numbers; no judgement where the line is continued."""
    value, ends = 100 * effect.above.number, effect.above.interval
    between = f"({100 * ends.low:+z.1f} … {100 * ends.high:+z.1f})" if ends else ""
    if effect.continued:
        return f"{value:+z.1f} points {between} from the line continued beyond its models"
    if not _is_apart(effect):
        return f"explained by its clean accuracy: {value:+z.1f} points {between} from the line"
    return f"{abs(value):.1f} points {'more' if value > 0 else 'fewer'} than its clean accuracy explains {between}"


def _is_apart(effect: EffectiveRobustness) -> bool:
    """Whether a model surely lies off the line."""
    ends = effect.above.interval
    return ends is not None and not ends.low <= 0 <= ends.high


def _message(benchmark: str, explained: Sequence[tuple[str, EffectiveRobustness]]) -> str:
    """How many models accuracy explains, how far the others lie from the line, and how many no sentence judges."""
    judged = [(model, each) for model, each in explained if not each.continued]
    continued = len(explained) - len(judged)
    apart = [(model, each.above.number) for model, each in judged if _is_apart(each)]
    beyond = [f"{continued} beyond the line's models not judged"] if continued else []
    if len(judged) < 2:
        return "; ".join([*(f"{model}: {explanation_of(each)}" for model, each in judged), *beyond])
    how_many = f"{len(judged) - len(apart) or 'none'} of" if apart else "all"
    parts = [f"{benchmark}: clean accuracy explains {how_many} {len(judged)} models"]
    for side, sign in (("above", 1), ("below", -1)):
        there = [(model, abs(value)) for model, value in apart if sign * value > 0]
        if there:
            which = f"{there[0][0]} lies" if len(there) == 1 else f"{len(there)} lie"
            sizes = [f"{100 * size:.1f}" for size in sorted(size for _, size in there)]
            parts.append(f"{which} {' to '.join(dict.fromkeys((sizes[0], sizes[-1])))} points {side} the line")
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


def _published(line: PublishedLine) -> tuple[tuple[float, float], ...]:
    """Clean and shifted accuracy of every published model of which both are known on the line's classes."""
    points = [(point.clean, point.shifted) for point in published_points(line.benchmark)]
    for row in timm_rows():
        clean = row.clean.get(line.benchmark) if line.clean_on else row.top1.get("imagenet-val")
        shifted = row.top1.get(line.benchmark)
        if clean is not None and shifted is not None:
            points.append((clean, shifted))
    return tuple(points)
