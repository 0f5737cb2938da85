"""The geometry of each norm on pixels: how far, back into the ball, the steepest step, uniform in the ball."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

import numpy as np
from numpy.typing import NDArray

from hardiness.core import ArgumentError, Norm, suggestion

if TYPE_CHECKING:
    from torch import Tensor


Shape = tuple[int, ...]

_MOST_PIECES = 50
_NEAR = 1e-6


def distance(norm: Norm, delta: Tensor) -> Tensor:
    """Length ``(N,)``, float32, of each sample of ``delta (N, 3, H, W)``."""
    return _geometry(norm).distance(delta)


def project_(norm: Norm, delta: Tensor, epsilon: float) -> Tensor:
    """The nearest points to ``delta (N, 3, H, W)`` whose length is at most ``epsilon``, put in its place.

    In place, since in an attack's step new memory would cost more than the arithmetic.
    """
    return _geometry(norm).project_(delta, epsilon)


def is_box(norm: Norm) -> bool:
    """Whether its ball is a box, so that clipping each value is all there is to projecting."""
    return _geometry(norm).box


def steepest(norm: Norm, gradient: Tensor) -> Tensor:
    """The step of length 1 along which the loss rises most, by its ``gradient (N, 3, H, W)``; zero where that is zero.

    Source: the maximiser of ⟨gradient, step⟩ over the unit ball: its sign (L∞), or the gradient over its length (L2).
    """
    return _geometry(norm).steepest(gradient)


def uniform(norm: Norm, shape: Shape, generators: Sequence[np.random.Generator]) -> Tensor:
    """Points drawn uniformly from the unit ball, float32 ``(N, 3, H, W)``, each by its own generator.

    Args:
        norm: whose ball.
        shape: ``(N, 3, H, W)``.
        generators: one for each of the N samples; a sample's draw depends on nothing else.
    """
    import torch

    draw = _geometry(norm).draw
    drawn = np.empty(shape, np.float32)
    for row, generator in zip(drawn, generators, strict=True):
        row[...] = draw(shape[1:], generator)
    return torch.from_numpy(drawn)


def onto_hyperplane(norm: Norm, pixels: Tensor, normal: Tensor, height: Tensor) -> Tensor:
    """The shortest move that brings ``pixels`` onto a hyperplane and keeps them in [0, 1].

    Args:
        norm: by which it is short.
        pixels: ``(N, 3, H, W)`` in [0, 1].
        normal: of each sample's hyperplane, ``(N, 3, H, W)``.
        height: ``(N,)``, by how much ⟨normal, pixels⟩ is above its value on the hyperplane; may be negative.

    Returns:
        The move, ``(N, 3, H, W)``; where [0, 1] does not meet the hyperplane, the one that comes nearest.

    Source: Croce & Hein 2020, arXiv:1907.02044, section 2.1. A value moves at a speed of its own until it is at the
        border, so the descent is a concave function of the time of piecewise constant slope; Newton's method from
        time 0 never overshoots and ends after finitely many pieces.
    """
    import torch

    direction = normal * -height.sign()[:, None, None, None]
    scale = _nonzero(direction.abs().amax(dim=(1, 2, 3), keepdim=True))
    pull = direction.abs() / scale
    room = torch.where(direction > 0, 1 - pixels, pixels)
    speed = _geometry(norm).speed(pull)
    missing = (height.abs() / scale.flatten()).double()
    time = torch.zeros_like(scale)
    for _ in range(_MOST_PIECES):
        moved = torch.minimum(time * speed, room)
        left = missing - (pull * moved).sum(dim=(1, 2, 3), dtype=torch.float64)
        slope = (pull * speed * (moved < room)).sum(dim=(1, 2, 3), dtype=torch.float64)
        going = (left > _NEAR * missing) & (slope > 0)
        if not bool(going.any()):
            break
        time = time + torch.where(going, left / _nonzero(slope), left.new_zeros(()))[:, None, None, None].float()
    return direction.sign() * torch.minimum(time * speed, room)


@dataclass(frozen=True)
class _Geometry:
    distance: Callable[[Tensor], Tensor]
    project_: Callable[[Tensor, float], Tensor]
    steepest: Callable[[Tensor], Tensor]
    draw: Callable[[Shape, np.random.Generator], NDArray[np.float32]]
    box: bool
    speed: Callable[[Tensor], Tensor]
    """How fast each value moves along the shortest way to a hyperplane, by its share of the normal."""


def _linf_distance(delta: Tensor) -> Tensor:
    import torch

    longest: Tensor = torch.linalg.vector_norm(delta, float("inf"), dim=(1, 2, 3))
    return longest


def _linf_project_(delta: Tensor, epsilon: float) -> Tensor:
    return delta.clamp_(-epsilon, epsilon)


def _linf_steepest(gradient: Tensor) -> Tensor:
    return gradient.sign()


def _linf_draw(shape: Shape, generator: np.random.Generator) -> NDArray[np.float32]:
    return 2 * generator.random(shape, np.float32) - 1


def _linf_speed(pull: Tensor) -> Tensor:
    return pull.sign()


def _l2_distance(delta: Tensor) -> Tensor:
    return _length(delta).flatten().float()


def _l2_project_(delta: Tensor, epsilon: float) -> Tensor:
    # A zero delta has the factor 0/0 here, which the comparison drops.
    length = _length(delta)
    return delta.mul_((epsilon / length).where(length > epsilon, length.new_ones(())).float())


def _l2_steepest(gradient: Tensor) -> Tensor:
    # Divided by the largest value first: squares of a vanishing gradient would be zero in float32.
    scaled = gradient / _nonzero(_linf_distance(gradient))[:, None, None, None]
    return scaled.div_(_nonzero(_length(scaled)).float())


def _l2_draw(shape: Shape, generator: np.random.Generator) -> NDArray[np.float32]:
    """Source: a normal vector's direction is uniform, and the radius of a uniform point is U**(1/dimensions)."""
    direction = generator.standard_normal(shape, np.float32)
    radius = generator.random() ** (1 / direction.size)
    drawn: NDArray[np.float32] = direction * np.float32(radius / np.linalg.norm(direction.astype(np.float64)))
    return drawn


def _l2_speed(pull: Tensor) -> Tensor:
    return pull


def _length(delta: Tensor) -> Tensor:
    """Float64 ``(N, 1, 1, 1)``: a sum of 150,000 squares, held against epsilon to a relative 1e-5."""
    import torch

    length: Tensor = torch.linalg.vector_norm(delta, dim=(1, 2, 3), keepdim=True, dtype=torch.float64)
    return length


def _nonzero(values: Tensor) -> Tensor:
    return values.where(values > 0, values.new_ones(()))


_GEOMETRIES: dict[Norm, _Geometry] = {
    "linf": _Geometry(_linf_distance, _linf_project_, _linf_steepest, _linf_draw, True, _linf_speed),
    "l2": _Geometry(_l2_distance, _l2_project_, _l2_steepest, _l2_draw, False, _l2_speed),
}


def _geometry(norm: Norm) -> _Geometry:
    if norm not in _GEOMETRIES:
        raise ArgumentError(f"norm cannot be {norm!r}{suggestion(str(norm), sorted(get_args(Norm)))}")
    return _GEOMETRIES[norm]
