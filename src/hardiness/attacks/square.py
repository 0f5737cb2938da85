"""Square: a search at random with squares of noise, which asks for no gradient."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from hardiness.attacks.bases import Lowest, RandomSearch
from hardiness.attacks.criteria import Margin, Misclassification
from hardiness.attacks.kit import Problem, registry
from hardiness.core.attack_plan import Norm
from hardiness.core.errors import ArgumentError

if TYPE_CHECKING:
    from torch import Tensor

_HALVINGS = (10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000)
"""After these of 10,000 queries the area of the squares is halved."""
_LEAST = 1e-12
"""Keeps lengths, which are divided by, from being 0."""

Place = tuple[slice, slice, slice]
"""A square of an image, in all channels."""

Shape = tuple[int, ...]
"""The shape of an image, ``(3, H, W)``."""


@registry.add("square")
@dataclass(frozen=True)
class Square(RandomSearch):
    """The Square attack.

    The loss is the margin of the label, or the criterion's own where it is targeted.

    Attributes:
        area: share of the image that the first squares cover.

    Source: Andriushchenko et al. 2020, arXiv:1912.00049, with the schedule, the first noise and the L2 window of the
        authors' code in AutoAttack (fra31/auto-attack).

    Differs: each sample has squares of its own, by its own generator; the first noise counts as a query.
    """

    summary: ClassVar[str] = (
        "Square attack: keep a square of noise at a random place if it lowers the loss. Steps are queries."
    )

    area: float = 0.8

    def __post_init__(self) -> None:
        if not 0 < self.area <= 1:
            raise ArgumentError(f"area must be above 0 and at most 1, was {self.area}")

    def prepared(self, problem: Problem) -> Problem:
        if isinstance(problem.criterion, Misclassification):
            return replace(problem, criterion=Margin(problem.criterion.labels))
        return problem

    def propose(self, problem: Problem, lowest: Lowest, memory: dict[str, Any]) -> Tensor:
        norm, query = problem.budget.norm, lowest.step + 1
        if query == 1:
            return _FIRST[norm].perturb(problem, problem.pixels, [self.area] * len(problem))
        shares = [self._share(query, steps) for steps in problem.budget.steps.tolist()]
        return _NEXT[norm].perturb(problem, lowest.pixels, shares)

    def _share(self, step: int, steps: int) -> float:
        """Share of the image that a square covers at a query."""
        return self.area * 0.5 ** sum((step - 2) / steps * 10_000 > halving for halving in _HALVINGS)


@dataclass(frozen=True)
class _SquareDraw:
    """The drawn part of one image's change: its places, and its numbers (float32)."""

    places: Sequence[Place]
    numbers: NDArray[np.float32]


