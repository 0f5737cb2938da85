"""Every registered attack × the laws that all of them keep."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from hardiness.attacks.criteria import Misclassification
from hardiness.attacks.kit import Budget, Iterate, needs_gradients, registry, threats_of, version_of
from hardiness.attacks.threats import threat, threat_models
from hardiness.core.attack_plan import Norm
from hardiness.core.random import rng
from hardiness.core.registry import summary_of

N = 5
QUICK: dict[str, dict[str, Any]] = {
    "autoattack": {"iterations": 3, "targets": 2, "queries": 4},
    "apgd-fab-square": {"iterations": 3, "targets": 2, "queries": 4},
    "apgd-t": {"targets": 2},
    "fab-t": {"targets": 2},
    "hopskipjump": {"first": 4},
    "patch-pgd": {"places": 2},
    "fab": {"classes": 3},
    "universal-patch": {"file": str(Path(__file__).parents[2] / "docs" / "pictures" / "channels.jpg")},
}
"""Options under which the long ones are short."""
EPSILONS: dict[Norm, tuple[float, float]] = {
    "linf": (0.004, 0.08),
    "l2": (0.06, 1.5),
    "l1": (0.5, 20.0),
    "l0": (1.0, 30.0),
    "patch": (0.02, 0.3),
    "spatial": (0.05, 1.0),
}
"""At the first some samples stand, at the second hardly one."""


@pytest.fixture(scope="module")
def network() -> nn.Module:
    layers = [nn.Conv2d(3, 8, 3, 2), nn.Tanh(), nn.Conv2d(8, 8, 3, 2), nn.Tanh(), nn.Flatten(), nn.Linear(72, 10)]
    model = nn.Sequential(*layers).eval().requires_grad_(False)
    draws = np.random.default_rng(0)
    for parameter in model.parameters():
        parameter.copy_(torch.from_numpy(draws.normal(0, 0.3, tuple(parameter.shape)).astype(np.float32)))
    return model


@pytest.fixture(scope="module")
def images() -> Tensor:
    pixels = np.random.default_rng(1).random((N, 3, 16, 16), np.float32)
    pixels[0] = pixels[0].round()  # at the borders of the range
    return torch.from_numpy(pixels)


@pytest.fixture(scope="module")
def labels(network: nn.Module, images: Tensor) -> Tensor:
    return network(images).argmax(1)


@pytest.fixture(params=registry.names())
def name(request: pytest.FixtureRequest) -> str:
    return request.param


PAIRS = [(name, norm) for name in registry.names() for norm in threats_of(name)]
"""Every attack with every threat model that it keeps to."""


def test_every_threat_model_has_an_attack_that_keeps_to_it() -> None:
    assert {norm for _, norm in PAIRS} == set(threat_models)


def test_versions_and_needs_are_told(name: str) -> None:
    assert version_of(name) >= 1
    assert isinstance(needs_gradients(name), bool)


def chance(samples: Sequence[int], seed: int = 0) -> list[np.random.Generator]:
    return [rng(seed, "attack", sample) for sample in samples]


def run(
    name: str, network: Any, images: Tensor, labels: Tensor, budget: Budget, draws: list[np.random.Generator]
) -> list[Iterate]:
    return list(registry.get(name)(**QUICK.get(name, {}))(network, images, Misclassification(labels), budget, draws))


def last_of(iterates: list[Iterate], samples: int) -> dict[int, tuple[Tensor, bool]]:
    """Where each sample was left, and whether it got there."""
    found: dict[int, tuple[Tensor, bool]] = {}
    for iterate in iterates:
        for place, row in enumerate(iterate.index.tolist()):
            found[row] = (iterate.pixels[place], bool(iterate.reached[place]))
    assert sorted(found) == list(range(samples))
    return found


def test_it_says_what_it_does_and_where_that_comes_from(name: str) -> None:
    attack = registry.get(name)
    assert summary_of(attack).endswith(".")
    assert "Source:" in (inspect.getdoc(attack) or "")
    assert attack.__dataclass_params__.frozen


@pytest.mark.slow
@pytest.mark.parametrize(("name", "norm"), PAIRS)
@pytest.mark.parametrize("which", [0, 1])
def test_iterates_are_in_the_ball_and_in_the_unit_range_and_are_what_they_say(
    name: str, network: nn.Module, images: Tensor, labels: Tensor, norm: Norm, which: int
) -> None:
    epsilon = EPSILONS[norm][which]
    before, found = images.clone(), 0
    draws = chance(range(N))
    for iterate in run(name, network, images, labels, Budget(norm, epsilon, torch.full((N,), 4)), draws):
        m = len(iterate.index)
        assert m > 0
        assert 1 <= iterate.step <= 4
        shapes = [tuple(values.shape) for values in iterate[1:]]
        assert shapes == [(m,), (m, 3, 16, 16), (m, 10), (m,), (m,), (m,), (m,)]
        assert [values.dtype for values in iterate[1:]] == [
            torch.int64,
            torch.float32,
            torch.float32,
            torch.float32,
            torch.bool,
            torch.float32,
            torch.bool,
        ]
        assert bool(threat(norm).contains(iterate.pixels, images[iterate.index], epsilon).all())
        assert iterate.pixels.min() >= 0
        assert iterate.pixels.max() <= 1
        np.testing.assert_allclose(iterate.logits, network(iterate.pixels), atol=1e-5)
        assert torch.equal(iterate.reached, iterate.logits.argmax(1) != labels[iterate.index])
        assert bool(iterate.finite_gradient.all())
        assert bool(((iterate.zero_gradient >= 0) & (iterate.zero_gradient <= 1)).all())
        found += 1
    assert found
    assert torch.equal(images, before)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "norm"), PAIRS)
def test_the_same_generators_give_the_same_and_no_global_one_is_touched(
    name: str, network: nn.Module, images: Tensor, labels: Tensor, norm: Norm
) -> None:
    budget = Budget(norm, EPSILONS[norm][0], torch.full((N,), 3))
    runs = []
    for seed in (1, 2):
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            before = torch.random.get_rng_state()
            states = np.random.get_state()[1].copy()  # noqa: NPY002
            runs.append(run(name, network, images, labels, budget, chance(range(N))))
            assert torch.equal(torch.random.get_rng_state(), before)
            assert np.array_equal(np.random.get_state()[1], states)  # noqa: NPY002
    for one, other in zip(*runs, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one[1:], other[1:], strict=True))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "norm"), PAIRS)
def test_a_sample_fares_the_same_in_any_batch_and_order(
    name: str, network: nn.Module, images: Tensor, labels: Tensor, norm: Norm
) -> None:
    def steps(n: int) -> Tensor:
        return torch.full((n,), 4)

    epsilon = EPSILONS[norm][0]
    together = last_of(run(name, network, images, labels, Budget(norm, epsilon, steps(N)), chance(range(N))), N)
    for batch in ([0], [3, 1], [4, 2, 0]):
        apart = run(
            name, network, images[batch], labels[batch], Budget(norm, epsilon, steps(len(batch))), chance(batch)
        )
        for row, (pixels, reached) in last_of(apart, len(batch)).items():
            # A convolution's rounding depends on the size of the batch.
            np.testing.assert_allclose(pixels, together[batch[row]][0], atol=1e-5)
            assert reached == together[batch[row]][1]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "norm"), PAIRS)
def test_without_a_budget_the_image_comes_back(
    name: str, network: nn.Module, images: Tensor, labels: Tensor, norm: Norm
) -> None:
    for iterate in run(name, network, images, labels, Budget(norm, 0.0, torch.full((N,), 3)), chance(range(N))):
        assert torch.equal(iterate.pixels, images[iterate.index])
        assert not iterate.reached.any()


def test_a_batch_of_nothing_yields_nothing(name: str, network: nn.Module, images: Tensor, labels: Tensor) -> None:
    norm = threats_of(name)[0]
    assert run(name, network, images[:0], labels[:0], Budget(norm, 0.1, torch.zeros(0, dtype=torch.int64)), []) == []


class ScalarReads(TorchDispatchMode):
    """Counts how often a number of a tensor is read in Python: on a GPU each waits for all that was begun."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.count += func is torch.ops.aten._local_scalar_dense.default
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("name", ["pgd", "mi-fgsm", "apgd", "apgd-t", "square"])
def test_nothing_is_read_back_for_each_row_of_a_step(
    name: str, network: nn.Module, images: Tensor, labels: Tensor
) -> None:
    """Emulated on a CPU: as many reads for five rows as for two, so that they are of a step and not of a row."""
    counts = []
    for rows in (2, N):
        budget = Budget("linf", 1e-6, torch.full((rows,), 4))
        with ScalarReads() as reads:
            run(name, network, images[:rows], labels[:rows], budget, chance(range(rows)))
        counts.append(reads.count)
    assert counts[0] == counts[1]
