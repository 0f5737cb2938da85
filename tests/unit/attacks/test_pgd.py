"""Projected gradient descent: what it computes, for whom, how often, and what it tells."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from hardiness.attacks.criteria import Misclassification, TargetClass
from hardiness.attacks.kit import Budget, Iterate, registry
from hardiness.attacks.threats.norm_balls import uniform

Chance = Callable[..., Sequence[np.random.Generator]]


class Counting:
    """A network that remembers how it was called."""

    def __init__(self, network: Callable[[Tensor], Tensor]) -> None:
        self.network = network
        self.sizes: list[int] = []
        self.gradients: list[bool] = []
        self.seen: list[Tensor] = []

    def __call__(self, pixels: Tensor) -> Tensor:
        self.sizes.append(len(pixels))
        self.gradients.append(pixels.requires_grad)
        self.seen.append(pixels.detach().clone())
        return self.network(pixels)


@pytest.fixture
def targets(labels: Tensor) -> Tensor:
    return (labels + 1) % 10


def budget(epsilon: float, *steps: int) -> Budget:
    return Budget("linf", epsilon, torch.tensor(steps if len(steps) > 1 else steps * 7))


def test_k_steps_are_k_plus_one_forward_passes_the_last_without_a_gradient(
    network: nn.Module, images: Tensor, labels: Tensor, chance: Chance
) -> None:
    counting = Counting(network)
    found = list(
        registry.get("pgd")(stop=False)(counting, images, Misclassification(labels), budget(0.02, 5), chance())
    )
    assert [iterate.step for iterate in found] == [1, 2, 3, 4, 5]
    assert counting.sizes == [7] * 6
    assert counting.gradients == [True] * 5 + [False]


def test_who_is_done_leaves_the_batch_and_the_rest_goes_on_as_if_alone(
    network: nn.Module, images: Tensor, labels: Tensor, chance: Chance
) -> None:
    counting = Counting(network)
    criterion, given = Misclassification(labels), budget(0.008, 30)
    together = list(registry.get("pgd")()(counting, images, criterion, given, chance()))
    assert counting.sizes[0] == counting.sizes[1] == 7
    assert 0 < counting.sizes[-1] < 7
    assert counting.sizes == sorted(counting.sizes, reverse=True)
    gone: set[int] = set()
    for iterate in together:
        assert not gone & set(iterate.index.tolist())
        gone |= set(iterate.index[iterate.reached].tolist())
    for sample in range(7):
        alone = list(
            registry.get("pgd")()(
                network,
                images[[sample]],
                criterion.rows(torch.tensor([sample])),
                Budget("linf", 0.008, torch.tensor([30])),
                chance([sample]),
            )
        )
        mine = [iterate for iterate in together if sample in iterate.index]
        assert [iterate.step for iterate in mine] == [iterate.step for iterate in alone]
        here = mine[-1].pixels[mine[-1].index == sample]
        np.testing.assert_allclose(here, alone[-1].pixels, atol=1e-6)
        assert bool(mine[-1].reached[mine[-1].index == sample]) == bool(alone[-1].reached)


def test_each_sample_has_its_own_number_of_steps(
    network: nn.Module, images: Tensor, labels: Tensor, chance: Chance
) -> None:
    counting = Counting(network)
    given = budget(0.001, 1, 2, 3, 4, 1, 2, 3)
    found = list(registry.get("pgd")(stop=False)(counting, images, Misclassification(labels), given, chance()))
    assert [iterate.index.tolist() for iterate in found] == [list(range(7)), [1, 2, 3, 5, 6], [2, 3, 6], [3]]
    assert counting.sizes == [7, 7, 5, 3, 1]


def test_the_published_protocol_first_looks_at_a_start_outside_the_unit_range(
    network: nn.Module, images: Tensor, targets: Tensor, chance: Chance
) -> None:
    """protocols: x = image + uniform(-eps, eps), not clipped; then gradient, step, project, clip, predict."""
    counting = Counting(network)
    attack = registry.get("pgd")(step=2 / 255, clip_start=False)
    (first, *_) = attack(counting, images, TargetClass(targets), budget(0.1, 3), chance())
    start = images + 0.1 * uniform("linf", tuple(images.shape), chance())
    assert start.min() < 0
    assert torch.equal(counting.seen[0], start)
    leaf = start.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(nn.functional.cross_entropy(network(leaf), targets, reduction="sum"), leaf)
    by_hand = torch.clamp(images + torch.clamp(start - 2 / 255 * gradient.sign() - images, -0.1, 0.1), 0, 1)
    np.testing.assert_allclose(first.pixels, by_hand, atol=1e-7)


def test_the_start_is_clipped_by_default_and_can_be_the_image(
    network: nn.Module, images: Tensor, labels: Tensor, chance: Chance
) -> None:
    for options, start in (
        ({}, (images + 0.1 * uniform("linf", tuple(images.shape), chance())).clamp(0, 1)),
        ({"random_start": False}, images),
    ):
        counting = Counting(network)
        list(registry.get("pgd")(**options)(counting, images, Misclassification(labels), budget(0.1, 1), chance()))
        assert torch.equal(counting.seen[0], start)


@pytest.mark.parametrize(
    ("options", "length"), [({"step": 0.003}, 0.003), ({"relative_step": 0.5}, 0.005), ({}, 0.0025)]
)
def test_a_step_is_absolute_or_relative_to_epsilon(
    network: nn.Module, images: Tensor, labels: Tensor, chance: Chance, options: dict[str, float], length: float
) -> None:
    inside = 0.1 + 0.8 * images
    attack = registry.get("pgd")(random_start=False, **options)
    (first,) = attack(network, inside, Misclassification(labels), budget(0.01, 1), chance())
    moved = (first.pixels - inside).abs()[..., :15, :15]  # the strided convolutions do not see the last row and column
    np.testing.assert_allclose(moved, length, atol=1e-6)


def test_what_was_told_is_not_written_to_later(
    network: nn.Module, images: Tensor, labels: Tensor, chance: Chance
) -> None:
    kept = [
        (iterate, Iterate(iterate.step, *(values.clone() for values in iterate[1:])))
        for iterate in registry.get("pgd")()(network, images, Misclassification(labels), budget(0.008, 10), chance())
    ]
    for told, copy in kept:
        assert all(torch.equal(now, then) for now, then in zip(told[1:], copy[1:], strict=True))
        assert not any(values.requires_grad for values in told[1:])


def test_only_the_pixels_gradient_is_computed(
    network: nn.Module, images: Tensor, labels: Tensor, chance: Chance
) -> None:
    weight = torch.ones(10, requires_grad=True)
    touched: list[Tensor] = []
    weight.register_hook(touched.append)
    list(
        registry.get("pgd")()(
            lambda x: network(x) * weight, images, Misclassification(labels), budget(0.01, 3), chance()
        )
    )
    assert weight.grad is None
    assert not touched


class Gradient(torch.autograd.Function):
    """The identity whose gradient is replaced."""

    @staticmethod
    def forward(ctx, pixels: Tensor, change: Callable[[Tensor], Tensor]) -> Tensor:  # type: ignore[no-untyped-def]
        ctx.change = change
        return pixels.clone()

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:  # type: ignore[no-untyped-def]
        return ctx.change(gradient.clone()), None


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_values_that_are_not_finite_are_no_step_and_told(
    network: nn.Module, images: Tensor, labels: Tensor, chance: Chance, bad: float
) -> None:
    def spoil(gradient: Tensor) -> Tensor:
        gradient[0, 0] = bad
        return gradient

    attack = registry.get("pgd")(random_start=False)
    logits = lambda x: network(Gradient.apply(x, spoil))  # noqa: E731
    (first,) = attack(logits, images, Misclassification(labels), budget(0.01, 1), chance())
    (good,) = attack(network, images, Misclassification(labels), budget(0.01, 1), chance())
    assert first.finite_gradient.tolist() == [False] + [True] * 6
    assert good.finite_gradient.all()
    assert torch.equal(first.pixels[0, 0], images[0, 0])
    assert torch.equal(first.pixels[1:], good.pixels[1:])
    assert torch.equal(first.pixels[0, 1:], good.pixels[0, 1:])


def test_the_share_of_exact_zeros_is_told(network: nn.Module, images: Tensor, labels: Tensor, chance: Chance) -> None:
    def hide(gradient: Tensor) -> Tensor:
        gradient[2, :, :4] = 0
        return gradient

    plain = registry.get("pgd")(random_start=False)
    (good,) = plain(network, images, Misclassification(labels), budget(0.01, 1), chance())
    logits = lambda x: network(Gradient.apply(x, hide))  # noqa: E731
    (first,) = plain(logits, images, Misclassification(labels), budget(0.01, 1), chance())
    # The strided convolutions do not see the last row and column.
    seen = 15 * 15 / 256
    np.testing.assert_allclose(good.zero_gradient, 1 - seen, atol=1e-6)
    np.testing.assert_allclose(first.zero_gradient[2], 1 - 11 * 15 / 256, atol=1e-6)


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_no_budget_gives_the_image_back(
    network: nn.Module, images: Tensor, labels: Tensor, chance: Chance, norm: str
) -> None:
    for options in ({}, {"step": 2 / 255, "clip_start": False}):
        attack = registry.get("pgd")(**options)
        for iterate in attack(
            network, images, Misclassification(labels), Budget(norm, 0.0, torch.full((7,), 3)), chance()
        ):
            assert torch.equal(iterate.pixels, images[iterate.index])


def test_within_no_grad_it_works_the_same(network: nn.Module, images: Tensor, labels: Tensor, chance: Chance) -> None:
    attack = registry.get("pgd")()
    free = list(attack(network, images, Misclassification(labels), budget(0.01, 3), chance()))
    with torch.no_grad():
        closed = list(attack(network, images, Misclassification(labels), budget(0.01, 3), chance()))
    assert all(torch.equal(a.pixels, b.pixels) for a, b in zip(free, closed, strict=True))


def test_fgsm_is_one_step_of_epsilon_from_the_image(
    network: nn.Module, images: Tensor, labels: Tensor, chance: Chance
) -> None:
    (only,) = registry.get("fgsm")()(network, images, Misclassification(labels), budget(0.03, 10), chance())
    leaf = images.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(nn.functional.cross_entropy(network(leaf), labels, reduction="sum"), leaf)
    np.testing.assert_allclose(only.pixels, (images + 0.03 * gradient.sign()).clamp(0, 1), atol=1e-6)
    assert only.step == 1
