"""Scores and the report of attacks, by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hardiness.benchmarks.card import cards
from hardiness.benchmarks.cross_checks import (
    memory,
    other_loss_takes_more,
    square_takes_more,
    weaker_than_noise,
)
from hardiness.benchmarks.gradient_checks import gradient_mismatch
from hardiness.benchmarks.strength_checks import must_break
from hardiness.core.attack_plan import Round
from hardiness.core.codes import AttackCheck
from hardiness.core.condition import Condition
from hardiness.core.fact import CheckOutcome, Fact, Trust, trust_of
from hardiness.core.result import Counts, Result, Score
from hardiness.core.run import BenchmarkIdentity, Run, Surrogate
from hardiness.core.table import Records
from hardiness.engine.cross_checks import missing_columns
from hardiness.report.section import section_of
from hardiness.report.words import line as said
from hardiness.results.comparisons.transfers import with_transfers
from hardiness.statistics.spreads.combined import TwoEnds

STEPS = (1, 5, 10)


def run(epsilon: float = 0.06, step: float | None = None, restarts: int = 1, targeted: bool = False) -> Run:
    """Clean, one curve of three marks, and the budget that must break everything."""
    marks = {steps: Condition(epsilon=epsilon, steps=steps) for steps in STEPS}
    options = {"step": step} if step else {"relative_step": 0.25}
    curve = Round("pgd", "linf", epsilon, marks, restarts, targeted, options=options)
    at = Condition(epsilon=1.0, steps=10, group="must break")
    must = replace(curve, epsilon=1.0, marks={10: at}, options={"relative_step": 0.25})
    return Run(conditions=(Condition(), *marks.values(), at), attack=(curve, must))


def records(broken_at: list[int], **columns: Any) -> Records:
    """One row an image and condition: image i is misclassified from step ``broken_at[i]`` on (0: when clean)."""
    rows: dict[str, list[Any]] = {name: [] for name in ("image", "condition", "label", "prediction", "success", "step")}
    for image, step in enumerate(broken_at):
        for condition, at in enumerate((0, *STEPS, 10)):
            fallen = step <= at or condition == 4
            for name, value in zip(
                rows, (image, condition, 7, 3 if fallen else 7, fallen, step if fallen else -1), strict=True
            ):
                rows[name].append(value)
    n = len(rows["image"])
    filled = {name: np.array(values) for name, values in rows.items()}
    standard = {
        "sample": np.array([f"n/{image:03d}" for image in filled["image"].tolist()], object),
        "target": np.full(n, -1),
        "restart": np.zeros(n, np.int16),
        "loss": np.zeros(n, np.float32),
        "zero_gradient": np.zeros(n, np.float32),
        "finite_gradient": np.ones(n, bool),
        "told_error": np.full(n, np.nan),
    }
    is_checked = filled["condition"] == 3  # checks were run beside the last mark, and a copy judged alike
    standard |= missing_columns(n)
    standard |= {"clean_lead": np.where(is_checked, 1.0, np.nan), "afresh_change": np.where(is_checked, 0.0, np.nan)}
    return Records({**filled, **standard, **columns})


def scored(found: Records, identity: Run) -> tuple[list[Score], dict[str, Fact]]:
    card = cards.get("attack")
    table = card.table(found, identity)
    scores = card.scores(table, identity, None)
    return scores, {each.code: each for each in card.findings(table, scores, identity)}


def value(scores: list[Score], metric: str, **condition: Any) -> float | None:
    (found,) = [each for each in scores if each.metric == metric and each.condition == Condition(**condition)]
    return found.value


def test_a_run_stops_on_the_largest_epsilon_and_on_nothing_before_it_was_attacked() -> None:
    card, identity = cards.get("attack"), run()
    rows = records([0, 1, 5, 5, 99])
    sums = card.sums(card.table(rows, identity), identity, None)
    assert [(each.metric, dict(each.condition)) for each in sums[:2]] == [
        ("accuracy", {"epsilon": 0.06, "steps": 10}),
        ("clean_accuracy", {}),
    ]
    values = {each.condition: each.estimate(np.arange(5)).value for each in sums}
    assert values == pytest.approx(
        {Condition(): 0.8, identity.conditions[4]: 0.0}
        | {Condition(epsilon=0.06, steps=steps): left / 5 for steps, left in ((1, 3), (5, 1), (10, 1))}
    )
    clean = card.table(rows.where(rows["condition"] == 0), identity)
    assert card.sums(clean, identity, None) == []
    compared = [each.metric for each in card.measurables(clean, identity, None) if each.compared]
    assert compared == ["clean_accuracy"]


def test_accuracy_and_success_by_hand() -> None:
    scores, _ = scored(records([0, 1, 5, 5, 99]), run())
    assert value(scores, "clean_accuracy") == pytest.approx(4 / 5)
    for steps, left in ((1, 3), (5, 1), (10, 1)):
        assert value(scores, "accuracy", epsilon=0.06, steps=steps) == pytest.approx(left / 5)
        assert value(scores, "attack_success", epsilon=0.06, steps=steps) == pytest.approx(1 - left / 5)
    assert scores[0].metric == "clean_accuracy"
    assert all(score.interval is not None and score.n == 5 for score in scores)


def test_success_of_a_targeted_attack_is_reaching_the_target_not_leaving_the_label() -> None:
    found = records([1, 1])
    scores, _ = scored(Records({**found.columns, "target": np.where(found["image"] == 0, 3, 4)}), run(targeted=True))
    assert value(scores, "attack_success", epsilon=0.06, steps=1) == 0.5
    assert value(scores, "accuracy", epsilon=0.06, steps=1) == 0.0


def test_surrogate_success_stands_beside() -> None:
    found = records([1, 99])
    scores, report = scored(Records({**found.columns, "surrogate_success": (found["image"] == 1).astype(np.float32)}),
                            replace(run(), surrogate=Surrogate("other", "")))  # fmt: skip
    assert value(scores, "surrogate_success", epsilon=0.06, steps=5) == 0.5
    assert report == {}  # a transferred attack says nothing about gradients of the model


def test_nothing_is_raised_where_nothing_is_wrong() -> None:
    _, report = scored(records([1] * 50), run())
    assert {name for name, each in report.items() if each.is_raised} == {"verdict"}
    assert "falls to 0.0 % at 10 steps, from 100.0 % clean: not robust" in said(report["verdict"])


def test_reach_is_steps_times_step_size() -> None:
    assert not scored(records([1] * 9), run(0.078, step=2 / 255))[1]["reach"].is_raised
    found = scored(records([1] * 9), run(0.08, step=2 / 255))[1]["reach"]
    assert found.is_raised
    assert "10 steps of 0.00784 reach 0.0784" in said(found)


def test_a_curve_that_still_falls_is_told() -> None:
    still, done = records([1] * 40 + [9] * 10), records([1] * 40 + [5] * 10)
    assert scored(still, run())[1]["steps"].is_raised
    assert "from 20.0 % to 0.0 %" in said(scored(still, run())[1]["steps"])
    assert not scored(done, run())[1]["steps"].is_raised


def test_a_loss_that_still_falls_is_told() -> None:
    found = records([99] * 10)
    moving = np.select([found["condition"] == i for i in (1, 2, 3)], [3.0, 2.0, 1.0], 0.0)
    settled = np.select([found["condition"] == i for i in (1, 2, 3)], [3.0, 1.01, 1.0], 0.0)
    assert scored(Records({**found.columns, "loss": moving}), run())[1]["loss"].is_raised
    assert not scored(Records({**found.columns, "loss": settled}), run())[1]["loss"].is_raised
    assert not scored(records([1] * 10), run())[1]["loss"].is_raised


@pytest.mark.parametrize(("last", "who_is_near"), [(1.0, 10), (3.5, 0)])
def test_a_loss_that_falls_where_nobody_is_near_to_falling_is_no_doubt(last: float, who_is_near: int) -> None:
    """Odds go from 6 to 4 and on: by as much again as to 1 all would fall, as to 3.5 none."""
    found = records([99] * 10)
    at = [found["condition"] == i for i in (1, 2, 3)]
    odds = np.select(at, [6.0, 4.0, last], 9.0)
    told = {"loss": np.select(at, [3.0, 2.0, 1.0], 0.0), "label_logit": odds, "logsumexp": np.log(np.exp(odds) + 1)}
    report = scored(Records({**found.columns, **told}), run())[1]["loss"]
    assert report.is_raised == bool(who_is_near)
    assert report.is_raised or "by as much again no image would fall" in said(report)
    assert scored(Records({**found.columns, **told}), run(targeted=True))[1]["loss"].is_raised


def test_odds_too_large_to_be_told_gain_nothing() -> None:
    """At a likelihood of 1 in fp32 odds are unknown: that they are 12 thereafter says nothing of how far they fell."""
    found = records([99] * 10)
    at = [found["condition"] == i for i in (1, 2, 3)]
    told = {
        "loss": np.select(at, [3.0, 2.0, 1.0], 0.0),
        "label_logit": np.full(len(found), 40.0, np.float32),
        "logsumexp": np.where(at[2], np.float32(40.0) + np.float32(3.8e-6), np.float32(40.0)).astype(np.float32),
    }
    report = scored(Records({**found.columns, **told}), run())[1]["loss"]
    assert not report.is_raised, said(report)


def test_a_slope_that_is_right_in_the_middle_is_not_called_wrong_by_its_middle() -> None:
    near = np.array([1.0] * 6 + [0.1, 5.0, -3.0, 40.0])
    found = gradient_mismatch({"slope_ratio": near, "end_slope_ratio": np.full(10, np.nan)})
    assert found.is_raised
    assert "On 40.0 % of the images" in said(found)
    assert "(-3 to 40)" in said(found)
    assert "1.00 of what it says (median)" not in said(found)


@pytest.mark.parametrize("place", ["halfway_slope_ratio", "end_slope_ratio"])
def test_a_gradient_that_is_wrong_where_the_attack_walked_is_told(place: str) -> None:
    found = records([99] * 40)
    last = np.where(found["condition"] == 3, 1.0, np.nan)
    ratios = {"slope_ratio": last, "away_slope_ratio": last, "halfway_slope_ratio": last, "end_slope_ratio": last}
    _, honest = scored(Records({**found.columns, **ratios}), run())
    assert not honest["gradient mismatch"].is_raised
    _, masked = scored(Records({**found.columns, **ratios, place: -last}), run())
    where = {"halfway_slope_ratio": "half way to where", "end_slope_ratio": "gradient where"}[place]
    assert f"{where} the attack ended changes the logits by -1.00" in said(masked["gradient mismatch"])
    assert said(masked["verdict"]).startswith("Withdrawn")


SPACING = {"bfloat16": 2.0**-7, "float16": 2.0**-10, "float32": 2.0**-23}


@pytest.mark.parametrize("number_format", SPACING)
@pytest.mark.parametrize("share", [0.0, 0.2, 0.5])
def test_what_low_precision_hides_is_not_checked_and_no_mask(number_format: str, share: float) -> None:
    found, n = records([99] * 40), 40
    is_last = found["condition"] == 3
    odd = is_last & (found["image"] < share * n)
    columns = {
        "logit_spacing": np.where(is_last, SPACING[number_format], np.nan),
        "zero_lead_gradient": np.where(is_last, 0.0, np.nan),
        **dict.fromkeys(("away_slope_ratio", "halfway_slope_ratio", "end_slope_ratio"), np.where(is_last, 1.0, np.nan)),
    }
    for odd_value in (0.1, np.nan):  # off, and not to be seen
        ratios = np.where(odd, odd_value, np.where(is_last, 1.0, np.nan))
        report = scored(Records({**found.columns, **columns, "slope_ratio": ratios}), run())[1]
        is_hidden = number_format != "float32" and share > 0.25
        assert report["low precision"].is_raised == is_hidden
        assert (report["gradient mismatch"].outcome is CheckOutcome.NOT_RUN) == is_hidden
        verdict = said(report["verdict"])
        if is_hidden:
            assert number_format in said(report["low precision"])
            assert verdict.startswith("Not checked: ")
            assert verdict.endswith("What to do: Run it in float32.")
        else:
            is_mask = share > 0.25 and odd_value == 0.1
            assert verdict.startswith("Withdrawn") == is_mask
            assert is_mask or "it holds" in verdict


def test_an_attack_is_called_the_stronger_one_only_where_it_surely_is() -> None:
    """39 of 95 have an interval of 32 to 51 %, 11 of 19 one of 36 to 77 %."""
    stands = np.ones(95)
    further = np.where(np.arange(95) < 39, 0.5, 2.0)
    assert "neither is surely the stronger one" in said(square_takes_more(stands, further, 100))
    few = square_takes_more(stands[:19], further[-67:-48], 24)
    assert not few.is_raised
    assert "got further on 11: 19 images cannot tell whether gradients are masked" in said(few)
    assert "the attack with gradients is the stronger one" in said(square_takes_more(stands, stands, 100))


def test_an_attack_without_gradients_is_not_said_to_be_misled_by_them() -> None:
    """It sent its author looking for what hides a gradient that the attack does not take."""
    stands, further = np.ones(95), np.full(95, -1.0)
    sentence = said(square_takes_more(stands, further, 100, follows_gradients=False))
    assert sentence.endswith(
        "is too weak, because Square goes without gradients, too. What to do: Take the lower accuracy of "
        "attack=square, or give the attack more steps and a better search."
    )
    assert "gradients are masked" in said(square_takes_more(stands, further, 100))
    silent = said(square_takes_more(stands, further, 100, follows_gradients=None))
    assert "the attack is too weak, or follows gradients that are masked." in silent
    few = square_takes_more(stands[:19], further[:19] * np.where(np.arange(19) < 11, -0.5, -2), 24, None, False)
    assert "19 images cannot tell whether the attack is too weak" in said(few)
    noise = weaker_than_noise(stands, np.full(95, 0.5), np.full(95, 0.4), follows_gradients=False)
    assert noise.is_raised
    assert "gradients" not in said(noise)


@pytest.mark.parametrize(
    ("attack", "words"), [("square", "too weak, because"), ("pgd", "are masked, so"), ("unknown", "too weak, or")]
)
def test_the_report_asks_the_attack_whether_it_follows_gradients(attack: str, words: str) -> None:
    found, identity = records([99] * 50), run()
    beside = found["condition"] == 3
    leads = {"attack_lead": np.where(beside, 1.0, np.nan), "square_lead": np.where(beside, -1.0, np.nan)}
    of_attack = replace(identity, attack=tuple(replace(each, attack=attack) for each in identity.attack))
    report = scored(Records({**found.columns, **leads}), of_attack)[1]
    assert words in said(report["square takes more"])
    assert said(report["verdict"]).startswith("Withdrawn: ")


def test_what_a_check_cannot_tell_from_so_few_images_is_what_the_verdict_says() -> None:
    found = records([99] * 24)
    beside = found["condition"] == 3
    square = np.where(found["image"] < 14, 0.5, 2.0)
    leads = {"attack_lead": np.where(beside, 1.0, np.nan), "square_lead": np.where(beside, square, np.nan)}
    report = scored(Records({**found.columns, **leads}), run())[1]
    assert not report["square takes more"].is_raised
    assert "24 images are too few for what was seen (square takes more)" in said(report["verdict"])
    assert trust_of(report.values()) is Trust.CANNOT_TELL


@pytest.mark.parametrize(
    ("taken", "images", "raised", "words"),
    [
        (7, 100, True, "a weak guide"),
        (2, 60, False, "about as far"),
        (2, 30, False, "30 images cannot tell"),
        (1, 16, False, "16 images cannot tell"),
        (0, 16, False, "about as far"),
    ],
)
def test_another_loss_that_takes_many_more_is_told(taken: int, images: int, raised: bool, words: str) -> None:
    """Wilson's lower ends by hand: 3.4 % for 7 of 100, 0.9 % for 2 of 60, 1.8 % for 2 of 30, 1.1 % for 1 of 16."""
    found = other_loss_takes_more(np.where(np.arange(images) < taken, -1.0, 1.0), images)
    assert found.is_raised == raised
    assert words in said(found)


