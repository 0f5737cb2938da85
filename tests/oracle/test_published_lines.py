"""The published lines are those through their points, and how far a slope moves is what it moves by."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import logit
from scipy.stats import linregress

from hardiness.reference.published_lines import PublishedLine, published_lines, published_points
from hardiness.statistics.effective_robustness import STEADY

FACTS: Mapping[str, Any] = json.loads(
    files("hardiness.reference").joinpath("effective_robustness.json").read_text("utf-8")
)
Vector = NDArray[np.float64]


def logits_of(line: PublishedLine) -> tuple[Vector, Vector]:
    """Clean and shifted accuracy of the models of a line, in their order."""
    points = {point.model: point for point in published_points(line.benchmark)}
    x, y = (np.asarray(logit([getattr(points[model], side) for model in line.models])) for side in ("clean", "shifted"))
    return x, y


def slope_moves(x: Vector, y: Vector, left_out: Sequence[int]) -> float:
    """How far a slope moves without these points, as a share of it."""
    rest = np.setdiff1d(np.arange(len(x)), left_out)
    return float(abs(linregress(x[rest], y[rest]).slope / linregress(x, y).slope - 1))


def test_every_line_goes_through_standard_models_alone() -> None:
    for line in published_lines():
        assert set(line.models) <= set(FACTS["types"]["STANDARD"])


@pytest.mark.parametrize("line", published_lines(), ids=lambda line: f"{line.benchmark} {line.part}".strip())
def test_a_line_is_that_through_its_points(line: PublishedLine) -> None:
    x, y = logits_of(line)
    assert len(x) == line.n
    theirs = linregress(x, y)
    residual = np.sqrt(np.sum((y - theirs.intercept - theirs.slope * x) ** 2) / (line.n - 2))
    assert (theirs.slope, theirs.intercept, residual) == (
        pytest.approx(line.slope, abs=2e-4),
        pytest.approx(line.intercept, abs=2e-4),
        pytest.approx(line.residual, abs=2e-4),
    )
    assert (x.mean(), x.std()) == (pytest.approx(line.centre, abs=1e-3), pytest.approx(line.spread, abs=1e-3))
    ends = (logit(line.clean.low), logit(line.clean.high))
    assert (x.min(), x.max()) == pytest.approx(ends, abs=2e-3)


@pytest.mark.parametrize("line", published_lines(), ids=lambda line: f"{line.benchmark} {line.part}".strip())
def test_a_slope_moves_by_what_is_said(line: PublishedLine) -> None:
    x, y = logits_of(line)
    without_one = max(slope_moves(x, y, [place]) for place in range(line.n))
    recipes = [
        [place for place, model in enumerate(line.models) if model in members] for members in FACTS["recipes"].values()
    ]
    without_a_recipe = max(slope_moves(x, y, places) for places in recipes if places)
    assert line.moves == pytest.approx((without_one, without_a_recipe), abs=1e-3)


def test_every_line_is_steady() -> None:
    """ImageNet-A's lower line moves by 10.7 % without AlexNet, which is the most of all."""
    most = max(max(line.moves) for line in published_lines())
    assert most < STEADY
    assert most == pytest.approx(0.107)
