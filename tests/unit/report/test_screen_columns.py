"""Which benchmark stands in which column of the first screen, at which budget, and who has a place there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hardiness.benchmarks.accuracy_warnings import warnings_of
from hardiness.core.attack_plan import Round
from hardiness.core.codes import ModelNote, RunRemark
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError
from hardiness.core.fact import Fact, Trust, error_of
from hardiness.core.model import View
from hardiness.core.result import Counts, Result, Score, SlicedScore, SliceScore
from hardiness.core.run import BenchmarkIdentity, DataIdentity, InputIdentity, ModelIdentity, Run
from hardiness.core.spread import Interval
from hardiness.core.table import Failure
from hardiness.report.first_screen import verdict_of
from hardiness.report.marks import has_random_weights
from hardiness.report.screen import first_screen
from hardiness.report.screen_columns import screen_columns
from hardiness.report.sections import sections
from hardiness.report.words import text
from hardiness.results.results import published_results
from hardiness.statistics.spreads.combined import TwoEnds

CARDS = {"imagenet-val": "classification", "own": "classification", "imagenet-v2": "classification",
         "imagenet-c": "corruption", "own-c": "corruption", "whitebox": "attack", "autoattack": "attack",
         "imagenet-a": "subset_classification"}  # fmt: skip


def score(metric: str, value: float, n: int = 500, higher_is_better: bool = True, **condition: Any) -> Score:
    spread = TwoEnds(value, max(0.0, value - 0.02), min(1.0, value + 0.02))
    return Score(metric, value, "fraction", n, spread, higher_is_better, Condition(**condition))


def result(model: str, benchmark: str, *scores: Score, **more: Any) -> Result:
    run = Run(ModelIdentity(model), BenchmarkIdentity(benchmark, CARDS[benchmark], "standard"),
              DataIdentity("photographs", samples=500))  # fmt: skip
    given = {"run": run, "counts": Counts(500, 500, 0, 500), "measured": {"sessions": []}, **more}
    return Result(model=model, benchmark=benchmark, data="imagenet", protocol="standard", scores=scores,
                  key=f"{model}-{benchmark}", **given)  # fmt: skip


def clean(model: str, value: float, benchmark: str = "imagenet-val", **more: Any) -> Result:
    return result(model, benchmark, score("top1", value), **more)


def corrupted(model: str, error: float, benchmark: str = "imagenet-c", names: tuple[str, ...] = ("fog", "snow"),
              **more: Any) -> Result:  # fmt: skip
    errors = [score("error", error, higher_is_better=False, corruption=name, severity=1) for name in names]
    return result(model, benchmark, score("mean_error", error, 500, False), *errors, **more)


def attacked(
    model: str, left: dict[float, float], benchmark: str = "whitebox", norm: str = "linf", **more: Any
) -> Result:
    at = {epsilon: Condition(epsilon=epsilon, steps=10) for epsilon in left}
    rounds = tuple(Round("pgd", norm, epsilon, {10: mark}) for epsilon, mark in at.items())  # type: ignore[arg-type]
    scores = [score("accuracy", value, epsilon=epsilon, steps=10) for epsilon, value in left.items()]
    made = result(model, benchmark, score("clean_accuracy", 0.9), *scores, **more)
    conditions = (Condition(), *at.values())
    return replace(made, run=replace(made.run, attack=rounds, conditions=conditions))


def columns_of(*results: Result) -> dict[str, Any]:
    found = sorted(results, key=lambda each: each.benchmark)
    return {column.title: column for column in screen_columns(sections(found))}


def test_each_kind_of_picture_has_a_column_and_what_was_not_run_has_none() -> None:
    columns = columns_of(clean("a", 0.9), corrupted("a", 0.3), attacked("a", {4 / 255: 0.1}))
    assert list(columns) == ["Clean", "Corrupted", "Attacked"]
    assert columns["Clean"].points["a"].value == 0.9
    assert round(columns["Corrupted"].points["a"].value, 6) == 0.7, "still right, not wrong"
    assert columns["Corrupted"].points["a"].interval == Interval(1 - 0.32, 1 - 0.28)
    assert columns["Corrupted"].source == "imagenet-c: 2 corruptions, mean, severity 1"
    assert columns["Attacked"].source == "white box, ε 4/255"
    assert list(columns_of(clean("a", 0.9))) == ["Clean"]
    assert list(columns_of(corrupted("a", 0.3))) == ["Corrupted"]


def test_own_pictures_and_shifted_sets_have_columns_of_their_own() -> None:
    columns = columns_of(clean("a", 0.9), clean("a", 0.5, "own"), clean("a", 0.4, "imagenet-v2"))
    assert [(title, column.source) for title, column in columns.items()] == [
        ("Clean", "imagenet-val"),
        ("Own classes", "own"),
        ("Shifted", "imagenet-v2"),
    ]
    both = columns_of(corrupted("a", 0.3), corrupted("a", 0.6, "own-c"))
    assert both["Corrupted"].source.startswith("imagenet-c")
    assert columns_of(corrupted("a", 0.6, "own-c"))["Corrupted"].source.startswith("own-c")


def test_slices_have_a_column_with_the_worst_of_each_model() -> None:
    def sliced(model: str, values: dict[str, float]) -> Result:
        slices = tuple(
            SliceScore(value, Score("top1", score, "fraction", 60, TwoEnds(score, score - 0.1, score + 0.1)))
            for value, score in sorted(values.items(), key=lambda item: item[1])
        )
        lowest = Score("top1", min(values.values()), "fraction", 60, TwoEnds(min(values.values()), 0.2, 0.9))
        by_site = SlicedScore("site", "top1", Condition(), "fraction", True, "top-1", slices, lowest, n=180)
        return clean(model, 0.8, slices=(by_site,))

    found = [sliced("a", {"north": 0.5, "south": 0.9}), sliced("b", {"north": 0.8, "south": 0.7})]
    column = columns_of(*found)["Worst site"]
    assert {name: point.value for name, point in column.points.items()} == {"a": 0.5, "b": 0.7}
    assert {point.interval for point in column.points.values()} == {Interval(0.2, 0.9)}
    assert verdict_of(column).strong == "Worst: north (a) and south (b)."
    assert not column.is_judged, "they are of other pictures"


def test_attacks_are_shown_at_four_255ths_or_at_the_largest_budget_that_all_have() -> None:
    usual = {2 / 255: 0.4, 4 / 255: 0.2, 8 / 255: 0.1}
    assert columns_of(attacked("a", usual), attacked("b", usual))["Attacked"].source == "white box, ε 4/255"
    other = {1 / 255: 0.5, 2 / 255: 0.4}
    shown = columns_of(attacked("a", usual), attacked("b", other))["Attacked"]
    assert shown.source == "white box, ε 2/255"
    assert {name: point.value for name, point in shown.points.items()} == {"a": 0.4, "b": 0.4}
    both = columns_of(attacked("a", usual), attacked("a", {8 / 255: 0.05}, "autoattack"))
    assert both["Attacked"].source == "AutoAttack, ε 8/255", "the ensemble goes before the white box"
    assert columns_of(attacked("a", {0.5: 0.3}, norm="l2")) == {}, "other norms are no L-infinity"


def test_models_that_met_other_corruptions_are_not_ranked_beside_each_other() -> None:
    found = [corrupted("a", 0.1), corrupted("b", 0.3), corrupted("c", 0.5, names=("fog",))]
    column = columns_of(*found)["Corrupted"]
    assert column.standing.models == ("a", "b")
    assert column.unranked == {"c": "other corruptions"}


def test_a_number_that_is_withdrawn_and_random_weights_have_no_place() -> None:
    doubt = [Fact("package.reach", trust=Trust.WITHDRAWN)]
    found = [
        attacked("a", {4 / 255: 0.6}, findings=doubt),
        attacked("b", {4 / 255: 0.3}),
        attacked("c", {4 / 255: 0.1}),
    ]
    column = columns_of(*found)["Attacked"]
    assert column.standing.models == ("b", "c")
    assert column.points["a"].doubt == "withdrawn"
    random = clean("r", 0.0, measured={"sessions": [{"notes": [{"code": ModelNote.RANDOM_WEIGHTS, "arguments": {}}]}]})
    assert has_random_weights(random)
    assert not has_random_weights(clean("a", 0.9))
    assert columns_of(clean("a", 0.9), random)["Clean"].standing.models == ("a",)
    screen = first_screen(sections([clean("a", 0.9), random]), "t")
    assert screen.random_weights == ("r",), "marked beside the name"
    assert screen.foot[-1] == "Random weights: their answers mean nothing."
    assert not first_screen(sections([clean("a", 0.9)]), "t").random_weights


def test_a_model_that_was_run_and_has_no_number_is_undefined() -> None:
    unfinished = result(
        "b",
        "imagenet-val",
        replace(score("top1", 0.0), value=None, spread=None, lack=error_of(ArgumentError("too few"))),
    )
    assert columns_of(clean("a", 0.9), unfinished)["Clean"].undefined == {"b"}


def test_two_names_of_one_run_are_ranked_once() -> None:
    fixed = InputIdentity("fixed", "224 px as it is")
    one = corrupted("a", 0.3)
    views = (View(), View(resize_px=160, crop_px=160))
    runs = [replace(one.run, model=ModelIdentity("a", "w" * 64, view), input=fixed) for view in views]
    found = [replace(one, run=run, key=run.key) for run in runs]
    column = columns_of(*found, corrupted("b", 0.9))["Corrupted"]
    assert len(column.points) == 3
    assert len(column.standing.models) == 2
    assert column.same_run == "imagenet-c sets its own picture size"
    (table,) = sections([*found, corrupted("b", 0.9)])
    assert table.section.headline is not None
    assert len(table.places(table.section.headline)) == 2, "in tables neither"


def test_models_stand_in_the_order_of_the_first_column_that_all_have() -> None:
    found = [corrupted("a", 0.1), corrupted("b", 0.2), corrupted("c", 0.3), clean("b", 0.5), clean("c", 0.6)]
    tables = sections(sorted(found, key=lambda each: each.benchmark))
    assert [[each.name for each in table.results] for table in tables] == [["b", "c"], ["a", "b", "c"]]
    found.append(clean("a", 0.55))
    tables = sections(sorted(found, key=lambda each: each.benchmark))
    assert [[each.name for each in table.results] for table in tables] == [["c", "a", "b"]] * 2


def test_the_column_under_corruptions_says_which_the_mean_is_over() -> None:
    """No mean takes a level, or a corruption that is none of the set's; one with another mean is not ranked."""
    one = corrupted("a", 0.3, "own-c", ("fog",))
    level = score("error", 0.1, corruption="jpeg_compression", level="quality=10")
    bars = score("error", 0.2, corruption="bars", severity=1)
    more = [score("error", 0.3, corruption="fog", severity=severity) for severity in (3, 5)]
    one = replace(one, scores=[*one.scores, level, bars], counts=Counts(500 * 45, 500, 0, 500))
    column = columns_of(one)["Corrupted"]
    assert (column.source, column.where) == ("own-c: fog only, severity 1", "under fog")
    assert "partial: evaluated 500 of 22,500 image-cells (fog only, severity 1)" in list(map(text, warnings_of(one)))
    whole = replace(one, scores=[*one.scores, *more])
    assert columns_of(whole)["Corrupted"].source == "own-c: fog only"
    two = columns_of(corrupted("a", 0.3, "own-c"))["Corrupted"]
    assert (two.source, two.where) == ("own-c: 2 corruptions, mean, severity 1", "under corruptions")