def test_square_is_held_against_all_that_gradients_can_do() -> None:
    """It takes 6 of 20 that the cross-entropy left, and none that another loss leaves."""
    stands, square = np.ones(20), np.where(np.arange(20) < 6, -1.0, 2.0)
    other = np.where(np.arange(20) < 6, -2.0, 0.5)
    assert square_takes_more(stands, square, 24).is_raised
    assert not square_takes_more(stands, square, 24, other).is_raised


def test_a_copy_that_judges_otherwise_is_told() -> None:
    change, right = np.array([0.5] * 4 + [0.0] * 6), np.ones(10, bool)
    found = memory(change, right, np.where(np.arange(10) < 4, -1.0, 1.0))
    assert found.is_raised
    assert "right on 60.0 % of the same attacked pictures, the network under attack on 100.0 %" in said(found)
    assert not memory(np.full(10, 1e-6), right, np.ones(10)).is_raised
    assert memory(np.full(10, np.nan), right, np.full(10, np.nan)).outcome is CheckOutcome.NOT_RUN


def test_no_memory_is_looked_for_where_no_copy_could_be_had() -> None:
    rows = records([99] * 50)
    assert trust_of(scored(rows, run())[1].values()) is Trust.BELIEVED
    without_copy = Records({**rows.columns, "afresh_change": np.full(len(rows), np.nan)})
    report = scored(without_copy, run())[1]
    assert trust_of(report.values()) is Trust.NOT_CHECKED
    assert "memory did not run, so a network that remembers" in said(report["verdict"])


