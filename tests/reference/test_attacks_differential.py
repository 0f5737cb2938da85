"""The same start, step and model as in foolbox 3 and torchattacks: the same iterate."""

from __future__ import annotations

import copy
import importlib
import os
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from hardiness.attacks.criteria import Misclassification, TargetClass
from hardiness.attacks.kit import Budget, Iterate, registry
from hardiness.attacks.threats.norm_balls import uniform
from hardiness.core.attack_plan import Norm
from hardiness.core.random import rng

N, CLASSES, EPSILON, STEP, STEPS = 6, 10, {"linf": 0.03, "l2": 0.6}, {"linf": 0.007, "l2": 0.1}, 12
NORMS: tuple[Norm, ...] = ("linf", "l2")


def rival(name: str) -> Any:
    """The package; without it the test is skipped, or fails under CI."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return importlib.import_module(name)
    except ModuleNotFoundError:
        if os.environ.get("CI"):
            pytest.fail(f"{name} is needed; make test installs it", pytrace=False)
        pytest.skip(f"{name} is not installed")


@pytest.fixture(scope="module")
def network() -> nn.Module:
    layers = [nn.Conv2d(3, 8, 3, 2), nn.Tanh(), nn.Conv2d(8, 8, 3, 2), nn.Tanh(), nn.Flatten(), nn.Linear(72, CLASSES)]
    model = nn.Sequential(*layers).eval().requires_grad_(False)
    draws = np.random.default_rng(0)
    for parameter in model.parameters():
        parameter.copy_(torch.from_numpy(draws.normal(0, 0.3, tuple(parameter.shape)).astype(np.float32)))
    return model


@pytest.fixture(scope="module")
def images() -> Tensor:
    return torch.from_numpy(np.random.default_rng(1).random((N, 3, 16, 16), np.float32))


@pytest.fixture(scope="module")
def labels(network: nn.Module, images: Tensor) -> Tensor:
    return network(images).argmax(1)


class Replay:
    """A generator whose next draws are given, for a start that another package drew."""

    def __init__(self, unit: Tensor) -> None:
        self.unit = unit

    def random(self, shape: tuple[int, ...], dtype: type) -> np.ndarray:
        return ((self.unit.numpy().reshape(shape) + 1) / 2).astype(dtype)


def chance() -> list[np.random.Generator]:
    return [rng(0, "attack", sample) for sample in range(N)]


class InFloat64(nn.Module):
    """A network that takes and gives float32 and computes in float64."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = copy.deepcopy(network).double()

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.network(x.double()).float()
        return logits