def test_the_screen_folds_after_twelve_and_says_what_is_partial() -> None:
    many = [clean(f"m{number:02}", 0.9 - 0.01 * number) for number in range(20)]
    screen = first_screen(sections(many), "t")
    assert [len(part) for part in screen.parts] == [12, 8]
    assert screen.about == "t · 20 models · 500 photographs"
    assert screen.marks == ()
    part = clean("a", 0.9, counts=Counts(500, 120, 0, 120), warnings=(Fact(RunRemark.DEMO_SIZED),))
    screen = first_screen(sections([part]), "t")
    assert screen.marks == ("partial", "demo: few and easy")
    assert screen.about == "t · 1 model · 120 of 500 photographs"


def test_beside_what_was_run_published_results_have_no_columns_of_their_own() -> None:
    own = [replace(clean(model, value), data="embedded") for model, value in (("a", 0.9), ("b", 0.8))]
    published = [replace(clean(f"p{k}", 0.7), measured={"published": "a paper"}) for k in range(4)]
    published += [replace(clean("p0", 0.2, "imagenet-a"), measured={"published": "a paper"})]
    screen = first_screen(sections([*own, *published]), "t")
    ((column, _),) = screen.charts[0]
    assert (column.title, [*column.points]) == ("Clean", ["a", "b"])
    assert screen.parts == (("a", "b"), ())
    assert screen.about == "t · 6 models · 500 photographs"
    assert first_screen(sections(published), "t").parts[0] == ("p0", "p1", "p2", "p3")


