"""Errors by corruption and severity, beside the published ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from hardiness.benchmarks.corruption_errors import ERROR, MEAN_ERROR
from hardiness.benchmarks.presentation import words
from hardiness.core.condition import Condition
from hardiness.core.result import PARTIAL, Metric, Result, Score, TextTable
from hardiness.core.spread import Interval
from hardiness.reference.published_numbers import baseline
from hardiness.reference.sets import distortion_set
from hardiness.report.calibration_by_severity import calibration_by_severity
from hardiness.report.charts import Chart, Curves, Dots, Grid, Heat, Layer, Line, Observer, Panel
from hardiness.report.explained_by_accuracy import explained_chart
from hardiness.report.headings import ends_apart, in_words, mean_intervals
from hardiness.report.levels import level_figures, level_tables
from hardiness.report.published_beside import is_comparable, published_on, series_beside
from hardiness.report.right_answers import complement, shows_right_answers
from hardiness.report.score_lookup import ScoreLookup
from hardiness.report.views.card_view import CardView, register
from hardiness.statistics.spreads.combined import Sum, cut

LOSS = Metric(
    "loss", higher_is_better=False, explanation="error under the worst group of corruptions less clean error."
)

Cells = dict[tuple[str, int], Score]
"""A score by corruption and severity."""

SHARES = (ERROR.name, MEAN_ERROR.name)
"""Shares of wrong answers by corruption and severity, and over all of them."""

BASELINE = "AlexNet"
"""The model whose errors published ratios divide by."""


@register("corruption")
class CorruptionView(CardView):
    """Errors by corruption and severity, and the loss under the worst group."""

    def tables(self, results: Sequence[Result]) -> Sequence[TextTable]:
        """The scores at levels, and the operating limits."""
        return level_tables(results)

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
            if shows_right_answers([result]):
                return f"is right on {100 * (1 - error.value):.0f} % of corrupted pictures", complement(error)
            return f"errs on {100 * error.value:.0f} % of corrupted pictures", error
        loss = score.value or 0.0
        where = str(score.condition["group"])
        where = f"{where} corruptions" if where == "digital" else where  # the others are nouns
        return f"loses {100 * loss:.0f} points under {where}" if loss > 0 else "loses nothing under corruptions", score


@dataclass(frozen=True, slots=True)
class ShownAnswers:
    """The answers that figures count: wrong ones, or on classes of a person's own right ones, as its tables do."""

    are_right: bool = False

    @property
    def metric(self) -> str:
        """Their share in a word, which also begins the names of figures."""
        return "accuracy" if self.are_right else "error"

    @property
    def label(self) -> str:
        """The name of an axis."""
        return "accuracy ↑ better" if self.are_right else "error ↓ better"

    @property
    def word(self) -> str:
        """The word for the answers that are counted."""
        return "right" if self.are_right else "wrong"

    def share(self, error: Score) -> Score:
        """Their share, of a share of wrong answers."""
        return complement(error) if self.are_right else error

    def worst_first(self, means: Mapping[str, float]) -> list[str]:
        """Names by their mean share, the most harmful first."""
        return sorted(means, key=lambda name: (means[name] if self.are_right else -means[name], name))

    def ends(
        self, shares: Mapping[str, float], intervals: Mapping[str, Interval]
    ) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
        """The names under which most and least is lost, where chance cannot have swapped them."""
        apart = ends_apart(shares, intervals)
        if not apart:
            return None
        high, low = apart
        return (low, high) if self.are_right else (high, low)


def corruption_charts(results: Sequence[Result]) -> list[Chart]:
    """Error by severity, one small panel a corruption; the matrix; and errors by corruption beside the published.

    On classes of a person's own they show accuracy.
    """
    answers = ShownAnswers(shows_right_answers(results))
    shares = {result.name: _shares(result, answers) for result in results}
    names = list(dict.fromkeys(name for by_cell in shares.values() for name, _ in by_cell))
    severities = sorted({severity for by_cell in shares.values() for _, severity in by_cell})
    charts: list[Chart] = []
    if len(severities) > 1:
        charts.append(_curves(shares, names, severities, results, answers))
    if names:
        charts.append(_matrix(shares, names, severities, results, answers))
    if dots := _by_corruption(results, answers):
        charts.append(dots)
    return charts


def _title(shares: Mapping[str, float], intervals: Mapping[str, Interval], answers: ShownAnswers) -> str:
    """The corruptions under which most and least is lost, by shares, the most harmful first; else a range."""
    names = list(shares)
    if len(names) == 1:
        return f"{answers.metric.capitalize()} under {words(names[0])} by severity"
    percents = {name: f"{100 * share:.0f}" for name, share in shares.items()}
    worst, best = percents[names[0]], percents[names[-1]]
    if worst == best:
        return f"As much is lost under each: {worst} % {answers.word}"
    if not (apart := answers.ends(shares, intervals)):
        least, most = (worst, best) if answers.are_right else (best, worst)
        return f"From {least} to {most} % are {answers.word}, by corruption"
    (where, harm), (mild, mildest) = (
        (
            in_words(map(words, ends), len(names)),
            " to ".join(dict.fromkeys(percents[name] for name in sorted(ends, key=shares.__getitem__))),
        )
        for ends in apart
    )
    return f"Most is lost under {where} ({harm} % {answers.word}), least under {mild} ({mildest} %)"


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
    loss, spread = worst.value - clean.value, None
    if worst.spread and clean.spread:
        spread = cut(Sum(loss, (worst.spread,), (clean.spread,)), -1.0)
    return LOSS.score(loss, worst.n, spread, Condition(group=group))


