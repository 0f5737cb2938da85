"""Criteria: when an attack has succeeded on a sample, and the loss that it lowers until then."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from hardiness.core.errors import ArgumentError, ModelError

if TYPE_CHECKING:
    from torch import Tensor


_LEAST = 1e-12
"""Keeps the spread of logits, which is divided by, from being 0."""


class Criterion(Protocol):
    """The aim for each sample of a batch; pure functions of its logits."""

    @property
    def classes(self) -> Tensor:
        """The class ``(N,)``, int64, that each sample's aim is about."""
        ...

    def loss(self, logits: Tensor) -> Tensor:
        """The values that the attack lowers, ``(N,)``, for logits ``(N, K)``; differentiable."""
        ...

    def reached(self, logits: Tensor) -> Tensor:
        """Whether each sample is there, bool ``(N,)``; never for logits that are not finite."""
        ...

    def rows(self, index: Tensor) -> Criterion:
        """The aims of some of the samples, by index or mask."""
        ...


@dataclass(frozen=True, eq=False)
class Misclassification:
    """Any class but the label: the untargeted attack.

    Attributes:
        labels: int64 ``(N,)``.
    """

    labels: Tensor

    @property
    def classes(self) -> Tensor:
        return self.labels

    def loss(self, logits: Tensor) -> Tensor:
        """Minus the cross-entropy of the label, ``(N,)``."""
        return -_cross_entropy(logits, self.labels)

    def reached(self, logits: Tensor) -> Tensor:
        """Whether the largest logit is another class's, or as large as another one: a tie is nobody's."""
        return (sole_answers(logits) != self.labels) & _finite(logits)

    def rows(self, index: Tensor) -> Misclassification:
        return Misclassification(self.labels[index])


@dataclass(frozen=True, eq=False)
class TargetClass:
    """One chosen class: the targeted attack.

    Attributes:
        targets: int64 ``(N,)``.
    """

    targets: Tensor

    @property
    def classes(self) -> Tensor:
        return self.targets

    def loss(self, logits: Tensor) -> Tensor:
        """The cross-entropy of the target, ``(N,)``."""
        return _cross_entropy(logits, self.targets)

    def reached(self, logits: Tensor) -> Tensor:
        """Whether the largest logit is the target's, and no other one as large."""
        return (sole_answers(logits) == self.targets) & _finite(logits)

    def rows(self, index: Tensor) -> TargetClass:
        return TargetClass(self.targets[index])


@dataclass(frozen=True, eq=False)
class TargetProbability:
    """One unit with more than a given softmax probability, as feature visualisation asks for.

    Attributes:
        units: int64 ``(N,)``.
        probability: that must be exceeded.
    """

    units: Tensor
    probability: float

    @property
    def classes(self) -> Tensor:
        return self.units

    def loss(self, logits: Tensor) -> Tensor:
        """The cross-entropy of the unit, ``(N,)``."""
        return _cross_entropy(logits, self.units)

    def reached(self, logits: Tensor) -> Tensor:
        """Whether the unit's softmax, in float64, is above the probability."""
        probabilities = logits.double().softmax(1).gather(1, self.units[:, None])[:, 0]
        return (probabilities > self.probability) & _finite(logits)

    def rows(self, index: Tensor) -> TargetProbability:
        return TargetProbability(self.units[index], self.probability)


def _cross_entropy(logits: Tensor, classes: Tensor) -> Tensor:
    from torch.nn import functional

    return functional.cross_entropy(logits, classes, reduction="none")


def sole_answers(logits: Tensor) -> Tensor:
    """The class of the largest logit, ``(N,)``; -1 where several are exactly as large: a tie is nobody's."""
    largest, classes = logits.max(1)
    return classes.where((logits == largest[:, None]).sum(1) <= 1, classes.new_full((), -1))


def _finite(logits: Tensor) -> Tensor:
    return logits.isfinite().all(1)


def labels_of(criterion: Criterion, attack: str) -> Tensor:
    """The labels ``(N,)`` that an untargeted criterion is about.

    Raises:
        ArgumentError: it is another criterion; ``attack`` names who needs the labels.
    """
    if not isinstance(criterion, Misclassification):
        raise ArgumentError(
            f"{attack} is untargeted and needs Misclassification(labels), was {type(criterion).__name__}"
        )
    return criterion.labels