def test_the_next_command_is_the_one_that_tells_more() -> None:
    def asked(model: str, **more: Any) -> dict[str, Any]:
        request = {"model": model, "benchmark": "imagenet-c", "data": ["/photographs"], **more}
        return {"sessions": [{"rows": 8, "limit": 8, "asked": request}]}

    def next_of(results: list[Result], *outs: str) -> tuple[str, str]:
        return first_screen(sections(results), "t", outs=outs).next_step

    few = Counts(1000, 16, 0, 8)
    found = [corrupted(model, error, counts=few, measured=asked(model)) for model, error in (("a", 0.30), ("b", 0.31))]
    command = "hardiness run -m a -m b -b imagenet-c --data /photographs --limit 32 --out 'my runs'"
    assert next_of(found, "my runs") == ("more photographs under “Corrupted”", command)
    assert next_of(found) == ("", ""), "without a folder nothing can go on"
    seeded = [replace(each, run=replace(each.run, seed=3, precision="fp16")) for each in found]
    assert "--seed 3 --precision fp16 --limit 32 --out o" in next_of(seeded, "o")[1]
    nearly = [replace(each, counts=Counts(1000, 400, 0, 200)) for each in found]
    assert next_of(nearly, "o")[1] == "hardiness run -m a -m b -b imagenet-c --data /photographs --out o", "all of them"

    pairs = ("every pair, and how many of their answers differ", "hardiness compare o")
    exhausted = [replace(each, counts=Counts(7500, 1000, 0, 500)) for each in found]
    assert next_of(exhausted, "o") == pairs, "two corruptions of fifteen, and no photograph is left"
    failed = tuple(Failure(f"n/{k}", "cannot be read") for k in range(2))
    assert next_of([replace(each, counts=Counts(1000, 996, 4, 498), failures=failed) for each in found], "o") == pairs
    held = [
        replace(
            each, measured={"sessions": [{"rows": 8, "limit": 8, "asked": {"benchmark": "imagenet-c", "data": []}}]}
        )
        for each in found
    ]
    assert next_of(held, "o") == pairs, "models that Python held"
    answered = [replace(each, measured=asked(each.model, predictions="/answers.csv")) for each in found]
    assert next_of(answered, "o") == pairs, "a file has no answers to more"

    whole = [clean("a", 0.9), clean("b", 0.5)]
    assert next_of(whole, "o", "p")[1] == "hardiness compare o p"
    why, command = next_of(whole[:1], "o")
    assert why == "a second model to compare it with"
    assert command.startswith("hardiness run -m MODEL -b imagenet-val --data ")
    assert command.endswith(" --out o")


def test_published_errors_without_cells_are_a_mean_of_no_counted_corruptions() -> None:
    published = [each for each in published_results() if each.benchmark == "imagenet-c"]
    (column,) = (column for column in screen_columns(sections(published)) if column.title == "Corrupted")
    assert column.source == "imagenet-c: mean"
