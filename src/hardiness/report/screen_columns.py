"""Columns of a page's first screen: which benchmark stands for clean, corrupted and attacked pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations, permutations

from hardiness.benchmarks.corruptions import cells_of_mean
from hardiness.benchmarks.picture_scores import MEAN_SCORE
from hardiness.benchmarks.presentation import Column, benchmark_type, words
from hardiness.core.attack_plan import epsilon_text
from hardiness.core.condition import Condition
from hardiness.core.result import PARTIAL, Result, Score, SlicedScore
from hardiness.core.spread import Interval
from hardiness.report.first_screen import ScreenColumn, listed, pair_text
from hardiness.report.marks import EARLIER_CODE, RANDOM_WEIGHTS, has_random_weights, is_of_earlier_code
from hardiness.report.places import order_beyond_chance
from hardiness.report.right_answers import complement
from hardiness.report.sections import BenchmarkSection, score_of
from hardiness.report.standings import Lead, Leads, Standing, paired_lead
from hardiness.report.words.run_remarks import cells_of_mean_text, why_same
from hardiness.results.same_rows import same_run
from hardiness.results.slices import headline_slices

USUAL_EPSILON = 4 / 255
"""The budget at which models are shown where all have it."""

RIGHT = ("top1", "accuracy")
"""Metrics that are shares of right answers."""


def screen_columns(shown: Sequence[BenchmarkSection]) -> list[ScreenColumn]:
    """The columns of the chart, from what was run; none stands for what was not.

    What was published alone has columns where nothing was run.
    """
    shown = [each for each in shown if _own_count(each)] or shown
    columns = [
        *_of_photographs([each for each in shown if _is_clean(each)], "Clean", "on clean photographs"),
        *_of_photographs([each for each in shown if _is_own(each)], "Own classes", "on your own classes"),
        *_corrupted(shown),
        *_attacked(shown),
    ]
    for each in shown:
        if each.section.group == "natural shift":
            name = each.results[0].benchmark
            columns += _of_photographs([each], "Shifted", f"on {name}")
        if not each.results[0].run.model.has_answers:
            columns += _of_scores(each)
    return [*columns, *(column for each in shown if _is_clean(each) or _is_own(each) for column in _worst_slices(each))]


def begun_order(shown: Sequence[BenchmarkSection]) -> list[str]:
    """The models in the order in which their runs were first begun, as far as they were compared; then the others.

    So whoever runs fp32 and then int8 reads what int8 has more or less, whatever the two are called.
    """
    compared = [name for each in shown for score in each.paired[:1] for name in score.values]
    return list(dict.fromkeys([*compared, *(result.name for each in shown for result in each.results)]))


def _worst_slices(each: BenchmarkSection) -> Iterator[ScreenColumn]:
    """A column for each column of the pictures: the score of each model's worst slice, which is another for each."""
    by_column: dict[str, dict[str, SlicedScore]] = {}
    for result in each.results:
        for score in headline_slices(result):
            if score.higher_is_better and score.unit == "fraction" and score.worst_slice is not None:
                by_column.setdefault(score.column, {})[result.name] = score
    for name, scores in by_column.items():
        points, worst = {}, {}
        for model, score in scores.items():
            if (first := score.worst_slice) and score.worst:
                points[model] = score.worst
                worst[model] = first.value
        if points:
            named = dict.fromkeys(worst.values())
            texts = [f"{value} ({listed([m for m, own in worst.items() if own == value])})" for value in named]
            note = f"Worst: {texts[0].split(' (')[0] if len(named) == 1 else listed(texts)}."
            where, standing = f"on the worst {name}", Standing((), {})
            yield ScreenColumn(f"Worst {name}", where, _source(each), points, standing, anchor=each.anchor, note=note)


def _stands_for(each: BenchmarkSection) -> str:
    """The pictures that a section's benchmark stands for."""
    return benchmark_type(each.results[0].run).stands_for


def _first_standing_for(shown: Sequence[BenchmarkSection], pictures: str) -> list[BenchmarkSection]:
    """The sections of the benchmark that goes before the others which stand for these pictures."""
    sections = [each for each in shown if _stands_for(each) == pictures]
    first = min((benchmark_type(each.results[0].run).precedence for each in sections), default=0)
    return [each for each in sections if benchmark_type(each.results[0].run).precedence == first]


def _is_clean(each: BenchmarkSection) -> bool:
    return _stands_for(each) == "clean"


def _is_own(each: BenchmarkSection) -> bool:
    return _stands_for(each) == "own classes"


