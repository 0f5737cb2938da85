"""On a network that was trained to hold, and of whose images some stand: whom other libraries' attacks leave."""

from __future__ import annotations

import contextlib
import importlib
import os
import warnings
from collections.abc import Callable
from functools import cache
from typing import Any

import networks
import numpy as np
import pytest
import torch
from pictures import CLASSES, crop
from torch import Tensor, nn

from hardiness.attacks.criteria import Misclassification
from hardiness.attacks.kit import Budget, registry
from hardiness.attacks.threats.norm_balls import distance
from hardiness.core.random import rng

N, SIDE = 20, 32
EPSILON = {"linf": 20 / 255, "l2": 2.5, "l1": 24.0}
"""Between a quarter and three quarters of the images stand."""

NORMS = ("linf", pytest.param("l2", marks=pytest.mark.thorough))


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
        for iterate in registry.get(name)(**options)(network, images, Misclassification(labels), budget, generators):
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


STEPS = 40


@pytest.fixture(scope="module")
def left_by_theirs(network: nn.Module, images: Tensor, labels: Tensor) -> Callable[[str, str], set[int]]:
    """Whom an attack of torchattacks leaves standing; it is run once, for its own test and for that of the ensemble."""
    torchattacks = rival("torchattacks")

    @cache
    def run(name: str, norm: str) -> set[int]:
        usual: dict[str, Any] = {"norm": {"linf": "Linf", "l2": "L2"}[norm], "eps": EPSILON[norm], "steps": STEPS}
        attack = {
            "apgd": lambda: torchattacks.APGD(network, **usual),
            "apgd-t": lambda: torchattacks.APGDT(network, **usual, n_classes=10),
            "fab-t": lambda: torchattacks.FAB(network, **usual, multi_targeted=True, n_classes=10),
            "fab": lambda: torchattacks.FAB(network, **usual, n_classes=10),
        }[name]()
        return standing(network, seeded(lambda: attack(images, labels)), labels)

    return run


@pytest.mark.slow
@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("name", ["apgd", "apgd-t", "fab-t", "fab"])
def test_torchattacks_leaves_the_same(
    left_by_theirs: Callable[[str, str], set[int]], left: Any, norm: str, name: str
) -> None:
    expected = left_by_theirs(name, norm)
    assert 0 < len(expected) < N
    assert left(name, norm, STEPS) == expected


@pytest.mark.slow
def test_torchattacks_square_leaves_as_many(network: nn.Module, images: Tensor, labels: Tensor, left: Any) -> None:
    """A search at random: in distribution."""
    torchattacks = rival("torchattacks")
    attack = torchattacks.Square(network, norm="Linf", eps=EPSILON["linf"], n_queries=300, n_restarts=1)
    expected = standing(network, seeded(lambda: attack(images, labels)), labels)
    assert abs(len(left("square", "linf", 300)) - len(expected)) <= 2


@pytest.mark.slow
def test_the_ensemble_leaves_whom_its_members_leave(
    network: nn.Module,
    images: Tensor,
    labels: Tensor,
    left: Any,
    left_by_theirs: Callable[[str, str], set[int]],
) -> None:
    square = rival("torchattacks").Square(network, eps=EPSILON["linf"], n_queries=200)
    expected = standing(network, seeded(lambda: square(images, labels)), labels)
    for member in ("apgd", "apgd-t", "fab-t"):
        expected &= left_by_theirs(member, "linf")
    assert left("autoattack", "linf", 4, iterations=STEPS, queries=200) == expected


class FewClasses(nn.Module):
    """The network with its ten classes merged into a few: the logit of each is that of all of its own together."""

    def __init__(self, network: nn.Module, count: int) -> None:
        super().__init__()
        self.network, self.count = network, count

    def forward(self, pixels: Tensor) -> Tensor:
        logits = self.network(pixels)
        return torch.stack([logits[:, k :: self.count].logsumexp(1) for k in range(self.count)], dim=1)


