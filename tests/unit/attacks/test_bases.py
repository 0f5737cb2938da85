"""The base classes of attacks, by what somebody else writes on them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from hardiness.attacks import PGD, Budget, GradientAttack, Iterate, Misclassification, RandomSearch, registry
from hardiness.core.errors import ArgumentError

Chance = Callable[..., Sequence[np.random.Generator]]


@dataclass(frozen=True)
class LargestValues(PGD):
    """Steps along the gradient over its largest value, in the place of its sign."""

    def direction(self, problem: Any, gradient: Tensor) -> Tensor:
        return gradient / gradient.abs().amax((1, 2, 3), keepdim=True).clamp(min=1e-12)


@dataclass(frozen=True)
class Walk(RandomSearch):
    """Noise added to the worst picture so far."""

    share: float = 0.5

    def propose(self, problem: Any, lowest: Any, memory: dict[str, Any]) -> Tensor:
        return problem.within(lowest.pixels + self.share * (problem.random_start() - problem.pixels))


@dataclass(frozen=True)
class Estimated(RandomSearch):
    """A step along a gradient that two queries estimate."""

    def propose(self, problem: Any, lowest: Any, memory: dict[str, Any]) -> Tensor:
        side = problem.draw(lambda generator: generator.normal(size=(3, 16, 16)))
        forth, back = (problem.forward(lowest.pixels + 0.01 * way * side, graph=False).loss for way in (1, -1))
        rise = (forth - back).sign()[:, None, None, None]
        return problem.within(lowest.pixels - problem.budget.epsilon / 4 * rise * side.sign())


def linear(pixels: Tensor) -> Tensor:
    """Two classes, the first of which leads by the sum of all values, each weighed by its column."""
    lead = (pixels * torch.arange(1, 17)).sum(dim=(1, 2, 3)) / 1000
    return torch.stack([lead, -lead], 1)


def given(norm: str, epsilon: float, *steps: int) -> Budget:
    return Budget(norm, epsilon, torch.tensor(steps if len(steps) > 1 else steps * 7))


def test_pgd_with_another_step_goes_against_that_direction(images: Tensor, chance: Chance) -> None:
    """The largest value of the linear model's gradient is of the last column, which moves by the whole step."""
    attack = LargestValues(random_start=False, relative_step=0.5)
    budget = Budget("linf", 0.2, torch.ones(7, dtype=torch.int64))
    clean = torch.full_like(images, 0.5)
    (iterate,) = attack(linear, clean, Misclassification(torch.zeros(7, dtype=torch.int64)), budget, chance())
    expected = 0.5 - 0.1 * torch.arange(1, 17) / 16
    np.testing.assert_allclose(iterate.pixels, expected.expand_as(clean), atol=1e-6)


def by_sample(iterates: Sequence[Iterate]) -> dict[int, list[tuple[int, float, bool]]]:
    """Step, loss and success of each sample's iterates."""
    told: dict[int, list[tuple[int, float, bool]]] = {}
    for iterate in iterates:
        rows = zip(iterate.index.tolist(), iterate.loss.tolist(), iterate.reached.tolist(), strict=True)
        for row, loss, reached in rows:
            told.setdefault(row, []).append((iterate.step, loss, reached))
    return told


@pytest.mark.parametrize(
    ("attack", "norm", "epsilon"),
    [(Walk(), "linf", 0.08), (LargestValues(), "linf", 0.01), (registry.get("sparse-rs")(), "l0", 4.0)],
)
def test_each_sample_is_told_at_every_step_until_it_falls_or_has_spent_its_own(
    attack: Any, norm: str, epsilon: float, network: nn.Module, images: Tensor, labels: Tensor, chance: Chance
) -> None:
    steps = (1, 20, 9, 20, 20, 20, 3)
    told = by_sample(list(attack(network, images, Misclassification(labels), given(norm, epsilon, *steps), chance())))
    fallen = {row for row, points in told.items() if points[-1][2]}
    assert 0 < len(fallen) < 7
    for row, points in told.items():
        assert [step for step, _, _ in points] == list(range(1, len(points) + 1))
        assert not any(reached for _, _, reached in points[:-1])
        assert len(points) == steps[row] or row in fallen


def test_a_search_keeps_the_worst_picture_for_the_model(
    network: nn.Module, images: Tensor, labels: Tensor, chance: Chance
) -> None:
    """Somebody who wrote the loop by hand kept the picture with the largest loss, and the attack was too weak."""
    told = by_sample(list(Walk()(network, images, Misclassification(labels), given("linf", 0.004, 40), chance())))
    for points in told.values():
        losses = [loss for _, loss, _ in points]
        assert losses == sorted(losses, reverse=True)
        assert losses[-1] < losses[0]


