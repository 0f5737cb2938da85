"""Square: its schedule, its noises, and that it only ever keeps what is better."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from hardiness.attacks.criteria import Misclassification, TargetClass
from hardiness.attacks.kit import Budget, registry
from hardiness.attacks.square import _FIRST, _NEXT, Square, _draw_place, _hill, _SquareChange
from hardiness.core.random import rng

Chance = Callable[..., Sequence[np.random.Generator]]


def changed(
    noise: _SquareChange, delta: Tensor, epsilon: float, generator: np.random.Generator, share: float = 1.0
) -> Tensor:
    """One image's change after one more draw."""
    drawn = noise.draw(tuple(delta.shape), share, generator)
    return noise.apply(delta, epsilon, drawn.places, torch.from_numpy(drawn.numbers))


def test_squares_shrink_by_the_published_schedule() -> None:
    """Andriushchenko et al. 2020: p is halved after these of 10,000 iterations."""
    for query, halvings in ((0, 0), (10, 0), (11, 1), (51, 2), (201, 3), (501, 4), (1001, 5), (8000, 8), (9999, 9)):
        assert Square()._share(query + 2, 10_000) == pytest.approx(0.8 / 2**halvings)
    assert Square()._share(52, 1000) == pytest.approx(Square()._share(502, 10_000))


def test_stripes_are_vertical_and_go_to_the_surface() -> None:
    found = changed(_FIRST["linf"], torch.zeros(3, 6, 8), 0.1, rng(0, "a"))
    assert torch.equal(found.abs(), torch.full((3, 6, 8), 0.1))
    assert torch.equal(found, found[:, :1].expand(3, 6, 8))
    assert found.min() < 0 < found.max()


def test_a_square_covers_its_share_and_changes_each_channel_as_one() -> None:
    found = changed(_NEXT["linf"], torch.zeros(3, 20, 20), 0.1, rng(0, "a"), 0.25)
    assert (found != 0).sum(dim=(1, 2)).tolist() == [100, 100, 100]
    rows, columns = found[0].nonzero().T
    assert rows.max() - rows.min() == columns.max() - columns.min() == 9
    assert all(len(channel[channel != 0].unique()) == 1 for channel in found)
    np.testing.assert_allclose(found.abs().max(), 0.2)


@pytest.mark.parametrize("side", [1, 2, 3, 8, 45])
def test_a_hill_stands_above_its_valley_and_has_length_one(side: int) -> None:
    hill = _hill(side)
    assert hill.shape == (side, side)
    np.testing.assert_allclose(np.linalg.norm(hill), 1, rtol=1e-6)
    if side > 3:
        assert (hill[: side // 2] > 0).all()
        assert (hill[side // 2 :] < 0).all()
        assert hill.argmax() == (side // 4) * side + side // 2


@pytest.mark.parametrize("size", [(5, 5), (16, 16), (20, 33)])
def test_changes_in_l2_are_of_length_epsilon(size: tuple[int, int]) -> None:
    delta = changed(_FIRST["l2"], torch.zeros(3, *size), 0.7, rng(0, "a"))
    assert float(delta.norm()) == pytest.approx(0.7, rel=1e-5)
    for step in range(5):
        before = delta.clone()
        moved = changed(_NEXT["l2"], delta, 0.7, rng(step, "b"), 0.2)
        assert torch.equal(delta, before)
        assert float(moved.norm()) == pytest.approx(0.7, rel=1e-5)
        assert not torch.equal(moved, delta)
        delta = moved


def test_one_window_takes_what_another_had() -> None:
    """Andriushchenko et al. 2020, algorithm 3: the rest keeps its shape; the taker gets both windows' length."""
    delta = 0.9 * changed(_FIRST["l2"], torch.zeros(3, 24, 24), 1.0, rng(0, "a"))
    for draw in range(20):
        moved = changed(_NEXT["l2"], delta, 1.0, rng(draw, "b"), 7**2 / 24**2)
        draws = rng(draw, "b")
        to, source = (_draw_place(draws, 7, (3, 24, 24)) for _ in range(2))
        rest, windows = torch.ones(24, 24, dtype=torch.bool), torch.zeros(24, 24, dtype=torch.bool)
        rest[to[1:]] = rest[source[1:]] = False
        windows[to[1:]] = windows[source[1:]] = True
        scale = float(moved[:, rest].norm() / delta[:, rest].norm())
        np.testing.assert_allclose(moved[:, rest], scale * delta[:, rest], atol=1e-6)
        given_away = torch.zeros(24, 24, dtype=torch.bool)
        given_away[source[1:]] = True
        given_away[to[1:]] = False
        assert not moved[:, given_away].any()
        length = float(((1 - 0.9**2) / 3 + delta[:, windows].square().sum()).sqrt())
        np.testing.assert_allclose(moved[to].flatten(1).norm(dim=1), [scale * length] * 3, rtol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("targeted", [False, True])
def test_the_loss_only_falls_and_one_query_is_one_step(
    network: nn.Module, images: Tensor, labels: Tensor, chance: Chance, norm: str, targeted: bool
) -> None:
    criterion = TargetClass((labels + 1) % 10) if targeted else Misclassification(labels)
    queries = 0

    def counting(pixels: Tensor) -> Tensor:
        nonlocal queries
        queries += len(pixels)
        assert not pixels.requires_grad
        return network(pixels)

    lowest: dict[int, float] = {}
    steps = 0
    budget = Budget(norm, {"linf": 0.01, "l2": 0.2}[norm], torch.full((7,), 60))
    for iterate in registry.get("square")()(counting, images, criterion, budget, chance()):
        steps += len(iterate.index)
        assert not iterate.zero_gradient.any()
        for row, loss in zip(iterate.index.tolist(), iterate.loss.tolist(), strict=True):
            assert loss <= lowest.get(row, float("inf"))
            lowest[row] = loss
    assert queries == steps
    assert len(set(lowest.values())) > 1


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_what_is_drawn_for_all_images_is_sent_at_once(
    network: nn.Module, images: Tensor, labels: Tensor, chance: Chance, norm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy to a GPU waits for all that it computes: one a step, not one an image and number."""
    sent: list[int] = []
    real = torch.from_numpy
    monkeypatch.setattr(torch, "from_numpy", lambda array: sent.append(array.size) or real(array))
    monkeypatch.setattr(Tensor, "new_tensor", None)
    budget = Budget(norm, 1e-6, torch.full((len(images),), 5))
    steps = list(
        registry.get("square")()(network, images, Misclassification(network(images).argmax(1)), budget, chance())
    )
    assert len(images) > 1
    assert len(sent) == len(steps) == 5