@pytest.mark.slow
@pytest.mark.parametrize("count", [3, pytest.param(2, marks=pytest.mark.thorough)])
def test_the_ensemble_for_few_classes_leaves_whom_its_members_leave(
    count: int, network: nn.Module, images: Tensor, labels: Tensor
) -> None:
    """`apgd-fab-square` on two and on three classes, beside the three attacks of torchattacks that it is made of."""
    torchattacks = rival("torchattacks")
    steps, some = 12, 8
    few, truth, images = FewClasses(network, count).eval(), labels[:some] % count, images[:some]
    usual: dict[str, Any] = {"norm": "Linf", "eps": EPSILON["linf"]}
    members = (
        torchattacks.APGD(few, **usual, steps=steps),
        torchattacks.FAB(few, **usual, steps=steps, multi_targeted=True, n_classes=count),
        torchattacks.Square(few, **usual, n_queries=100),
    )
    by_member = [standing(few, seeded(lambda attack=attack: attack(images, truth)), truth) for attack in members]
    expected = set.intersection(*by_member)
    clean = standing(few, images, truth)
    assert 0 < len(expected) < len(clean)
    survivors, budget = set(clean), Budget("linf", EPSILON["linf"], torch.full((some,), 3))
    attack = registry.get("apgd-fab-square")(iterations=steps, queries=100)
    generators = [rng(0, "few classes", i) for i in range(some)]
    for iterate in attack(few, images, Misclassification(truth), budget, generators):
        survivors -= set(iterate.index[iterate.reached].tolist())
    assert survivors == expected


@pytest.mark.slow
def test_each_member_of_the_ensemble_is_needed_by_some_network(images: Tensor, labels: Tensor) -> None:
    """Behind four masks, one for each of four groups of classes: each falls to the member that its mask is open to."""
    masked, budget = networks.fourfold(), Budget("linf", 28 / 255, torch.full((N,), 4))
    assert torch.equal(masked(images).argmax(1), labels)
    attack = registry.get("autoattack")(iterations=25, queries=400)
    generators = [rng(0, "t", i) for i in range(N)]
    fallen = [
        {int(labels[row]) for row in iterate.index[iterate.reached].tolist()}
        for iterate in attack(masked, images, Misclassification(labels), budget, generators)
    ]
    assert all(fallen), "each takes some that those before have left"
    plain, scaled, alone, rounded = fallen
    assert plain <= {0, 1, 2}
    assert scaled <= {1, 2, 3, 4, 5}
    assert alone <= {6, 7}
    assert rounded & {8, 9}


class Heard:
    """Logits that count the pictures they are asked about, and keep the nearest misclassified one's distance."""

    def __init__(self, logits: Callable[[Tensor], Tensor], clean: Tensor, label: int, norm: str, queries: int) -> None:
        self.logits, self.clean, self.label, self.norm, self.queries = logits, clean, label, norm, queries
        self.asked, self.nearest = 0, float("inf")

    def __call__(self, pixels: Tensor) -> Tensor:
        if self.asked >= self.queries:
            raise StopAsyncIteration  # nothing on the way takes it for its own
        with torch.no_grad():
            found = self.logits(pixels)
        wrong = found.argmax(1) != self.label
        wrong[self.queries - self.asked :] = False
        self.asked += len(pixels)
        if bool(wrong.any()):
            self.nearest = min(self.nearest, float(distance(self.norm, pixels[wrong] - self.clean).min()))
        return found


def by_ours(heard: Heard) -> float:
    attack, generator = registry.get("hopskipjump")(), rng(0, "heard", 0)
    budget, criterion = (
        Budget(heard.norm, 1e-9, torch.tensor([heard.queries])),
        Misclassification(torch.tensor([heard.label])),
    )
    with contextlib.suppress(StopAsyncIteration):
        list(attack(heard, heard.clean, criterion, budget, [generator]))
    return heard.nearest


