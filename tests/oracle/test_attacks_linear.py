"""Attacks on linear models, whose least fooling change is a formula: the margin over the dual norm of the weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from hardiness.attacks import Budget, Criterion, Misclassified, TargetClass, distance, registry
from hardiness.core import Norm, rng

SHAPE = (3, 4, 4)
DUAL = {"linf": 1, "l2": 2}
BATCHES = (1, 3, 8)


class Linear:
    """``z = W x + b`` on images in the middle of [0, 1], so that its borders play no part.

    Args:
        classes: with weights.
        samples: N.
        bystanders: further classes, whose logits never change and are far below.

    Attributes:
        images: ``(N, 3, 4, 4)``.
        labels: the classes with the largest logits.
    """

    def __init__(self, classes: int, samples: int, bystanders: int = 0) -> None:
        draws = np.random.default_rng(classes)
        self.weights = draws.normal(0, 5, (classes, *SHAPE))
        pixels = draws.uniform(0.35, 0.65, (samples, *SHAPE))
        self.offset = -0.5 * self.weights.sum(axis=(1, 2, 3))
        logits = np.tensordot(pixels, self.weights, ([1, 2, 3], [1, 2, 3])) + self.offset
        self.weights = np.concatenate([self.weights, np.zeros((bystanders, *SHAPE))])
        self.offset = np.concatenate([self.offset, np.full(bystanders, -100.0)])
        self.images = torch.from_numpy(pixels.astype(np.float32))
        self.labels = torch.from_numpy(logits.argmax(1))
        self.found = logits

    def __call__(self, pixels: Tensor) -> Tensor:
        weights = torch.from_numpy(self.weights.reshape(len(self.weights), -1)).float()
        return pixels.flatten(1) @ weights.T + torch.from_numpy(self.offset).float()

    def least(self, norm: Norm, target: int | None = None) -> np.ndarray:
        """The least epsilon for each sample: over all other classes, or to the one whose rank among them is given."""
        every = []
        for row, label in zip(self.found, self.labels.tolist(), strict=True):
            others = [k for k in range(len(row)) if k != label]  # bystanders are never the nearest
            others = others if target is None else [others[target]]
            every.append(
                min(
                    (row[label] - row[k]) / np.linalg.norm((self.weights[label] - self.weights[k]).ravel(), DUAL[norm])
                    for k in others
                )
            )
        return np.array(every)


def struck(
    model: Linear, criterion: Criterion, norm: Norm, epsilon: float, steps: int, attack: str, options: dict[str, Any]
) -> dict[int, float]:
    """Length of the change of each sample that was reached."""
    n = len(model.images)
    budget = Budget(norm, epsilon, torch.full((n,), steps))
    run = registry.get(attack)(**options)
    found: dict[int, float] = {}
    for iterate in run(model, model.images, criterion, budget, [rng(0, "attack", i) for i in range(n)]):
        lengths = distance(norm, iterate.pixels - model.images[iterate.index])
        for row, reached, length in zip(
            iterate.index.tolist(), iterate.reached.tolist(), lengths.tolist(), strict=True
        ):
            if reached:
                found.setdefault(row, length)
    return found


def holds(
    model: Linear, criterion: Criterion, norm: Norm, least: np.ndarray, run: Callable[..., dict[int, float]]
) -> None:
    """Just above a sample's optimum it is reached, within 1.01 of it; just below nothing can be."""
    for sample in sorted({0, len(least) // 2, len(least) - 1}):
        epsilon = float(least[sample])
        above = run(model, criterion, norm, 1.01 * epsilon)
        assert sample in above, f"sample {sample} not reached at 1.01 of the optimum {epsilon:.4g}"
        assert 0.999 * epsilon <= above[sample] <= 1.01 * epsilon * (1 + 1e-5) + 1e-6
        assert sample not in run(model, criterion, norm, 0.999 * epsilon)
        # Whoever else was reached in the same batch had its optimum within the budget as well.
        assert all(least[other] <= 1.0101 * epsilon for other in above)


UNTARGETED: list[tuple[str, int, int, dict[str, Any]]] = [
    ("pgd", 2, 20, {}),
    ("pgd", 2, 20, {"random_start": False, "relative_step": 0.1}),
    ("pgd", 2, 60, {"step": 0.02, "clip_start": False, "stop": False}),
    ("fgsm", 2, 1, {}),
    ("apgd", 2, 30, {}),
    ("apgd", 2, 50, {"loss": "dlr"}),
    ("apgd-t", 4, 30, {}),
    ("fab-t", 4, 15, {}),
    ("fab", 4, 15, {}),
    ("fab", 4, 60, {"random_start": True}),
    ("autoattack", 4, 4, {"iterations": 30, "queries": 2}),
]


@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("samples", BATCHES)
@pytest.mark.parametrize(("attack", "classes", "steps", "options"), UNTARGETED)
def test_untargeted(attack: str, classes: int, steps: int, options: dict[str, Any], samples: int, norm: Norm) -> None:
    model = Linear(classes, samples, bystanders=2)

    def run(model: Linear, criterion: Criterion, norm: Norm, epsilon: float) -> dict[int, float]:
        return struck(model, criterion, norm, epsilon, steps, attack, options)

    holds(model, Misclassified(model.labels), norm, model.least(norm), run)


@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("samples", BATCHES)
@pytest.mark.parametrize(("attack", "steps"), [("pgd", 20), ("fgsm", 1), ("apgd", 30)])
def test_targeted_at_the_other_of_two(attack: str, steps: int, samples: int, norm: Norm) -> None:
    model = Linear(2, samples)

    def run(model: Linear, criterion: Criterion, norm: Norm, epsilon: float) -> dict[int, float]:
        return struck(model, criterion, norm, epsilon, steps, attack, {})

    holds(model, TargetClass(1 - model.labels), norm, model.least(norm, target=0), run)


@pytest.mark.parametrize("samples", BATCHES)
def test_square_finds_the_corner_without_a_gradient(samples: int) -> None:
    """The corner of the ball is its optimum in L-infinity, and squares of one pixel get there."""
    model = Linear(2, samples)

    def run(model: Linear, criterion: Criterion, norm: Norm, epsilon: float) -> dict[int, float]:
        return struck(model, criterion, norm, epsilon, 800, "square", {})

    holds(model, Misclassified(model.labels), "linf", model.least("linf"), run)


def test_square_in_l2_gets_near() -> None:
    """A random search over windows of three pixels and more: not the optimum, but never below it."""
    model = Linear(2, 3)
    least = model.least("l2")
    for sample, epsilon in enumerate(least):
        criterion = Misclassified(model.labels)
        assert sample in struck(model, criterion, "l2", 2 * epsilon, 500, "square", {})
        assert sample not in struck(model, criterion, "l2", 0.999 * epsilon, 100, "square", {})
