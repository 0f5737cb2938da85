"""Base classes of attacks: what an attack says of itself, steps along gradients, and a search by queries."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np

from hardiness.attacks.criteria import Criterion
from hardiness.attacks.kit import Budget, Iterate, Pass, Problem, Slope, check_arguments, no_gradient, pick
from hardiness.core.errors import ArgumentError

if TYPE_CHECKING:
    from torch import Tensor


class CheckedAttack(ABC):
    """Base of all attacks of this package: arguments are checked when it is called, not when it is first iterated.

    `GradientAttack` and `RandomSearch` are easier to write on; this one leaves the loop to `run`.

    Class attributes:
        summary: what it does, in a line for listings.
        version: of its arithmetic, raised when the same arguments give other iterates; part of every run's key.
        threats: the threat models it keeps to.
        gradients: whether it asks for them; those that do not can attack models that give none.
        transfers: whether it is made for other models than the one it attacks. They are shown its last picture, where
            they are shown other attacks' first success.
        content: hash of what it reads from a file, for the key of runs; empty where it reads none.
    """

    summary: ClassVar[str] = ""
    version: ClassVar[int] = 1
    threats: ClassVar[tuple[str, ...]] = ("linf", "l2")
    gradients: ClassVar[bool] = True
    transfers: ClassVar[bool] = False

    @property
    def content(self) -> str:
        """The hash of what the attack reads from a file; empty where it reads none."""
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


class Position(NamedTuple):
    """Where each of M samples stands, and the gradient there.

    Attributes:
        step: how many steps were made to come here, from 0.
        pixels: float32 ``(M, 3, H, W)`` in [0, 1].
        loss: ``(M,)``, which the attack lowers.
        gradient: of the loss with respect to the pixels, float32 ``(M, 3, H, W)``; values that were not finite are 0.
    """

    step: int
    pixels: Tensor
    loss: Tensor
    gradient: Tensor


class GradientAttack(CheckedAttack):
    """Base of attacks that follow gradients: a subclass says how a step is made, in `move`.

    The base runs the model, judges each iterate and yields it with what its gradient was like, lets samples leave the
    batch that are done, and keeps what the attack remembers of each sample beside it. k steps cost k+1 forward and k
    backward passes, because the pass that judges an iterate is the one that leaves it.

    Attributes:
        stop: whether samples whose criterion holds leave the batch.
    """

    stop: bool = True

    def prepared(self, problem: Problem) -> Problem:
        """The problem that is attacked: by default the one that is given; another loss, for example, changes it."""
        return problem

    def start(self, problem: Problem) -> Tensor:
        """Where the attack begins, float32 ``(N, 3, H, W)``: by default at the images."""
        return problem.pixels

    def seen(self, problem: Problem) -> Problem:
        """The problem whose gradient is followed: by default the one that is judged.

        With another one, such as the same model on pictures resized at random, each step costs two forward passes.
        """
        return problem

    @abstractmethod
    def move(self, problem: Problem, at: Position, memory: dict[str, Any]) -> Tensor:
        """The next pixels ``(M, 3, H, W)``, within the budget and [0, 1].

        Args:
            problem: of the samples that are left.
            at: where they stand. The loss is lowered, so a step goes against the gradient.
            memory: what the attack remembers from step to step, empty at first: tensors, arrays or lists with one entry
                for each sample, which the base shortens when samples leave the batch.
        """

    def run(self, problem: Problem) -> Iterator[Iterate]:
        """The iterates of a checked problem, from the first step on."""
        problem = self.prepared(problem)
        pixels, step = _check_pixels(self, "start", self.start(problem), problem), 0
        slope: Slope | None = None
        memory: dict[str, Any] = {}
        while True:
            goes_on = problem.budget.steps > step
            is_shared = self.seen(problem) is problem  # one pass judges an iterate and leaves it
            if is_shared or slope is not None:
                graph = is_shared and bool(goes_on.any())
                passed = problem.forward(pixels, graph=graph, first=step == 0)
            if slope is not None:
                reached = problem.criterion.reached(passed.logits)
                yield passed.iterate(step, problem.index, reached, slope)
                goes_on = goes_on & ~reached if self.stop else goes_on
            if not bool(goes_on.any()):
                return
            if is_shared:
                slope, loss = passed.slope(goes_on), pick(passed.loss.detach(), goes_on)
            problem, pixels, memory = problem.rows(goes_on), pick(pixels, goes_on), _shorten(memory, goes_on)
            if not is_shared:
                passed = self.seen(problem).forward(pixels, graph=True, first=step == 0)
                slope, loss = passed.slope(problem.budget.steps > step), passed.loss.detach()
            assert slope is not None, "a pass that leaves an iterate gives a gradient"
            at = Position(step, pixels, loss, slope.gradient)
            pixels, step = _check_pixels(self, "move", self.move(problem, at, memory), problem), step + 1


class Lowest(NamedTuple):
    """Where a search stands: of each of M samples the picture with the least loss, which is the worst for the model.

    Attributes:
        step: how many queries were made of each sample, from 0.
        pixels: float32 ``(M, 3, H, W)`` in [0, 1]; the images before the first query.
        loss: ``(M,)``; infinite before the first query.
        query: int64 ``(M,)``, the query that gave the picture; 0 before the first.
    """

    step: int
    pixels: Tensor
    loss: Tensor
    query: Tensor


class RandomSearch(CheckedAttack):
    """Base of attacks that ask for no gradient: a subclass proposes a picture for each sample, in `propose`.

    The base asks the model, keeps the picture whose loss is least, yields where each sample stands after every query,
    and lets samples leave the batch whose criterion holds or whose queries are spent. Steps are queries. What `propose`
    asks of ``problem.logits`` or ``problem.forward`` by itself is counted, too: a picture is a query.
    """

    gradients: ClassVar[bool] = False

    def prepared(self, problem: Problem) -> Problem:
        """The problem that is attacked: by default the one that is given; another loss, for example, changes it."""
        return problem

    @abstractmethod
    def propose(self, problem: Problem, lowest: Lowest, memory: dict[str, Any]) -> Tensor:
        """The pictures ``(M, 3, H, W)`` that the model is asked about next, within the budget and [0, 1].

        Args:
            problem: of the samples that are left.
            lowest: the pictures with the least loss until now.
            memory: what the attack remembers from query to query, empty at first: tensors, arrays or lists with one
                entry for each sample, which the base shortens when samples leave the batch.
        """

    def run(self, problem: Problem) -> Iterator[Iterate]:
        """Where each sample of a checked problem stands after each query."""
        import torch

        model = _QueryCounter(problem.logits)
        problem = self.prepared(replace(problem, logits=model))
        unasked = torch.full((len(problem),), float("inf"), device=problem.pixels.device)
        lowest = Lowest(0, problem.pixels, unasked, torch.zeros_like(problem.index))
        standing, memory = None, dict[str, Any]()
        while True:
            model.pictures = 0
            proposed = _check_pixels(self, "propose", self.propose(problem, lowest, memory), problem)
            tried = problem.forward(proposed, graph=False, first=lowest.step == 0)
            step = lowest.step - (-model.pictures // len(problem))
            if standing is None and step > 1:  # it has asked before it proposed anything
                standing = problem.forward(problem.pixels, graph=False)
            for earlier in range(lowest.step + 1, step):
                assert standing is not None, "it was asked about above"
                yield from _iterates(problem, standing, earlier)
            reached = problem.criterion.reached(tried.logits)
            if standing is None:
                standing, query = tried, torch.full_like(problem.index, step)
            else:
                is_lower = (tried.loss < standing.loss) | standing.loss.isnan() | reached
                standing = _merge(standing, tried, is_lower)
                query = torch.where(is_lower, step, lowest.query)
            yield from _iterates(problem, standing, step)
            goes_on = (problem.budget.steps > step) & ~reached
            if not bool(goes_on.any()):
                return
            problem, memory, query = problem.rows(goes_on), _shorten(memory, goes_on), pick(query, goes_on)
            standing = Pass(*(pick(values, goes_on) for values in standing))
            lowest = Lowest(step, standing.pixels, standing.loss, query)


class _QueryCounter:
    """A model that counts the pictures that it is asked about."""

    def __init__(self, logits: Callable[[Tensor], Tensor]) -> None:
        self.logits, self.pictures = logits, 0

    def __call__(self, pixels: Tensor) -> Tensor:
        self.pictures += len(pixels)
        return self.logits(pixels)


def _iterates(problem: Problem, standing: Pass, step: int) -> Iterator[Iterate]:
    """The iterates that say where the samples stand, of those that may make that many queries."""
    has_steps = problem.budget.steps >= step
    if not bool(has_steps.any()):
        return
    standing = Pass(*(pick(values, has_steps) for values in standing))
    problem = problem.rows(has_steps)
    reached = problem.criterion.reached(standing.logits)
    yield standing.iterate(step, problem.index, reached, no_gradient(reached))


def _merge(standing: Pass, tried: Pass, is_lower: Tensor) -> Pass:
    """Take the pass that was tried for the samples where it is lower, and the one where they stood for the others."""
    return Pass(
        tried.pixels.where(is_lower[:, None, None, None], standing.pixels),
        tried.logits.where(is_lower[:, None], standing.logits),
        tried.loss.where(is_lower, standing.loss),
    )


def _check_pixels(attack: CheckedAttack, method: str, pixels: Tensor, problem: Problem) -> Tensor:
    """Return a method's pixels without their graph, or raise an error unless they fit the problem's samples."""
    import torch

    shape, kind = tuple(problem.pixels.shape), type(attack).__name__
    if not isinstance(pixels, torch.Tensor):
        raise ArgumentError(f"{kind}.{method} must return a tensor of pixels, returned {type(pixels).__name__}")
    if tuple(pixels.shape) != shape or pixels.dtype != torch.float32:
        dtype = str(pixels.dtype).removeprefix("torch.")
        raise ArgumentError(
            f"{kind}.{method} must return pixels, float32 {shape}, returned {dtype} {tuple(pixels.shape)}"
        )
    return pixels.detach()


def _shorten(memory: dict[str, Any], mask: Tensor) -> dict[str, Any]:
    """Reduce the memory to some of the samples, by mask."""
    if bool(mask.all()):
        return memory
    return {name: _rows_of(name, values, mask) for name, values in memory.items()}


def _rows_of(name: str, values: Any, mask: Tensor) -> Any:
    if hasattr(values, "rows"):
        return values.rows(mask)
    count = len(values) if hasattr(values, "__len__") else 0
    if count != len(mask):
        raise ArgumentError(f"memory[{name!r}] must hold one entry for each of the {len(mask)} samples, held {count}")
    if isinstance(values, list | tuple):
        return [value for value, is_in in zip(values, mask.tolist(), strict=True) if is_in]
    return values[mask.cpu().numpy() if isinstance(values, np.ndarray) else mask]
