"""The same draws for everything that is measured on the same images."""

from __future__ import annotations

import numpy as np
import pytest

from hardiness.core import ArgumentError
from hardiness.statistics.calibration import aurra, rms_calibration_error
from hardiness.statistics.intervals import RESAMPLES, Resamples
from hardiness.statistics.measures import area_under_response, calibration_measure


def names(n: int) -> np.ndarray:
    return np.array([f"n{i:05d}" for i in range(n)])


def test_draws_depend_on_seed_and_images_alone() -> None:
    first, again, other, fewer = (
        np.concatenate(list(Resamples(ids, seed).counts()))
        for ids, seed in ((names(20), 0), (names(20), 0), (names(20), 1), (names(21)[1:], 0))
    )
    np.testing.assert_array_equal(first, again)
    assert first.shape == (RESAMPLES, 20)
    assert (first.sum(axis=1) == 20).all()
    assert not np.array_equal(first, other)
    assert not np.array_equal(first, fewer)


def test_means_are_those_of_the_drawn_images_and_the_first_of_all() -> None:
    values = np.random.default_rng(0).random((40, 3))
    values[:5, 1] = np.nan
    resamples = Resamples(names(40))
    found = resamples.means(values)
    counts = np.concatenate(list(resamples.counts()))
    np.testing.assert_allclose(found[0], np.nanmean(values, axis=0), rtol=1e-9)
    for row, drawn in zip(found[1:6], counts[:5], strict=True):
        np.testing.assert_allclose(row, np.nanmean(np.repeat(values, drawn, axis=0), axis=0), rtol=1e-9)


def test_two_models_that_answer_alike_have_equal_draws_whatever_stands_beside_them() -> None:
    generator, resamples = np.random.default_rng(1), Resamples(names(333))
    shared = generator.random((333, 1))
    first = resamples.means(np.hstack([generator.random((333, 6)), shared]))[:, -1]
    second = resamples.means(np.hstack([shared, generator.random((333, 2)) * 1e6]))[:, 0]
    np.testing.assert_array_equal(first, second)


def test_sorting_scores_are_those_of_the_drawn_images() -> None:
    generator = np.random.default_rng(2)
    confidence, right = generator.random(250).round(2), generator.random(250) < 0.6
    resamples = Resamples(names(250))
    counts = next(iter(resamples.counts()))[7]
    drawn = np.repeat(np.arange(250), counts)
    for measure, score in ((calibration_measure, rms_calibration_error), (area_under_response, aurra)):
        found = measure(confidence, right).draws(resamples)
        assert found[0] == score(confidence, right)
        assert found[8] == pytest.approx(score(confidence[drawn], right[drawn]), abs=1e-12)


@pytest.mark.parametrize("ids", [[], ["b", "a"], ["a", "a"]])
def test_ids_must_be_sorted_and_each_there_once(ids: list[str]) -> None:
    with pytest.raises(ArgumentError, match="image"):
        Resamples(np.array(ids, np.str_))
