"""What attacks are made of: arguments and iterates, criteria and losses, gradients."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from hardiness.attacks.threats.norm_balls import is_box, project_, uniform
from hardiness.core.attack_plan import Norm
from hardiness.core.bounds import require_within
from hardiness.core.errors import ArgumentError, ModelError
from hardiness.core.registry import Registry, callable_thing

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
    """One unit with more than a given softmax probability: what feature visualisation asks for.

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
        found = logits.double().softmax(1).gather(1, self.units[:, None])[:, 0]
        return (found > self.probability) & _finite(logits)

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


@dataclass(frozen=True, eq=False)
class Budget:
    """What an attack may spend.

    Attributes:
        norm: that bounds the change of the pixels.
        epsilon: the bound, in units of the [0, 1] range; 0 leaves the image as it is.
        steps: int64 ``(N,)``, the most steps of each sample, which leaves the batch after its own.
    """

    norm: Norm
    epsilon: float
    steps: Tensor


class Iterate(NamedTuple):
    """Where some samples of the batch stand after a step; no tensor of it is written to later.

    Attributes:
        step: from 1; an attack that tries one target after the other begins again at 1 with each.
        index: int64 ``(M,)``, rows of the given batch that it is about.
        pixels: float32 ``(M, 3, H, W)`` in [0, 1].
        logits: float32 ``(M, K)``, without graph.
        loss: ``(M,)``, what the attack lowers.
        reached: bool ``(M,)``, whether the criterion holds here.
        zero_gradient: float32 ``(M,)``, share of exact zeros in the gradient of the step that led here; 0 where there
            was none.
        finite_gradient: bool ``(M,)``, whether all of that gradient was finite.
    """

    step: int
    index: Tensor  # type: ignore[assignment]  # hides tuple.index, which nobody needs here
    pixels: Tensor
    logits: Tensor
    loss: Tensor
    reached: Tensor
    zero_gradient: Tensor
    finite_gradient: Tensor


class Attack(Protocol):
    """An attack with its options chosen; pure: no global state, no write to its arguments."""

    def __call__(
        self,
        logits: Callable[[Tensor], Tensor],
        pixels: Tensor,
        criterion: Criterion,
        budget: Budget,
        generators: Sequence[np.random.Generator],
    ) -> Iterator[Iterate]:
        """Its iterates, as they come.

        Args:
            logits: float32 ``(M, 3, H, W)`` in [0, 1] to logits ``(M, K)``, through torch autograd, for any M.
            pixels: float32 ``(N, 3, H, W)`` in [0, 1], the clean images.
            criterion: what counts as success, for each of them.
            budget: what may be spent.
            generators: one for each sample, for its chance alone.

        Raises:
            ArgumentError: an argument is not as above, e.g. pixels that are already normalised.
            ModelError: the logits have no gradient, or are probabilities.
        """
        ...


