"""What an attack is after: a loss that it lowers, and when it has got there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from hardiness.core import ArgumentError

if TYPE_CHECKING:
    from torch import Tensor


class Criterion(Protocol):
    """The aim for each sample of a batch; pure functions of its logits."""

    @property
    def classes(self) -> Tensor:
        """The class ``(N,)``, int64, that each sample's aim is about."""
        ...

    def loss(self, logits: Tensor) -> Tensor:
        """What the attack lowers, ``(N,)``, for logits ``(N, K)``; differentiable."""
        ...

    def reached(self, logits: Tensor) -> Tensor:
        """Whether each sample is there, bool ``(N,)``; never for logits that are not finite."""
        ...

    def of(self, index: Tensor) -> Criterion:
        """The aims of some of the samples, by index or mask."""
        ...


@dataclass(frozen=True, eq=False)
class Misclassified:
    """Any class but the label: the untargeted attack.

    Attributes:
        labels: int64 ``(N,)``.
    """

    labels: Tensor

    @property
    def classes(self) -> Tensor:
        """The labels."""
        return self.labels

    def loss(self, logits: Tensor) -> Tensor:
        """Minus the cross-entropy of the label, ``(N,)``."""
        return -_cross_entropy(logits, self.labels)

    def reached(self, logits: Tensor) -> Tensor:
        """Whether the largest logit is another class's."""
        return (logits.argmax(1) != self.labels) & _finite(logits)

    def of(self, index: Tensor) -> Misclassified:
        """The aims of some of the samples."""
        return Misclassified(self.labels[index])


@dataclass(frozen=True, eq=False)
class TargetClass:
    """One chosen class: the targeted attack.

    Attributes:
        targets: int64 ``(N,)``.
    """

    targets: Tensor

    @property
    def classes(self) -> Tensor:
        """The targets."""
        return self.targets

    def loss(self, logits: Tensor) -> Tensor:
        """The cross-entropy of the target, ``(N,)``."""
        return _cross_entropy(logits, self.targets)

    def reached(self, logits: Tensor) -> Tensor:
        """Whether the largest logit is the target's."""
        return (logits.argmax(1) == self.targets) & _finite(logits)

    def of(self, index: Tensor) -> TargetClass:
        """The aims of some of the samples."""
        return TargetClass(self.targets[index])


@dataclass(frozen=True, eq=False)
class TargetProbability:
    """One unit with more than a given softmax probability: what feature visualisation asks for.

    Attributes:
        units: int64 ``(N,)``.
        probability: that must be exceeded.
    """

    units: Tensor
    probability: float

    @property
    def classes(self) -> Tensor:
        """The units."""
        return self.units

    def loss(self, logits: Tensor) -> Tensor:
        """The cross-entropy of the unit, ``(N,)``."""
        return _cross_entropy(logits, self.units)

    def reached(self, logits: Tensor) -> Tensor:
        """Whether the unit's softmax, in float64, is above the probability."""
        found = logits.double().softmax(1).gather(1, self.units[:, None])[:, 0]
        return (found > self.probability) & _finite(logits)

    def of(self, index: Tensor) -> TargetProbability:
        """The aims of some of the samples."""
        return TargetProbability(self.units[index], self.probability)


def check_targets(targets: Tensor, labels: Tensor) -> None:
    """Raise an error where a target is its sample's own label.

    Raises:
        ArgumentError: one is: that attack would be over before it began. The message names the sample.
    """
    same = (targets == labels).nonzero()[:, 0]
    if len(same):
        raise ArgumentError(
            f"target of sample {same[0].item()} is class {targets[same[0]].item()}, which is its label; "
            "draw targets from the other classes"
        )


def _cross_entropy(logits: Tensor, classes: Tensor) -> Tensor:
    from torch.nn import functional

    return functional.cross_entropy(logits, classes, reduction="none")


def _finite(logits: Tensor) -> Tensor:
    return logits.isfinite().all(1)
