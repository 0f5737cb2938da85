"""Losses made of differences of logits, for attacks on the label: scaling the logits cannot hide their gradients."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hardiness.attacks.kit.checks import labels_of
from hardiness.attacks.kit.criteria import Misclassified, TargetClass
from hardiness.attacks.kit.problem import Problem
from hardiness.core import ModelError

if TYPE_CHECKING:
    from torch import Tensor

_LEAST = 1e-12


@dataclass(frozen=True, eq=False)
class Margin(Misclassified):
    """Any class but the label, by the lead of the label over the best other class."""

    def loss(self, logits: Tensor) -> Tensor:
        """z_label - max of the others, ``(N,)``: negative where it is misclassified."""
        return _of_class(logits, self.labels) - best_other(logits, self.labels)

    def of(self, index: Tensor) -> Margin:
        """The aims of some of the samples."""
        return Margin(self.labels[index])


@dataclass(frozen=True, eq=False)
class MarginToTarget(TargetClass):
    """One chosen class, by the lead of the best other class over it."""

    def loss(self, logits: Tensor) -> Tensor:
        """max of the others - z_target, ``(N,)``: negative where it is there."""
        return best_other(logits, self.targets) - _of_class(logits, self.targets)

    def of(self, index: Tensor) -> MarginToTarget:
        """The aims of some of the samples."""
        return MarginToTarget(self.targets[index])


def with_margin(problem: Problem) -> Problem:
    """The problem with a loss that is a difference of logits.

    Raises:
        ArgumentError: its criterion is neither untargeted nor about a target class.
    """
    criterion = problem.criterion
    if isinstance(criterion, TargetClass):
        return replace(problem, criterion=MarginToTarget(criterion.targets))
    return replace(problem, criterion=Margin(labels_of(criterion, 'the loss "margin"')))


@dataclass(frozen=True, eq=False)
class TargetedMargin(Misclassified):
    """Any class but the label, by the lead of the label over one chosen class.

    Attributes:
        labels: int64 ``(N,)``.
        targets: int64 ``(N,)``, classes towards which it goes.
    """

    targets: Tensor

    def loss(self, logits: Tensor) -> Tensor:
        """z_label - z_target, ``(N,)``."""
        return _of_class(logits, self.labels) - _of_class(logits, self.targets)

    def of(self, index: Tensor) -> TargetedMargin:
        """The aims of some of the samples."""
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

    def of(self, index: Tensor) -> LogitsRatio:
        """The aims of some of the samples."""
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

    def of(self, index: Tensor) -> TargetedLogitsRatio:
        """The aims of some of the samples."""
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
            f"the difference-of-logits ratio needs {count} classes or more, the model has {logits.shape[1]}"
        )
    return logits.topk(count, dim=1).values