@dataclass(frozen=True)
class _SquareChange:
    """A change of one image, drawn and then applied: so a GPU is sent what is drawn for all images at once.

    Attributes:
        draw: by the image's shape, the share that a square covers, and the image's generator.
        apply: to the change until now ``(3, H, W)``, with epsilon, the places and the numbers.
    """

    draw: Callable[[Shape, float, np.random.Generator], _SquareDraw]
    apply: Callable[[Tensor, float, Sequence[Place], Tensor], Tensor]

    def perturb(self, problem: Problem, at: Tensor, shares: Sequence[float]) -> Tensor:
        """The pixels after one more change of each image; ``at`` is where they stand."""
        import torch

        shape = tuple(at.shape[1:])
        drawn = [self.draw(shape, *arguments) for arguments in zip(shares, problem.generators, strict=True)]
        sent = torch.from_numpy(np.concatenate([draw.numbers.ravel(order="K") for draw in drawn])).to(at.device)
        ends = np.cumsum([draw.numbers.size for draw in drawn]).tolist()
        # In the layout in which they were drawn: lying bumps are upright ones transposed, and sums follow the memory.
        numbers = [
            sent[end - draw.numbers.size : end].as_strided(
                draw.numbers.shape,
                [step // draw.numbers.itemsize for step in draw.numbers.strides],
                end - draw.numbers.size,
            )
            for end, draw in zip(ends, drawn, strict=True)
        ]
        deltas = [
            self.apply(delta, problem.budget.epsilon, draw.places, part)
            for delta, draw, part in zip(at - problem.pixels, drawn, numbers, strict=True)
        ]
        return problem.projected(problem.pixels, torch.stack(deltas))


def _side(share: float, shape: Shape) -> int:
    """Side of the square that covers that share of an image ``(3, H, W)``; at least 1."""
    height, width = shape[1:]
    side: int = min(max(round(math.sqrt(share * height * width)), 1), height, width)
    return side


def _draw_signs(generator: np.random.Generator, *shape: int) -> NDArray[np.float32]:
    return (2.0 * generator.integers(0, 2, shape) - 1.0).astype(np.float32)


def _draw_place(generator: np.random.Generator, side: int, shape: Shape) -> Place:
    """A square of that side anywhere in the image, in all channels."""
    row, column = (int(generator.integers(0, length - side + 1)) for length in shape[1:])
    return slice(None), slice(row, row + side), slice(column, column + side)


def _draw_bump(generator: np.random.Generator, side: int, channels: int) -> NDArray[np.float32]:
    """A bump in each channel, up or down; all upright or all lying."""
    hill = _hill(side)
    return (hill if generator.integers(2) else hill.T) * _draw_signs(generator, channels, 1, 1)


def _draw_stripes(shape: Shape, share: float, generator: np.random.Generator) -> _SquareDraw:
    return _SquareDraw((), _draw_signs(generator, shape[0], 1, shape[2]))


def _apply_stripes(delta: Tensor, epsilon: float, places: Sequence[Place], signs: Tensor) -> Tensor:
    """Add vertical stripes of one pixel, each value all up or all down."""
    return delta + epsilon * signs


def _draw_square(shape: Shape, share: float, generator: np.random.Generator) -> _SquareDraw:
    place = _draw_place(generator, _side(share, shape), shape)
    return _SquareDraw((place,), _draw_signs(generator, shape[0], 1, 1))


def _apply_square(delta: Tensor, epsilon: float, places: Sequence[Place], signs: Tensor) -> Tensor:
    """Add one square, all of each channel up or down by as much as the ball allows."""
    delta = delta.clone()
    delta[places[0]] += 2 * epsilon * signs
    return delta


def _draw_bumps(shape: Shape, share: float, generator: np.random.Generator) -> _SquareDraw:
    height, width = shape[1:]
    side = max(min(height, width) // 5, min(height, width, 2))
    corners = [
        (row, column)
        for row in range(height % side // 2, height - side + 1, side)
        for column in range(width % side // 2, width - side + 1, side)
    ]
    places = [(slice(None), slice(row, row + side), slice(column, column + side)) for row, column in corners]
    return _SquareDraw(places, np.stack([_draw_bump(generator, side, shape[0]) for _ in places]))


def _apply_bumps(delta: Tensor, epsilon: float, places: Sequence[Place], bumps: Tensor) -> Tensor:
    """Add bumps of a fifth of the height in all places of a grid, together of length epsilon."""
    delta = delta.clone()
    for place, bump in zip(places, bumps, strict=True):
        delta[place] += bump
    return _stretch(delta, epsilon)


def _draw_moved_bump(shape: Shape, share: float, generator: np.random.Generator) -> _SquareDraw:
    side = min(max(_side(share, shape), 3) | 1, *shape[1:])
    to, source = _draw_place(generator, side, shape), _draw_place(generator, side, shape)
    return _SquareDraw((to, source), _draw_bump(generator, side, shape[0]))


def _apply_moved_bump(delta: Tensor, epsilon: float, places: Sequence[Place], bump: Tensor) -> Tensor:
    """Give the change of one window, and what is left of epsilon, to a bump in another; together of length epsilon."""
    to, source = places
    union = delta.clone()
    union[to] = 0
    union[source] = 0
    unspent = (epsilon**2 - delta.square().sum().double()).clamp(min=0)
    length = (unspent / len(delta) + (delta - union).square().sum().double()).sqrt()
    bump = bump + delta[to] / (_norms(delta[to]) + _LEAST)
    moved = delta.clone()
    moved[source] = 0
    moved[to] = length * bump / (_norms(bump) + _LEAST)
    return _stretch(moved, epsilon)


def _stretch(delta: Tensor, length: float) -> Tensor:
    return delta * (length / (delta.square().sum().sqrt().double() + _LEAST))


def _norms(window: Tensor) -> Tensor:
    """Length of each channel of ``(3, S, S)``, as ``(3, 1, 1)``."""
    return window.square().sum(dim=(1, 2), keepdim=True).sqrt()


@lru_cache(maxsize=256)
def _hill(side: int) -> NDArray[np.float32]:
    """A hill above a valley ``(side, side)``, of length 1: each rises towards its middle in square rings.

    Source: Andriushchenko et al. 2020, section 4.3: ring d of m has height 1/(d+1)² + … + 1/m².
    """

    def rings(height: int) -> NDArray[np.float64]:
        rows, columns = np.ogrid[:height, :side]
        ring = np.maximum(abs(rows - height // 2), abs(columns - side // 2))
        count = max(height, side) // 2 + 1
        heights = np.cumsum(1 / np.arange(1, count + 1)[::-1] ** 2)[::-1]
        values: NDArray[np.float64] = heights[ring]
        return values / max(float(np.linalg.norm(values)), _LEAST)

    both = np.concatenate([rings(side // 2), -rings(side - side // 2)])
    hill: NDArray[np.float32] = (both / np.linalg.norm(both)).astype(np.float32)
    return hill


_FIRST: dict[Norm, _SquareChange] = {
    "linf": _SquareChange(_draw_stripes, _apply_stripes),
    "l2": _SquareChange(_draw_bumps, _apply_bumps),
}
_NEXT: dict[Norm, _SquareChange] = {
    "linf": _SquareChange(_draw_square, _apply_square),
    "l2": _SquareChange(_draw_moved_bump, _apply_moved_bump),
}
"""How the search begins and goes on in each norm."""