def test_later_starts_that_break_more_are_told() -> None:
    found = records([1] * 20)
    late = (found["image"] < 2).astype(np.int16)
    assert scored(Records({**found.columns, "restart": late}), run(restarts=3))[1]["restarts"].is_raised
    assert "10.0 %" in said(scored(Records({**found.columns, "restart": late}), run(restarts=3))[1]["restarts"])
    assert not scored(found, run(restarts=3))[1]["restarts"].is_raised
    assert "One start was tried" in said(scored(found, run())[1]["restarts"])


def test_hidden_and_broken_gradients_are_told() -> None:
    found = records([99] * 10)
    n = len(found)
    assert scored(Records({**found.columns, "zero_gradient": np.full(n, 0.2)}), run())[1]["zero gradients"].is_raised
    assert not scored(Records({**found.columns, "zero_gradient": np.full(n, 0.05)}), run())[1][
        "zero gradients"
    ].is_raised
    nan = np.where(found["image"] == 0, False, True)
    assert scored(Records({**found.columns, "finite_gradient": nan}), run())[1]["non-finite gradients"].is_raised


TARGETED, UNTARGETED, UNTARGETED_L2 = ("targeted", "linf"), ("untargeted", "linf"), ("untargeted", "l2")


@pytest.mark.parametrize(
    ("standing", "of", "kind", "raised"),
    [
        (2, 40, TARGETED, False), (7, 40, TARGETED, True), (0, 40, UNTARGETED, False),
        (2, 40, UNTARGETED, True), (2, 40, UNTARGETED_L2, True), (1, 200, UNTARGETED_L2, False),
    ],
)  # fmt: skip
def test_each_kind_of_what_must_break_is_held_to_its_own_share(
    standing: int, of: int, kind: tuple[str, str], raised: bool
) -> None:
    kinds = dict.fromkeys((UNTARGETED, TARGETED, UNTARGETED_L2), np.zeros(of, np.bool_))
    finding = must_break({**kinds, kind: np.arange(of) < standing})
    assert finding.is_raised == raised
    words = kind[0] + {"linf": "", "l2": " in L2"}[kind[1]]
    assert f"{100 * standing / of:.1f} % {words}" in said(finding)
    assert (f"cannot fail ({words})" in said(finding)) == raised


