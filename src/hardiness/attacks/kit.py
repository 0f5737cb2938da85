"""The protocol of attacks and their registry, and the problems, passes and gradients that they are written with."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from hardiness.attacks.criteria import Criterion, Margin, MarginToTarget, TargetClass, labels_of
from hardiness.attacks.threats.norm_balls import is_box, project_, uniform
from hardiness.core.attack_plan import Norm
from hardiness.core.bounds import require_within
from hardiness.core.errors import ArgumentError, ModelError
from hardiness.core.registry import Registry, callable_thing

if TYPE_CHECKING:
    from torch import Tensor


_SUM_TOLERANCE = 1e-3
"""Rows of logits whose sums are as near to 1 as this are probabilities, if none is negative."""


@dataclass(frozen=True, eq=False)
class Budget:
    """The change of the pixels and the steps that an attack may spend.

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
        """Yield the attack's iterates, as they come.

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
    values = logits.detach()
    if logits.shape[1] > 1 and values.min() >= 0 and (values.sum(1) - 1).abs().max() < _SUM_TOLERANCE:
        raise ModelError(
            "the model returns probabilities (rows sum to 1), whose gradient vanishes where it is sure; "
            "leave out its last softmax"
        )


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

    def rows(self, mask: Tensor) -> Problem:
        """The problem of some of the samples, by a mask ``(N,)``."""
        if bool(mask.all()):
            return self
        return replace(
            self,
            pixels=self.pixels[mask],
            criterion=self.criterion.rows(mask),
            budget=replace(self.budget, steps=self.budget.steps[mask]),
            generators=[generator for generator, is_in in zip(self.generators, mask.tolist(), strict=True) if is_in],
            index=self.index[mask],
        )

    def places(self, part: Problem) -> Tensor:
        """Where the samples of ``part``, some of these, stand among these: int64 ``(len(part),)``."""
        import torch

        return torch.searchsorted(self.index, part.index)

    def without(self, rows: Tensor) -> Problem:
        """The problem of the samples whose ``index`` is not among ``rows``."""
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
        remaining = self
        for run in runs:
            if not len(remaining):
                return
            for iterate in run(remaining):
                yield iterate
                remaining = remaining.without(iterate.index[iterate.reached])

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

            def pass_once() -> Tensor:
                if not torch.is_grad_enabled() or not pixels.requires_grad:
                    return logits(pixels)
                # Ending a pass early is done by an exception, which a model's wrapper would take for its own.
                with set_checkpoint_early_stop(False):
                    logits_: Tensor = checkpoint(logits, pixels, use_reentrant=False, preserve_rng_state=True)
                return logits_

            total = pass_once()
            for _ in range(samples - 1):
                total = total + pass_once()
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
        """Draw by a function for each sample with its own generator, as float32 ``(N, …)`` on the images' device.

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
    """Raise an error unless ``samples`` is a number of passes.

    Raises:
        ArgumentError: it is below 1, or above 10,000.
    """
    require_within("samples", samples, 1, 10_000)


class Pass(NamedTuple):
    """The results of one forward pass.

    Attributes:
        pixels: where it was computed; the leaf of the graph, if there is one.
        logits: without graph.
        loss: ``(M,)``, with the graph if one was asked for.
    """

    pixels: Tensor
    logits: Tensor
    loss: Tensor

    def iterate(self, step: int, index: Tensor, reached: Tensor, led_here: Slope) -> Iterate:
        """The pass as a judged iterate, to which the gradient ``led_here`` led."""
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
        gradient = pick(gradient, chosen)
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
    """The gradient that stands for none, in iterates of an attack that asks for none: no zeros, all finite."""
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


def pick(values: Tensor, mask: Tensor) -> Tensor:
    """Some samples of ``values (M, …)``, by mask; the tensor itself where all are kept."""
    return values if bool(mask.all()) else values[mask]


def threats_of(name: str) -> tuple[str, ...]:
    """The threat models that the attack of that name keeps to; L-infinity and L2 where it does not say.

    Raises:
        UnknownNameError: there is no such attack.
    """
    threats: tuple[str, ...] = getattr(registry.get(name), "threats", ("linf", "l2"))
    return threats


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
