"""Momentum, diverse inputs and smoothed gradients: steps that carry over from one model to another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from hardiness.attacks.bases import GradientAttack, Position
from hardiness.attacks.kit import Problem, registry
from hardiness.attacks.threats.norm_balls import steepest
from hardiness.core.bounds import require_within
from hardiness.core.errors import ArgumentError
from hardiness.core.model import CANVAS_224

if TYPE_CHECKING:
    from torch import Tensor

_LEAST = 1e-12


@dataclass(frozen=True)
class Transferable(GradientAttack):
    """Iterated steps from the image along accumulated gradients, which the three registered attacks share.

    They do not stop at a success on the surrogate: every step makes it likelier on another model, so other models are
    shown the picture after the last one.

    Attributes:
        decay: share of the accumulated gradients that each step keeps.
        relative_step: length of a step as a multiple of epsilon.
        diversity: probability that a pass sees the picture at a smaller size, padded at random.
        smallest: that smaller size at least, as a share of the picture's.
        kernel: side of the Gaussian that gradients are smoothed with; 0 for none.
    """

    version: ClassVar[int] = 2
    transfers: ClassVar[bool] = True
    stop = False

    decay: float = 1.0
    relative_step: float = 0.1
    diversity: float = 0.0
    smallest: float = 0.9
    kernel: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.diversity <= 1:
            raise ArgumentError(f"diversity must be a probability, was {self.diversity}")
        if not 0 < self.smallest <= 1:
            raise ArgumentError(f"smallest must be above 0 and at most 1, was {self.smallest}")
        require_within("kernel", self.kernel, 0, CANVAS_224.crop_px)
        if self.kernel and self.kernel % 2 == 0:
            raise ArgumentError(f"kernel must be odd, or 0 for none, was {self.kernel}")
        if not self.relative_step > 0:
            raise ArgumentError(f"relative_step must be positive, was {self.relative_step}")

    def seen(self, problem: Problem) -> Problem:
        return replace(problem, logits=self._diverse(problem.logits, problem.generators))

    def move(self, problem: Problem, at: Position, memory: dict[str, Any]) -> Tensor:
        gradient = self._smooth(at.gradient)
        mean = gradient.abs().mean(dim=(1, 2, 3), keepdim=True)
        memory["momentum"] = self.decay * memory.get("momentum", 0.0) + gradient / (mean + _LEAST)
        direction = steepest(problem.budget.norm, memory["momentum"])
        return problem.projected(at.pixels, direction, -self.relative_step * problem.budget.epsilon)

    def _diverse(
        self, logits: Callable[[Tensor], Tensor], generators: Sequence[np.random.Generator]
    ) -> Callable[[Tensor], Tensor]:
        """The logits of each picture resized and padded by its own chance."""
        if not self.diversity:
            return logits

        def see_diverse(pixels: Tensor) -> Tensor:
            import torch

            return logits(
                torch.cat(
                    [self._pad(image[None], generator) for image, generator in zip(pixels, generators, strict=True)]
                )
            )

        return see_diverse

    def _pad(self, image: Tensor, generator: np.random.Generator) -> Tensor:
        from torch.nn import functional

        side = image.shape[-1]
        apply, size = generator.random() < self.diversity, int(generator.integers(int(self.smallest * side), side + 1))
        left, top = (int(generator.integers(0, side - size + 1)) for _ in range(2))
        if not apply:
            return image
        small = functional.interpolate(image, size=(size, size), mode="nearest")
        return functional.pad(small, (left, side - size - left, top, side - size - top))

    def _smooth(self, gradient: Tensor) -> Tensor:
        import torch
        from torch.nn import functional

        if not self.kernel:
            return gradient
        places = torch.linspace(-3, 3, self.kernel, device=gradient.device)
        bell = torch.exp(-(places**2) / 2)
        weights = (bell[:, None] * bell[None]) / bell.sum() ** 2
        kernel = weights.expand(3, 1, -1, -1)
        return functional.conv2d(gradient, kernel, padding=self.kernel // 2, groups=3)


@registry.add("mi-fgsm")
@dataclass(frozen=True)
class MIFGSM(Transferable):
    """The momentum iterative fast gradient method.

    Source: Dong et al. 2018, arXiv:1710.06081: decay 1.0, ten steps of a tenth.
    """

    summary: ClassVar[str] = (
        "Momentum: steps along the sum of all gradients so far, each scaled to mean size 1. It does not stop at a "
        "success."
    )


@registry.add("di-fgsm")
@dataclass(frozen=True)
class DIFGSM(Transferable):
    """The momentum method with diverse inputs.

    Source: Xie et al. 2019, arXiv:1803.06978.

    Differs: pictures are made smaller within their own size, as torchattacks does, where the paper enlarges the canvas.
    """

    summary: ClassVar[str] = (
        "Momentum with diverse inputs: half of the passes see the picture smaller, padded at random."
    )

    diversity: float = 0.5


@registry.add("ti-fgsm")
@dataclass(frozen=True)
class TIFGSM(Transferable):
    """The translation-invariant momentum method.

    Source: Dong et al. 2019, arXiv:1904.02884: a kernel of 15, its sides at three standard deviations.
    """

    summary: ClassVar[str] = (
        "Momentum with gradients smoothed by a Gaussian, as if the picture were seen at many shifts, and diverse "
        "inputs."
    )

    diversity: float = 0.5
    kernel: int = 15