def test_an_attack_that_is_too_short_leaves_an_upper_bound() -> None:
    found = records([10] * 2 + [99] * 48)
    report = scored(found, run())[1]
    assert [name for name, each in report.items() if each.is_raised] == ["steps", "verdict"]
    verdict = said(report["verdict"])
    assert verdict.startswith("Upper bound: At epsilon 0.06 accuracy falls to 96.0 % at 10 steps, from 100.0 % clean")
    assert verdict.endswith("What to do: Take more (steps=).")
    assert trust_of(report.values()) is Trust.UPPER_BOUND
    assert "(upper bound)" in said(report["steps"])
    standing = np.where(found["condition"] == 4, 7, found["prediction"])
    _, masked = scored(Records({**found.columns, "prediction": standing}), run())
    assert said(masked["verdict"]).startswith("Withdrawn"), "what hides a gradient goes first"


def test_what_survives_where_everything_must_fall_is_told_and_spoils_the_verdict() -> None:
    found = records([99] * 50)
    _, held = scored(found, run())
    assert not held["must break"].is_raised
    assert not held["verdict"].is_raised
    assert "it holds, within" in said(held["verdict"])
    standing = np.where(found["condition"] == 4, 7, found["prediction"])
    _, spoilt = scored(Records({**found.columns, "prediction": standing}), run())
    assert spoilt["must break"].is_raised
    assert spoilt["verdict"].is_raised
    assert "cannot be trusted (must break)" in said(spoilt["verdict"])
    assert "accuracy goes from 100.0 % to 100.0 % (withdrawn):" in said(spoilt["steps"])
    assert "accuracy goes from 100.0 % to 100.0 %:" in said(held["steps"])


