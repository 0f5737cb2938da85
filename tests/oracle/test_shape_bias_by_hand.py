"""Shape bias: from hand-made answers to numbers by hand, and from the published counts to the published numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from hardiness.benchmarks.card import cards
from hardiness.benchmarks.category_rules import max_logit, mean_probability
from hardiness.benchmarks.cue_conflict import PROTOCOLS, Answers, answers
from hardiness.core.condition import Condition
from hardiness.core.result import Score
from hardiness.core.run import DataIdentity, Run
from hardiness.core.table import Records
from hardiness.reference.published_numbers import published
from hardiness.report.words import text as said
from hardiness.statistics.intervals import proportion

CARD = cards.get("cue_conflict")
PETS = {"cat": (0, 1, 2), "dog": (3,), "fish": (4, 5)}
SIXTEEN = {name: (index,) for index, name in enumerate(["bicycle", "cat", "dog", "oven"])}

PUBLISHED = {  # Orhan 2019: answers by shape and by texture of 1,201 stimuli
    "resnext101_32x8d": (183, 524),
    "resnext101_32x8d_wsl": (286, 446),
    "resnext101_32x16d_wsl": (316, 424),
    "resnext101_32x32d_wsl": (303, 444),
    "resnext101_32x48d_wsl": (330, 441),
}


def sure(categories: dict[str, tuple[int, ...]], given: list[str], classes: int = 8) -> NDArray[np.float32]:
    """Logits of a model that is sure of the first class of each answer, whatever the rule."""
    logits = np.zeros((len(given), classes), np.float32)
    logits[np.arange(len(given)), [categories[answer][0] for answer in given]] = 20
    return logits


def unlabelled(stimuli: list[str]) -> dict[str, Any]:
    zeros = np.zeros(len(stimuli), np.int32)
    return {"sample": np.array(stimuli, dtype=object), "condition": zeros, "label": zeros}


def read(records: Records, categories: dict[str, tuple[int, ...]], protocol: str) -> Answers:
    return answers(CARD.table(records, Run(data=DataIdentity(categories=categories))), categories, protocol)


def scored(
    stimuli: dict[str, str], categories: dict[str, tuple[int, ...]] = PETS, logits: NDArray[np.float32] | None = None
) -> dict[tuple[str, Condition], Score]:
    records = Records(
        {
            **unlabelled(list(stimuli)),
            "logits": sure(categories, list(stimuli.values())) if logits is None else logits,
        }
    )
    run = Run(data=DataIdentity(categories=categories))
    found = CARD.scores(CARD.table(records, run), run, None)
    by_key = {(score.metric, score.condition): score for score in found}
    assert len(by_key) == len(found), "(metric, condition) is unique"
    headlines = ["category" not in score.condition for score in found]
    assert headlines == sorted(headlines, reverse=True), "headlines first"
    return by_key


def value(found: dict[tuple[str, Condition], Score], metric: str, **condition: str) -> float | None:
    return found[metric, Condition(**condition)].value


ANSWERS = {  # two by shape, three by texture, two by neither, none by a dog's shape or texture
    "cat1-dog1": "cat",
    "cat2-fish1": "cat",
    "cat3-fish2": "fish",
    "cat4-dog2": "fish",
    "fish1-cat1": "cat",
    "fish2-cat2": "cat",
    "dog1-fish3": "cat",
}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_all_numbers_by_hand(protocol: str) -> None:
    found = scored(ANSWERS)
    assert value(found, "cue_accuracy", protocol=protocol) == pytest.approx(5 / 7)
    assert value(found, "shape_bias", protocol=protocol) == pytest.approx(2 / 5)
    assert value(found, "texture_bias", protocol=protocol) == pytest.approx(3 / 5)
    cat, fish = {"protocol": protocol, "category": "cat"}, {"protocol": protocol, "category": "fish"}
    assert value(found, "cue_accuracy", **cat) == pytest.approx(3 / 4)
    assert value(found, "shape_bias", **cat) == pytest.approx(2 / 3)
    assert value(found, "cue_accuracy", **fish) == 1.0
    assert value(found, "shape_bias", **fish) == 0.0
    assert value(found, "texture_bias", **fish) == 1.0
    assert found["cue_accuracy", Condition(protocol=protocol)].n == 7
    assert found["shape_bias", Condition(protocol=protocol)].n == 5
    assert found["shape_bias", Condition(**fish)].interval == proportion(0, 2)
    assert found["texture_bias", Condition(**fish)].interval == proportion(2, 2)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_category_where_no_cue_was_answered_is_undefined_and_not_0(protocol: str) -> None:
    found = scored(ANSWERS)
    dog = {"protocol": protocol, "category": "dog"}
    assert value(found, "cue_accuracy", **dog) == 0.0
    for metric in ("shape_bias", "texture_bias"):
        score = found[metric, Condition(**dog)]
        assert (score.value, score.interval, score.n) == (None, None, 0)
        assert "none of 1 stimuli was answered with one of its cues" in said(score.lack)


def test_a_model_that_never_answers_a_cue_has_no_bias_at_all() -> None:
    never = scored({"dog1-fish1": "cat", "fish1-dog1": "cat"})
    for (metric, _), score in never.items():
        assert score.value == (0.0 if metric == "cue_accuracy" else None)


def test_bicycle6_bicycle3_counts_for_both_cues_or_not_at_all() -> None:
    stimuli = {"bicycle6-bicycle3": "bicycle", "cat1-dog1": "dog", "dog1-cat1": "oven"}
    found = scored(stimuli, SIXTEEN)
    assert value(found, "shape_bias", protocol="orhan2019") == pytest.approx(1 / 3), "once for shape, twice for texture"
    assert value(found, "cue_accuracy", protocol="orhan2019") == 1.0, "three matches on three stimuli"
    assert value(found, "shape_bias", protocol="geirhos2019") == 0.0
    assert value(found, "cue_accuracy", protocol="geirhos2019") == pytest.approx(1 / 2)
    assert ("shape_bias", Condition(protocol="geirhos2019", category="bicycle")) not in found
    alone = scored({"bicycle6-bicycle3": "bicycle"}, SIXTEEN)
    assert value(alone, "cue_accuracy", protocol="orhan2019") == 1.0, "a share is at most 1"
    assert "no stimulus with two cues" in said(alone["shape_bias", Condition(protocol="geirhos2019")].lack)


@pytest.mark.parametrize("model", PUBLISHED)
def test_published_counts_give_the_published_numbers(model: str) -> None:
    by_shape, by_texture = PUBLISHED[model]
    names = [f"cat{i % 40}-dog{i}" for i in range(1200)]
    given = ["cat"] * by_shape + ["dog"] * by_texture + ["oven"] * (1200 - by_shape - by_texture)
    stimuli = {**dict(zip(names, given, strict=True)), "bicycle6-bicycle3": "oven"}
    found = scored(stimuli, SIXTEEN)
    for metric in ("cue_accuracy", "shape_bias", "texture_bias"):
        (row,) = published(model, "cue-conflict", metric, {"protocol": "orhan2019"})
        score = found[metric, Condition(protocol="orhan2019")]
        assert score.value == pytest.approx(row.value, abs=5e-7)
        assert score.n == row.n


# The rules ----------------------------------------------------------------------------------------------------------


def test_one_loud_class_wins_by_max_and_many_mild_ones_by_mean() -> None:
    logits = np.array([[5.0, -5, -5, 4, 2, 2]], np.float32)
    assert max_logit(logits, PETS).tolist() == [0], "the largest logit is a cat's"
    probabilities = np.exp(logits[0]) / np.exp(logits[0]).sum()
    assert probabilities[:3].mean() < probabilities[3]
    assert mean_probability(logits, PETS).tolist() == [1], "over its three classes the cat is no match for the one dog"


def test_classes_of_no_category_never_answer() -> None:
    logits = np.array([[0, 0, 1, 0, 0, 0, 9, 9]], np.float32)
    assert max_logit(logits, PETS).tolist() == [0]
    assert mean_probability(np.array([[0, 0, 0, 1, 0, 0, 9, 9]], np.float32), PETS).tolist() == [1]


@given(arrays.arrays(np.float32, (6, 8), elements=st.floats(-30, 30, width=32)))
def test_the_mean_rule_is_that_of_plain_softmax_means(logits: NDArray[np.float32]) -> None:
    exact = np.exp(logits.astype(np.longdouble) - logits.max(axis=1, keepdims=True))
    softmax = exact / exact.sum(axis=1, keepdims=True)
    means = np.stack([softmax[:, list(classes)].mean(axis=1) for classes in PETS.values()], axis=1)
    chosen = mean_probability(logits, PETS)
    best = np.take_along_axis(means, chosen[:, None], axis=1)[:, 0]
    assert (best >= means.max(axis=1) * (1 - 1e-12)).all()


def test_the_mean_rule_survives_logits_whose_probabilities_underflow() -> None:
    logits = np.array([[-900, -900, -900, -800, -1000, -1000, 0, 0]], np.float32)
    assert mean_probability(logits, PETS).tolist() == [1]


@given(arrays.arrays(np.float32, (5, 8), elements=st.floats(-20, 20, width=32)), st.sampled_from([-7.0, 0.5, 64.0]))
def test_both_rules_ignore_a_constant_and_the_order_of_stimuli(logits: NDArray[np.float32], shift: float) -> None:
    exact = np.round(logits * 4) / 4  # so that the shift loses no bit
    for rule in (max_logit, mean_probability):
        chosen = rule(exact.astype(np.float32), PETS)
        np.testing.assert_array_equal(rule((exact + shift).astype(np.float32), PETS), chosen)
        np.testing.assert_array_equal(rule(exact[::-1].astype(np.float32), PETS), chosen[::-1])


def test_a_rule_can_be_changed_after_the_logits_are_stored() -> None:
    logits = np.array([[5.0, -5, -5, 4, 2, 2, 0, 0]] * 2, np.float32)
    records = Records({**unlabelled(["cat1-dog1", "dog1-fish1"]), "logits": logits})
    assert read(records, PETS, "orhan2019").given.tolist() == ["cat", "cat"]
    assert read(records, PETS, "geirhos2019").given.tolist() == ["dog", "dog"]
    assert read(records, {"cat": (3,), "dog": (0,), "fish": (4,)}, "orhan2019").given.tolist() == ["dog", "dog"]
    found = scored({"cat1-dog1": "", "dog1-fish1": ""}, PETS, logits)
    assert value(found, "shape_bias", protocol="orhan2019") == 1.0
    assert value(found, "shape_bias", protocol="geirhos2019") == 0.5


# Intervals ----------------------------------------------------------------------------------------------------------


def test_intervals_are_those_of_a_ratio_over_resampled_stimuli() -> None:
    n, answered, by_shape = 1200, 720, 216
    given = ["cat"] * by_shape + ["dog"] * (answered - by_shape) + ["fish"] * (n - answered)
    found = scored({f"cat{i}-dog1": answer for i, answer in enumerate(given)})
    for metric, share, of in (("cue_accuracy", 0.6, n), ("shape_bias", 0.3, answered), ("texture_bias", 0.7, answered)):
        interval = found[metric, Condition(protocol="orhan2019")].interval
        assert interval is not None
        half = 1.96 * np.sqrt(share * (1 - share) / of)
        assert interval.low == pytest.approx(share - half, abs=0.1 * half)
        assert interval.high == pytest.approx(share + half, abs=0.1 * half)


def test_shape_and_texture_bias_mirror_each_other() -> None:
    found = scored(ANSWERS)
    for (metric, condition), score in found.items():
        if metric == "shape_bias" and score.value is not None:
            other = found["texture_bias", condition]
            assert other.value == pytest.approx(1 - score.value)
            assert score.interval is not None
            assert other.interval is not None
            assert other.interval.low == pytest.approx(1 - score.interval.high)
            assert other.interval.high == pytest.approx(1 - score.interval.low)
            assert score.higher_is_better
            assert not other.higher_is_better


@given(st.lists(st.sampled_from(["cat", "dog", "fish"]), min_size=1, max_size=30))
def test_every_value_lies_in_its_interval_and_in_0_to_1(given: list[str]) -> None:
    names = [
        f"{shape}{i}-{'dog' if shape == 'cat' else 'cat'}{i}" for i, shape in enumerate(["cat", "fish", "dog"] * 10)
    ]
    for score in scored(dict(zip(names, given, strict=False))).values():
        if score.value is None:
            assert said(score.lack)
        else:
            assert score.interval is not None
            assert 0 <= score.interval.low <= score.value <= score.interval.high <= 1


def test_a_class_is_named_by_its_category() -> None:
    run = Run(data=DataIdentity("cue-conflict", "f", 3, 1000, {"airplane": (404,), "bear": (294, 295)}))
    named = cards.get("cue_conflict").class_namer(run)
    assert [named(index) for index in (404, 295, 7)] == ["airplane", "bear", "class 7"]
