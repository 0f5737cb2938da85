"""One patch for all pictures, put where it does most."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from hardiness.attacks.bases import CheckedAttack
from hardiness.attacks.kit import (
    Iterate,
    Problem,
    no_gradient,
    registry,
)
from hardiness.attacks.patch_files import read_patch
from hardiness.attacks.threats.patch import paste, side
from hardiness.core.errors import ArgumentError
from hardiness.sources.packages import file_sha256

if TYPE_CHECKING:
    from torch import Tensor


@registry.add("universal-patch")
@dataclass(frozen=True)
class UniversalPatch(CheckedAttack):
    """A universal patch.

    The patch is resized to the square that epsilon allows. Places lie half its side apart; with as many steps as there
    are places each has been tried, and the last iterate is the picture with the patch at its best place.

    Attributes:
        file: the patch: a picture file, or ImageNet-Patch's ``patches.gz``.
        patch: which patch of the file, from 0.

    ``hardiness make patch`` trains one.

    Source: Brown et al. 2017, arXiv:1712.09665; ImageNet-Patch, Pintor et al. 2022, arXiv:2203.04412.

    Differs: upright and of one size, at the worst place of a grid; ImageNet-Patch turns, scales and shifts at random.
    """

    summary: ClassVar[str] = (
        "A given patch, tried at the places of a grid in a random order for each sample. Steps are tries."
    )
    threats: ClassVar[tuple[str, ...]] = ("patch",)
    gradients: ClassVar[bool] = False

    file: str = ""
    patch: int = 0

    def __post_init__(self) -> None:
        if not self.file:
            raise ArgumentError("attack universal-patch needs file=PATCH.png, or ImageNet-Patch's patches.gz")
        read_patch(self.file, self.patch)

    @property
    def content(self) -> str:
        """Hash of the file, which is a part of what the attack does."""
        return file_sha256(Path(self.file))

    def run(self, problem: Problem) -> Iterator[Iterate]:
        import torch

        height, width = problem.pixels.shape[2:]
        length = side(problem.budget.epsilon, height, width)
        patch = _resize(read_patch(self.file, self.patch), length).to(problem.pixels.device)
        grid = places(height, width, length)
        orders = [generator.permutation(len(grid)) for generator in problem.generators]
        best, least = problem.pixels.clone(), torch.full_like(problem.pixels[:, 0, 0, 0], float("inf"))
        for step in range(1, min(int(problem.budget.steps.max()), len(grid)) + 1):
            tried = paste(problem.pixels, patch, grid[[order[step - 1] for order in orders]])
            passed = problem.forward(tried, graph=False, first=step == 1)
            is_lower = passed.loss < least
            best, least = tried.where(is_lower[:, None, None, None], best), passed.loss.where(is_lower, least)
            reached = problem.criterion.reached(passed.logits)
            goes_on = (problem.budget.steps > step) & ~reached & (step < len(grid))
            ends = ~goes_on & ~reached & ~is_lower
            if bool(ends.any()):  # the last iterate of a sample is its best place
                tried = tried.where(~ends[:, None, None, None], best)
                passed = problem.forward(tried, graph=False)
            yield passed.iterate(step, problem.index, reached, no_gradient(reached))
            if not bool(goes_on.any()):
                return
            orders = [order for order, stays in zip(orders, goes_on.tolist(), strict=True) if stays]
            problem, best, least = problem.rows(goes_on), best[goes_on], least[goes_on]


def places(height: int, width: int, length: int) -> NDArray[np.int64]:
    """Upper left corners ``(P, 2)`` half a side apart, the last row and column among them."""
    step = max(length // 2, 1)
    rows, columns = (np.unique(np.append(np.arange(0, size - length, step), size - length)) for size in (height, width))
    return np.stack(np.meshgrid(rows, columns, indexing="ij"), axis=-1).reshape(-1, 2)


def _resize(patch: Tensor, length: int) -> Tensor:
    """Resize the patch to ``(3, length, length)``."""
    from torch.nn import functional

    if not length or patch.shape[1:] == (length, length):
        return patch[:, :length, :length]
    resized = functional.interpolate(
        patch[None], (length, length), mode="bilinear", antialias=True, align_corners=False
    )
    return resized[0].clamp(0, 1)
