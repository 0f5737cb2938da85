"""A comparison of models as a table of text, or as JSON."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from hardiness.core.answers import mark_notes
from hardiness.core.fact import Fact
from hardiness.core.forms import json_form
from hardiness.core.result import IN_PERCENT, Score, TextTable
from hardiness.report.compared_slices import slice_json, slice_sentence
from hardiness.report.equivalence import equivalence_sentence
from hardiness.report.explained_by_accuracy import explanation_of
from hardiness.report.words import line, text, with_texts
from hardiness.results.comparison import ERRORS, BenchmarkComparison, PairDetail
from hardiness.results.difference_json import difference_json, finite
from hardiness.results.flips import PairFlips
from hardiness.results.pair_scores import PairScore
from hardiness.statistics.comparison import Difference, ScoreComparison
from hardiness.statistics.decomposition import DifferencePart
from hardiness.statistics.flips import Flips

HEADS = ("score", "first", "second", "difference", "95 %", "p", "told apart?", "this n tells")

LARGEST = 3
"""Parts of a difference, and images, that are named; JSON has all of them."""

LEVEL = 0.05


def _scale(unit: str) -> float:
    """The factor by which a value of a unit is shown."""
    return 100.0 if unit in IN_PERCENT else 1.0


def comparison_view(comparison: BenchmarkComparison, rows_most: int | None = None) -> TextTable:
    """A row for each pair and score; below it who ranks where, and where the differences come from.

    Args:
        comparison: the comparison.
        rows_most: where there are more rows than that, of all scores but the first, and of what is said of pairs, only
            models that stand next to each other are shown, and only as many scores as there is room for.
    """
    scores = _defined(comparison)
    all_pairs = [score.pairs for score in scores]
    pairs_by_score = all_pairs if rows_most is None else _fitting_pairs(scores, rows_most)
    total, rows = sum(map(len, all_pairs)), list(_rows(comparison, scores, pairs_by_score))
    notes = (
        *((f"{len(rows)} of {total} differences are shown; 'hardiness compare' has all",) if len(rows) < total else ()),
        *(_ranks(score, comparison) for score, _ in zip(scores, pairs_by_score, strict=False) if len(score.ranks) > 2),
        *(_undefined(score) for score in comparison.scores if score not in scores),
        *pair_notes(comparison, rows_most),
    )
    return TextTable(comparison.heading, HEADS, tuple(rows), named=3, notes=notes)


def pair_notes(
    comparison: BenchmarkComparison, rows_most: int | None = None, *, parts_of_errors: bool = True
) -> tuple[str, ...]:
    """What is said of models beside their differences: remarks, and where the differences come from.

    Args:
        comparison: the comparison.
        rows_most: as of `comparison_view`.
        parts_of_errors: whether a difference of mean errors is given in parts.
    """
    scores = _defined(comparison)
    is_whole = rows_most is None or sum(len(score.pairs) for score in scores) <= rows_most
    beside = None if is_whole else _neighbours(scores[0])
    return (
        *map(line, comparison.notes),
        *(equivalence_sentence(pair) for pair in comparison.equivalences),
        *(line for pair in comparison.flips if _is_shown(pair, beside) for line in _flip_lines(pair)),
        *(_pair_score_line(each) for each in comparison.pair_scores if _is_shown(each, beside)),
        *(
            f"{model} on {comparison.benchmark}, by {effect.through}: {explanation_of(effect)}"
            for model, effect in comparison.effective.items()
        ),
        *(
            line
            for detail in comparison.details
            if _is_shown(detail, beside)
            for line in _pair_lines(detail, parts_of_errors)
        ),
        *_adjustment(scores),
        *mark_notes(name for score in scores for name in score.values),
    )


def _defined(comparison: BenchmarkComparison) -> list[ScoreComparison]:
    """The scores of which some model has a number."""
    return [score for score in comparison.scores if not all(map(math.isnan, score.values.values()))]


def _undefined(score: ScoreComparison) -> str:
    """Why no model has a number."""
    reasons = dict.fromkeys(text(pair.lack) for pair in score.pairs.values() if pair.lack)
    return f"{score.title or score.metric.replace('_', ' ')} is undefined: {'; '.join(reasons)}"


def _adjustment(scores: Sequence[ScoreComparison]) -> Iterator[str]:
    """The remark on adjusting, where many differences are tested at once."""
    tested = sum(pair.p is not None for score in scores for pair in score.pairs.values())
    if tested > 1:
        yield (
            f"p, intervals, told apart and ranks are adjusted together for all {tested} differences (Holm 1979): "
            "an interval leaves out 0 exactly where p is below .05"
        )


Pairs = Mapping[tuple[str, str], Difference]


def _rows(
    comparison: BenchmarkComparison, scores: Sequence[ScoreComparison], pairs_by_score: Sequence[Pairs]
) -> Iterator[tuple[str, ...]]:
    for score, pairs in zip(scores, pairs_by_score, strict=False):
        for (first, second), pair in pairs.items():
            yield tuple(_row(comparison, score, first, second, pair))


def _fitting_pairs(scores: Sequence[ScoreComparison], rows_most: int) -> list[Pairs]:
    """The pairs that there is room for: all if all fit, else all of the first score if these do, then neighbours."""
    if sum(len(score.pairs) for score in scores) <= rows_most:
        return [score.pairs for score in scores]
    rows_of_scores: list[Pairs] = []
    for score in scores:
        beside = _neighbours(score)
        few = {pair: each for pair, each in score.pairs.items() if frozenset(pair) in beside}
        pairs = score.pairs if not rows_of_scores and len(score.pairs) <= rows_most else few
        if rows_of_scores and sum(map(len, rows_of_scores)) + len(pairs) > rows_most:
            break
        rows_of_scores.append(pairs)
    return rows_of_scores


def _neighbours(score: ScoreComparison) -> set[frozenset[str]]:
    """Each model and the next one by value."""
    order = sorted(score.values, key=lambda name: (math.isnan(score.values[name]), score.values[name]))
    return {frozenset(pair) for pair in pairwise(order)}


def _row(
    comparison: BenchmarkComparison, score: ScoreComparison, first: str, second: str, pair: Difference
) -> Iterator[str]:
    scale = _scale(score.unit)
    yield score.title or score.metric.replace("_", " ")
    for name in (first, second):
        value = score.values[name]
        doubt = comparison.doubt_about(score, name)
        yield f"{name}\n{'undefined' if math.isnan(value) else f'{scale * value:.2f}'}{f' {doubt}' if doubt else ''}"
    if pair.interval is None:
        yield from (
            "undefined" if math.isnan(pair.value) else _points(pair.value, scale),
            "",
            "",
            text(pair.lack),
            "",
        )
        return
    yield _points(pair.value, scale)
    yield f"{_points(pair.interval.low, scale)} … {_points(pair.interval.high, scale)}"
    yield "" if pair.p is None else f"{pair.p:.3f}" if pair.p >= 0.001 else "<0.001"
    noise, n = score.noise_of((first, second))
    nothing = f"nothing: noise {scale * noise:.2f} (n = {n:,})"
    verdict = nothing if score.is_nothing((first, second)) else "yes" if pair.is_told_apart else "no"
    yield ", ".join([verdict, *([doubt] if (doubt := comparison.doubt_about_pair(score, first, second)) else [])])
    yield "" if pair.detectable is None else f"{scale * pair.detectable:.2f}"


def _points(value: float, scale: float = 100.0) -> str:
    return f"{scale * value:+z.2f}"


def _ranks(score: ScoreComparison, comparison: BenchmarkComparison) -> str:
    places = ", ".join(
        f"{name} {rank.rank}"
        + (f"–{rank.worst}" if rank.worst > rank.rank else "")
        + (f" ({doubt})" if (doubt := comparison.doubt_about(score, name)) else "")
        for name, rank in sorted(score.ranks.items(), key=lambda item: (item[1].rank, item[1].worst))
    )
    return f"ranks by {score.title or score.metric}: {places}"


def _pair_lines(detail: PairDetail, parts_of_errors: bool) -> Iterator[str]:
    """The lines on a pair beyond its scores."""
    pair = f"{detail.first} and {detail.second}"
    kappa = detail.kappa.kappa if detail.kappa else None
    if kappa and kappa.value is not None:
        ends = kappa.interval
        between = f" ({ends.low:.2f} … {ends.high:.2f})" if ends else f", {text(kappa.lack)}"
        yield f"{pair}, consistency of errors: kappa {kappa.value:.2f}{between}"
    if len(detail.cells) > 1:
        differing = sum(cell.adjusted is not None and cell.adjusted < LEVEL for cell in detail.cells)
        # Conditions are looked at for a pattern, and pairs one by one, of which none may be false.
        milder = "of 20 such 1 may be false; of 20 tables 1 may have a false one, so that a table tells fewer apart"
        yield f"{pair} differ under {differing} of {len(detail.cells)} conditions ({milder})"
    for kind, parts in ((kind, parts) for kind, parts in detail.parts.items() if parts):
        if kind != "calibration" and detail.number == ERRORS and not parts_of_errors:
            continue
        what = "Brier score by calibration and refinement" if kind == "calibration" else f"{detail.number} by {kind}"
        yield f"{pair}, {what}, largest parts in points: {_parts(parts)}"
    if detail.images:
        names = ", ".join(each.image for each in detail.images[:LARGEST])
        yield f"{pair}, most telling images: {names}"


def _pair_score_line(pair: PairScore) -> str:
    """A score of two models with its interval, or why it has none or is undefined."""
    score, scale = pair.score, _scale(pair.score.unit)
    about = f"{pair.first} → {pair.second}: {pair.title}"
    if score.value is None:
        return f"{about} is undefined: {text(score.lack)}"
    ends = [f"{scale * end:.3g}" for end in (score.interval.low, score.interval.high)] if score.interval else []
    between = f" ({' … '.join(ends)})" if ends else f" (no interval: {text(score.lack)})"
    unit = "percent" if score.unit in IN_PERCENT else score.unit
    images = f"{score.n:,} images{f' in {score.clusters:,} clusters' if score.clusters else ''}"
    return f"{about} {scale * score.value:.3g}{between}, in {unit}, {images}"


def _is_shown(pair: PairDetail | PairFlips | PairScore, beside: set[frozenset[str]] | None) -> bool:
    """Whether two models stand next to each other; true of all where there is room for all."""
    return beside is None or frozenset((pair.first, pair.second)) in beside


def _flip_lines(pair: PairFlips) -> Iterator[str]:
    """The flips of two models with their intervals, and where they are most; nothing where all answers are the same."""
    if pair.has_equal_answers:
        return
    yield f"{pair.first} → {pair.second}: {_flips(pair.overall)}"
    conditions = [(" ".join(map(str, each.values())), flips) for each, flips in pair.conditions]
    for what, parts in (("conditions", conditions), ("classes", pair.classes)):
        flipped = [part for part in parts if part[1].negative.number > 0]
        worst = sorted(flipped, key=lambda part: -part[1].negative.number)[:LARGEST]
        if len(parts) > 1 and worst:
            texts = ", ".join(f"{name or 'clean'} {_share(flips.negative)}" for name, flips in worst)
            yield f"{pair.first} → {pair.second}, {what} with most negative flips: {texts}"
    if len(pair.changes) > 1 and any(change.value for _, change in pair.changes):
        yield f"{pair.first} → {pair.second}, recall by class in points, what lost most first: {_changes(pair)}"


def _changes(pair: PairFlips) -> str:
    """The classes that lost most, and how many of all change; a star marks those that do."""
    losses = [
        f"{name} {_points(change.value)}"
        + (f" ({_points(change.interval.low)} … {_points(change.interval.high)})" if change.interval else "")
        + ("*" if change.is_told_apart else "")
        for name, change in pair.changes[: len(pair.changes) - bool(pair.small)][:LARGEST]
    ]
    return f"{', '.join(losses)}; {pair.changed} (all adjusted together){_visible(pair)}"


def _visible(pair: PairFlips) -> str:
    """How small a change of recall shows in the largest and in the smallest class; empty where none is known."""
    single = pair.changes[: len(pair.changes) - bool(pair.small)]
    sizes = sorted((change.n, change.detectable) for _, change in single if change.detectable is not None)
    if not sizes:
        return ""
    (fewest, most), (many, least) = sizes[0], sizes[-1]
    text = f"; in a class of {many:,} images a change shows from {100 * least:.0f} points on"
    return f"{text}, in one of {fewest:,} from {100 * most:.0f}" if fewest < many else text


def _flips(flips: Flips) -> str:
    shares = (f"{name} {_share(getattr(flips, name))}" for name in ("negative", "positive"))
    clusters, reason = flips.agreement.clusters, text(flips.agreement.lack)
    images = f"{flips.n:,} images{f' in {clusters:,} clusters' if clusters else ''}"
    why_none = f" (no intervals: {reason})" if reason else ""
    return f"{' and '.join(shares)} flips in percent, agreement {_share(flips.agreement)}, {images}{why_none}"


def _share(share: Score) -> str:
    if share.interval is None:
        return f"{100 * share.number:.1f}"
    return f"{100 * share.number:.1f} ({100 * share.interval.low:.1f}–{100 * share.interval.high:.1f})"


def _parts(parts: Sequence[DifferencePart]) -> str:
    """The largest; a star marks those that differ from zero after adjusting for all of them."""
    largest = sorted(parts, key=lambda part: -abs(part.difference.value))[:LARGEST]
    stars = ["*" if part.adjusted is not None and part.adjusted < LEVEL else "" for part in largest]
    listing = ", ".join(
        f"{part.name} {_points(part.difference.value)}{star}" for part, star in zip(largest, stars, strict=True)
    )
    return f"{listing} (*: differs from zero)" if any(stars) else listing


def reason_of(lack: Fact | None) -> str:
    """Why a difference has no interval, or another method, as text; empty where there is nothing to say."""
    return text(lack)


def comparison_sentences(comparison: BenchmarkComparison) -> list[str]:
    """A sentence for every two models: whether their scores differ, and how many of their answers do."""
    of_slices = [slice_sentence(pair) for pair in comparison.slices if pair.metric == comparison.slices[0].metric]
    return [*(pair.sentence(_scores_differ(comparison, pair)) for pair in comparison.flips), *of_slices]


def _scores_differ(comparison: BenchmarkComparison, pair: PairFlips) -> bool | None:
    """Whether the first score tells two models apart; ``None`` where there is none of both."""
    for score in comparison.scores:
        for each in ((pair.first, pair.second), (pair.second, pair.first)):
            if each in score.pairs and score.pairs[each].interval is not None:
                return score.is_told_apart(each)
    return None


def comparison_json(comparison: BenchmarkComparison) -> dict[str, Any]:
    """The JSON form of one benchmark's comparison."""
    form = {
        "sentences": comparison_sentences(comparison),
        "benchmark": comparison.benchmark,
        "data": comparison.data,
        "protocol": comparison.protocol,
        "variant": list(comparison.variant),
        "n": comparison.n,
        "clusters": json_form(comparison.clusters),
        "doubts": dict(comparison.doubts),
        "notes": comparison.notes,
        "effective_robustness": json_form(comparison.effective),
        "flips": json_form(comparison.flips),
        "pair_scores": json_form(comparison.pair_scores),
        "equivalences": json_form(comparison.equivalences),
        "slices": [slice_json(pair) for pair in comparison.slices],
        "scores": [_score(score, comparison) for score in comparison.scores],
        "details": [_detail(detail) for detail in comparison.details],
    }
    return with_texts(form)  # type: ignore[no-any-return]


