"""The overview, the sentences above it, places, checks, and what was published beside what was measured."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from one_score import compared
from rich.console import Console

from hardiness.benchmarks.accuracy_warnings import warnings_of
from hardiness.core.codes import AttackCheck, ModelNote, RunRemark
from hardiness.core.condition import Condition
from hardiness.core.fact import CheckOutcome, Fact, Trust
from hardiness.core.result import Counts, Result, Score
from hardiness.core.run import BenchmarkIdentity, DataIdentity, ModelIdentity, Plan, Run
from hardiness.report.commands import commands_of
from hardiness.report.page import PageOptions, inks_of, page
from hardiness.report.places import PlaceRange, ranks
from hardiness.report.scorecard import scorecard
from hardiness.report.screen_columns import screen_columns
from hardiness.report.sections import sections
from hardiness.report.summary import summary
from hardiness.report.table_rows import rows_of
from hardiness.report.terminal import scorecard_tables
from hardiness.report.trust import checks, trust_text
from hardiness.report.words import text
from hardiness.results.comparison import BenchmarkComparison
from hardiness.results.results import published_results
from hardiness.statistics.estimate import mean
from hardiness.statistics.spreads.combined import TwoEnds


def top1(value: float, half: float = 0.01, n: int = 1000, **condition: Any) -> Score:
    return Score(
        "top1", value, "fraction", n, TwoEnds(value, value - half, value + half), condition=Condition(**condition)
    )


FALLEN = {
    "budget": "0.01",
    "before": 0.5,
    "after": 0.1,
    "images": 1000,
    "loss_low": 0.3,
    "loss_high": 0.5,
    "doubts": (),
    "unchecked": (),
    "not_robust": True,
}
"""A verdict that less than half is left."""

DEMO = "demo-sized: the embedded photographs are few and easy; a demonstration, not a benchmark"


def result(model: str, *scores: Score, benchmark: str = "imagenet-val", **more: Any) -> Result:
    given = {
        "data": "imagenet",
        "protocol": "orhan2019",
        "counts": Counts(1000, 1000, 0, 1000),
        "measured": {"sessions": []},
        "key": f"{model}-{benchmark}",
        **more,
    }
    run = given.pop("run", Run(ModelIdentity(model), BenchmarkIdentity(benchmark, "classification", "orhan2019")))
    return Result(model=model, benchmark=benchmark, scores=scores, run=run, **given)


def test_a_place_rises_only_where_intervals_are_apart() -> None:
    found = ranks({"a": top1(0.9, 0.05), "b": top1(0.86, 0.05), "c": top1(0.7, 0.05), "d": top1(0.76, 0.05)})
    assert found == {"a": PlaceRange(1, 2), "b": PlaceRange(1, 3), "d": PlaceRange(2, 4), "c": PlaceRange(3, 4)}
    lower = {name: replace(score, higher_is_better=False) for name, score in {"a": top1(0.9), "b": top1(0.5)}.items()}
    assert ranks(lower) == {"a": PlaceRange(2, 2), "b": PlaceRange(1, 1)}
    assert str(PlaceRange(1, 1)), str(PlaceRange(2, 4)) == ("1", "2–4")


def test_a_model_without_an_interval_has_no_place() -> None:
    bare = Score("mce", 0.5, "ratio", 10, higher_is_better=False)
    assert ranks({"a": bare, "b": top1(0.5)}) == {"b": PlaceRange(1, 1)}


def test_the_overview_marks_what_is_amiss() -> None:
    part = Counts(1000, 10, 3, 10)
    doubt = [Fact("package.must_break", outcome=CheckOutcome.RAISED)]
    found = [result("a", top1(0.9)), result("b", top1(0.5), counts=part, findings=doubt)]
    card = scorecard(sections(found))
    assert [head.title for head in card.heads] == ["imagenet-val"]
    (first,), (second,) = (entries for _, entries in card.rows)
    assert (first.text, first.interval, first.rank, first.marks) == ("90.0", "89.0–91.0", PlaceRange(1, 1), ())
    assert (second.rank, second.marks) == (PlaceRange(2, 2), ("failed", "partial", "doubt"))
    assert card.some_apart == (True,)


def test_random_weights_have_a_mark_and_no_place() -> None:
    random = result(
        "r", top1(0.0), measured={"sessions": [{"notes": [{"code": ModelNote.RANDOM_WEIGHTS, "arguments": {}}]}]}
    )
    card = scorecard(sections([result("a", top1(0.9)), result("b", top1(0.5)), random]))
    entries = {model: entry for model, (entry,) in card.rows}
    assert (entries["r"].rank, entries["r"].marks) == (None, ("random weights",))
    assert entries["b"].rank == PlaceRange(2, 2)


def test_what_is_said_of_belief_comes_from_the_attack_report() -> None:
    reach = Fact("package.reach", outcome=CheckOutcome.RAISED)
    doubt = ("doubt",), "1 doubt"
    for trust, outcome, mark, word in (
        (Trust.WITHDRAWN, CheckOutcome.RAISED, ("doubt",), "no: package.reach"),
        (Trust.BELIEVED, CheckOutcome.RAISED, *doubt),
        (Trust.CANNOT_TELL, CheckOutcome.RAISED, ("cannot tell",), "cannot tell"),
        (Trust.BELIEVED, CheckOutcome.CLEAR, *doubt),
    ):
        attacked = result("a", top1(0.9), findings=[reach, Fact("package.verdict", outcome=outcome, trust=trust)])
        (shown,) = sections([attacked])
        ((_, (entry,)),) = scorecard([shown]).rows
        assert entry.marks == mark
        assert trust_text(attacked, checks(attacked, shown)) == word
    plain = result("a", top1(0.5, 0.2, n=24), counts=Counts(1000, 24, 0, 24))
    assert trust_text(plain, checks(plain, *sections([plain]))) == "2 doubts"


def test_a_model_that_surely_falls_casts_no_doubt_on_its_number_and_the_page_counts_none() -> None:
    certain = [
        Fact(AttackCheck.MISCLASSIFIED, {"share": 0.5}, outcome=CheckOutcome.RAISED),
        Fact(AttackCheck.VERDICT, FALLEN, outcome=CheckOutcome.RAISED, trust=Trust.BELIEVED),
    ]
    attacked = result("a", top1(0.9), findings=certain)
    (shown,) = sections([attacked])
    assert trust_text(attacked, checks(attacked, shown)) == "yes"
    assert scorecard([shown]).rows[0][1][0].marks == ()
    text = page([shown], "t", inks_of([shown]), PageOptions(images=False))
    summed = text[text.index("Can this be believed?") :].split("</summary>")[0]
    assert "pill" not in summed
    doubted = result("a", top1(0.9), findings=[*certain, Fact("package.reach", outcome=CheckOutcome.RAISED)])
    (shown,) = sections([doubted])
    text = page([shown], "t", inks_of([shown]), PageOptions(images=False))
    assert text.count("1 doubt<") == 2, "in the table, and beside the question"


def page_of(*results: Result) -> str:
    shown = sections(results)
    return page(shown, "t", inks_of(shown), PageOptions(images=False))


def test_the_column_of_belief_is_a_word_with_its_reasons_behind_and_the_headline_stands_next() -> None:
    at = Condition(epsilon=0.01, steps=10)
    spread = TwoEnds(0.4, 0.4, 1.0)
    scores = [Score("clean_accuracy", 0.5, "fraction", 400, spread), Score("accuracy", 0.4, "fraction", 400, spread)]
    run = Run(ModelIdentity("a"), BenchmarkIdentity("whitebox", "attack", "orhan2019"))
    reasons = ("package.reach", "package.mismatch", "package.shattered")
    verdict = Fact(
        AttackCheck.VERDICT,
        FALLEN | {"doubts": (Fact("package.reach"),)},
        outcome=CheckOutcome.RAISED,
        trust=Trust.WITHDRAWN,
    )
    attacked = result("a", scores[0], replace(scores[1], condition=at), benchmark="whitebox", run=run,
                      findings=[*(Fact(name, outcome=CheckOutcome.RAISED) for name in reasons), verdict])  # fmt: skip
    text = page_of(attacked)
    table = text[text.index('-scores">') :].split("</table>")[0]
    heads = [re.sub("<.*?>", "", head) for head in re.findall(r'<th scope="col"[^>]*>(.*?)</th>', table)]
    assert heads == ["model", "n", "believe it?", "ε 0.01, 10 steps ↑", "clean accuracy ↑"]
    assert '<span class="warn">no</span>' in table
    assert f'title="{", ".join(reasons)}"' in table
    plain = page_of(result("a", top1(0.5, 0.2, n=24), counts=Counts(1000, 24, 0, 24)))
    assert 'title="complete, sample size"><span class="warn">2 doubts</span>' in plain


def test_places_are_explained_only_where_models_have_some() -> None:
    one, other = result("a", top1(0.9)), result("b", top1(0.5))
    assert "A place is shared" not in page_of(one)
    assert "A place is shared" in page_of(one, other)


def test_the_head_says_once_that_a_page_is_demo_sized() -> None:
    demo = result("a", top1(0.9), data="embedded", warnings=(Fact(RunRemark.DEMO_SIZED),))
    corrupted = result("a", top1(0.9), data="embedded", benchmark="imagenet-v2", warnings=(Fact(RunRemark.DEMO_SIZED),))
    whole = result("a", top1(0.9))

    def head(*results: Result) -> str:
        return page_of(*results).split('<ul class="found">')[0]

    assert head(demo, corrupted).count("demo: few and easy") == head(demo, corrupted).count(f" D{DEMO[1:]}.") == 1
    assert head(demo, whole).count(f"imagenet-val on embedded: {DEMO}") == 1
    assert "demo-sized" not in head(whole)
    assert "few and easy" not in head(whole)


def test_headlines_stand_first_with_n_and_all_other_columns_are_folded() -> None:
    other = Score("ece", 0.1, "fraction", 1000, TwoEnds(0.1, 0.05, 0.15), condition=Condition(protocol="equal-width"))
    (shown,) = sections([result("a", top1(0.9), other), result("b", top1(0.5), other)])
    text = page([shown], "t", inks_of([shown]), PageOptions(images=False))
    first, folded = (text[text.index(f'-{part}">') :].split("</thead>")[0] for part in ("scores", "more"))
    heads = [re.sub("<.*?>", "", head) for head in first.split("</th>")[:-1]]
    assert [head.split(">")[-1].strip() for head in heads] == ["model", "n", "believe it?", "top-1 ↑"]
    assert "ECE" not in first
    assert "ECE" in folded
    assert '<details><summary class="small">1 more column</summary>' in text


def test_the_overview_groups_benchmarks_and_shows_reassessed_labels_apart() -> None:
    def of(benchmark: str, card: str, *scores: Score) -> Result:
        run = Run(ModelIdentity("a"), BenchmarkIdentity(benchmark, card, "p"))
        return result("a", *scores, benchmark=benchmark, run=run)

    real = replace(top1(0.8), metric="real_top1")
    drop = replace(top1(0.1), metric="typographic_drop")
    found = [
        of("typographic", "typographic", drop),
        of("imagenet-v2", "classification", top1(0.7)),
        of("imagenet-val", "classification", top1(0.9), real),
    ]
    card = scorecard(sections(found))
    assert [(head.title, head.metric) for head in card.heads] == [
        ("imagenet-val", "top-1"),
        ("imagenet-v2", "top-1"),
        ("typographic", "drop by the word"),
        ("imagenet-val", "ReaL top-1"),
    ]
    assert card.groups == (("clean", 1), ("natural shift", 1), ("adversarial", 1), ("labels", 1))
    assert [entry.text for entry in card.rows[0][1]] == ["90.0", "70.0", "10.0", "80.0"]
    console = Console(width=120, force_terminal=False)
    with console.capture() as captured:
        for part in scorecard_tables(found):
            console.print(part)
    assert captured.get().count("overview") == 1, "one table"
    assert all(number in captured.get() for number in ("90.0", "70.0", "10.0", "80.0"))
    text = page(sections(found), "t", inks_of(sections(found)), PageOptions(images=False))
    assert text.count('scope="colgroup"') == 4


def test_sections_of_one_benchmark_have_titles_that_tell_them_apart() -> None:
    found = [result("a", top1(0.9), data="embedded"), result("a", top1(0.9), key="other")]
    assert [head.title for head in scorecard(sections(found)).heads] == [
        "imagenet-val, embedded",
        "imagenet-val, imagenet",
    ]


def test_two_runs_of_one_model_are_told_apart() -> None:
    found = [result("a", top1(0.9), key="111111-x"), result("a", top1(0.8), key="222222-x")]
    assert [model for model, _ in scorecard(sections(found)).rows] == ["a (run 111111)", "a (run 222222)"]


def sentence_of(found: Result) -> str:
    (sentence,) = summary(sections([found]))
    return sentence.text.replace("\u00a0", " ")


def test_a_sentence_from_few_images_gives_the_interval_and_says_partial() -> None:
    three = result("a", top1(0.667, 0.3, n=3), counts=Counts(1000, 3, 0, 3))
    assert sentence_of(three) == (
        "is right on 66.7 % of the photographs (n = 3, partial, 95 % interval of top-1: 36.7–96.7)."
    )
    assert sentence_of(result("a", top1(0.5, 0.1, n=30))) == "is right on 50.0 % of the photographs (n = 30)."


@pytest.mark.parametrize(("group", "words"), [("weather", "weather"), ("digital", "digital corruptions")])
def test_what_is_lost_under_a_group_reads_as_english(group: str, words: str) -> None:
    scores = [
        Score("error", 0.5, "fraction", 1000, TwoEnds(0.5, 0.4, 0.6), False, Condition(group=group)),
        Score("clean_error", 0.1, "fraction", 1000, TwoEnds(0.1, 0.09, 0.11), False),
    ]
    run = Run(ModelIdentity("a"), BenchmarkIdentity("imagenet-c", "corruption", "hendrycks2019"))
    assert sentence_of(result("a", *scores, benchmark="imagenet-c", run=run)).startswith(
        f"loses 40 points under {words} ("
    )


def test_no_class_is_said_to_break_first_which_nothing_tests() -> None:
    own = Run(ModelIdentity("a"), BenchmarkIdentity("own-c", "corruption", "own"), DataIdentity(classes=("cat", "dog")))
    recalls = [
        Score("recall", value, "fraction", 10, condition=Condition(**{"class": name}, **part))
        for name, clean, left in (("cat", 0.8, 0.5), ("dog", 0.9, 0.8))
        for value, part in ((clean, {"corruption": "clean"}), (left, {}))
    ]
    errors = [
        Score(name, value, "fraction", 1000, TwoEnds(value, value - 0.1, value + 0.1), False, Condition(**group))
        for name, value, group in (("clean_error", 0.2, {}), ("error", 0.5, {"group": "noise"}))
    ]
    found = result("a", *errors, *recalls, benchmark="own-c", protocol="own", run=own)
    assert sentence_of(found) == "loses 30 points under noise (n = 1,000)."
    assert "breaks first" not in page_of(found)


def test_no_heading_begins_a_line_with_its_arrow() -> None:
    (shown,) = sections([result("a", top1(0.9))])
    text = page([shown], "t", inks_of([shown]), PageOptions(images=False))
    assert text.count('<span class="whole">top-1 ↑</span>') == 3, (
        "in the overview, with a script and without, and in the section"
    )


def test_what_is_lost_to_corruptions_has_an_interval_of_its_own() -> None:
    def part(metric: str, value: float, low: float, high: float, **condition: str) -> Score:
        return Score(metric, value, "fraction", 3, TwoEnds(value, low, high), False, Condition(**condition))

    scores = [part("error", 1.0, 0.44, 1.0, group="noise"), part("clean_error", 0.0, 0.0, 0.56)]
    run = Run(ModelIdentity("a"), BenchmarkIdentity("imagenet-c", "corruption", "hendrycks2019"))
    found = result("a", *scores, benchmark="imagenet-c", run=run, counts=Counts(1000, 3, 0, 3))
    low = 100 * (1 - np.hypot(0.56, 0.56))
    assert sentence_of(found) == (
        f"loses 100 points under noise (n = 3, partial, 95 % interval of loss (noise): {low:.1f}–100.0)."
    )


@pytest.mark.parametrize(
    ("left", "trust", "text"),
    [
        (1.0, Trust.CANNOT_TELL, "keeps its 100 % under attack at ε 0.01"),
        (1.0, Trust.BELIEVED, "holds its 100 % under attack at ε 0.01"),
        (0.5, Trust.CANNOT_TELL, "falls from 100 to 50 % under attack at ε 0.01"),
    ],
)
def test_where_the_verdict_cannot_tell_the_sentence_says_so(left: float, trust: Trust, text: str) -> None:
    at = Condition(epsilon=0.01, steps=10)
    scores = [
        Score("clean_accuracy", 1.0, "fraction", 4, TwoEnds(1.0, 0.51, 1.0)),
        Score("accuracy", left, "fraction", 4, TwoEnds(left, 0.4, 1.0), condition=at),
    ]
    run = Run(ModelIdentity("a"), BenchmarkIdentity("whitebox", "attack", "orhan2019"))
    attacked = result("a", *scores, benchmark="whitebox", run=run, findings=[Fact("package.verdict", trust=trust)])
    cannot = ", cannot tell" if trust is Trust.CANNOT_TELL else ""
    assert sentence_of(attacked) == f"{text} (n = 4{cannot}, 95 % interval of accuracy left: 40.0–100.0)."


def test_a_paired_comparison_tells_apart_what_intervals_do_not() -> None:
    right = {"a": np.arange(400) < 360, "b": np.arange(400) < 340}
    measures = {name: mean(np.arange(len(each)), each) for name, each in right.items()}
    paired = compared("top1", measures, True)
    found = [result("a", top1(0.90, 0.03)), result("b", top1(0.85, 0.03))]
    comparison = BenchmarkComparison("imagenet-val", "imagenet", (paired,), 400, (), (), protocol=found[0].protocol)
    (alone,), (shown,) = sections(found), sections(found, [comparison])
    column = shown.section.headline
    assert column is not None
    assert alone.places(column) == {"a": PlaceRange(1, 2), "b": PlaceRange(1, 2)}
    assert shown.places(column) == {"a": PlaceRange(1, 1), "b": PlaceRange(2, 2)}
    assert [each.standing.alone for each in screen_columns([shown])] == ["a"]
    assert [each.standing.claim for each in screen_columns([alone])] == [None]
    alone_of_two = sections(found[:1], [comparison])[0]
    assert alone_of_two.places(column) == {"a": PlaceRange(1, 1)}, "places among the models that are shown"
    text = page([shown], "t", inks_of([shown]), PageOptions(images=False))
    assert "<summary>Do the models differ? Every two, by 1 score</summary>" in text
    others = sections([*found, result("c", top1(0.5))], [comparison])
    assert others[0].places(column)["a"] == PlaceRange(1, 2), "a comparison that lacks a model is not used"


def test_a_comparison_counts_where_a_picture_failed() -> None:
    """The score is then that of a part, and the images that are compared have every cell."""
    wrong = {"a": np.arange(400) >= 360, "b": np.arange(400) >= 340}
    paired = compared("mean_accuracy", {name: mean(np.arange(400), ~each) for name, each in wrong.items()}, True)
    found = [
        result(name, Score("mean_accuracy_partial", value, "fraction", 401, TwoEnds(value, value - 0.03, value + 0.03)))
        for name, value in (("a", 0.90), ("b", 0.85))
    ]
    comparison = BenchmarkComparison("imagenet-val", "imagenet", (paired,), 400, (), (), protocol=found[0].protocol)
    (shown,) = sections(found, [comparison])
    column = shown.section.columns[0]
    assert column.metric == "mean_accuracy_partial"
    assert shown.places(column) == {"a": PlaceRange(1, 1), "b": PlaceRange(2, 2)}


def test_checks_say_what_to_do() -> None:
    part = result(
        "a",
        top1(0.5, 0.2, n=24),
        counts=Counts(1000, 24, 1, 24),
        measured={
            "sessions": [
                {"limit": 24, "asked": {"benchmark": "b"}, "agreement": {"n": 8, "top1": 1.0, "fallback": None}}
            ]
        },
        warnings=(
            Fact(RunRemark.PARTIAL, {"evaluated": 24, "expected": 1000, "failed": 1, "conditions": 1}),
            Fact(RunRemark.DEMO_SIZED),
        ),
        findings=[Fact("package.loss", outcome=CheckOutcome.CLEAR)],
    )
    (shown,) = sections([part])
    found = {check.name: check for check in checks(part, shown)}
    assert [name for name, check in found.items() if check.raised] == ["complete", "failures", "sample size", "data"]
    assert "without --limit" in found["complete"].advice
    assert "about 384 images" in found["sample size"].advice
    assert not found["runtime"].raised
    assert not found["package.loss"].raised


@pytest.mark.parametrize(
    ("limit", "benchmark", "advice"),
    [
        (8, "imagenet-c:corruptions=fog,severities=1+3", "without --limit, corruptions= and severities=:"),
        (None, "imagenet-c:severities=5", "without severities=:"),
        (8, "imagenet-c", "without --limit:"),
        (None, "imagenet-c", "again:"),
    ],
)
def test_a_partial_result_names_all_that_keeps_it_partial(limit: int | None, benchmark: str, advice: str) -> None:
    sessions = [{"limit": limit, "asked": {"model": "a", "benchmark": benchmark, "data": ["embedded"]}}]
    plan = Plan(whole=(1, 2, 3, 4, 5, 6))
    part = result("a", top1(0.5), counts=Counts(594, 48, 0, 8), measured={"sessions": sessions}, plan=plan)
    found = {check.name: check for check in checks(part, *sections([part]))}["complete"]
    assert found.reason == "48 of 594 image-cells were evaluated (99 pictures x 6 conditions)"
    assert found.advice == f"run the same command {advice} it continues where it stopped"


def test_a_difference_that_n_is_too_small_for_is_told() -> None:
    right = {"a": np.arange(400) < 360, "b": np.arange(400) < 358, "c": np.arange(400) < 100}
    measures = {name: mean(np.arange(len(each)), each) for name, each in right.items()}
    paired = compared("top1", measures, True)
    comparison = BenchmarkComparison("imagenet-val", "imagenet", (paired,), 400, (), (), protocol="orhan2019")
    found = [result(name, top1(each.mean())) for name, each in right.items()]
    (shown,) = sections(found, [comparison])
    told = {each.model: [c for c in checks(each, shown) if c.name == "difference"] for each in found}
    assert [check.raised for check in told["a"]] == [True]
    assert told["a"][0].reason.startswith("what it differs by from b (0.5 points) is within chance; 400 images tell ")
    assert "hardiness compare --power" in told["a"][0].advice
    assert [check.raised for check in told["c"]] == [False]


def test_published_numbers_stand_beside_measured_ones_of_the_same_protocol() -> None:
    whole = Counts(50_000, 50_000, 0, 50_000)
    full = result("resnext101_32x8d_wsl", top1(0.830), counts=whole)
    part = replace(full, counts=Counts(50_000, 500, 0, 500))
    for given, difference in ((full, "+0.3"), (part, "+0.3, within the interval; on a part of the data")):
        (row,) = rows_of(sections([given])[0])
        (cell,) = row.cells
        assert cell is not None
        assert cell.published == "82.2 / 82.7"
        assert cell.difference == difference
        assert "WSL-Images" in cell.source
    own_run = replace(full.run, data=DataIdentity("own-pets"))
    (own,) = rows_of(sections([replace(full, data="own-pets", run=own_run)])[0])
    assert own.cells[0] is not None
    assert own.cells[0].published == ""


def test_published_zero_shot_numbers_stand_beside_those_of_the_same_words() -> None:
    name = "openclip:ViT-B-32/laion2b_s34b_b79k"
    benchmark = BenchmarkIdentity("imagenet-val", "classification", "orhan2019")
    for protocol, published, warned in (("openai80", "66.6", True), ("simple7", "", False)):
        run = Run(ModelIdentity(name, options={"protocol": protocol}), benchmark)
        given = result(name, top1(0.5), run=run)
        (row,) = rows_of(sections([given])[0])
        assert row.cells[0] is not None
        assert row.cells[0].published == published
        assert any("published is 66.6" in text(each) for each in warnings_of(given)) == warned


@pytest.mark.slow
def test_the_published_results_are_the_papers() -> None:
    found = published_results()
    mce = {each.model: each.score("mce").value for each in found if each.benchmark == "imagenet-c"}
    assert mce["resnext101_32x8d_wsl"] is not None
    assert len(mce) == 5
    top = next(each for each in found if (each.model, each.benchmark) == ("resnext101_32x48d_wsl", "imagenet-a"))
    interval = top.score("top1").interval
    assert interval is not None
    assert interval.low < 0.610267 < interval.high
    assert top.score("rms_calibration_error").interval is None, "no interval of it was published"
    assert not any(check.raised for each in found for check in checks(each, sections([each])[0]))
    benchmarks = [shown.results[0].benchmark for shown in sections(found)]
    assert benchmarks == [
        *("imagenet-val", "imagenet-a", "imagenet-sketch", "imagenet-v2", "imagenet-r", "imagenet-c"),
        *("objectnet", "imagenet-p", "whitebox", "blackbox", "cue-conflict"),
    ]


def test_the_command_draws_as_many_conditions() -> None:
    asked = {"model": "x", "benchmark": "imagenet-c", "data": ["embedded"], "conditions": 10}
    made = result("x", top1(0.5), measured={"sessions": [{"rows": 9, "asked": asked}]}, benchmark="imagenet-c")
    assert commands_of(made) == ["hardiness run -m x -b imagenet-c --data embedded --conditions 10"]


def test_the_command_keeps_the_baseline_and_makes_it_first() -> None:
    def made(model: str, key: str, limit: int) -> Result:
        asked = {"model": model, "benchmark": "imagenet-c", "data": ["embedded"]}
        sessions = [{"rows": 9, "asked": asked, "limit": limit}]
        measured = {"sessions": sessions, "baseline": {"model": "base", "run": "1" * 16}}
        return result(model, top1(0.5), key=key, measured=measured, benchmark="imagenet-c")

    base, other = made("base", "1" * 16, 5), made("other", "2" * 16, 3)
    command = "hardiness run -m {} -b imagenet-c --data embedded --baseline base --limit {}"
    assert commands_of(base, [base, other]) == [command.format("base", 5)]
    assert commands_of(other, [base, other]) == [command.format("base", 5), command.format("other", 3)]