def test_a_model_that_loses_a_third_falls_in_part() -> None:
    _, report = scored(records([99] * 140 + [1] * 60), run())
    assert "falls to 70.0 % at 10 steps, from 100.0 % clean: it falls in part" in said(report["verdict"])


@pytest.mark.parametrize(
    ("clean", "fallen", "text"),
    [
        (3, 2, "cannot tell whether less than half is left. With 3 images it may be up to 79.2 %"),
        (4, 3, "cannot tell whether less than half is left. With 4 images it may be up to 69.9 %"),
        (4, 4, "not robust (less than half is left)"),
        (200, 104, "cannot tell whether less than half is left. With 200 images it may be up to 54.9 %"),
        (200, 120, "not robust (less than half is left)"),
    ],
)
def test_less_than_half_is_left_only_where_the_interval_lies_below_it(clean: int, fallen: int, text: str) -> None:
    """Wilson's upper ends by hand: 0.792 for 1 of 3, 0.699 for 1 of 4, 0.549 for 96 of 200."""
    _, report = scored(records([99] * (clean - fallen) + [1] * fallen), run())
    verdict = said(report["verdict"])
    assert text in verdict
    assert ("not robust" in verdict) != ("cannot tell" in verdict)


def unchecked(found: Records) -> Records:
    return Records({**found.columns, **missing_columns(len(found))})