def ours(
    attack: str,
    options: dict[str, Any],
    network: nn.Module,
    images: Tensor,
    criterion: Any,
    budget: Budget,
    draws: Sequence[Any],
) -> list[Iterate]:
    return list(registry.get(attack)(**options)(network, images, criterion, budget, draws))


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("targeted", [False, True])
def test_foolbox_pgd(
    network: nn.Module, images: Tensor, labels: Tensor, norm: Norm, targeted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    foolbox, eagerpy = rival("foolbox"), rival("eagerpy")
    name = {"linf": "LinfProjectedGradientDescentAttack", "l2": "L2ProjectedGradientDescentAttack"}[norm]
    theirs = getattr(foolbox.attacks, name)(abs_stepsize=STEP[norm], steps=STEPS)
    start = images + EPSILON[norm] * uniform(norm, tuple(images.shape), chance())
    monkeypatch.setattr(theirs, "get_random_start", lambda x0, epsilon: eagerpy.astensor(start))
    targets = (labels + 3) % CLASSES
    criterion = foolbox.criteria.TargetedMisclassification(targets) if targeted else labels
    expected = theirs.run(foolbox.PyTorchModel(network, bounds=(0, 1)), images, criterion, epsilon=EPSILON[norm])
    found = ours(
        "pgd",
        {"step": STEP[norm], "stop": False},
        network,
        images,
        TargetClass(targets) if targeted else Misclassification(labels),
        Budget(norm, EPSILON[norm], torch.full((N,), STEPS)),
        chance(),
    )
    np.testing.assert_allclose(found[-1].pixels, expected, atol=1e-5)


@pytest.mark.parametrize("targeted", [False, True])
def test_torchattacks_pgd(network: nn.Module, images: Tensor, labels: Tensor, targeted: bool) -> None:
    torchattacks = rival("torchattacks")
    theirs = torchattacks.PGD(network, eps=EPSILON["linf"], alpha=STEP["linf"], steps=STEPS, random_start=True)
    targets = (labels + 3) % CLASSES
    if targeted:
        theirs.set_mode_targeted_by_label(quiet=True)
    with torch.random.fork_rng():
        torch.manual_seed(4)
        expected = theirs(images, targets if targeted else labels)
        torch.manual_seed(4)
        noise = torch.empty_like(images).uniform_(-EPSILON["linf"], EPSILON["linf"]) / EPSILON["linf"]
    found = ours(
        "pgd",
        {"step": STEP["linf"], "stop": False},
        network,
        images,
        TargetClass(targets) if targeted else Misclassification(labels),
        Budget("linf", EPSILON["linf"], torch.full((N,), STEPS)),
        [Replay(unit) for unit in noise],
    )
    np.testing.assert_allclose(found[-1].pixels, expected, atol=1e-5)


def test_torchattacks_pgd_l2(network: nn.Module, images: Tensor, labels: Tensor) -> None:
    torchattacks = rival("torchattacks")
    theirs = torchattacks.PGDL2(network, eps=EPSILON["l2"], alpha=STEP["l2"], steps=STEPS, random_start=False)
    budget = Budget("l2", EPSILON["l2"], torch.full((N,), STEPS))
    options = {"step": STEP["l2"], "stop": False, "random_start": False}
    found = ours("pgd", options, network, images, Misclassification(labels), budget, chance())
    np.testing.assert_allclose(found[-1].pixels, theirs(images, labels), atol=1e-5)


@pytest.mark.parametrize("loss", ["ce", "dlr"])
def test_torchattacks_auto_pgd(network: nn.Module, images: Tensor, labels: Tensor, loss: str) -> None:
    """The same start of length epsilon: the same lowest loss, at the same point.

    The network computes in float64: rounded to float32, a slope next to zero has another sign on another processor.
    """
    torchattacks = rival("torchattacks")
    network = InFloat64(network)
    epsilon, steps = 0.0005, 60  # too little to fool, so that no sample leaves
    theirs = torchattacks.APGD(network, norm="Linf", eps=epsilon, steps=steps, loss=loss)
    with torch.random.fork_rng():
        torch.manual_seed(4)
        expected, _, best, _ = theirs.attack_single_run(images, labels)
        torch.manual_seed(4)
        noise = 2 * torch.rand(images.shape) - 1
    noise = noise / noise.abs().amax(dim=(1, 2, 3), keepdim=True)
    budget = Budget("linf", epsilon, torch.full((N,), steps))
    found = ours("apgd", {"loss": loss}, network, images, Misclassification(labels), budget, [Replay(u) for u in noise])
    losses = torch.stack([iterate.loss for iterate in found])
    assert losses.shape == (steps, N)
    np.testing.assert_allclose(-losses.amin(0), best, rtol=1e-5)
    at = losses.argmin(0)
    points = torch.stack([found[step].pixels[row] for row, step in enumerate(at.tolist())])
    np.testing.assert_allclose(points, expected, atol=1e-5)


@pytest.mark.parametrize("norm", NORMS)
def test_torchattacks_fab_t_finds_the_same_boundary(
    network: nn.Module, images: Tensor, labels: Tensor, norm: Norm
) -> None:
    """It has no chance: what it finds nearest is reached at that epsilon, and just below that it is not.

    Theirs looks towards other classes only where the first is not reached within epsilon, which here is all there is.
    """
    torchattacks = rival("torchattacks")
    steps = 15
    theirs = torchattacks.FAB(
        network, norm={"linf": "Linf", "l2": "L2"}[norm], eps=10.0, steps=steps, multi_targeted=True, n_classes=CLASSES
    )
    nearest = theirs.perturb(images, labels) - images
    order = {"linf": np.inf, "l2": 2}[norm]
    lengths = [float(np.linalg.norm(row.double().numpy().ravel(), order)) for row in nearest]
    for sample, length in enumerate(lengths):
        for epsilon, expected in ((1.001 * length, True), (0.99 * length, False)):
            reached = [
                sample in iterate.index[iterate.reached]
                for iterate in ours(
                    "fab-t",
                    {"targets": 1},
                    network,
                    images,
                    Misclassification(labels),
                    Budget(norm, epsilon, torch.full((N,), steps)),
                    chance(),
                )
            ]
            assert any(reached) == expected, (sample, length)