registry: Registry[Callable[..., Attack]] = Registry("attack", "hardiness.attacks", "hardiness.attacks", callable_thing)
"""Frozen dataclasses whose fields are an attack's options; calling one runs it."""


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
    if not isinstance(criterion, Misclassification):
        raise ArgumentError(
            f"{attack} is untargeted and needs Misclassification(labels), was {type(criterion).__name__}"
        )
    return criterion.labels


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

    def rows(self, kept: Tensor) -> Problem:
        """The same about some of the samples, by a mask ``(N,)``."""
        if bool(kept.all()):
            return self
        return replace(
            self,
            pixels=self.pixels[kept],
            criterion=self.criterion.rows(kept),
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

        return self.rows(~torch.isin(self.index, rows))

    def forward(self, pixels: Tensor, *, graph: bool, first: bool = False) -> Pass:
        """One forward pass at ``pixels (M, 3, H, W)``.

        Args:
            pixels: of its samples.
            graph: whether a gradient will be asked for.
            first: whether the model has not been looked at before, so that its logits are checked.

        Raises:
            ModelError, ArgumentError: as `check_logits`.
        """
        import torch

        with torch.set_grad_enabled(graph):
            leaf = pixels.detach().requires_grad_(graph)
            logits = self.logits(leaf)
            if first:
                check_logits(logits, self.criterion, graph)
            return Pass(leaf, logits.detach(), self.criterion.loss(logits))

    def attempts(self, runs: Iterable[Callable[[Problem], Iterator[Iterate]]]) -> Iterator[Iterate]:
        """The iterates of several runs in turn, each about the samples that no earlier one has brought to their aim."""
        left = self
        for run in runs:
            if not len(left):
                return
            for iterate in run(left):
                yield iterate
                left = left.without(iterate.index[iterate.reached])

    def averaged(self, samples: int) -> Problem:
        """The problem with logits that are the mean of so many passes; itself for 1.

        Memory is that of one pass: passes are computed again, one by one, when their gradient is asked for, with the
        chance that they had.

        Source: Athalye et al. (2018), arXiv:1802.00420, section 4.2, the gradient of an expectation.
        """
        if samples == 1:
            return self
        import torch

        logits = self.logits
        with torch.no_grad():
            logits(self.pixels)  # a model may try gradients at its first look, which no checkpoint takes

        def mean(pixels: Tensor) -> Tensor:
            from torch.utils.checkpoint import checkpoint, set_checkpoint_early_stop

            def once() -> Tensor:
                if not torch.is_grad_enabled() or not pixels.requires_grad:
                    return logits(pixels)
                # Ending a pass early is done by an exception, which a model's wrapper would take for its own.
                with set_checkpoint_early_stop(False):
                    found: Tensor = checkpoint(logits, pixels, use_reentrant=False, preserve_rng_state=True)
                return found

            total = once()
            for _ in range(samples - 1):
                total = total + once()
            return total / samples

        return replace(self, logits=mean)

    def with_margin(self) -> Problem:
        """The problem with a loss that is a difference of logits.

        Raises:
            ArgumentError: its criterion is neither untargeted nor about a target class.
        """
        criterion = self.criterion
        if isinstance(criterion, TargetClass):
            return replace(self, criterion=MarginToTarget(criterion.targets))
        return replace(self, criterion=Margin(labels_of(criterion, 'the loss "margin"')))

    def random_start(self) -> Tensor:
        """A point drawn uniformly from the ball around each image, by its own generator; not clipped to [0, 1]."""
        noise = uniform(self.budget.norm, tuple(self.pixels.shape), self.generators).to(self.pixels.device)
        return noise.mul_(self.budget.epsilon).add_(self.pixels)

    def draw(self, chance: Callable[[np.random.Generator], Any]) -> Tensor:
        """What a function draws for each sample by its own generator, as float32 ``(N, …)`` on the images' device.

        Args:
            chance: from a generator to an array, of one shape for all samples.
        """
        import torch

        drawn = np.stack([np.asarray(chance(generator), np.float32) for generator in self.generators])
        return torch.from_numpy(drawn).to(self.pixels.device)

    def within(self, pixels: Tensor) -> Tensor:
        """The nearest points to ``pixels (N, 3, H, W)`` in the ball around each image, then in [0, 1].

        Raises:
            ArgumentError: the threat model is no ball of a norm; the attack keeps to such a one by itself.
        """
        return self.projected(self.pixels, pixels - self.pixels)

    def projected(self, at: Tensor, step: Tensor, scale: float = 1.0) -> Tensor:
        """``at + scale * step``, brought into the ball around each image, then into [0, 1]; in ``step``'s memory."""
        import torch

        norm, clean = self.budget.norm, self.pixels
        moved = torch.add(at, step, alpha=scale, out=step)
        if not is_box(norm):
            moved = project_(norm, moved.sub_(clean), self.budget.epsilon).add_(clean)
        low, high = self.box
        return torch.clamp(moved, low, high, out=moved)


def check_samples(samples: int) -> None:
    """Raise an error unless this is a number of passes.

    Raises:
        ArgumentError: it is below 1, or above 10,000.
    """
    require_within("samples", samples, 1, 10_000)


class Pass(NamedTuple):
    """What one forward pass gave.

    Attributes:
        pixels: where it was computed; the leaf of the graph, if there is one.
        logits: without graph.
        loss: ``(M,)``, with the graph if one was asked for.
    """

    pixels: Tensor
    logits: Tensor
    loss: Tensor

    def iterate(self, step: int, index: Tensor, reached: Tensor, led_here: Slope) -> Iterate:
        """It as a judged iterate, to which the gradient ``led_here`` led."""
        return Iterate(
            step,
            index,
            self.pixels.detach(),
            self.logits,
            self.loss.detach(),
            reached,
            led_here.zeros,
            led_here.finite,
        )

    def slope(self, chosen: Tensor, *, again: bool = False) -> Slope:
        """The gradient at some of a pass's samples, by mask; the pass's graph is used up, unless it is needed again.

        Raises:
            ModelError: the logits do not depend on the pixels at all.
        """
        import torch

        # Only the pixels' gradient is asked for, so nothing is computed or kept for the parameters.
        (gradient,) = torch.autograd.grad(
            self.loss, self.pixels, chosen.to(self.loss.dtype), retain_graph=again, allow_unused=True
        )
        if gradient is None:
            raise ModelError(
                "logits do not depend on the pixels, so there is nothing to attack; is the model detached?"
            )
        gradient = picked(gradient, chosen)
        return _safe(gradient)


class Slope(NamedTuple):
    """A gradient made safe to step along.

    Attributes:
        gradient: of the loss with respect to the pixels, ``(M, 3, H, W)``; values that were not finite are 0.
        zeros: float32 ``(M,)``, share of values that the model gave as exactly 0.
        finite: bool ``(M,)``, whether all values were finite.
    """

    gradient: Tensor
    zeros: Tensor
    finite: Tensor


def no_gradient(reached: Tensor) -> Slope:
    """What led to iterates of an attack that asks for no gradient: nothing hidden, nothing broken."""
    nothing = reached.new_zeros(len(reached)).float()
    return Slope(nothing, nothing, nothing == 0)


def _safe(gradient: Tensor) -> Slope:
    import torch

    # On a CPU row by row no memory is needed, where a comparison's would cost more than the step; a GPU is asked once.
    rows = gradient.flatten(1)
    others = rows.count_nonzero(1) if rows.is_cuda else torch.stack([torch.count_nonzero(row) for row in rows])
    zeros = 1 - others / gradient[0].numel()
    finite = gradient.sum(dim=(1, 2, 3)).isfinite()
    if bool(finite.all()):
        return Slope(gradient, zeros, finite)
    finite = gradient.isfinite().flatten(1).all(1)
    return Slope(gradient.nan_to_num(0.0, 0.0, 0.0), zeros, finite)


def picked(values: Tensor, kept: Tensor) -> Tensor:
    """Some samples of ``values (M, …)``, by mask; the tensor itself where all are kept."""
    return values if bool(kept.all()) else values[kept]


_LEAST = 1e-12


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
            f"the difference-of-logits ratio needs {count} classes or more, the model has {logits.shape[1]}"
        )
    return logits.topk(count, dim=1).values


def threats_of(name: str) -> tuple[str, ...]:
    """The threat models that the attack of that name keeps to; L-infinity and L2 where it does not say.

    Raises:
        UnknownNameError: there is no such attack.
    """
    found: tuple[str, ...] = getattr(registry.get(name), "threats", ("linf", "l2"))
    return found


def version_of(name: str) -> int:
    """The version of an attack's arithmetic, part of the key of every run that uses it; 0 where it does not say."""
    return int(getattr(registry.get(name), "version", 0))


def made_to_transfer(name: str) -> bool:
    """Whether other models are shown the last picture of the attack of that name, or its first success.

    Its first success where it does not say.
    """
    return bool(getattr(registry.get(name), "transfers", False))


def needs_gradients(name: str) -> bool:
    """Whether the attack of that name asks for gradients; yes where it does not say."""
    return bool(getattr(registry.get(name), "gradients", True))
