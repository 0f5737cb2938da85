"""A comparison of models in a few sentences: what is told apart and what is not, on each benchmark."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from hardiness.core.answers import mark_notes
from hardiness.core.codes import RunRemark
from hardiness.core.fact import Fact
from hardiness.core.result import IN_PERCENT
from hardiness.report.compared import comparison_sentences
from hardiness.report.compared_slices import slice_sentence
from hardiness.report.equivalence import equivalence_sentence
from hardiness.report.first_screen import ScreenColumn, amount_of, listed, random_weights_sentence, title_of
from hardiness.report.marks import RANDOM_WEIGHTS
from hardiness.report.right_answers import compared_by_right_answers
from hardiness.report.standings import Precedence, Standing, paired_standing
from hardiness.report.words import text
from hardiness.results.comparison import BenchmarkComparison
from hardiness.statistics.comparison import ScoreComparison

NAMED_BEHIND = 2
"""Models that a leader is said to be ahead of by name; where it is ahead of all others, of more the number."""


MOST_VERDICTS = 6
"""Verdicts of equivalence on one benchmark that have a sentence each."""


@dataclass(frozen=True, slots=True)
class Digest:
    """A comparison in sentences.

    Attributes:
        title: who is ahead of whom, and where.
        parts: a heading for each benchmark, with sentences on what is told apart, what is not, and why; those on which
            anything is told apart come first.
        foot: lines on models whose answers mean nothing, or that no weights reproduce.
    """

    title: str
    parts: tuple[tuple[str, tuple[str, ...]], ...]
    foot: tuple[str, ...] = ()


def digest_of(
    comparisons: Sequence[BenchmarkComparison],
    random_weights: Collection[str] = (),
    own_classes: Collection[str] = (),
) -> Digest:
    """The digest of comparisons by the first score of each that tells something.

    Args:
        comparisons: of some models, one a benchmark.
        random_weights: keys of runs of networks that nobody trained.
        own_classes: keys of runs on a person's own classes, of which right answers are compared, not wrong ones.
    """
    columns: list[ScreenColumn] = []
    parts: list[tuple[str, tuple[str, ...]]] = []
    undecided: list[tuple[str, tuple[str, ...]]] = []
    meaningless: dict[str, None] = {}
    counts = Counter(each.benchmark for each in comparisons)
    for each in comparisons:
        score = next((score for score in each.scores if any(d.interval for d in score.pairs.values())), None)
        if score is None:
            reasons = dict.fromkeys(text(d.lack) for own in each.scores for d in own.pairs.values() if d.lack)
            notes = _notes(each)
            undecided.append((each.heading, (f"not compared: {'; '.join([*reasons][:1]) or 'no score'}", *notes)))
            continue
        if each.keys and set(each.keys.values()) <= set(own_classes):
            score = compared_by_right_answers(score)
        random = [name for name in score.values if each.keys.get(name) in random_weights]
        meaningless.update(dict.fromkeys(random))
        unranked = {
            **{name: "undefined" for name, value in score.values.items() if math.isnan(value)},
            **{name: doubt for name in score.values if (doubt := each.doubt_about(score, name))},
            **dict.fromkeys(random, RANDOM_WEIGHTS),
        }
        standing = paired_standing(score, {*unranked, *_second_names(each)})
        sentences = (
            *_sentences(each, score, standing),
            *_not_ranked(unranked),
            *_equivalent(each, score),
            *_more(each),
        )
        (parts if standing.precedences else undecided).append((each.heading, sentences))
        where = each.benchmark if counts[each.benchmark] == 1 else ", ".join([each.benchmark, each.data, *each.variant])
        columns.append(ScreenColumn(each.benchmark, f"on {where}", "", {}, standing))
    models = tuple(dict.fromkeys(name for each in comparisons for score in each.scores for name in score.values))
    title = title_of(columns, models) if columns else "Nothing can be compared."
    foot = (random_weights_sentence([*meaningless]), *mark_notes(models))
    return Digest(title, (*parts, *undecided), tuple(filter(None, foot)))


def _sentences(each: BenchmarkComparison, score: ScoreComparison, standing: Standing) -> Iterator[str]:
    """The sentences on what is told apart, and on what is not, with the difference that these images would tell."""
    title, in_points = score.title or score.metric.replace("_", " "), score.unit in IN_PERCENT
    for claim in standing.precedences:
        amount = amount_of(claim.leads, in_points=in_points, by_clusters=each.clusters is not None)
        yield f"told apart by {title}: {_who(claim)} by {amount}"
    if not standing.undecided:
        return
    scale = 100 if in_points else 1
    sizes = [
        pair.detectable
        for (first, second), pair in score.pairs.items()
        if pair.detectable is not None and any({first, second} <= set(group) for group in standing.undecided)
    ]
    ends = dict.fromkeys(f"{scale * end:.3g}" for end in (min(sizes), max(sizes))) if sizes else {}
    tells = f" (this n tells {' to '.join(ends)}{' points' if in_points else ''})" if ends else ""
    begun = list(score.values)  # nothing says which of them is better, so that they stand in the order of their runs
    groups = [listed(sorted(group, key=begun.index)) for group in standing.undecided]
    yield f"not told apart by {title}: {'; '.join(groups)}{tells}"


def _equivalent(each: BenchmarkComparison, score: ScoreComparison) -> Iterator[str]:
    """The verdicts of equivalence by one score; of many pairs how many there are of each."""
    verdicts = [pair for pair in each.equivalences if (pair.metric, pair.condition) == (score.metric, score.condition)]
    if len(verdicts) <= MOST_VERDICTS:
        yield from (equivalence_sentence(pair) for pair in verdicts)
        return
    counts = Counter(pair.outcome for pair in verdicts)
    outcomes = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
    yield f"of {len(verdicts)} pairs, equivalent within the margin by {score.title or score.metric}: {outcomes}"


def _who(claim: Precedence) -> str:
    names = listed(claim.behind)
    if claim.is_first and len(claim.behind) > NAMED_BEHIND:
        names = f"all {len(claim.behind)} others"
    return f"{listed(claim.ahead)} {'is' if len(claim.ahead) == 1 else 'are'} ahead of {names}"


def _not_ranked(unranked: dict[str, str]) -> Iterator[str]:
    """Which models are not ranked, and why."""
    if unranked:
        yield f"not ranked: {listed([f'{name} ({reason})' for name, reason in unranked.items()])}"


def _more(each: BenchmarkComparison) -> Iterator[str]:
    """The notes; of two models whether their answers differ; of more, where slices reverse the order of two."""
    yield from _notes(each)
    if all(len(score.values) == 2 for score in each.scores):
        yield from comparison_sentences(each)
        return
    first = [pair for pair in each.slices if pair.metric == each.slices[0].metric]
    turned = [pair for pair in first if pair.is_reversed]
    yield from map(slice_sentence, turned)
    if len(first) > len(turned):
        columns = listed([*dict.fromkeys(pair.column for pair in first)])
        yield f"by {columns}: of {len(first)} differences {len(turned)} are the reverse in a slice"


def _second_names(each: BenchmarkComparison) -> list[str]:
    """The models that are the same run as another one, or of earlier code, of which the notes say so."""
    return [note.about for note in each.notes if note.code in (RunRemark.SAME_RUN, RunRemark.EARLIER_CODE)]


def _notes(each: BenchmarkComparison) -> Iterator[str]:
    """The notes; what several say of one model each in the same words is said of all of them at once."""
    models = {name for score in each.scores for name in score.values}
    named: dict[Fact, list[str]] = {}
    for note in each.notes:
        named.setdefault(replace(note, about=""), []).append(note.about)
    for fact, names in named.items():
        about = set(names) - {""}
        if not about or (about == models and len(names) > 1):
            yield text(fact)
        else:
            yield f"{listed(names)}: {text(fact)}"
