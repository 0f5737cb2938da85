"""FAB's way to a boundary, and AutoAttack's four attacks on whoever is left."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from hardiness.attacks.criteria import Misclassification
from hardiness.attacks.kit import Budget, Iterate, registry
from hardiness.attacks.threats.norm_balls import distance

Chance = Callable[..., Sequence[np.random.Generator]]


@pytest.mark.slow
@pytest.mark.parametrize("norm", ["linf", pytest.param("l2", marks=pytest.mark.slow)])
def test_fab_needs_no_more_than_pgd_does(
    network: nn.Module, images: Tensor, labels: Tensor, chance: Chance, norm: str
) -> None:
    """Bisected over epsilon, projected gradient descent gets hardly nearer."""
    criterion = Misclassification(labels[:2])

    def least(attack: Any, steps: int) -> float:
        low, high = 0.0, {"linf": 0.05, "l2": 1.0}[norm]
        for _ in range(6):
            middle = (low + high) / 2
            budget = Budget(norm, middle, torch.full((2,), steps))
            hit: set[int] = set()
            for iterate in attack(network, images[:2], criterion, budget, chance(range(2))):
                hit |= set(iterate.index[iterate.reached].tolist())
            low, high = (low, middle) if len(hit) == 2 else (middle, high)
        return high

    found = least(registry.get("fab-t")(targets=3), 15)
    assert found <= 1.02 * least(registry.get("pgd")(relative_step=0.2), 25)


def test_fab_tells_the_image_itself_until_it_is_there(
    network: nn.Module, images: Tensor, labels: Tensor, chance: Chance
) -> None:
    budget = Budget("linf", 0.008, torch.full((7,), 10))
    for iterate in registry.get("fab-t")(targets=3)(network, images, Misclassification(labels), budget, chance()):
        apart = distance("linf", iterate.pixels - images[iterate.index])
        assert torch.equal(apart > 0, iterate.reached)


QUICK = {"iterations": 4, "targets": 2, "queries": 6}


def run(network: Any, images: Tensor, labels: Tensor, chance: Chance, epsilon: float, stages: int = 4) -> list[Iterate]:
    budget = Budget("linf", epsilon, torch.full((7,), stages))
    return list(registry.get("autoattack")(**QUICK)(network, images, Misclassification(labels), budget, chance()))


def test_each_attack_sees_the_survivors_of_those_before(
    network: nn.Module, images: Tensor, labels: Tensor, chance: Chance
) -> None:
    found = run(network, images, labels, chance, 0.004)
    assert [iterate.step for iterate in found] == [1, 2, 3, 4]
    left = set(range(7))
    for iterate in found:
        assert set(iterate.index.tolist()) == left
        left -= set(iterate.index[iterate.reached].tolist())
    assert 0 < len(left) < 7


def test_nothing_more_is_tried_when_nobody_is_left(
    network: nn.Module, images: Tensor, labels: Tensor, chance: Chance
) -> None:
    (only,) = run(network, images, labels, chance, 0.3)
    assert only.reached.all()


def test_the_budget_says_how_many_of_the_four_are_run(
    network: nn.Module, images: Tensor, labels: Tensor, chance: Chance
) -> None:
    assert [iterate.step for iterate in run(network, images, labels, chance, 0.001, stages=2)] == [1, 2]
    whole, part = run(network, images, labels, chance, 0.001), run(network, images, labels, chance, 0.001, stages=2)
    assert torch.equal(whole[1].pixels, part[1].pixels)


def test_the_first_is_apgd_as_it_is_alone(network: nn.Module, images: Tensor, labels: Tensor, chance: Chance) -> None:
    budget = Budget("linf", 0.004, torch.full((7,), QUICK["iterations"]))
    last: dict[int, Tensor] = {}
    for iterate in registry.get("apgd")()(network, images, Misclassification(labels), budget, chance()):
        last |= dict(zip(iterate.index.tolist(), iterate.pixels, strict=True))
    (first, *_) = run(network, images, labels, chance, 0.004)
    for row, pixels in zip(first.index.tolist(), first.pixels, strict=True):
        assert torch.equal(pixels, last[row])


def test_only_square_is_left_of_it_where_gradients_are_hidden(
    network: nn.Module, images: Tensor, labels: Tensor, chance: Chance
) -> None:
    """Pixels of 32 levels: no gradient comes through, and only the attack that asks for none gets anywhere."""
    attack = registry.get("autoattack")(iterations=4, targets=2, queries=150)
    coarse = lambda x: network((32 * x).round() / 32)  # noqa: E731
    given = (32 * images).round() / 32
    truth = network(given).argmax(1)
    budget = Budget("linf", 0.03, torch.full((7,), 4))
    found = list(attack(coarse, given, Misclassification(truth), budget, chance()))
    assert found[0].zero_gradient.min() == 1
    assert found[-1].step == 4
    assert found[-1].reached.sum() > found[1].reached.sum()
