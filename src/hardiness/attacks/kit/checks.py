"""What is refused before an attack spends a step: the usual mistakes, one line each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from hardiness.attacks.kit.attack import Budget
from hardiness.attacks.kit.criteria import Criterion, Misclassified
from hardiness.core import ArgumentError, ModelError

if TYPE_CHECKING:
    from torch import Tensor

_SUM_TOLERANCE = 1e-3


def check_arguments(
    pixels: Tensor, criterion: Criterion, budget: Budget, generators: Sequence[np.random.Generator]
) -> None:
    """Raise an error unless an attack can begin with these arguments.

    Raises:
        ArgumentError: one of them is not what it must be.
    """
    check_pixels(pixels)
    if not (math.isfinite(budget.epsilon) and budget.epsilon >= 0):
        raise ArgumentError(f"epsilon must be 0 or more, in units of the [0, 1] range, was {budget.epsilon}")
    counts = {"criterion": len(criterion.classes), "budget.steps": len(budget.steps), "generators": len(generators)}
    for name, count in counts.items():
        if count != len(pixels):
            raise ArgumentError(f"{name} must hold one entry for each of the {len(pixels)} images, held {count}")
    if len(pixels) and int(budget.steps.min()) < 1:
        raise ArgumentError(f"steps must be at least 1, was {int(budget.steps.min())}")


def check_pixels(pixels: Tensor) -> None:
    """Raise an error unless the pixels are float32 ``(N, 3, H, W)`` in [0, 1].

    Raises:
        ArgumentError: they are not; normalised ones are the usual mistake.
    """
    import torch

    if pixels.ndim != 4 or pixels.shape[1] != 3 or pixels.dtype != torch.float32:
        raise ArgumentError(
            f"pixels must be float32 (N, 3, H, W) in [0, 1], were {str(pixels.dtype).removeprefix('torch.')} "
            f"{tuple(pixels.shape)}"
        )
    if not pixels.numel():
        return
    low, high = (value.item() for value in pixels.aminmax())
    if math.isnan(low) or math.isnan(high):
        raise ArgumentError("pixels must be numbers in [0, 1], held NaN")
    if low < 0 or high > 1:
        raise ArgumentError(
            f"pixels must lie in [0, 1], were {low:.3g} to {high:.3g}: they look normalised, or 0 to 255; give the "
            "image itself, mean and std belong to the model"
        )


def check_logits(logits: Tensor, criterion: Criterion, differentiable: bool) -> None:
    """Raise an error unless the first logits ``(N, K)`` that a model gives can be attacked.

    Raises:
        ModelError: they are no ``(N, K)``, have no gradient where one is needed, or are probabilities.
        ArgumentError: the criterion is about a class that the model does not have.
    """
    classes = criterion.classes
    if logits.ndim != 2 or len(logits) != len(classes):
        raise ModelError(f"logits must be of shape ({len(classes)}, classes), were {tuple(logits.shape)}")
    if differentiable and not logits.requires_grad:
        raise ModelError(
            "logits have no gradient with respect to the pixels; give a function that torch can differentiate, "
            "as Classifier.differentiable is"
        )
    if not len(logits):
        return
    if int(classes.min()) < 0 or int(classes.max()) >= logits.shape[1]:
        wrong = int(classes.min()) if int(classes.min()) < 0 else int(classes.max())
        raise ArgumentError(f"classes and targets must be 0 to {logits.shape[1] - 1} for this model, one was {wrong}")
    found = logits.detach()
    if logits.shape[1] > 1 and found.min() >= 0 and (found.sum(1) - 1).abs().max() < _SUM_TOLERANCE:
        raise ModelError(
            "the model returns probabilities (rows sum to 1), whose gradient vanishes where it is sure; "
            "leave out its last softmax"
        )


def labels_of(criterion: Criterion, attack: str) -> Tensor:
    """The labels ``(N,)`` that an untargeted criterion is about.

    Raises:
        ArgumentError: it is another criterion; ``attack`` names who needs the labels.
    """
    if not isinstance(criterion, Misclassified):
        raise ArgumentError(f"{attack} is untargeted and needs Misclassified(labels), was {type(criterion).__name__}")
    return criterion.labels
