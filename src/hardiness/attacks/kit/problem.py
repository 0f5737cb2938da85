"""What one call of an attack is about, checked once and narrowed as samples are done."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from hardiness.attacks.kit.attack import Budget, Iterate
from hardiness.attacks.kit.checks import check_arguments
from hardiness.attacks.kit.criteria import Criterion

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, eq=False)
class Problem:
    """The arguments of an attack, with the rows of the given batch that they are about.

    Attributes:
        logits, pixels, criterion, budget, generators: as in `Attack`.
        index: int64 ``(N,)``, each sample's row in the batch that the caller gave.
    """

    logits: Callable[[Tensor], Tensor]
    pixels: Tensor
    criterion: Criterion
    budget: Budget
    generators: Sequence[np.random.Generator]
    index: Tensor

    def __len__(self) -> int:
        return len(self.index)

    @cached_property
    def box(self) -> tuple[Tensor, Tensor]:
        """The least and the largest pixels ``(N, 3, H, W)`` within epsilon of the images and in [0, 1]."""
        epsilon = self.budget.epsilon
        return (self.pixels - epsilon).clamp_(min=0), (self.pixels + epsilon).clamp_(max=1)

    def of(self, kept: Tensor) -> Problem:
        """The same about some of the samples, by a mask ``(N,)``."""
        if bool(kept.all()):
            return self
        return replace(
            self,
            pixels=self.pixels[kept],
            criterion=self.criterion.of(kept),
            budget=replace(self.budget, steps=self.budget.steps[kept]),
            generators=[each for each, stays in zip(self.generators, kept.tolist(), strict=True) if stays],
            index=self.index[kept],
        )

    def places(self, part: Problem) -> Tensor:
        """Where the samples of ``part``, some of these, stand among these: int64 ``(len(part),)``."""
        import torch

        return torch.searchsorted(self.index, part.index)

    def without(self, rows: Tensor) -> Problem:
        """The same about the samples whose ``index`` is not among ``rows``."""
        import torch

        return self.of(~torch.isin(self.index, rows))


class CheckedAttack(ABC):
    """Base of the attacks of this package: arguments are checked when it is called, not when it is first iterated.

    Class attributes:
        version: of its arithmetic, raised when the same arguments give other iterates; part of every run's key.
        threats: the threat models it keeps to.
        gradients: whether it asks for them; those that do not can attack models that give none.
        transfers: whether it is made for other models than the one it attacks. They are shown its last picture, where
            they are shown other attacks' first success.
        content: hash of what it reads from a file, for the key of runs; empty where it reads none.
    """

    version: ClassVar[int] = 1
    threats: ClassVar[tuple[str, ...]] = ("linf", "l2")
    gradients: ClassVar[bool] = True
    transfers: ClassVar[bool] = False

    @property
    def content(self) -> str:
        """See above."""
        return ""

    def __call__(
        self,
        logits: Callable[[Tensor], Tensor],
        pixels: Tensor,
        criterion: Criterion,
        budget: Budget,
        generators: Sequence[np.random.Generator],
    ) -> Iterator[Iterate]:
        """Its iterates; see `Attack`."""
        import torch

        check_arguments(pixels, criterion, budget, generators)
        if not len(pixels):
            return iter(())
        clean = pixels.detach()
        steps = budget.steps.to(clean.device)
        index = torch.arange(len(clean), device=clean.device)
        return self.run(Problem(logits, clean, criterion, replace(budget, steps=steps), generators, index))

    @abstractmethod
    def run(self, problem: Problem) -> Iterator[Iterate]:
        """The iterates of a checked problem of one sample or more."""


def attempts(problem: Problem, runs: Iterable[Callable[[Problem], Iterator[Iterate]]]) -> Iterator[Iterate]:
    """The iterates of several runs in turn, each about the samples that no earlier one has brought to their aim."""
    left = problem
    for run in runs:
        if not len(left):
            return
        for iterate in run(left):
            yield iterate
            left = left.without(iterate.index[iterate.reached])
