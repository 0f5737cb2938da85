"""Verdicts on images that are looked at while they come in: how often one is false, over all rules and looks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from hardiness.statistics import Evidence, Limit, cell_estimate, rulings

IMAGES, TARGET, CELLS = 5000, 0.02, 3


def looks() -> Iterator[int]:
    """How many images there are at each look: rounds as of a run, each half as large again as all before."""
    n = 100.0
    while n < IMAGES:
        yield int(n)
        n *= 1.5
    yield IMAGES


def evidence(values: np.ndarray, n: int) -> Evidence | None:
    """Of the first n images: a share of 0 and 1 exactly, a mean of cells by its spread, which is not known at first."""
    if values.shape[1] == 1:
        return Evidence.from_share_looks(int(values[:n].sum()), n)
    ids = np.array([f"{k:05d}" for k in range(n)], object)
    return Evidence.from_looks(cell_estimate(ids, values[:n], np.full(CELLS, 1 / CELLS)), TARGET)


def draw(truth: float, cells: int, draws: np.random.Generator) -> np.ndarray:
    """Images that are hard or easy, so that their cells go together."""
    hard = draws.beta(2 * truth, 2 * (1 - truth), (IMAGES, 1))
    return (draws.random((IMAGES, cells)) < (hard if cells > 1 else truth)).astype(float)


def run(off: float, seed: int) -> tuple[bool, int]:
    """Whether any verdict was false, and after how many images all were decided, or all images."""
    draws = np.random.default_rng(seed)
    truths = (0.3, 0.05, 0.4)
    rules = [
        (draw(truths[0] + off, 1, draws), Limit(truths[0], 1), off > 0),
        (draw(truths[1] + off, 1, draws), Limit(truths[1], 1), off > 0),
        (draw(truths[2] - off, CELLS, draws), Limit(truths[2], -1), off > 0),
    ]
    false = False
    for n in looks():
        known = [(evidence(values, n), limit, beyond) for values, limit, beyond in rules]
        if any(found is None for found, _, _ in known):
            continue
        ruled = rulings([(found, limit) for found, limit, _ in known if found is not None])
        for ruling, (_, _, beyond) in zip(ruled, known, strict=True):
            false |= ruling.outcome == ("pass" if beyond else "fail")
        if all(ruling.outcome != "cannot tell" for ruling in ruled):
            return false, n
    return false, IMAGES


@pytest.mark.slow
@pytest.mark.thorough
@pytest.mark.parametrize("off", [0.0, 0.01, -0.01])
def test_any_false_verdict_over_all_rules_and_looks_is_rare(off: float) -> None:
    """Of 60 runs 3 would be expected at 5 %; three deviations above are allowed."""
    assert sum(run(off, seed)[0] for seed in range(60)) <= 8


def test_clear_numbers_need_few_images_and_a_number_on_its_limit_all() -> None:
    shares = [np.mean([run(off, seed)[1] for seed in range(4)]) / IMAGES for off in (0.05, 0.02, 0.0)]
    assert shares[0] < shares[1] <= shares[2] == 1.0
