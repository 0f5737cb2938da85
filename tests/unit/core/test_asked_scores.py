"""Scores as people ask for them: rounded budgets, budgets as texts, and classes that are no headline."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from hardiness.core.attack_plan import condition_text, is_same_condition
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError
from hardiness.core.fact import Fact, Trust
from hardiness.core.forms import from_json
from hardiness.core.request import Request
from hardiness.core.result import Counts, Metric, Result, Score
from hardiness.core.run import BenchmarkIdentity, DataIdentity, ModelIdentity, Run

RUN = Run(ModelIdentity("m"), BenchmarkIdentity("whitebox", "attack", "p"), DataIdentity("d"))
ACCURACY, RECALL = Metric("accuracy"), Metric("recall")
RESULT = Result(
    "m",
    "whitebox",
    "d",
    "p",
    [
        ACCURACY.score(0.5, 4, condition=Condition(epsilon=2 / 255, steps=10)),
        ACCURACY.score(0.25, 4, condition=Condition(epsilon=4 / 255, steps=10)),
        RECALL.score(1.0, 2, condition=Condition(**{"class": "cat"})),
    ],
    Counts(4, 4, 0, 4),
    RUN,
    {},
)


@pytest.mark.parametrize("epsilon", [2 / 255, 0.00784, "2/255", "0.007843"])
def test_a_budget_may_be_rounded_or_a_text(epsilon: float | str) -> None:
    assert RESULT.score("accuracy", epsilon=epsilon, steps=10).value == 0.5


@pytest.mark.parametrize("epsilon", [0.0079, "3/255", "two", "1/0"])
def test_another_budget_is_none(epsilon: float | str) -> None:
    with pytest.raises(KeyError, match="epsilon=2/255 steps=10"):
        RESULT.score("accuracy", epsilon=epsilon, steps=10)


def test_budgets_are_shown_as_people_write_them() -> None:
    assert "accuracy [epsilon=2/255, steps=10]" in repr(RESULT)
    assert "0.0078" not in repr(RESULT)


def test_the_score_of_a_class_is_no_headline() -> None:
    with pytest.raises(KeyError, match=r"no score 'recall' of all classes together.*class=cat"):
        RESULT.score("recall")
    assert RESULT.score("recall", **{"class": "cat"}).value == 1.0
    whole = replace(RESULT, scores=[*RESULT.scores, RECALL.score(0.75, 4)])
    assert whole.score("recall").value == 0.75


@pytest.mark.parametrize("name", ["limit", "seed", "batch_size", "calls"])
@pytest.mark.parametrize("value", [2.5, True, "3"])
def test_counts_are_whole_numbers(name: str, value: object) -> None:
    with pytest.raises(ArgumentError, match=f"{name} must be a whole number, was {value!r}"):
        Request(**{name: value})  # type: ignore[arg-type]


@pytest.mark.parametrize("typed", [Condition(epsilon="2/255", steps="10"), Condition(epsilon=0.00784, steps=10)])
def test_a_condition_is_found_as_a_policy_writes_it(typed: Condition) -> None:
    condition = Condition(epsilon=2 / 255, steps=10)
    assert is_same_condition(condition, typed)
    assert not is_same_condition(condition, Condition(**{**typed, "steps": 20}))
    assert condition_text(condition) == "epsilon=2/255 steps=10"


def test_a_mean_over_budgets_is_doubted_as_each_of_them_is() -> None:
    verdict = Fact("package.weaker_than_noise", trust=Trust.WITHDRAWN)
    mean, clean = (replace(ACCURACY.score(0.5, 4), metric=name) for name in ("mean_accuracy", "clean_accuracy"))
    result = replace(RESULT, scores=[replace(mean, attacked=True), clean], findings=[verdict])
    assert [score.doubt for score in result.scores] == ["withdrawn", ""]
    again = from_json(Score, json.loads(json.dumps(result.scores[0].as_dict())), "the file")
    assert again.is_under_attack
