"""What a decision rule keeps of the logits."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hardiness.benchmarks.decisions import argmax, under_attack

# few distinct values, so that ties are common
LOGITS = st.tuples(st.integers(1, 6), st.integers(1, 12)).flatmap(
    lambda shape: arrays(np.float32, shape, elements=st.sampled_from([-2.0, 0.0, 0.5, 3.0]))
)


@given(LOGITS)
def test_top_five_is_a_stable_sort(logits: np.ndarray) -> None:
    columns = argmax(logits.copy(), np.zeros(len(logits), np.int32))
    width = min(5, logits.shape[1])
    expected = np.argsort(-logits, axis=1, kind="stable")[:, :5]
    np.testing.assert_array_equal(columns["top5_class"][:, :width], expected)
    np.testing.assert_array_equal(columns["top5_logit"][:, :width], np.take_along_axis(logits, expected, 1))
    np.testing.assert_array_equal(columns["top5_class"][:, width:], -1)
    np.testing.assert_array_equal(columns["prediction"], logits.argmax(axis=1))


@given(LOGITS)
def test_logits_are_left_alone_and_types_are_as_told(logits: np.ndarray) -> None:
    before = logits.copy()
    columns = argmax(logits, np.zeros(len(logits), np.int32))
    np.testing.assert_array_equal(logits, before)
    kinds = {name: column.dtype for name, column in columns.items()}
    assert kinds == {
        "prediction": np.int32,
        "confidence": np.float32,
        "top5_class": np.int16,
        "top5_logit": np.float32,
        "logsumexp": np.float32,
        "label_logit": np.float32,
    }
    assert (columns["confidence"] > 0).all()
    assert (columns["confidence"] <= 1).all()


@given(LOGITS, st.integers(0, 11))
def test_the_likelihood_of_the_label_follows_from_two_numbers(logits: np.ndarray, label: int) -> None:
    labels = np.full(len(logits), label % logits.shape[1], np.int32)
    columns = argmax(logits, labels)
    probability = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    likelihood = np.exp(columns["label_logit"] - columns["logsumexp"])
    np.testing.assert_allclose(likelihood, probability[np.arange(len(logits)), labels], rtol=1e-5)


@given(LOGITS)
def test_under_attack_a_tie_at_the_top_is_nobodys(logits: np.ndarray) -> None:
    labels = np.zeros(len(logits), np.int32)
    columns, plain = under_attack(logits, labels), argmax(logits, labels)
    tied = [list(row).count(row.max()) > 1 for row in logits]
    np.testing.assert_array_equal(columns["prediction"], np.where(tied, -1, plain["prediction"]))
    for name in set(plain) - {"prediction"}:
        np.testing.assert_array_equal(columns[name], plain[name])