def _of_photographs(candidates: Sequence[BenchmarkSection], title: str, where: str) -> Iterator[ScreenColumn]:
    for each in _with_most_models(candidates):
        column = next((c for c in each.section.columns if c.metric.removesuffix(PARTIAL) in RIGHT and c.headline), None)
        if column is not None:
            yield _column(each, {result.name: column for result in each.results}, title, where, _source(each))


def _of_scores(each: BenchmarkSection) -> Iterator[ScreenColumn]:
    """The column of the mean score that a file has for each picture, over its conditions."""
    columns = {
        result.name: Column(score.metric, Condition(), "mean score", higher_is_better=True)
        for result in each.results
        for score in result.scores
        if score.metric.removesuffix(PARTIAL) == MEAN_SCORE.name and score.value is not None
    }
    if columns:
        column = _column(each, columns, "Score", f"by mean score on {each.results[0].benchmark}", _source(each))
        yield replace(column, are_scores=True)


def _corrupted(shown: Sequence[BenchmarkSection]) -> Iterator[ScreenColumn]:
    for each in _with_most_models(_first_standing_for(shown, "corrupted")):
        columns = {
            result.name: Column(score.metric, score.condition, "mean error", higher_is_better=False)
            for result in each.results
            for score in result.scores
            if score.metric.removesuffix(PARTIAL) == "mean_error" and not score.condition and score.value is not None
        }
        cells = {result.name: _cells(result) for result in each.results if result.name in columns}
        if not cells:
            continue
        usual, _ = Counter(cells.values()).most_common(1)[0]
        first = next(result for result in each.results if cells.get(result.name) == usual)
        mean = cells_of_mean(first.run, first.scores)  # of a published result no cells are known
        where = words(mean.names[0]) if mean and len(mean.names) == 1 else "corruptions"
        source = f"{_source(each)}: {cells_of_mean_text(mean.names, mean.left_severities) if mean else 'mean'}"
        others = {name: "other corruptions" for name, own in cells.items() if own != usual}
        yield _column(each, columns, "Corrupted", f"under {where}", source, others)


def _cells(result: Result) -> frozenset[Condition]:
    return frozenset(s.condition for s in result.scores if {"corruption", "severity"} == set(s.condition))


def _attacked(shown: Sequence[BenchmarkSection]) -> Iterator[ScreenColumn]:
    of_kind = _first_standing_for([each for each in shown if _is_within_linf(each.results[0])], "attacked")
    for each in _with_most_models(of_kind, lambda each: _is_usual(_condition(each))):
        condition = _condition(each)
        if condition is None:
            continue
        run = each.results[0].run
        name = benchmark_type(run).display_name or run.benchmark.name
        targeted = ", targeted" if run.attack and run.attack[0].targeted else ""
        source = f"{name}{targeted}, ε {epsilon_text(float(condition['epsilon']))}"
        column = Column("accuracy", condition, "accuracy under attack", higher_is_better=True)
        yield _column(
            each, {result.name: column for result in each.results}, "Attacked", "under attack", source, is_attack=True
        )


def _is_within_linf(result: Result) -> bool:
    """Whether a run's own rounds, and not those that must break everything, are within L-infinity."""
    rounds = [tried for tried in result.run.attack if any("group" not in mark for mark in tried.marks.values())]
    return {tried.norm for tried in rounds} <= {"linf"}


def _is_usual(condition: Condition | None) -> bool:
    return condition is not None and abs(float(condition["epsilon"]) - USUAL_EPSILON) < 1e-6


def _condition(each: BenchmarkSection) -> Condition | None:
    """The budget at which all models are shown: the usual one, else the largest that all have; with most steps."""
    by_model = [
        {
            score.condition
            for score in result.scores
            if score.metric == "accuracy"
            and "epsilon" in score.condition
            and set(score.condition) <= {"epsilon", "steps"}
            and score.value is not None
        }
        for result in each.results
    ]
    present = [conditions for conditions in by_model if conditions]
    if not present:
        return None
    common = set.intersection(*present)
    counts = Counter(condition for conditions in present for condition in conditions)
    candidates = common or {condition for condition, count in counts.items() if count == max(counts.values())}
    return max(candidates, key=lambda at: (_is_usual(at), float(at["epsilon"]), int(at.get("steps", 0))))


def _with_most_models(
    sections: Sequence[BenchmarkSection], is_preferred: Callable[[BenchmarkSection], bool] = lambda _: False
) -> list[BenchmarkSection]:
    """The section that most models were run for, of such the first that is preferred; nothing of none."""
    if not sections:
        return []
    return [max(sections, key=lambda each: (_own_count(each), len(each.results), is_preferred(each)))]


