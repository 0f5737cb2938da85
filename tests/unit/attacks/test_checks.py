"""The usual mistakes, each told in one line before a step is spent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from hardiness.attacks.criteria import Misclassification, TargetClass
from hardiness.attacks.kit import Budget, registry
from hardiness.core.errors import ArgumentError, ModelError

Chance = Callable[..., Sequence[np.random.Generator]]

PATCH = Path(__file__).parents[3] / "docs" / "pictures" / "channels.jpg"
MEAN, STD = torch.tensor([0.485, 0.456, 0.406])[:, None, None], torch.tensor([0.229, 0.224, 0.225])[:, None, None]


@pytest.fixture
def call(network: nn.Module, images: Tensor, labels: Tensor, chance: Chance) -> Callable[..., list[Any]]:
    """The iterates of PGD with one argument changed."""

    def run(attack: str = "pgd", options: dict[str, Any] | None = None, **changed: Any) -> list[Any]:
        given = {
            "logits": network,
            "pixels": images,
            "criterion": Misclassification(labels),
            "budget": Budget("linf", 0.01, torch.full((7,), 2)),
            "generators": chance(),
            **changed,
        }
        return list(registry.get(attack)(**(options or {}))(**given))

    run()
    return run


def test_normalised_pixels_with_an_epsilon_of_the_unit_range_are_refused(
    call: Callable[..., list[Any]], images: Tensor
) -> None:
    with pytest.raises(ArgumentError, match=r"pixels must lie in \[0, 1\], were -2\..* to 2\..*: they look normalised"):
        call(pixels=(images - MEAN) / STD)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x: 255 * x, r"were .* to 25\d: they look normalised, or 0 to 255"),
        (lambda x: x.double(), r"pixels must be float32 \(N, 3, H, W\) in \[0, 1\], were float64 \(7, 3, 16, 16\)"),
        (lambda x: x[:, :1], r"were float32 \(7, 1, 16, 16\)"),
        (lambda x: x[0], r"were float32 \(3, 16, 16\)"),
        (lambda x: x.where(x < 0.99, float("nan")), "held NaN"),
        (lambda x: x[:6], "criterion must hold one entry for each of the 6 images, held 7"),
    ],
)
def test_other_pixels_are_refused(
    call: Callable[..., list[Any]], images: Tensor, change: Callable[[Tensor], Tensor], message: str
) -> None:
    with pytest.raises(ArgumentError, match=message):
        call(pixels=change(images))


@pytest.mark.parametrize("epsilon", [-0.1, float("nan"), float("inf")])
def test_a_budget_is_a_number_from_zero_on(call: Callable[..., list[Any]], epsilon: float) -> None:
    with pytest.raises(ArgumentError, match="epsilon must be 0 or more"):
        call(budget=Budget("linf", epsilon, torch.full((7,), 2)))


def test_steps_and_chance_are_one_for_each_image(call: Callable[..., list[Any]], chance: Chance) -> None:
    with pytest.raises(ArgumentError, match=r"budget\.steps must hold one entry for each of the 7 images, held 6"):
        call(budget=Budget("linf", 0.1, torch.full((6,), 2)))
    with pytest.raises(ArgumentError, match="steps must be at least 1, was 0"):
        call(budget=Budget("linf", 0.1, torch.zeros(7, dtype=torch.int64)))
    with pytest.raises(ArgumentError, match="generators must hold one entry"):
        call(generators=chance(range(3)))


@pytest.mark.parametrize("wrong", [-1, 10])
def test_targets_are_classes_of_the_model(call: Callable[..., list[Any]], wrong: int) -> None:
    with pytest.raises(ArgumentError, match=rf"must be 0 to 9 for this model, one was {wrong}"):
        call(criterion=TargetClass(torch.tensor([1, 2, 3, wrong, 5, 6, 7])))


@pytest.mark.parametrize("attack", registry.names())
def test_probabilities_are_refused(call: Callable[..., list[Any]], network: nn.Module, attack: str) -> None:
    options = {"file": str(PATCH)} if attack == "universal-patch" else {}
    with pytest.raises(ModelError, match="returns probabilities"):
        call(attack, options, logits=lambda x: network(x).softmax(1))


@pytest.mark.parametrize("attack", ["pgd", "fgsm", "apgd", "apgd-t", "fab-t", "autoattack"])
def test_a_model_without_gradients_is_refused(call: Callable[..., list[Any]], network: nn.Module, attack: str) -> None:
    with pytest.raises(ModelError, match="logits have no gradient"):
        call(attack, logits=lambda x: network(x).detach())


def test_square_needs_no_gradients(call: Callable[..., list[Any]], network: nn.Module) -> None:
    assert call("square", logits=lambda x: network(x).detach())


def test_logits_that_forget_the_pixels_are_refused(call: Callable[..., list[Any]], network: nn.Module) -> None:
    weight = torch.ones(10, requires_grad=True)
    with pytest.raises(ModelError, match="do not depend on the pixels"):
        call(logits=lambda x: network(x).detach() * weight)


def test_logits_are_a_row_for_each_image(call: Callable[..., list[Any]], network: nn.Module) -> None:
    with pytest.raises(ModelError, match=r"logits must be of shape \(7, classes\), were \(7, 10, 1\)"):
        call(logits=lambda x: network(x)[..., None])


@pytest.mark.parametrize("attack", ["apgd-t", "fab-t", "autoattack"])
def test_attacks_on_the_label_need_it(call: Callable[..., list[Any]], attack: str) -> None:
    with pytest.raises(ArgumentError, match=rf"{attack} is untargeted and needs Misclassification\(labels\)"):
        call(attack, criterion=TargetClass(torch.arange(7)))


@pytest.mark.parametrize(
    ("attack", "options", "message"),
    [
        ("pgd", {"step": 0.0}, "step must be positive, was 0.0"),
        ("pgd", {"relative_step": -1.0}, "relative_step must be positive"),
        ("apgd", {"loss": "mse"}, 'loss must be "ce" or "dlr", was \'mse\''),
        ("apgd-t", {"targets": 0}, "targets must be at least 1"),
        ("fab-t", {"targets": 0}, "targets must be at least 1"),
        ("square", {"area": 1.5}, "area must be above 0 and at most 1"),
        ("autoattack", {"queries": 0}, "queries must be at least 1"),
    ],
)
def test_options_are_checked(attack: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        registry.get(attack)(**options)


def test_it_is_told_at_the_call_not_at_the_first_iterate(
    network: nn.Module, images: Tensor, labels: Tensor, chance: Chance
) -> None:
    attack = registry.get("pgd")()
    with pytest.raises(ArgumentError):
        attack(network, images * 2, Misclassification(labels), Budget("linf", 0.1, torch.full((7,), 2)), chance())
