"""Means over cells of which each image has a few: closed forms, and the variance by simulation."""

from __future__ import annotations

import numpy as np
import pytest

from hardiness.core.codes import Lack
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError
from hardiness.core.result import Metric
from hardiness.core.table import ImageTable
from hardiness.statistics.cells import (
    CellEstimate,
    cell_estimate,
    cell_means,
    equal_weights,
    is_drawn,
    order_of_cells,
)


def population(n: int = 300, cells: int = 12) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    hard = generator.normal(size=(n, 1))
    errors = hard + generator.normal(size=(n, cells)) < np.linspace(-1, 1.5, cells)
    return errors.astype(float), generator.uniform(0.5, 1.5, cells) / cells


def some(errors: np.ndarray, images: int, cells: int, generator: np.random.Generator) -> np.ndarray:
    """Images in a random order, with a few random cells of each; NaN elsewhere."""
    chosen = generator.permutation(len(errors))[:images]
    drawn = generator.permuted(np.tile(np.arange(errors.shape[1]), (images, 1)), axis=1)[:, :cells]
    values = np.full((images, errors.shape[1]), np.nan)
    np.put_along_axis(values, drawn, errors[chosen[:, None], drawn], axis=1)
    return values


def estimated(values: np.ndarray, weights: np.ndarray, population: int | None = None) -> CellEstimate:
    return cell_estimate(np.arange(len(values)), values, weights, population)


def test_with_every_cell_it_is_the_weighted_mean_and_its_textbook_variance() -> None:
    errors, weights = population()
    found = estimated(errors, weights)
    by_image = errors @ weights
    assert found.value == pytest.approx(by_image.mean())
    assert found.variance == pytest.approx(by_image.var(ddof=1) / len(errors))
    np.testing.assert_allclose(found.estimate.influence, by_image - by_image.mean(), atol=1e-12)
    finite = estimated(errors[:100], weights, population=300)
    assert finite.variance == pytest.approx(2 / 3 * (errors[:100] @ weights).var(ddof=1) / 100)


def test_with_everything_evaluated_nothing_is_open() -> None:
    errors, weights = population()
    found = estimated(errors, weights, population=len(errors))
    assert found.variance == pytest.approx(0, abs=1e-15)
    assert found.thin is None


@pytest.mark.slow
@pytest.mark.parametrize(("images", "cells"), [(100, 2), (300, 2), (300, 5), (150, 12)])
def test_the_variance_is_that_of_the_value_over_draws(images: int, cells: int) -> None:
    errors, weights = population()
    generator = np.random.default_rng(1)
    found = [estimated(some(errors, images, cells, generator), weights, 300) for _ in range(1500)]
    values = np.array([each.value for each in found])
    spread = values.std()
    assert values.mean() == pytest.approx(float(errors.mean(axis=0) @ weights), abs=4 * spread / np.sqrt(1500))
    assert np.sqrt(np.mean([each.variance for each in found])) == pytest.approx(spread, rel=0.07)


def test_a_single_cell_an_image_takes_the_largest_variance() -> None:
    errors, weights = population()
    found = estimated(some(errors, 300, 1, np.random.default_rng(2)), weights, 300)
    assert found.within == found.between
    assert found.variance == pytest.approx(found.between / 300)


def test_images_with_one_cell_take_the_spread_of_those_with_several() -> None:
    errors, weights = population()
    generator = np.random.default_rng(5)
    all_two = estimated(some(errors, 300, 2, generator), weights, 300)
    drawn = some(errors, 300, 2, generator)
    lost = np.argmax(~np.isnan(drawn[:30]), axis=1)
    drawn[np.arange(30), lost] = np.nan  # 30 images lose one of their cells
    mixed = estimated(drawn, weights, 300)
    assert mixed.within < mixed.between
    assert mixed.within == pytest.approx(all_two.within, rel=0.3)


def test_cells_are_drawn_where_each_image_has_the_first_of_its_own_order() -> None:
    def table(cells_of: list[list[int]]) -> ImageTable:
        right = np.full((len(cells_of), 6), -1, np.int8)
        for row, cells in enumerate(cells_of):
            right[row, cells] = 1
        conditions = tuple(Condition(corruption="fog", severity=k) for k in range(6))
        ids = np.array([f"i{row}" for row in range(len(cells_of))], object)
        return ImageTable(ids, np.zeros(len(ids), np.int32), conditions, np.arange(6, dtype=np.int16), {"right": right})

    orders = [order_of_cells(7, f"i{row}", 6).tolist() for row in range(40)]
    assert is_drawn(table([order[: 2 + row % 3] for row, order in enumerate(orders)]), 7)
    assert is_drawn(table([list(range(6))] * 3), 7)
    assert not is_drawn(table([order[:2] for order in orders]), 8)
    assert not is_drawn(table([*(order[:2] for order in orders[:-1]), sorted(orders[-1][1:4])]), 7)


def test_images_weigh_the_same_whatever_number_of_cells_they_have() -> None:
    values = np.full((60, 2), np.nan)
    values[:30] = 1.0  # both cells
    values[30:45, 0] = 0.0
    values[45:, 1] = 0.0
    assert estimated(values, np.array([0.5, 0.5])).value == pytest.approx(0.5)


def test_what_is_too_thin_says_so() -> None:
    errors, weights = population()
    assert estimated(some(errors, 20, 1, np.random.default_rng(3)), weights).thin.code == Lack.THIN_CELL
    same = np.zeros((300, 12))
    assert estimated(same, weights).thin.arguments["had"] == (0,)
    with pytest.raises(ArgumentError, match="at least one"):
        estimated(np.full((3, 12), np.nan), weights)


def test_the_order_of_cells_is_the_images_own() -> None:
    first, again = order_of_cells(0, "n01440764/a", 75), order_of_cells(0, "n01440764/a", 75)
    np.testing.assert_array_equal(first, again)
    assert sorted(first) == list(range(75))
    assert not np.array_equal(first, order_of_cells(0, "n01440764/b", 75))
    assert not np.array_equal(first, order_of_cells(1, "n01440764/a", 75))


def test_a_score_rests_on_the_images_that_have_any_of_its_cells() -> None:
    values = some(population(40, 4)[0], 40, 2, np.random.default_rng(0))
    conditions = tuple(Condition(corruption="fog", severity=k) for k in range(1, 5))
    ids = np.array([f"{k:02d}" for k in range(40)], object)
    right = np.where(np.isnan(values), -1, values == 0).astype(np.int8)
    table = ImageTable(ids, np.zeros(40, np.int32), conditions, np.arange(4, dtype=np.int16), {"right": right})
    means = cell_means(table, values)
    first, second, *_ = conditions
    of_two = int(np.count_nonzero(~np.isnan(values[:, :2]).all(axis=1)))
    assert max(means.n) < of_two < 40
    error = Metric("error")
    assert means.score(error, equal_weights(conditions)).n == 40
    assert means.score(error, equal_weights([first, second])).n == of_two
    assert means.score(error, {first: 1.0}).n == int(means.n[0])
