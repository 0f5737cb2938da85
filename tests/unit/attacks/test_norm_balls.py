"""The geometry of both norms, against what defines it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq, linprog
from scipy.stats import kstest

from hardiness.attacks.threats.norm_balls import distance, onto_hyperplane, project_, steepest, uniform
from hardiness.core.attack_plan import Norm
from hardiness.core.errors import ArgumentError
from hardiness.core.random import rng

NORMS: tuple[Norm, ...] = ("linf", "l2")
ORDER = {"linf": np.inf, "l2": 2}
SEEDS = st.integers(0, 2**32 - 1)


def drawn(seed: int, n: int = 3, scale: float = 1.0) -> torch.Tensor:
    return torch.from_numpy((scale * np.random.default_rng(seed).normal(size=(n, 3, 4, 5))).astype(np.float32))


@pytest.mark.parametrize("norm", NORMS)
@given(seed=SEEDS)
@settings(max_examples=20, deadline=None)
def test_distance_is_numpys_norm(norm: Norm, seed: int) -> None:
    delta = drawn(seed)
    expected = [np.linalg.norm(row.ravel(), ORDER[norm]) for row in delta.double().numpy()]
    np.testing.assert_allclose(distance(norm, delta), expected, rtol=1e-6)


@pytest.mark.parametrize("norm", NORMS)
@given(seed=SEEDS, epsilon=st.floats(1e-3, 20))
@settings(max_examples=30, deadline=None)
def test_projection_is_in_the_ball_leaves_what_is_inside_and_is_the_nearest_point(
    norm: Norm, seed: int, epsilon: float
) -> None:
    delta = drawn(seed)
    found = project_(norm, delta.clone(), epsilon)
    assert bool((distance(norm, found) <= epsilon * (1 + 1e-6)).all())
    inside = distance(norm, delta) <= epsilon
    assert torch.equal(found[inside], delta[inside])
    # Nearest in L2, in both balls: no other point of the ball lies at an acute angle to the way there.
    other = project_(norm, drawn(seed + 1, scale=epsilon), epsilon)
    angle = ((delta - found) * (other - found)).double().sum(dim=(1, 2, 3))
    assert bool((angle <= 1e-4 * epsilon).all())


@pytest.mark.parametrize("norm", NORMS)
def test_a_ball_without_extent_holds_nothing_but_its_centre(norm: Norm) -> None:
    assert not project_(norm, drawn(0), 0.0).any()
    assert not project_(norm, torch.zeros(2, 3, 4, 5), 0.0).any()


@pytest.mark.parametrize("norm", NORMS)
@given(seed=SEEDS, scale=st.sampled_from([1e-30, 1e-6, 1.0, 1e6]))
@settings(max_examples=30, deadline=None)
def test_the_steepest_step_gains_the_dual_norm_of_the_gradient(norm: Norm, seed: int, scale: float) -> None:
    gradient = drawn(seed, scale=scale)
    step = steepest(norm, gradient)
    np.testing.assert_allclose(distance(norm, step), 1, rtol=1e-5)
    gained = (step.double() * gradient.double()).sum(dim=(1, 2, 3))
    dual = [np.linalg.norm(row.ravel(), {"linf": 1, "l2": 2}[norm]) for row in gradient.double().numpy()]
    np.testing.assert_allclose(gained, dual, rtol=1e-5)


@pytest.mark.parametrize("norm", NORMS)
def test_no_gradient_no_step(norm: Norm) -> None:
    gradient = drawn(0)
    gradient[1] = 0
    step = steepest(norm, gradient)
    assert not step[1].any()
    assert step[0].any()


def test_uniform_linf_noise_is_uniform_in_every_value() -> None:
    noise = uniform("linf", (40, 3, 8, 8), [rng(0, i) for i in range(40)])
    assert noise.dtype == torch.float32
    assert kstest(noise.flatten().numpy(), "uniform", (-1, 2)).pvalue > 0.01


def test_uniform_l2_noise_has_the_radius_and_the_directions_of_a_uniform_point_in_the_ball() -> None:
    noise = uniform("l2", (2000, 3, 1, 1), [rng(0, i) for i in range(2000)])[:, :, 0, 0].double().numpy()
    radius = np.linalg.norm(noise, axis=1)
    assert kstest(radius**3, "uniform").pvalue > 0.01
    # Archimedes: a coordinate of a uniform direction in three dimensions is uniform.
    assert kstest(noise[:, 0] / radius, "uniform", (-1, 2)).pvalue > 0.01


@pytest.mark.parametrize("norm", NORMS)
def test_noise_of_a_sample_depends_on_its_generator_alone(norm: Norm) -> None:
    both = uniform(norm, (2, 3, 5, 5), [rng(0, "a"), rng(0, "b")])
    turned = uniform(norm, (2, 3, 5, 5), [rng(0, "b"), rng(0, "a")])
    assert torch.equal(both, turned.flip(0))
    assert not torch.equal(both[0], both[1])


def test_an_unknown_norm_is_named() -> None:
    with pytest.raises(ArgumentError, match="norm cannot be 'l3'"):
        distance("l3", drawn(0))  # type: ignore[arg-type]


def shortest_linf(pixels: np.ndarray, normal: np.ndarray, height: float) -> float | None:
    """The same as a linear programme: least t with ⟨normal, move⟩ = -height, |move| ≤ t, pixels + move in [0, 1]."""
    n = len(pixels)
    box = np.concatenate([np.eye(n), -np.ones((n, 1))], 1), np.concatenate([-np.eye(n), -np.ones((n, 1))], 1)
    found = linprog(
        np.r_[np.zeros(n), 1],
        A_ub=np.concatenate(box),
        b_ub=np.zeros(2 * n),
        A_eq=np.r_[normal, 0][None],
        b_eq=[-height],
        bounds=[*zip(-pixels, 1 - pixels, strict=True), (0, None)],
    )
    return found.x[-1] if found.status == 0 else None


def shortest_l2(pixels: np.ndarray, normal: np.ndarray, height: float) -> float | None:
    """By its dual, a monotone function of one multiplier."""

    def move(multiplier: float) -> np.ndarray:
        return np.clip(pixels - multiplier * normal, 0, 1) - pixels

    def left(multiplier: float) -> float:
        return float(normal @ move(multiplier)) + height

    far = 1e3 * np.sign(height)
    return float(np.linalg.norm(move(brentq(left, 0, far)))) if left(0) * left(far) < 0 else None


@pytest.mark.slow
@pytest.mark.parametrize("norm", NORMS)
@given(seed=SEEDS, share=st.floats(-1.2, 1.2))
@settings(max_examples=60, deadline=None)
def test_the_way_to_a_hyperplane_within_the_box_is_the_shortest(norm: Norm, seed: int, share: float) -> None:
    draws = np.random.default_rng(seed)
    pixels, normal = draws.random(12), draws.normal(size=12)
    room = np.where((normal > 0) == (share > 0), pixels, 1 - pixels)
    most = np.abs(normal) @ room
    height = share * most
    move = onto_hyperplane(
        norm,
        torch.tensor(pixels, dtype=torch.float32).view(1, 3, 2, 2),
        torch.tensor(normal, dtype=torch.float32).view(1, 3, 2, 2),
        torch.tensor([height], dtype=torch.float32),
    )
    found = move.flatten().double().numpy()
    assert np.all((pixels + found >= -1e-6) & (pixels + found <= 1 + 1e-6))
    if abs(share) > 1.001:
        np.testing.assert_allclose(normal @ found, -np.sign(height) * most, rtol=1e-4)
    elif 1e-3 < abs(share) < 0.999:
        np.testing.assert_allclose(normal @ found, -height, rtol=1e-4, atol=1e-5)
        shortest = {"linf": shortest_linf, "l2": shortest_l2}[norm](pixels, normal, height)
        assert shortest is not None
        np.testing.assert_allclose(np.linalg.norm(found, ORDER[norm]), shortest, rtol=1e-3, atol=1e-5)