def by_foolbox(heard: Heard) -> float:
    foolbox = rival("foolbox")

    class Module(nn.Module):
        def forward(self, pixels: Tensor) -> Tensor:
            return heard(pixels)

    attack = foolbox.attacks.HopSkipJumpAttack(steps=1000, constraint=heard.norm)
    model, label = foolbox.PyTorchModel(Module().eval(), bounds=(0, 1)), torch.tensor([heard.label])
    state = np.random.get_state()  # noqa: NPY002  # foolbox starts from numpy's
    np.random.seed(0)  # noqa: NPY002
    with contextlib.suppress(StopAsyncIteration):
        seeded(lambda: attack.run(model, heard.clean, foolbox.criteria.Misclassification(label)))
    np.random.set_state(state)  # noqa: NPY002
    return heard.nearest


def border(side: int, least: float) -> tuple[Callable[[Tensor], Tensor], Tensor, dict[str, float]]:
    """A linear model with white weights, a picture of its class 0, and the picture's distances from the border."""
    draws = np.random.default_rng(0)
    weights = torch.from_numpy(draws.normal(0, 1, 3 * side * side).astype(np.float32))
    weights /= weights.norm()
    clean = torch.from_numpy(draws.uniform(0.2, 0.8, (1, 3, side, side)).astype(np.float32))
    clean = (clean + 2 * least * weights.view_as(clean)).clamp(0, 1)  # noise, around grey, is beyond the border
    offset = least - float(clean.flatten().double() @ weights.double())

    def logits(pixels: Tensor) -> Tensor:
        lead = pixels.flatten(1) @ weights + offset
        return torch.stack([lead, -lead], 1)

    return logits, clean, {"l2": least, "linf": least / float(weights.abs().sum())}


@pytest.mark.slow
@pytest.mark.parametrize("norm", NORMS)
def test_hopskipjump_gets_nearer_than_foolbox_on_a_linear_model_of_224_pixels(norm: str) -> None:
    """At equal queries, counted on the model's side; never below the distance that a formula gives."""
    logits, clean, least = border(224, 2.0)
    ours = by_ours(Heard(logits, clean, 0, norm, 1000))
    theirs = by_foolbox(Heard(logits, clean, 0, norm, 1000))
    assert ours <= 0.9 * theirs
    assert ours >= 0.999 * least[norm]
    assert ours <= {"linf": 0.17, "l2": 34.0}[norm], "from .8 and 131 after the first noise"


@pytest.mark.slow
@pytest.mark.thorough
@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_hopskipjump_gets_as_near_as_foolbox_on_a_trained_network(
    network: nn.Module, images: Tensor, labels: Tensor, norm: str
) -> None:
    right = (network(images).argmax(1) == labels).nonzero()[:6, 0].tolist()
    near = {
        side: [side(Heard(network, images[i : i + 1], int(labels[i]), norm, 1000)) for i in right]
        for side in (by_ours, by_foolbox)
    }
    ratios = np.array(near[by_ours]) / near[by_foolbox]
    assert len(right) == 6
    assert np.exp(np.log(ratios).mean()) <= 1.05, f"ours over theirs: {ratios}"
    assert ratios.max() <= 1.5


@pytest.mark.parametrize(("norm", "far"), [("linf", 1.4), ("l2", 1.4)])
def test_hopskipjump_comes_near_the_formula_where_dimensions_are_few(norm: str, far: float) -> None:
    """On 8 pixels a side its gradients are good: what it keeps is within 1.4 of the optimum, and is in the budget."""
    logits, clean, least = border(8, 0.5)
    attack = registry.get("hopskipjump")()
    for epsilon, falls in ((far * least[norm], True), (0.999 * least[norm], False)):
        budget = Budget(norm, epsilon, torch.tensor([4000]))
        (last,) = attack(logits, clean, Misclassification(torch.tensor([0])), budget, [rng(0, "near", 0)])
        assert bool(last.reached[0]) == falls
        assert float(distance(norm, last.pixels - clean)) <= epsilon * (1 + 1e-5)


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