def identity(chosen: dict[str, Any], **curve: Any) -> Run:
    found = run(targeted=bool(curve.get("targeted")))
    rounds = (replace(found.attack[0], **curve), *found.attack[1:])
    return replace(found, attack=rounds, benchmark=BenchmarkIdentity("whitebox", "attack", options=chosen))


@pytest.mark.parametrize(
    ("options", "checked", "named"),
    [
        ({"must_break": False}, True, "but must break did not run"),
        ({"cross_checks": False}, False, "but noise, Square, slopes, repeated passes and memory did not run"),
        (
            {"must_break": False, "cross_checks": False},
            False,
            "but must break, noise, Square, slopes, repeated passes and memory did not run",
        ),
    ],
)
@pytest.mark.parametrize("fallen", [0, 60])
def test_what_no_check_looked_at_is_not_said_to_hold(
    options: dict[str, Any], checked: bool, named: str, fallen: int
) -> None:
    found = records([99] * (200 - fallen) + [1] * fallen)
    report = scored(found if checked else unchecked(found), identity(options))[1]
    verdict = report["verdict"]
    assert verdict.is_raised
    change = "falls to 70.0 %" if fallen else "stays at 100.0 %"
    assert said(verdict).startswith(f"Not checked: At epsilon 0.06 accuracy {change} at 10 steps, from 100.0 % clean")
    assert named in said(verdict)
    assert not any(word in said(verdict) for word in ("holds", "falls in part"))
    assert all(f"{option}=false" in said(verdict) for option in options), "which options to leave out"
    assert trust_of(report.values()) is Trust.NOT_CHECKED


