"""Attacks on linear models, whose least fooling change is a formula: the margin over the dual norm of the weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from hardiness.attacks.criteria import Criterion, Misclassification, TargetClass
from hardiness.attacks.kit import Budget, registry
from hardiness.attacks.threats import threat
from hardiness.attacks.threats.patch import side
from hardiness.core.attack_plan import Norm
from hardiness.core.random import rng
from hardiness.models.own_functions import read_by_sigmoid

SHAPE = (3, 4, 4)
DUAL = {"linf": 1, "l2": 2}
BATCHES = (3, *(pytest.param(samples, marks=pytest.mark.thorough) for samples in (1, 8)))


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

    def pin(self, lead: float) -> None:
        """Move the border of two classes, so that class 0 leads by that much on the average image and by more or less
        on each: far enough that an image falls by several of its values, not by one."""
        logits = np.tensordot(self.images.double().numpy(), self.weights, ([1, 2, 3], [1, 2, 3]))
        apart = (logits[:, 0] - logits[:, 1]).mean()
        self.offset = np.array([lead - apart, 0.0])
        self.found = logits + self.offset
        assert (self.found[:, 0] > self.found[:, 1]).all()
        self.labels = torch.zeros(len(logits), dtype=torch.int64)

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
    model: Any,
    criterion: Criterion,
    norm: Norm,
    epsilon: float,
    steps: int,
    attack: str,
    options: dict[str, Any],
    images: Tensor | None = None,
) -> dict[int, float]:
    """Length of the change of each sample that was reached; the images are the model's own where none are given."""
    images = model.images if images is None else images
    n = len(images)
    budget = Budget(norm, epsilon, torch.full((n,), steps))
    run = registry.get(attack)(**options)
    found: dict[int, float] = {}
    for iterate in run(model, images, criterion, budget, [rng(0, "attack", i) for i in range(n)]):
        lengths = threat(norm).distance(iterate.pixels, images[iterate.index])
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
    ("mi-fgsm", 2, 10, {}),
    ("mi-fgsm", 2, 40, {"decay": 0.5, "relative_step": 0.03}),
    ("di-fgsm", 2, 10, {"diversity": 0.0}),
    ("ti-fgsm", 2, 10, {"diversity": 0.0, "kernel": 1}),
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

    holds(model, Misclassification(model.labels), norm, model.least(norm), run)


class OneOutput(torch.nn.Module):
    """The lead of the second class over the first, as a network with one output gives it, or a sigmoid of it.

    The sigmoid is of a tenth, since one in fp32 has no gradient."""

    def __init__(self, model: Linear, behind: bool) -> None:
        super().__init__()
        self.model, self.behind = model, behind

    def forward(self, pixels: Tensor) -> Tensor:
        logits = self.model(pixels)
        lead = (logits[:, 1] - logits[:, 0]) / 10
        return torch.sigmoid(lead) if self.behind else lead


FEW = {"iterations": 30, "queries": 2}


@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("classes", [2, 3])
def test_an_ensemble_for_two_or_three_classes(classes: int, norm: Norm) -> None:
    """No class beside them, so that nothing which needs four can help."""
    model = Linear(classes, 3)

    def run(model: Linear, criterion: Criterion, norm: Norm, epsilon: float) -> dict[int, float]:
        return struck(model, criterion, norm, epsilon, 3, "apgd-fab-square", FEW)

    holds(model, Misclassification(model.labels), norm, model.least(norm), run)


@pytest.mark.parametrize("behind", [False, True])
@pytest.mark.parametrize(("attack", "steps", "options"), [("apgd-fab-square", 3, FEW), ("pgd", 20, {})])
def test_one_output_through_a_sigmoid_falls_as_two_classes_do(
    attack: str, steps: int, options: dict[str, Any], behind: bool
) -> None:
    model = Linear(2, 3)
    network = read_by_sigmoid(OneOutput(model, behind), "one output", behind=behind)

    def run(model: Linear, criterion: Criterion, norm: Norm, epsilon: float) -> dict[int, float]:
        return struck(network, criterion, norm, epsilon, steps, attack, options, model.images)

    holds(model, Misclassification(model.labels), "linf", model.least("linf"), run)


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

    holds(model, Misclassification(model.labels), "linf", model.least("linf"), run)


def test_square_in_l2_gets_near() -> None:
    """A random search over windows of three pixels and more: not the optimum, but never below it."""
    model = Linear(2, 3)
    least = model.least("l2")
    for sample, epsilon in enumerate(least):
        criterion = Misclassification(model.labels)
        assert sample in struck(model, criterion, "l2", 2 * epsilon, 500, "square", {})
        assert sample not in struck(model, criterion, "l2", 0.999 * epsilon, 100, "square", {})