def _shares(result: Result, answers: ShownAnswers) -> Cells:
    return {
        (s.condition["corruption"], s.condition["severity"]): answers.share(s)
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
    shares: dict[str, Cells],
    names: Sequence[str],
    severities: Sequence[int],
    results: Sequence[Result],
    answers: ShownAnswers,
) -> Curves:
    ticks = tuple(float(severity) for severity in severities)
    cells = {
        name: [by_cell[name, s] for by_cell in shares.values() for s in severities if (name, s) in by_cell]
        for name in names
    }
    means = {name: _mean(scores) for name, scores in cells.items()}
    ordered = answers.worst_first(means)
    panels, published = [], _published_errors(results, severities)
    for name in ordered:
        lines = []
        for model, by_cell in shares.items():
            points = [(float(s), by_cell[name, s]) for s in severities if (name, s) in by_cell]
            lines.append(_line(model, points))
        curves = tuple(line for line in lines if line.x)
        beside = (published[name],) if name in published else ()
        panels.append(Panel("severity", curves, beside, ticks, tuple(map(str, severities)), name.replace("_", " ")))
    what = f"{answers.metric.capitalize()} by severity"
    return Curves(
        f"{answers.metric}_by_severity",
        what,
        _title({name: means[name] for name in ordered}, mean_intervals(cells), answers),
        f"{what} of each corruption, the most harmful first; bands are 95 % intervals.",
        tuple(panels),
        answers.label,
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
    shares: dict[str, Cells],
    names: Sequence[str],
    severities: Sequence[int],
    results: Sequence[Result],
    answers: ShownAnswers,
) -> Heat:
    """The share of each model's cells; of one severity alone, which has no curves, with the published ones beside."""
    layers = tuple(
        Layer(model, tuple(tuple(_value(by_cell.get((name, s))) for s in severities) for name in names))
        for model, by_cell in shares.items()
        if by_cell
    )
    caption = (
        f"The stronger the colour, the {'better' if answers.are_right else 'worse'}. With two models chosen, the first "
        "shows its difference to the second."
    )
    if len(severities) == 1 and (published := _published_errors(results, severities)):
        of_each = tuple(published[name].y if name in published else (None,) for name in names)
        layers += (Layer(BASELINE, of_each),)
        caption += f" {BASELINE}: as published, {published_on(results)}."
    return Heat(
        f"{answers.metric}_matrix",
        f"{answers.metric.capitalize()} by corruption and severity, in %",
        caption,
        "severity",
        tuple(str(severity) for severity in severities),
        tuple(names),
        layers,
        higher_is_better=answers.are_right,
    )


def _by_corruption(results: Sequence[Result], answers: ShownAnswers) -> Dots | None:
    """Mean share of each corruption over its severities, with the published models as strokes."""
    observers = tuple(_observer(result, answers) for result in results)
    rows: dict[str, list[Score]] = {}
    for each in observers:
        for name, score in each.by_row.items():
            rows.setdefault(name, []).append(score)
    if not rows:
        return None
    means = {name: _mean(scores) for name, scores in rows.items()}
    ordered = tuple(answers.worst_first(means))
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
    title = _mean_title({name: means[name] for name in ordered}, mean_intervals(rows), answers)
    all_rows, caption = "all that were run", "Mean over severities."
    return Dots(
        f"{answers.metric}_by_corruption",
        title,
        caption,
        answers.label,
        ("", ""),
        all_rows,
        ordered,
        observers,
        None,
        beside,
        grey=grey,
    )


def _mean_title(shares: Mapping[str, float], intervals: Mapping[str, Interval], answers: ShownAnswers) -> str:
    """The corruptions under which most and least is lost, by shares, the most harmful first; else a range."""
    names, what = list(shares), answers.metric.capitalize()
    if len(names) == 1:
        return f"{what} under {words(names[0])}"
    least, most = sorted(shares[name] for name in (names[0], names[-1]))
    ends = [f"{100 * share:.1f}" for share in (least, most)]
    if ends[0] == ends[1]:
        return f"{what} by corruption: the same under each"
    if not (apart := answers.ends(shares, intervals)):
        return f"{what} by corruption: {ends[0]} to {ends[1]} %"
    where, mild = (in_words(map(words, names_of_end), len(shares)) for names_of_end in apart)
    if answers.are_right:
        return f"{what} by corruption: least under {where}, most under {mild}"
    return f"{what} by corruption: most under {where}, least under {mild}"


def _observer(result: Result, answers: ShownAnswers) -> Observer:
    by_row = {
        str(s.condition["corruption"]): answers.share(s)
        for s in result.scores
        if s.metric == "error" and set(s.condition) == {"corruption"} and s.value is not None
    }
    overall = next((s for s in result.scores if s.metric.startswith("mean_error") and s.value is not None), None)
    return Observer(result.name, answers.share(overall) if overall else None, by_row)


def _mean(scores: Sequence[Score]) -> float:
    return sum(s.value for s in scores if s.value is not None) / max(1, len(scores))


def _value(score: Score | None) -> float | None:
    return None if score is None else score.value


def _grid(result: Result) -> Grid | None:
    """Shares by corruption and severity, with each row's mean and CE; ``None`` where a result has no such cells."""
    cells = [score.condition for score in result.scores if _is_cell_of_set(score, result)]
    if not cells:
        return None
    answers = ShownAnswers(shows_right_answers([result]))
    shares = (answers.share(s) if s.metric.removesuffix(PARTIAL) in SHARES else s for s in result.scores)
    lookup = ScoreLookup([*shares])
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
    return Grid(result.name, f"{answers.metric} by corruption and severity", "corruption", heads, tuple(rows))
