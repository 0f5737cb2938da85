"""The sentences that a comparison begins with."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import pytest

from hardiness.core.codes import RunRemark
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError
from hardiness.core.fact import Fact, error_of
from hardiness.report.digest import Digest, digest_of
from hardiness.report.standings import paired_standing
from hardiness.results.comparison import BenchmarkComparison
from hardiness.statistics.comparison import Difference, ScoreComparison
from hardiness.statistics.spreads.combined import TwoEnds


def score(
    values: dict[str, float], apart: str = "", *, higher_is_better: bool = True, unit: str = "fraction", attack: int = 0
) -> ScoreComparison:
    """A score of models of one letter each, of which those pairs are told apart, all written as ``ab``."""
    pairs = {}
    for first, second in combinations(values, 2):
        size = values[first] - values[second]
        p = 0.01 if first + second in apart.split() else 0.5
        pairs[first, second] = Difference.tested(size, 100, "", p, TwoEnds(size, size - 0.02, size + 0.02), 0.1)
    condition = Condition(epsilon=attack / 255) if attack else Condition()
    return ScoreComparison("top1", higher_is_better, values, pairs, 100, condition, "top-1", unit=unit)


def digest(first: ScoreComparison, **more: object) -> Digest:
    return digest_of([BenchmarkComparison("imagenet-val", "imagenet", (first,), 100, (), **more)])  # type: ignore[arg-type]


def test_all_that_is_told_apart_is_named_once_with_the_ends_of_its_leads() -> None:
    found = digest(score({"a": 0.9, "b": 0.88, "c": 0.7, "d": 0.5}, "ac ad bc bd cd"))
    assert found.title == "a and b share the lead on imagenet-val."
    assert found.parts == (
        (
            "imagenet-val on imagenet, 100 images that all share",
            (
                "told apart by top-1: a and b are ahead of c and d by 18.0 to 40.0 points "
                "(95 % intervals within 16.0 to 42.0)",
                "told apart by top-1: c is ahead of d by 20.0 points (95 % interval 18.0 to 22.0)",
                "not told apart by top-1: a and b (this n tells 10 points)",
            ),
        ),
    )


def test_what_is_said_of_several_models_in_the_same_words_is_said_once() -> None:
    same = Fact(RunRemark.SAME_RUN, {"other": "c", "sized_by": "imagenet-c"})
    lacking = [error_of(ArgumentError("no effective robustness: why"), name) for name in "cde"]
    notes = (replace(same, about="a"), replace(same, about="bb"), *lacking, error_of(ArgumentError("d is so")))
    first = score({"c": 0.9, "d": 0.7, "e": 0.6})
    comparison = BenchmarkComparison("imagenet-c", "imagenet", (first,), 100, notes)
    ((_, sentences),) = digest_of([comparison]).parts
    assert sentences[-3:] == (
        "a and bb: the same run as c: imagenet-c sets its own picture size; the two are not ranked",
        "no effective robustness: why",
        "d is so",
    )


def test_two_names_of_one_run_alone_are_not_ranked() -> None:
    note = Fact(RunRemark.SAME_RUN, {"other": "a", "sized_by": "imagenet-c"}, "b")
    comparison = BenchmarkComparison("imagenet-c", "imagenet", (score({"a": 0.9, "b": 0.9}),), 100, (note,))
    found = digest_of([comparison])
    assert found.title == "No two models can be ranked."
    ((_, sentences),) = found.parts
    assert sentences[0] == "b: the same run as a: imagenet-c sets its own picture size; the two are not ranked"
    assert not [each for each in sentences if "told apart" in each or "not ranked:" in each]


def test_what_is_told_apart_comes_first() -> None:
    tied, apart = score({"a": 0.9, "b": 0.88}), score({"a": 0.9, "b": 0.5}, "ab")
    comparisons = [
        BenchmarkComparison("cue-conflict", "cue-conflict", (tied,), 100, ()),
        BenchmarkComparison("imagenet-val", "imagenet", (apart,), 100, ()),
    ]
    assert [heading.split()[0] for heading, _ in digest_of(comparisons).parts] == ["imagenet-val", "cue-conflict"]


def test_errors_are_better_below_and_other_units_are_no_points() -> None:
    found = digest(score({"a": 5.0, "b": 2.0}, "ab", higher_is_better=False, unit="degrees"))
    ((_, (sentence, *_)),) = found.parts
    assert sentence == "told apart by top-1: b is ahead of a by 3 (95 % interval 2.98 to 3.02)"
    found = digest(score({"a": 5.0, "b": 4.0}, unit="degrees"))
    ((_, (sentence, *_)),) = found.parts
    assert sentence == "not told apart by top-1: a and b (this n tells 0.1)"


def test_models_that_are_not_told_apart_stand_in_the_order_in_which_their_runs_were_begun() -> None:
    """Whether int8 is still fp32 was answered the other way round where int8 had the higher number."""
    ((_, (sentence, *_)),) = digest(score({"fp32": 0.8, "int8": 0.81})).parts
    assert sentence == "not told apart by top-1: fp32 and int8 (this n tells 10 points)"


def test_on_own_classes_right_answers_are_compared() -> None:
    errors = replace(score({"a": 0.5, "b": 0.2}, "ab", higher_is_better=False), metric="mean_error", title="mean error")
    comparison = BenchmarkComparison("own-c", "photos", (errors,), 100, (), keys={"a": "key", "b": "other"})
    own, others = (digest_of([comparison], own_classes=keys).parts[0][1][0] for keys in (("key", "other"), ("key",)))
    lead = "b is ahead of a by 30.0 points (95 % interval 28.0 to 32.0)"
    assert own == f"told apart by accuracy under corruptions: {lead}"
    assert others == f"told apart by mean error: {lead}"


def test_every_two_models_are_told_apart_or_stand_in_a_group() -> None:
    values = dict(zip("abcde", (0.9, 0.8, 0.7, 0.6, 0.5), strict=True))
    standing = paired_standing(score(values, "ac ad ae be ce"))
    grouped = {pair for group in standing.undecided for pair in combinations(group, 2)}
    leads = {(b, w) for claim in standing.precedences for b in claim.ahead for w in claim.behind}
    assert leads == set(standing.leads)
    assert grouped == set(combinations("abcde", 2)) - leads
    assert standing.undecided == (("a", "b"), ("b", "c", "d"), ("d", "e"))


def test_models_of_random_weights_and_attacks_not_checked_are_not_ranked() -> None:
    values = {"a": 0.9, "b": 0.5, "c": 0.1, "d": float("nan")}
    comparison = BenchmarkComparison(
        *("whitebox", "imagenet", (score(values, "ab ac bc", attack=8),), 100, (error_of(ArgumentError("a note")),)),
        keys={"c": "key"},
        doubts={"b": "not checked"},
    )
    found = digest_of([comparison], {"key"})
    assert found.title == "No two models can be ranked."
    assert found.parts[0][1] == (
        "not ranked: d (undefined), b (not checked) and c (random weights)",
        "a note",
    )
    assert found.foot == ("c has random weights: its answers mean nothing.",)


def test_the_first_score_that_tells_something_is_taken_and_else_the_reason_is_given() -> None:
    silent = ScoreComparison("ece", True, {"a": 0.1, "b": 0.2}, {("a", "b"): Difference(0.1, 9, "")}, 9)
    told = score({"a": 0.9, "b": 0.5}, "ab")
    both = digest_of([BenchmarkComparison("x", "d", (silent, told), 9, ())])
    assert both.title == "a is ahead of b on x."
    reason = ScoreComparison(
        "ece",
        True,
        {"a": 0.1, "b": 0.2},
        {("a", "b"): Difference(0.1, 9, "", lack=error_of(ArgumentError("too few")))},
        9,
    )
    none = digest_of([BenchmarkComparison("x", "d", (reason,), 9, ())])
    assert none.title == "Nothing can be compared."
    assert none.parts[0][1] == ("not compared: too few",)


@pytest.mark.parametrize("benchmarks", [("x", "y"), ("x", "x")])
def test_a_place_is_named_so_that_it_is_one(benchmarks: tuple[str, str]) -> None:
    values = {"a": 0.9, "b": 0.5}
    found = digest_of(
        [BenchmarkComparison(name, f"data{k}", (score(values, "ab"),), 9, ()) for k, name in enumerate(benchmarks)]
    )
    places = "on x and on y" if benchmarks == ("x", "y") else "on x, data0 and on x, data1"
    assert found.title == f"a is ahead of b {places}."