def _score(score: ScoreComparison, comparison: BenchmarkComparison) -> dict[str, Any]:
    return {
        "metric": score.metric,
        "condition": dict(score.condition),
        "higher_is_better": score.higher_is_better,
        "noise": {name: {"moved": moved, "n": n} for name, (moved, n) in score.noise.items()},
        "values": {name: finite(value) for name, value in score.values.items()},
        "pairs": [
            {
                "first": first,
                "second": second,
                **difference_json(pair),
                "told_apart": score.is_told_apart((first, second)),
                "doubt": comparison.doubt_about_pair(score, first, second),
            }
            for (first, second), pair in score.pairs.items()
        ],
        "ranks": json_form(score.ranks),
    }


def _detail(detail: PairDetail) -> dict[str, Any]:
    return {
        "first": detail.first,
        "second": detail.second,
        "kappa": json_form(detail.kappa.kappa) if detail.kappa else None,
        "cells": [
            {"condition": dict(cell.name), "adjusted_p": cell.adjusted, **difference_json(cell.difference)}
            for cell in detail.cells
            if not isinstance(cell.name, str)
        ],
        "parts": {
            kind: [
                {"name": part.name, "adjusted_p": part.adjusted, **difference_json(part.difference)} for part in parts
            ]
            for kind, parts in detail.parts.items()
        },
        "images": json_form(detail.images),
    }