def test_what_a_proposal_asks_of_the_model_is_counted(
    network: nn.Module, images: Tensor, labels: Tensor, chance: Chance
) -> None:
    """Three queries a step: where a sample stands is told at each query, so that any number may be a mark."""
    pictures = 0

    def counting(pixels: Tensor) -> Tensor:
        nonlocal pictures
        pictures += len(pixels)
        logits: Tensor = network(pixels)
        return logits

    iterates = list(
        Estimated()(counting, images, Misclassification(labels), given("linf", 1e-5, 3, 6, 6, 6, 6, 6, 7), chance())
    )
    told = by_sample(iterates)
    assert [step for step, _, _ in told[1]] == [1, 2, 3, 4, 5, 6]
    assert [step for step, _, _ in told[0]] == [1, 2, 3]
    assert [step for step, _, _ in told[6]] == [1, 2, 3, 4, 5, 6, 7], "nothing beyond its budget"
    clean = Misclassification(labels).loss(network(images))
    assert told[1][0][1] == told[1][1][1] == pytest.approx(float(clean[1])), "nothing was proposed before"
    assert pictures == 7 + 7 * 3 + 6 * 3 + 1 * 3


def test_a_sample_fares_the_same_in_any_batch(
    network: nn.Module, images: Tensor, labels: Tensor, chance: Chance
) -> None:
    together = by_sample(list(Walk()(network, images, Misclassification(labels), given("linf", 0.01, 12), chance())))
    for row in (2, 5):
        criterion, budget = Misclassification(labels[[row]]), Budget("linf", 0.01, torch.tensor([12]))
        alone = by_sample(list(Walk()(network, images[[row]], criterion, budget, chance([row]))))[0]
        assert [(step, reached) for step, _, reached in alone] == [(step, there) for step, _, there in together[row]]
        np.testing.assert_allclose([loss for _, loss, _ in alone], [loss for _, loss, _ in together[row]], atol=1e-5)


@dataclass(frozen=True)
class Remembering(GradientAttack):
    """Steps that add what was remembered of each sample, in a form that a test chooses."""

    form: Callable[[Tensor], Any] = lambda values: values

    def move(self, problem: Any, at: Any, memory: dict[str, Any]) -> Tensor:
        if "index" in memory:
            assert torch.as_tensor(np.asarray(memory["index"])).tolist() == problem.index.tolist()
        else:
            memory["index"] = self.form(problem.index)
        return at.pixels


@pytest.mark.parametrize("form", [lambda index: index, lambda index: index.numpy(), lambda index: index.tolist()])
def test_what_is_remembered_of_samples_goes_with_them(
    form: Any, network: nn.Module, images: Tensor, labels: Tensor, chance: Chance
) -> None:
    budget = given("linf", 0.01, 1, 2, 3, 4, 1, 2, 3)
    iterates = list(Remembering(form)(network, images, Misclassification(labels), budget, chance()))
    assert [iterate.index.tolist() for iterate in iterates] == [list(range(7)), [1, 2, 3, 5, 6], [2, 3, 6], [3]]


def test_a_memory_that_is_not_of_each_sample_is_an_error(
    network: nn.Module, images: Tensor, labels: Tensor, chance: Chance
) -> None:
    attack = Remembering(lambda index: index[:2])
    budget = given("linf", 0.01, 1, 2, 3, 4, 1, 2, 3)
    with pytest.raises(
        ArgumentError, match=r"^memory\['index'\] must hold one entry for each of the 7 samples, held 2"
    ):
        list(attack(network, images, Misclassification(labels), budget, chance()))


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (lambda pixels: pixels.double(), r"must return pixels, float32 \(7, 3, 16, 16\), returned float64 \(7, 3,"),
        (lambda pixels: pixels[0], r"must return pixels, float32 \(7, 3, 16, 16\), returned float32 \(3, 16, 16\)"),
        (lambda pixels: pixels.numpy(), r"must return a tensor of pixels, returned ndarray"),
    ],
)
def test_what_a_proposal_must_be_is_an_error_that_names_the_method(
    returned: Any, message: str, network: nn.Module, images: Tensor, labels: Tensor, chance: Chance
) -> None:
    class Wrong(RandomSearch):
        def propose(self, problem: Any, lowest: Any, memory: dict[str, Any]) -> Any:
            return returned(problem.pixels)

    with pytest.raises(ArgumentError, match=r"^Wrong\.propose " + message):
        list(Wrong()(network, images, Misclassification(labels), given("linf", 0.1, 2), chance()))
