"""Auto-PGD: when it looks back, when it halves its step, and where it goes on from."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from hardiness.attacks.apgd import _State, checkpoints
from hardiness.attacks.criteria import Misclassification, TargetClass
from hardiness.attacks.kit import Budget, registry

Chance = Callable[..., Sequence[np.random.Generator]]


def test_checkpoints_of_a_hundred_steps_are_the_published_ones() -> None:
    """Croce & Hein 2020, section 3.2: p = 0, 0.22, then p += max(last - 0.03, 0.06)."""
    assert checkpoints(100) == {22: 22, 41: 19, 57: 16, 70: 13, 80: 10, 87: 7, 93: 6, 99: 6}


@pytest.mark.parametrize("steps", [1, 2, 5, 33])
def test_checkpoints_of_fewer_steps_are_among_them(steps: int) -> None:
    found = checkpoints(steps)
    assert all(1 <= at <= steps for at in found)
    assert list(np.cumsum(list(found.values()))) == list(found)


def bowl(weights: Tensor) -> Callable[[Tensor], Tensor]:
    """Two classes whose margin is a parabola with its lowest point, still positive, inside the ball."""

    def logits(pixels: Tensor) -> Tensor:
        height = 1 + ((pixels - 0.5) * weights).square().sum(dim=(1, 2, 3))
        return torch.stack([height, -height], dim=1)

    return logits


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_where_a_step_overshoots_it_is_halved_until_the_bottom_is_reached(norm: str, chance: Chance) -> None:
    images = torch.full((2, 3, 4, 4), 0.5) + 0.05
    logits = bowl(torch.linspace(1, 3, 48).view(3, 4, 4))
    epsilon = {"linf": 0.2, "l2": 1.4}[norm]
    budget = Budget(norm, epsilon, torch.tensor([100, 100]))
    criterion = Misclassification(torch.zeros(2, dtype=torch.int64))
    plain = registry.get("pgd")(relative_step=2.0, stop=False)
    auto = registry.get("apgd")()
    ends = []
    for attack in (plain, auto):
        *_, last = attack(logits, images, criterion, budget, chance(range(2)))
        ends.append(logits(last.pixels)[:, 0] - 1)
    assert bool((ends[1] < 0.05 * ends[0]).all())
    assert bool((ends[1] < 1e-3).all())


def test_the_first_step_is_twice_epsilon_and_the_next_have_momentum(
    network: nn.Module, images: Tensor, labels: Tensor, chance: Chance
) -> None:
    inside, epsilon = 0.3 + 0.4 * images, 0.01
    targets = (labels + 1) % 10
    budget = Budget("linf", epsilon, torch.full((7,), 2))
    first, second = registry.get("apgd")()(network, inside, TargetClass(targets), budget, chance())

    def descent(at: Tensor) -> Tensor:
        leaf = at.clone().requires_grad_()
        return torch.autograd.grad(nn.functional.cross_entropy(network(leaf), targets, reduction="sum"), leaf)[0]

    draws = torch.stack([torch.from_numpy(2 * g.random((3, 16, 16), np.float32) - 1) for g in chance()])
    start = inside + epsilon * draws
    low, high = inside - epsilon, inside + epsilon
    one = (start - 2 * epsilon * descent(start).sign()).clamp(low, high)
    np.testing.assert_allclose(first.pixels, one, atol=1e-6)
    z = (one - 2 * epsilon * descent(one).sign()).clamp(low, high)
    two = (one + 0.75 * (z - one) + 0.25 * (one - start)).clamp(low, high)
    np.testing.assert_allclose(second.pixels, two[second.index], atol=1e-6)  # who is at its target has left


def test_the_targeted_one_tries_the_likeliest_classes_in_their_order(
    network: nn.Module, images: Tensor, labels: Tensor, chance: Chance
) -> None:
    """With each try another class gains most on the label, though none is reached."""
    budget = Budget("linf", 0.0005, torch.full((7,), 20))
    ranks = network(images).argsort(dim=1, descending=True)[:, 1:4]
    rises: dict[int, list[Tensor]] = {}
    tries = 0
    for iterate in registry.get("apgd-t")(targets=3)(network, images, Misclassification(labels), budget, chance()):
        tries += iterate.step == 1
        if iterate.step == 20:
            for place, row in enumerate(iterate.index.tolist()):
                rises.setdefault(row, []).append(iterate.logits[place] - network(images[[row]])[0])
    assert tries == 3
    assert rises
    for row, towards in rises.items():
        gains = torch.stack([rise[ranks[row]] - rise[labels[row]] for rise in towards])
        assert bool((gains.diagonal() >= gains.amax(1) - 1e-4).all())


def test_a_checkpoint_halves_the_step_of_the_restless_and_of_the_stuck_but_not_twice_running_for_being_stuck() -> None:
    """Croce & Hein 2020, section 3.2, conditions 1 and 2; the last sample is not looked at."""
    names = ["busy", "restless", "stuck", "stuck again", "not due"]
    falls = torch.tensor([17, 16, 22, 22, 0])
    best = torch.tensor([1.0, 1.0, 2.0, 2.0, 2.0])
    wide = torch.zeros(5, 3, 1, 1)
    state = _State(
        at=wide + 1,
        before=wide,
        gradient=wide + 1,
        loss=torch.full((5,), 3.0),
        best=wide + 2,
        best_gradient=wide + 2,
        best_loss=best,
        step=torch.ones(5, 1, 1, 1),
        falls=falls,
        checked_loss=torch.full((5,), 2.0),
        halved=torch.tensor([False, False, False, True, False]),
        windows=torch.zeros(5, 1, dtype=torch.int64),
    )
    after = state._check_progress(torch.tensor([22, 22, 22, 22, 0]))
    halved = dict(zip(names, (after.step.flatten() == 0.5).tolist(), strict=True))
    assert halved == {"busy": False, "restless": True, "stuck": True, "stuck again": False, "not due": False}
    back = [[1.0, 2.0][each] for each in halved.values()]
    assert after.at[:, 0, 0, 0].tolist() == after.gradient[:, 0, 0, 0].tolist() == back
    assert after.falls.tolist() == [0, 0, 0, 0, 0]
    assert after.checked_loss.tolist() == [1.0, 1.0, 2.0, 2.0, 2.0]
    assert after.halved.tolist() == [False, True, True, False, False]
