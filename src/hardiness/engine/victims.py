"""A batch to be attacked, and how a round of the attack went."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hardiness.attacks.criteria import Criterion, Misclassification, TargetClass
from hardiness.core.condition import Condition
from hardiness.core.random import rng
from hardiness.core.table import Columns

if TYPE_CHECKING:
    from torch import Tensor


Network = Callable[["Tensor"], "Tensor"]
"""Pixels ``(N, 3, H, W)`` in [0, 1] to fp32 logits ``(N, K)``."""


@dataclass(frozen=True)
class Victims:
    """A batch to be attacked.

    Attributes:
        samples: N ids.
        pixels: float32 ``(N, 3, H, W)`` in [0, 1].
        labels, targets: int64 ``(N,)``.
        clean: float32 ``(N, K)``, the judge's logits for ``pixels``.
    """

    samples: Sequence[str]
    pixels: Tensor
    labels: Tensor
    targets: Tensor
    clean: Tensor

    def rows(self, index: Tensor) -> Victims:
        """The victims at these places."""
        return Victims(
            [self.samples[i] for i in index.tolist()],
            self.pixels[index],
            self.labels[index],
            self.targets[index],
            self.clean[index],
        )

    def towards(self, classes: NDArray[np.integer], seed: int) -> Victims:
        """The victims with targets that are drawn from these classes."""
        import torch

        targets = targets_of(self.samples, self.labels.tolist(), classes, seed)
        return replace(self, targets=torch.from_numpy(targets).to(self.targets.device))

    def criterion(self, targeted: bool) -> Criterion:
        """The criterion of a success."""
        return TargetClass(self.targets) if targeted else Misclassification(self.labels)

    def lead(self, logits: Tensor, targeted: bool) -> Tensor:
        """How far each sample is from a success, ``(N,)`` in logits: negative, or nought, where it is one.

        Untargeted, by how much the label is ahead of the best other class; targeted, the best other of the target.
        """
        classes = self.targets if targeted else self.labels
        own = logits.gather(1, classes[:, None])[:, 0]
        other = logits.scatter(1, classes[:, None], -float("inf")).amax(1)
        return other - own if targeted else own - other


@dataclass(frozen=True)
class RoundOutcome:
    """One round at one mark; everything has one entry a sample.

    Attributes:
        condition: the mark's.
        logits: float32 ``(N, K)`` of what is judged: the success, or what the protocol puts in its place.
        pixels: float32 ``(N, 3, H, W)`` of the same; ``None`` where they were not kept.
        columns: how the attack went, as columns of records.
        reached: float32 ``(N, K)`` of where the attack stood, whatever the protocol puts in a failure's place.
        stood: float32 ``(N, 3, H, W)`` of the same place; ``None`` where pixels were not kept.
    """

    condition: Condition
    logits: NDArray[np.float32]
    pixels: Tensor | None
    columns: Columns
    reached: Tensor | None = None
    stood: Tensor | None = None


def targets_of(
    samples: Sequence[str], labels: Sequence[int], classes: NDArray[np.integer], seed: int
) -> NDArray[np.int64]:
    """A target for each sample, uniform over the classes other than its label; the same for every epsilon and step.

    Args:
        samples: N ids.
        labels: their classes.
        classes: two or more, ascending.
        seed: keys the draws.

    Source: Orhan (2019), arXiv:1907.07640, ``evaluate_whitebox.py``.
    Differs: drawn by seed and sample; the published ones by numpy's global generator, without a seed.
    """
    others = [classes[classes != label] for label in labels]
    draws = [rng(seed, "target", sample).integers(len(left)) for sample, left in zip(samples, others, strict=True)]
    return np.array([left[draw] for draw, left in zip(draws, others, strict=True)], np.int64)