def _own_count(each: BenchmarkSection) -> int:
    """How many models of a section were run, and not published by others."""
    return sum(not result.measured.get("published") for result in each.results)


def _source(each: BenchmarkSection) -> str:
    first = each.results[0]
    return ", ".join(filter(None, (first.benchmark, first.run.benchmark.options.get("subset"))))


def _column(
    each: BenchmarkSection,
    columns: Mapping[str, Column],
    title: str,
    where: str,
    source: str,
    others: Mapping[str, str] | None = None,
    is_attack: bool = False,
) -> ScreenColumn:
    """One column, of the models that have a number."""
    scores = {
        result.name: score
        for result in each.results
        if (column := columns.get(result.name)) and (score := score_of(result, column)) and score.value is not None
    }
    points = {name: s if s.higher_is_better else complement(s) for name, s in scores.items()}
    unranked = {
        **{name: score.doubt for name, score in scores.items() if score.doubt},
        **{name: reason for name, reason in (others or {}).items() if name in scores},
        **{result.name: RANDOM_WEIGHTS for result in each.results if has_random_weights(result)},
        **{result.name: EARLIER_CODE for result in each.results if is_of_earlier_code(result)},
    }
    unranked = {name: reason for name, reason in unranked.items() if name in points}
    twins = {name: other for name, other in each.twins.items() if {name, other} <= points.keys() - unranked.keys()}
    ranked = [name for name in points if name not in unranked and name not in twins]
    ranked.sort(key=lambda name: -points[name].number)
    by_name = {result.name: result for result in each.results}
    pair = next(iter(twins.items()), None)
    return ScreenColumn(
        title,
        where,
        source,
        points,
        Standing(tuple(ranked), _leads(each, columns, scores, ranked)),
        twins,
        why_same(same_run(by_name[pair[0]].run, by_name[pair[1]].run, pair[1])) if pair else "",
        unranked,
        each.anchor,
        _pairs(each, columns, points, unranked, twins),
        is_attack,
        undefined=frozenset(result.name for result in each.results) - points.keys(),
    )


def _pairs(
    each: BenchmarkSection,
    columns: Mapping[str, Column],
    points: Mapping[str, Score],
    unranked: Mapping[str, str],
    twins: Mapping[str, str],
) -> dict[tuple[str, str], str]:
    """The difference of every two models in words, in either order."""
    texts: dict[tuple[str, str], str] = {}
    for first, second in permutations([result.name for result in each.results if result.name in points], 2):
        reasons = {unranked[name] for name in (first, second) if name in unranked}
        if reasons:
            texts[first, second] = f"not ranked ({', '.join(sorted(reasons))})"
            continue
        comparison = each.comparison(columns[first])
        one, other = twins.get(first, first), twins.get(second, second)
        if one == other:
            texts[first, second] = "the same run"
            continue
        pair = next((p for p in ((one, other), (other, one)) if comparison and p in comparison.pairs), None)
        if comparison is None or pair is None:
            apart = are_apart(points[first], points[second])
            texts[first, second] = pair_text(points[first].number - points[second].number, None, is_apart=apart)
            continue
        difference = comparison.pairs[pair]
        sign = (1 if pair == (one, other) else -1) * (1 if comparison.higher_is_better else -1)
        interval = difference.interval
        if interval is not None and sign < 0:
            interval = Interval(-interval.high, -interval.low)
        is_apart, by_clusters = comparison.is_told_apart(pair), bool(points[first].clusters and points[second].clusters)
        texts[first, second] = pair_text(sign * difference.value, interval, is_apart=is_apart, by_clusters=by_clusters)
    return texts


def are_apart(first: Score, second: Score) -> bool:
    """Whether the intervals of two shares have no value in common."""
    if first.interval is None or second.interval is None:
        return False
    return first.interval.low > second.interval.high or second.interval.low > first.interval.high


def _leads(
    each: BenchmarkSection, columns: Mapping[str, Column], scores: Mapping[str, Score], ranked: Sequence[str]
) -> Leads:
    """The lead of the better of each two that are told apart: by a paired test, else by intervals that are apart."""
    leads: dict[tuple[str, str], Lead] = {}
    for first, second in combinations(ranked, 2):
        comparison = each.comparison(columns[first])
        pair = next((p for p in ((first, second), (second, first)) if comparison and p in comparison.pairs), None)
        if comparison is None or pair is None:
            order = order_beyond_chance(scores[first], scores[second])
            if order:
                size = abs((scores[first].value or 0.0) - (scores[second].value or 0.0))
                leads[(first, second) if order > 0 else (second, first)] = Lead(size)
        elif comparison.is_told_apart(pair):
            leads.update([paired_lead(comparison, pair)])
    return leads