def test_a_model_that_falls_has_fallen_though_nothing_checked_the_attack() -> None:
    report = scored(unchecked(records([1] * 50)), identity({"cross_checks": False}))[1]
    assert "not robust (less than half is left). Not checked: noise" in said(report["verdict"])
    assert trust_of(report.values()) is Trust.NOT_CHECKED


def test_an_attack_without_gradients_needs_no_budget_that_must_break() -> None:
    options = {"must_break": False}
    report = scored(records([99] * 200), identity(options, attack="square", options={}))[1]
    assert "Not checked" not in said(report["verdict"])
    assert trust_of(report.values()) is Trust.BELIEVED


def test_the_verdict_names_what_makes_the_published_protocol_lenient() -> None:
    told = {
        (True, "clean"): "a targeted attack whose failures are scored clean (protocol=standard does neither)",
        (True, "last"): "a targeted attack:",
        (False, "last"): "from 100.0 % clean:",
    }
    for (targeted, failed), words in told.items():
        run_ = identity({}, targeted=targeted, failed=failed)
        assert words in said(scored(records([99] * 200), run_)[1]["verdict"])


def test_images_wrong_without_attack_are_told() -> None:
    _, report = scored(records([0] * 6 + [1] * 4), run())
    assert report["already misclassified"].is_raised
    assert "60.0 % of the images are wrong without any attack" in said(report["already misclassified"])
    assert not scored(records([0] * 2 + [1] * 8), run())[1]["already misclassified"].is_raised