def test_diverse_inputs_come_near_on_a_model_that_does_not_care_where_things_are() -> None:
    """With a weight for each channel alone a smaller picture has the same gradient but for its borders, which half of
    the passes do not see: most images fall at 1.05 of the optimum, all at 1.3, none below it."""
    model = Linear(2, 8)
    model.weights[:] = model.weights.mean(axis=(2, 3), keepdims=True)
    model.pin(lead=4.0)
    criterion, near = Misclassification(model.labels), 0
    for sample, epsilon in enumerate(model.least("linf")):
        near += sample in struck(model, criterion, "linf", 1.05 * epsilon, 10, "di-fgsm", {})
        assert sample in struck(model, criterion, "linf", 1.3 * epsilon, 10, "di-fgsm", {})
        assert sample not in struck(model, criterion, "linf", 0.999 * epsilon, 10, "di-fgsm", {})
    assert near >= 6


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_smoothed_gradients_reach_the_optimum_of_the_smoothed_direction(norm: Norm) -> None:
    """TI-FGSM goes along the weights under its Gaussian: what that takes is a formula as well, above the optimum."""
    model = Linear(2, 4)
    bell = np.exp(-(np.linspace(-3, 3, 5) ** 2) / 2)
    kernel = np.outer(bell, bell) / bell.sum() ** 2
    weights = model.weights[1] - model.weights[0]
    smoothed = np.zeros(SHAPE)
    for row, column in np.ndindex(5, 5):
        for at in np.ndindex(SHAPE):
            there = (at[0], at[1] + row - 2, at[2] + column - 2)
            if all(0 <= place < size for place, size in zip(there, SHAPE, strict=True)):
                smoothed[at] += kernel[row, column] * weights[there]
    along = np.sign(smoothed) if norm == "linf" else smoothed / np.linalg.norm(smoothed)
    assert abs(float((weights * along).sum())) > 1
    needed = np.abs(model.found[:, 0] - model.found[:, 1]) / abs(float((weights * along).sum()))
    assert (needed > 1.05 * model.least(norm)).all()
    for sample, epsilon in enumerate(needed):
        run = ("ti-fgsm", {"diversity": 0.0, "kernel": 5})
        assert sample in struck(model, Misclassification(model.labels), norm, 1.01 * epsilon, 10, *run)
        assert sample not in struck(model, Misclassification(model.labels), norm, 0.99 * epsilon, 10, *run)


def gains(model: Linear) -> np.ndarray:
    """How far each value of each image can bring the label's lead down within [0, 1]: ``(N, 3, H, W)``."""
    images = model.images.double().numpy()
    falls = np.stack([model.weights[label] - model.weights[1 - label] for label in model.labels.tolist()])
    return np.abs(falls) * np.where(falls > 0, images, 1 - images)


def leads(model: Linear) -> np.ndarray:
    """The label's lead over the other of two classes."""
    return np.abs(model.found[:, 0] - model.found[:, 1])


@pytest.mark.parametrize("samples", BATCHES)
@pytest.mark.parametrize("options", [{}, {"loss": "margin"}])
def test_apgd_in_l1_moves_the_values_with_the_largest_weights(samples: int, options: dict[str, Any]) -> None:
    """The optimum in L1 within the box: values are moved to the border in the order of their weights. The last of them
    moves in part, and a step is a tenth of epsilon at least: within 1.02 of the optimum."""
    model = Linear(2, samples)
    model.weights *= 0.1  # or the cross-entropy is nought in float32
    model.pin(lead=4.0)
    least = []
    for image, label, lead in zip(model.images.double().numpy(), model.labels.tolist(), leads(model), strict=True):
        falls = (model.weights[label] - model.weights[1 - label]).ravel()
        room = np.where(falls > 0, image.ravel(), 1 - image.ravel())
        order, left, length = np.argsort(-np.abs(falls)), lead, 0.0
        for value in order:
            moved = min(room[value], left / abs(falls[value]))
            left, length = left - moved * abs(falls[value]), length + moved
        least.append(length)
    assert min(least) > 1, "more than one value must move"
    criterion = Misclassification(model.labels)
    for sample, epsilon in sorted(enumerate(least))[::3]:
        assert sample in struck(model, criterion, "l1", 1.02 * epsilon, 100, "apgd-l1", options)
        assert sample not in struck(model, criterion, "l1", 0.999 * epsilon, 100, "apgd-l1", options)


@pytest.mark.parametrize("samples", [pytest.param(1, marks=pytest.mark.thorough), 4])
def test_sparse_rs_needs_hardly_more_than_the_fewest_pixels(samples: int) -> None:
    """A pixel's gain is what its three values bring in their corners, so the fewest are those of the largest gains. A
    changed pixel gets another colour only by way of another place: half of the images need one pixel more."""
    model = Linear(2, samples)
    model.pin(lead=60.0)
    ranked = -np.sort(-gains(model).sum(axis=1).reshape(samples, -1), axis=1).cumsum(axis=1)
    fewest = [int(np.argmax(row > lead)) + 1 for row, lead in zip(ranked, leads(model), strict=True)]
    assert min(fewest) >= 3
    criterion = Misclassification(model.labels)
    exact = 0
    for count in range(min(fewest) - 1, max(fewest) + 2):
        found = struck(model, criterion, "l0", count, 1000, "sparse-rs", {})
        assert set(found) <= {sample for sample, least in enumerate(fewest) if least <= count}
        assert set(found) >= {sample for sample, least in enumerate(fewest) if least + 1 <= count}
        exact += sum(fewest[sample] == count for sample in found)
    assert 2 * exact >= samples


@pytest.mark.parametrize("samples", BATCHES)
def test_patch_pgd_needs_no_larger_square_than_the_place_it_chooses(samples: int) -> None:
    """On grey images every value has the same room, so the largest gradient is the place where a square does most."""
    model = Linear(2, samples)
    model.images = 0.5 + 0 * model.images
    model.pin(lead=30.0)
    gain, sides = gains(model).sum(axis=1), []
    for image, lead in zip(gain, leads(model), strict=True):
        best = [max(image[r : r + n, c : c + n].sum() for r in range(5 - n) for c in range(5 - n)) for n in range(1, 5)]
        sides.append(int(np.argmax(np.array(best) > lead)) + 1)
    assert min(sides) >= 2
    criterion = Misclassification(model.labels)
    for length in range(1, 5):
        assert side(length**2 / 16, 4, 4) == length
        found = struck(model, criterion, "patch", length**2 / 16, 30, "patch-pgd", {})
        assert set(found) == {sample for sample, least in enumerate(sides) if least <= length}
