"""On a network that was trained to hold, and of whose images some stand: whom other libraries' attacks leave."""

from __future__ import annotations

import importlib
import os
import warnings
from collections.abc import Callable
from typing import Any

import networks
import numpy as np
import pytest
import torch
from pictures import CLASSES, crop
from torch import Tensor, nn

from hardiness.attacks import Budget, Misclassified, registry
from hardiness.core import rng

N, SIDE = 20, 32
EPSILON = {"linf": 20 / 255, "l2": 2.5, "l1": 24.0}
"""Between a quarter and three quarters of the images stand."""


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
    found: nn.Module = networks.crops("adversarial")
    return found


@pytest.fixture(scope="module")
def images() -> Tensor:
    draws = np.random.default_rng(5)
    found = [np.asarray(crop(number, draws, SIDE)) for number in range(N)]
    # torchattacks' FAB wants them in this order of memory.
    return torch.from_numpy(np.stack(found)).permute(0, 3, 1, 2).contiguous().float() / 255


@pytest.fixture(scope="module")
def labels(images: Tensor) -> Tensor:
    return torch.arange(N) % CLASSES


@pytest.fixture(scope="module")
def left(network: nn.Module, images: Tensor, labels: Tensor) -> Callable[..., set[int]]:
    """Whom one of our attacks leaves standing."""

    def run(name: str, norm: str, steps: int, epsilon: float | None = None, **options: Any) -> set[int]:
        standing = set((network(images).argmax(1) == labels).nonzero()[:, 0].tolist())
        budget = Budget(norm, EPSILON[norm] if epsilon is None else epsilon, torch.full((N,), steps))
        generators = [rng(0, "trained", i) for i in range(N)]
        for iterate in registry.get(name)(**options)(network, images, Misclassified(labels), budget, generators):
            standing -= set(iterate.index[iterate.reached].tolist())
        return standing

    return run


def standing(network: nn.Module, pixels: Tensor, labels: Tensor) -> set[int]:
    with torch.no_grad():
        return set((network(pixels).argmax(1) == labels).nonzero()[:, 0].tolist())


def seeded(attack: Callable[[], Tensor]) -> Tensor:
    with torch.random.fork_rng(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(0)
        return attack()


@pytest.mark.slow
@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("name", ["apgd", "apgd-t", "fab-t", "fab"])
def test_torchattacks_leaves_the_same(
    network: nn.Module, images: Tensor, labels: Tensor, left: Any, norm: str, name: str
) -> None:
    torchattacks, theirs = rival("torchattacks"), {"linf": "Linf", "l2": "L2"}[norm]
    epsilon, steps = EPSILON[norm], 40
    attack = {
        "apgd": lambda: torchattacks.APGD(network, norm=theirs, eps=epsilon, steps=steps),
        "apgd-t": lambda: torchattacks.APGDT(network, norm=theirs, eps=epsilon, steps=steps, n_classes=10),
        "fab-t": lambda: torchattacks.FAB(
            network, norm=theirs, eps=epsilon, steps=steps, multi_targeted=True, n_classes=10
        ),
        "fab": lambda: torchattacks.FAB(network, norm=theirs, eps=epsilon, steps=steps, n_classes=10),
    }[name]()
    expected = standing(network, seeded(lambda: attack(images, labels)), labels)
    assert 0 < len(expected) < N
    assert left(name, norm, steps) == expected


@pytest.mark.slow
def test_torchattacks_square_leaves_as_many(network: nn.Module, images: Tensor, labels: Tensor, left: Any) -> None:
    """A search at random: in distribution."""
    torchattacks = rival("torchattacks")
    attack = torchattacks.Square(network, norm="Linf", eps=EPSILON["linf"], n_queries=300, n_restarts=1)
    expected = standing(network, seeded(lambda: attack(images, labels)), labels)
    assert abs(len(left("square", "linf", 300)) - len(expected)) <= 2


@pytest.mark.slow
def test_the_ensemble_leaves_whom_its_members_leave(
    network: nn.Module, images: Tensor, labels: Tensor, left: Any
) -> None:
    torchattacks, epsilon = rival("torchattacks"), EPSILON["linf"]
    members = [
        torchattacks.APGD(network, eps=epsilon, steps=40),
        torchattacks.APGDT(network, eps=epsilon, steps=40, n_classes=10),
        torchattacks.FAB(network, eps=epsilon, steps=40, multi_targeted=True, n_classes=10),
        torchattacks.Square(network, eps=epsilon, n_queries=200),
    ]
    expected = set(range(N))
    for member in members:
        expected &= standing(network, seeded(lambda member=member: member(images, labels)), labels)
    assert left("autoattack", "linf", 4, iterations=40, queries=200) == expected


@pytest.mark.slow
def test_each_member_of_the_ensemble_is_needed_by_some_network(images: Tensor, labels: Tensor) -> None:
    """Behind four masks, one for each of four groups of classes: each falls to the member that its mask is open to."""
    masked, budget = networks.fourfold(), Budget("linf", 28 / 255, torch.full((N,), 4))
    assert torch.equal(masked(images).argmax(1), labels)
    attack = registry.get("autoattack")(iterations=25, queries=400)
    generators = [rng(0, "t", i) for i in range(N)]
    fallen = [
        {int(labels[row]) for row in iterate.index[iterate.reached].tolist()}
        for iterate in attack(masked, images, Misclassified(labels), budget, generators)
    ]
    assert all(fallen), "each takes some that those before have left"
    plain, scaled, alone, rounded = fallen
    assert plain <= {0, 1, 2}
    assert scaled <= {1, 2, 3, 4, 5}
    assert alone <= {6, 7}
    assert rounded & {8, 9}


@pytest.mark.slow
def test_foolbox_hopskipjump_gets_as_near(network: nn.Module, images: Tensor, labels: Tensor, left: Any) -> None:
    """The epsilon at which half stand, of theirs, is one at which ours leaves a quarter to three quarters."""
    foolbox = rival("foolbox")
    model = foolbox.PyTorchModel(network, bounds=(0, 1))
    attack = foolbox.attacks.HopSkipJumpAttack(steps=8, max_gradient_eval_steps=300, initial_gradient_eval_steps=60)
    state = np.random.get_state()  # noqa: NPY002  # foolbox starts from numpy's
    np.random.seed(0)  # noqa: NPY002
    raw = seeded(lambda: attack.run(model, images[:8], foolbox.criteria.Misclassification(labels[:8])))
    np.random.set_state(state)  # noqa: NPY002
    middle = float((raw - images[:8]).flatten(1).norm(dim=1).median())
    queries = sum(min(int(60 * np.sqrt(k)), 300) + 40 for k in range(1, 9))
    kept = left("hopskipjump", "l2", queries, middle, first=60, most=300) & set(range(8))
    assert 1 <= len(kept) <= 7


@pytest.mark.slow
def test_apgd_in_l1_takes_all_that_foolbox_takes(network: nn.Module, images: Tensor, labels: Tensor, left: Any) -> None:
    foolbox = rival("foolbox")
    model = foolbox.PyTorchModel(network, bounds=(0, 1))
    attack = foolbox.attacks.EADAttack(binary_search_steps=4, steps=150)
    raw = seeded(lambda: attack.run(model, images, foolbox.criteria.Misclassification(labels)))
    lengths = (raw - images).abs().sum(dim=(1, 2, 3))
    wrong = set(range(N)) - standing(network, raw, labels)
    expected = {i for i in wrong if float(lengths[i]) <= EPSILON["l1"]}
    fallen = set(range(N)) - left("apgd-l1", "l1", 100)
    assert len(expected - fallen) <= 1