def test_accuracy_by_steps_starts_and_noise_by_hand() -> None:
    """Images 0 wrong when clean, 1 falls at step 1, 2 at step 5 to the second start, 3 to noise too, 4 to nothing."""
    found, identity = records([0, 1, 5, 10, 99]), run(restarts=3)
    restart = np.where(found["image"] == 2, 1, 0).astype(np.int16)
    at = np.array([np.nan, np.nan, np.nan, 1.0, np.nan])[found["condition"]]
    leads = {
        "clean_lead": np.array([1, 1, 1, 1, 1])[found["image"]] * at,  # of a targeted attack: not there yet
        "noise_lead": np.array([1, 1, 1, -1, 1])[found["image"]] * at,
    }
    card = cards.get("attack")
    table = card.table(Records({**found.columns, "restart": restart, **leads}), identity)
    effort = card.details(table, identity)["effort"]
    assert [point[:2] for point in effort["steps"]] == [(0, 0.8), (1, 0.6), (5, 0.4), (10, 0.2)]
    assert [point[:2] for point in effort["starts"]] == [(1, 0.4), (2, 0.2), (3, 0.2)]
    assert effort["noise"][0] == pytest.approx(3 / 5)
    assert all(low < value < high for _, value, low, high in (*effort["steps"], *effort["starts"]))
    scores, benchmark = card.scores(table, identity, None), BenchmarkIdentity("whitebox", "attack", "standard")
    shown = Result("m", "whitebox", "imagenet", "standard", scores, Counts(5, 5, 0, 5),
                   replace(identity, benchmark=benchmark), {}, details={"effort": effort})  # fmt: skip
    (chart,) = [each for each in section_of([shown]).charts if each.name == "attack_effort"]
    steps, starts = chart.panels
    assert steps.measured[0].y == (0.8, 0.6, 0.4, 0.2)
    assert starts.measured[0].x == (1, 2, 3)
    assert steps.published[0].y == (0.6, 0.6)
    assert chart.heading.endswith("20 % against 60 %")


def test_an_attack_on_another_model_has_no_effort_to_show() -> None:
    card, identity = cards.get("attack"), replace(run(), surrogate=Surrogate("other", ""))
    table = card.table(records([1, 99]), identity)
    assert card.details(table, identity)["effort"] == {}


def accuracy(value: float, low: float, high: float, **condition: Any) -> Score:
    return Score("accuracy", value, "fraction", 100, TwoEnds(value, low, high), condition=Condition(**condition))


HELD = {"budget": "0.06", "before": 0.9, "after": 0.9, "images": 100, "loss_low": 0.0, "loss_high": 0.03}
CHECKS = [
    Fact(AttackCheck.REACH, {"budget": "0.06", "steps": 10, "length": 0.1}, outcome=CheckOutcome.CLEAR),
    Fact(AttackCheck.VERDICT, HELD | {"doubts": (), "unchecked": ()}, outcome=CheckOutcome.CLEAR, trust=Trust.BELIEVED),
]
WHITE = [accuracy(0.8, 0.7, 0.9, epsilon=0.06, steps=10)]


def test_a_black_box_that_takes_more_withdraws_the_verdict() -> None:
    black = {"other": [accuracy(0.5, 0.4, 0.6, epsilon=0.06, steps=10, surrogate="other")]}
    *_, compared, verdict = with_transfers(CHECKS, WHITE, black)
    assert compared.is_raised
    assert "made on other leave 50.0 % right, the white box 80.0 % (withdrawn)" in said(compared)
    assert verdict.is_raised
    assert verdict.trust is Trust.WITHDRAWN
    assert said(verdict).startswith("Withdrawn: At epsilon 0.06 accuracy stays at 90.0 %")


@pytest.mark.parametrize(
    ("score", "told"),
    [
        (accuracy(0.75, 0.65, 0.85, epsilon=0.06, steps=10, surrogate="other"), "No black box took more"),
        (accuracy(0.95, 0.91, 0.99, epsilon=0.06, steps=10, surrogate="other"), "No black box took more"),
        (accuracy(0.1, 0.0, 0.2, epsilon=0.08, steps=10, surrogate="other"), "no epsilon and steps in common"),
    ],
)
def test_a_black_box_that_does_not_leaves_it(score: Score, told: str) -> None:
    *_, compared, verdict = with_transfers(CHECKS, WHITE, {"other": [score]})
    assert not compared.is_raised
    assert told in said(compared)
    assert verdict == CHECKS[-1]


def test_without_a_black_box_run_it_says_so() -> None:
    assert "No black-box run" in said(with_transfers(CHECKS, WHITE, {})[1])
    assert with_transfers([], WHITE, {}) == []
