"""How far the slope of a published line can move without one of its models, or without those of one recipe."""

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

from hardiness.benchmarks.explained import fitted
from hardiness.reference.published_lines import PublishedLine, published_lines, published_points
from hardiness.reference.timm_results import timm_rows

FACTS: Mapping[str, Any] = json.loads(
    files("hardiness.reference").joinpath("effective_robustness.json").read_text("utf-8")
)
Vector = NDArray[np.float64]
KNOWN = {point.model: point for point in published_points("imagenet-c")}
"""Clean accuracy among all classes of 200 models, and that on the stored ImageNet-C."""


def clean_logits(line: PublishedLine) -> Vector:
    """Of its models, in their order; among fewer classes stretched onto the range that is published."""
    middle = [KNOWN[m].clean if m in KNOWN else float(np.mean(FACTS["between"][m])) for m in line.models]
    x = np.asarray(logit(middle))
    low, high = (float(logit(end)) for end in (line.clean.low, line.clean.high))
    return low + (x - x.min()) / (x.max() - x.min()) * (high - low) if line.clean_on else x


def groups(line: PublishedLine) -> tuple[list[list[int]], dict[str, list[int]]]:
    """The places of each model alone, and of those of each recipe."""
    recipes = {name: [k for k, m in enumerate(line.models) if m in models] for name, models in FACTS["recipes"].items()}
    return [[k] for k in range(line.n)], {name: places for name, places in recipes.items() if places}


def parts(x: Vector, left_out: Sequence[int]) -> tuple[Vector, Vector]:
    """What residuals of these models add to the slope, and their share that the line cannot follow."""
    design = np.c_[np.ones(len(x)), x]
    solved = np.linalg.solve(design.T @ design, design.T)
    rows = list(left_out)
    return solved[1, rows], np.eye(len(rows)) - (design @ solved)[np.ix_(rows, rows)]


def most_moved(line: PublishedLine, left_out: Sequence[int]) -> float:
    """The bound: residuals are orthogonal to the line, and their squares have the sum that its spread gives."""
    weights, free = parts(clean_logits(line), left_out)
    squares = line.residual**2 * (line.n - 2)
    return float(np.sqrt(squares * weights @ np.linalg.solve(free, weights)) / abs(line.slope))


def moved(x: Vector, y: Vector, left_out: Sequence[int]) -> float:
    """How far a slope moves without these points, as a share of it."""
    kept = np.setdiff1d(np.arange(len(x)), left_out)
    return float(abs(linregress(x[kept], y[kept]).slope / linregress(x, y).slope - 1))


def test_every_line_goes_through_standard_models_alone() -> None:
    for line in published_lines():
        assert set(line.models) <= set(FACTS["types"]["STANDARD"])


def test_imagenet_cs_line_is_through_its_points_and_what_it_moves_is_measured() -> None:
    (line,) = published_lines("imagenet-c")
    x, y = (np.asarray(logit([getattr(KNOWN[m], side) for m in line.models])) for side in ("clean", "shifted"))
    theirs = linregress(x, y)
    assert (theirs.slope, theirs.intercept) == (
        pytest.approx(line.slope, abs=2e-4),
        pytest.approx(line.intercept, abs=2e-4),
    )
    alone, recipes = groups(line)
    measured = [max(moved(x, y, each) for each in which) for which in (alone, recipes.values())]
    assert line.moves == pytest.approx(measured, abs=1e-3)
    for each in (*alone, *recipes.values()):
        assert moved(x, y, each) < most_moved(line, each) + 1e-3


@pytest.mark.parametrize("line", [each for each in published_lines() if each.benchmark != "imagenet-c"], ids=str)
def test_no_residuals_move_a_line_by_more_than_is_said(line: PublishedLine) -> None:
    alone, recipes = groups(line)
    assert (
        max(most_moved(line, each) for each in alone)
        <= line.moves[0]
        < 1.02 * max(most_moved(line, each) for each in alone) + 1e-3
    )
    beside = {name: most_moved(line, places) for name, places in recipes.items()}
    if line.part == "above ResNet-50":
        beside["AutoAugment"] = by_timms_rows(line, recipes["AutoAugment"])
    assert max(beside.values()) <= line.moves[1] < max(beside.values()) + 2e-3


def by_timms_rows(line: PublishedLine, places: Sequence[int]) -> float:
    """How far the slope moves without these models, by what timm published of the same weights on the same sets."""
    rows = {row.model: row for row in timm_rows()}
    theirs = [rows[FACTS["same_weights"][line.models[place]]] for place in places]
    x = clean_logits(line)
    x[list(places)] = logit([row.clean["imagenet-a"] for row in theirs])
    shifted = np.asarray(logit([row.top1["imagenet-a"] for row in theirs]))
    weights, free = parts(x, places)
    residuals = shifted - line.intercept - line.slope * x[list(places)]
    return float(abs(weights @ np.linalg.solve(free, residuals)) / line.slope)


def test_the_bound_is_reached_by_the_worst_residuals() -> None:
    """Of three hundred draws none exceeds it, and the residuals that it is of reach it."""
    generator = np.random.default_rng(0)
    x = generator.normal(size=12)
    design = np.c_[np.ones(12), x]
    hat = design @ np.linalg.pinv(design)
    weights, free = parts(x, [2, 5])
    bound = float(np.sqrt(weights @ np.linalg.solve(free, weights)))
    draws = [*generator.normal(size=(300, 12)), np.eye(12)[[2, 5]].T @ np.linalg.solve(free, weights)]
    reached = []
    for draw in draws:
        residuals = draw - hat @ draw
        y = 2 * x + residuals / np.linalg.norm(residuals)
        reached.append(2 * moved(x, y, [2, 5]))
    assert max(reached[:-1]) < bound
    assert reached[-1] == pytest.approx(bound)


def test_where_a_slope_may_hang_on_one_model_or_recipe_there_is_no_line() -> None:
    reasons = {(line.benchmark, line.part): fitted(line).why_none for line in published_lines()}
    assert reasons.pop(("imagenet-a", "below ResNet-50")) == (
        "there is no line through 33 standard models below ResNet-50 of Taori et al. 2020: its slope can move by 55 % "
        "without one of them and by 72 % without those of one recipe, and 20 % is too much"
    )
    assert set(reasons.values()) == {""}
