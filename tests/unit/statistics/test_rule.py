"""The rule that stops: a pure function of what is stored."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hardiness.core.codes import Lack
from hardiness.core.errors import ArgumentError
from hardiness.core.fact import Fact
from hardiness.report.words import text
from hardiness.statistics.cells import CellEstimate, cell_estimate
from hardiness.statistics.spreads.combined import TwoEnds
from hardiness.statistics.stopping import (
    Extent,
    Headline,
    decide,
    headline_of_cells,
    headline_of_share,
    next_extent,
)

WHOLE = Extent(1000, 10)


def headline(half: float, needed: int = 500, n: int = 100) -> Headline:
    return Headline("m: mce", 0.5, TwoEnds(0.5, 0.5 - half, 0.5 + half), needed, n)


def test_it_stops_when_every_headline_is_tight_and_names_the_loosest() -> None:
    assert decide([headline(0.01), headline(0.019)], 0.02).done
    open_ = decide([headline(0.03), headline(0.01), Headline("thin", 0.5, None, 9, 5, "few")], 0.02)
    assert not open_.done
    assert [each.half_width for each in open_.loose] == [np.inf, pytest.approx(0.03)]


def test_a_smaller_target_only_asks_for_more() -> None:
    found = [headline(0.015)]
    assert decide(found, 0.02).done
    assert not decide(found, 0.01).done


@pytest.mark.parametrize(("found", "target"), [([headline(0.1)], 0.0), ([headline(0.1)], -0.1), ([], 0.1)])
def test_what_cannot_be_asked_is_refused(found: list[Headline], target: float) -> None:
    with pytest.raises(ArgumentError, match="precision-target"):
        decide(found, target)


def test_images_come_first_then_cells() -> None:
    assert next_extent(Extent(100, 2), [headline(0.03, needed=120)], 0.02, WHOLE) == Extent(120, 2)
    assert next_extent(Extent(100, 2), [headline(0.03, needed=9000)], 0.02, WHOLE) == Extent(150, 2)
    assert next_extent(Extent(900, 2), [headline(0.03, needed=9000)], 0.02, WHOLE) == Extent(1000, 2)
    assert next_extent(Extent(1000, 2), [headline(0.03)], 0.02, WHOLE) == Extent(1000, 4)
    assert next_extent(Extent(1000, 9), [headline(0.0201)], 0.02, WHOLE) == Extent(1000, 10)
    assert next_extent(WHOLE, [headline(0.03)], 0.02, WHOLE) is None


def test_it_always_comes_to_an_end() -> None:
    extent: Extent | None = Extent(1, 1)
    for _ in range(200):
        following = next_extent(extent, [Headline("x", 0.5, None, 0, 1, "thin")], 0.001, WHOLE)
        if following is None:
            break
        assert following.images > extent.images or following.cells > extent.cells
        extent = following
    assert extent == WHOLE


def estimated(values: np.ndarray, weights: np.ndarray, population: int | None = None) -> CellEstimate:
    return cell_estimate(np.arange(len(values)), values, weights, population)


def test_headlines_of_shares_and_of_cells() -> None:
    share = headline_of_share("top1", 80, 100, 0.01, 50_000)
    assert share.spread is not None
    assert share.spread.interval().low < 0.8 < share.spread.interval().high
    assert 6_500 < share.needed < 7_500  # .17 (2.24 / .01)^2, less what all 50,000 leave nothing of
    errors = (np.random.default_rng(0).random((400, 5)) < 0.5).astype(float)
    cells = headline_of_cells("mce", estimated(errors, np.full(5, 0.2), 400), 0.01, 400)
    assert cells.half_width == pytest.approx(0, abs=1e-6)
    thin = headline_of_cells("mce", estimated(errors[:3], np.full(5, 0.2), 400), 0.01, 400)
    assert thin.spread is None
    assert thin.half_width == np.inf


def test_what_cannot_be_reached_says_what_it_would_take_and_what_can_be_asked() -> None:
    found = replace(headline(0.0202, n=250), least=1000)
    assert text(found.out_of_reach("imagenet-c", 0.01, 250)) == (
        "precision-target cannot be reached on imagenet-c: m: mce: 250 images give ±0.02, not ±0.01; it would take "
        "about 1,000 images, or a target of 0.021"
    )
    assert "250 images give about ±0.013" in text(replace(found, n=100).out_of_reach("imagenet-c", 0.01, 250))
    thin = Headline("m: mce", 0.5, None, 9, 5, Fact(Lack.THIN_CELL, {"had": 2, "needed": 5}))
    assert text(thin.out_of_reach("imagenet-c", 0.01, 5)).endswith("an interval: a cell has 2 images, and 5 are needed")


def test_a_target_is_given_up_early_only_where_half_as_many_images_again_would_not_do() -> None:
    assert replace(headline(0.03), least=1600).is_out_of_reach(0.01, 1000)
    assert not replace(headline(0.03), least=1400).is_out_of_reach(0.01, 1000)
    assert not replace(headline(0.009), least=1600).is_out_of_reach(0.01, 1000)
    assert not Headline("thin", 0.5, None, 9, 5, "few").is_out_of_reach(0.01, 1)


def test_what_all_cells_would_take_is_less_than_what_some_take() -> None:
    generator = np.random.default_rng(0)
    errors = (generator.normal(size=(500, 1)) + generator.normal(size=(500, 10)) > 0).astype(float)
    drawn = generator.permuted(np.tile(np.arange(10), (500, 1)), axis=1)[:, :2]
    few = np.full(errors.shape, np.nan)
    np.put_along_axis(few, drawn, np.take_along_axis(errors, drawn, 1), 1)
    weights = np.full(10, 0.1)
    some = headline_of_cells("mce", estimated(few, weights), 0.02)
    every = headline_of_cells("mce", estimated(errors, weights), 0.02)
    assert some.least < some.needed
    assert some.least == pytest.approx(every.needed, rel=0.15)


@pytest.mark.slow
def test_stopping_by_the_rule_covers_and_saves() -> None:
    """A small population with random cells: the interval at the stop covers the full value in 95 % of orders."""
    generator = np.random.default_rng(4)
    hard = generator.normal(size=(3000, 1))
    errors = (hard + generator.normal(size=(3000, 10)) < np.linspace(-1, 1, 10)).astype(float)
    weights, target, whole = np.full(10, 0.1), 0.02, Extent(3000, 10)
    truth, covered, evaluated, orders = float(errors.mean()), 0, 0, 150
    for _ in range(orders):
        order = generator.permutation(3000)
        cells = generator.permuted(np.tile(np.arange(10), (3000, 1)), axis=1)
        extent: Extent | None = Extent(200, 2)
        while extent is not None:
            drawn, some = cells[: extent.images, : extent.cells], np.full((extent.images, 10), np.nan)
            np.put_along_axis(some, drawn, errors[order[: extent.images, None], drawn], axis=1)
            found = headline_of_cells("m", estimated(some, weights, 3000), target, 3000)
            if decide([found], target).done:
                break
            last, extent = extent, next_extent(extent, [found], target, whole)
        assert found.spread is not None
        ends = found.spread.interval()
        covered += ends.low <= truth <= ends.high
        evaluated += (extent or last).images * (extent or last).cells
    assert covered / orders >= 0.95
    assert evaluated / orders < 0.25 * 30_000