@dataclass(frozen=True, eq=False)
class Margin(Misclassification):
    """Any class but the label, by the lead of the label over the best other class."""

    def loss(self, logits: Tensor) -> Tensor:
        """z_label - max of the others, ``(N,)``: negative where it is misclassified."""
        return _of_class(logits, self.labels) - best_other(logits, self.labels)

    def rows(self, index: Tensor) -> Margin:
        return Margin(self.labels[index])


@dataclass(frozen=True, eq=False)
class MarginToTarget(TargetClass):
    """One chosen class, by the lead of the best other class over it."""

    def loss(self, logits: Tensor) -> Tensor:
        """max of the others - z_target, ``(N,)``: negative where it is there."""
        return best_other(logits, self.targets) - _of_class(logits, self.targets)

    def rows(self, index: Tensor) -> MarginToTarget:
        return MarginToTarget(self.targets[index])


@dataclass(frozen=True, eq=False)
class TargetedMargin(Misclassification):
    """Any class but the label, by the lead of the label over one chosen class.

    Attributes:
        labels: int64 ``(N,)``.
        targets: int64 ``(N,)``, classes towards which it goes.
    """

    targets: Tensor

    def loss(self, logits: Tensor) -> Tensor:
        """z_label - z_target, ``(N,)``."""
        return _of_class(logits, self.labels) - _of_class(logits, self.targets)

    def rows(self, index: Tensor) -> TargetedMargin:
        return TargetedMargin(self.labels[index], self.targets[index])


@dataclass(frozen=True, eq=False)
class LogitsRatio(Margin):
    """Any class but the label, by the lead of the label over the best other class against the spread of the logits.

    Source: Croce & Hein 2020, arXiv:2003.01690, equation 6.
    """

    def loss(self, logits: Tensor) -> Tensor:
        """Minus DLR, ``(N,)``: (z_label - max of the others) / (z_first - z_third)."""
        ranked = _ranked(logits, 3)
        return super().loss(logits) / (ranked[:, 0] - ranked[:, 2] + _LEAST)

    def rows(self, index: Tensor) -> LogitsRatio:
        return LogitsRatio(self.labels[index])


@dataclass(frozen=True, eq=False)
class TargetedLogitsRatio(TargetedMargin):
    """Any class but the label, by the lead over one chosen class against the spread of the logits.

    Source: Croce & Hein 2020, arXiv:2003.01690, equation 7.
    """

    def loss(self, logits: Tensor) -> Tensor:
        """Minus targeted DLR, ``(N,)``: (z_label - z_target) / (z_first - (z_third + z_fourth) / 2)."""
        ranked = _ranked(logits, 4)
        return super().loss(logits) / (ranked[:, 0] - (ranked[:, 2] + ranked[:, 3]) / 2 + _LEAST)

    def rows(self, index: Tensor) -> TargetedLogitsRatio:
        return TargetedLogitsRatio(self.labels[index], self.targets[index])


def best_other(logits: Tensor, classes: Tensor) -> Tensor:
    """The largest logit ``(N,)`` of any class but the given one; differentiable."""
    return logits.scatter(1, classes[:, None], -float("inf")).amax(1)


def likeliest_others(logits: Tensor, labels: Tensor, count: int) -> Tensor:
    """The classes with the largest logits but for the label, int64 ``(N, count)``, or as many as there are."""
    others = logits.scatter(1, labels[:, None], -float("inf"))
    return others.topk(min(count, logits.shape[1] - 1), dim=1).indices


def _of_class(logits: Tensor, classes: Tensor) -> Tensor:
    return logits.gather(1, classes[:, None])[:, 0]


def _ranked(logits: Tensor, count: int) -> Tensor:
    if logits.shape[1] < count:
        raise ModelError(
            f"the difference-of-logits ratio needs {count} classes or more, the model has {logits.shape[1]}; "
            "apgd-fab-square, a benchmark and an attack, takes two or more"
        )
    return logits.topk(count, dim=1).values
