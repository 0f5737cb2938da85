"""Balls of the norms: what lies within, how far a change goes, back into the ball, the steepest step, chance within."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, get_args

import numpy as np
from numpy.typing import NDArray

from hardiness.attacks.threats import Threat, threat_models
from hardiness.core.attack_plan import Norm
from hardiness.core.errors import ArgumentError, suggestion

if TYPE_CHECKING:
    from torch import Tensor


Shape = tuple[int, ...]

LINF_TOLERANCE, L2_TOLERANCE, L1_TOLERANCE = 1e-6, 1e-5, 1e-4
"""How far beyond epsilon a change may go by rounding: by so much, or by such a share of it (L2, L1)."""

_MOST_PIECES = 50
_NEAR = 1e-6


class NormBall(Threat):
    """The ball of a norm that attacks go by with gradients.

    Attributes:
        box: whether it is a box, so that clipping each value is all there is to projecting.
    """

    box: ClassVar[bool]

    def distance(self, pixels: Tensor, clean: Tensor) -> Tensor:
        return self.length(pixels - clean)

    @abstractmethod
    def length(self, delta: Tensor) -> Tensor:
        """The length, float32 ``(N,)``, of each sample of ``delta (N, 3, H, W)``."""

    @abstractmethod
    def project_(self, delta: Tensor, epsilon: float) -> Tensor:
        """The nearest points to ``delta`` of at most that length, put in its place."""

    @abstractmethod
    def steepest(self, gradient: Tensor) -> Tensor:
        """The step of length 1 along which the loss rises most; zero where the gradient is zero."""

    @abstractmethod
    def draw(self, shape: Shape, generator: np.random.Generator) -> NDArray[np.float32]:
        """A point drawn uniformly from the unit ball."""

    @abstractmethod
    def speed(self, pull: Tensor) -> Tensor:
        """How fast each value moves along the shortest way to a hyperplane, by its share of the normal."""


@threat_models.add("linf")
class Linf(NormBall):
    """The L-infinity ball."""

    summary: ClassVar[str] = "Every value may change by epsilon."
    unit: ClassVar[str] = "in units of the [0, 1] range"
    most: ClassVar[float] = 1.0
    whole: ClassVar[float | None] = 1.0
    box: ClassVar[bool] = True

    def contains(self, pixels: Tensor, clean: Tensor, epsilon: float) -> Tensor:
        """Whether the largest change is at most epsilon, to 1e-6."""
        return self.distance(pixels, clean) <= epsilon + LINF_TOLERANCE

    def sample(self, clean: Tensor, epsilon: float, generators: Sequence[np.random.Generator]) -> Tensor:
        """Every value up or down by epsilon: the corners, where noise does most."""
        signs = uniform("linf", tuple(clean.shape), generators).sign().to(clean.device)
        return (clean + epsilon * signs).clamp(0, 1)

    def length(self, delta: Tensor) -> Tensor:
        """The largest change of a value."""
        import torch

        longest: Tensor = torch.linalg.vector_norm(delta, float("inf"), dim=(1, 2, 3))
        return longest

    def project_(self, delta: Tensor, epsilon: float) -> Tensor:
        """Clip each value, in place."""
        return delta.clamp_(-epsilon, epsilon)

    def steepest(self, gradient: Tensor) -> Tensor:
        """The gradient's sign."""
        return gradient.sign()

    def draw(self, shape: Shape, generator: np.random.Generator) -> NDArray[np.float32]:
        """Each value uniform in [-1, 1]."""
        return 2 * generator.random(shape, np.float32) - 1

    def speed(self, pull: Tensor) -> Tensor:
        """All values equally fast."""
        return pull.sign()


@threat_models.add("l2")
class L2(NormBall):
    """The L2 ball."""

    summary: ClassVar[str] = "The root of the sum of all squared changes is at most epsilon."
    unit: ClassVar[str] = "the Euclidean length over all values in [0, 1]"
    most: ClassVar[float] = 1000.0
    whole: ClassVar[float | None] = 1000.0
    box: ClassVar[bool] = False

    def contains(self, pixels: Tensor, clean: Tensor, epsilon: float) -> Tensor:
        """Whether each picture's distance is at most epsilon, to a relative 1e-5."""
        return self.distance(pixels, clean) <= epsilon * (1 + L2_TOLERANCE)

    def sample(self, clean: Tensor, epsilon: float, generators: Sequence[np.random.Generator]) -> Tensor:
        """Any direction; in so many dimensions practically at length epsilon."""
        return (clean + epsilon * uniform("l2", tuple(clean.shape), generators).to(clean.device)).clamp(0, 1)

    def length(self, delta: Tensor) -> Tensor:
        """The Euclidean length over all values."""
        return _length(delta).flatten().float()

    def project_(self, delta: Tensor, epsilon: float) -> Tensor:
        """Divide each change by the factor by which it is too long, in place."""
        # A zero delta has the factor 0/0 here, which the comparison drops.
        length = _length(delta)
        return delta.mul_((epsilon / length).where(length > epsilon, length.new_ones(())).float())

    def steepest(self, gradient: Tensor) -> Tensor:
        """The gradient over its length."""
        # Divided by the largest value first: squares of a vanishing gradient would be zero in float32.
        scaled = gradient / _nonzero(_BALLS["linf"].length(gradient))[:, None, None, None]
        return scaled.div_(_nonzero(_length(scaled)).float())

    def draw(self, shape: Shape, generator: np.random.Generator) -> NDArray[np.float32]:
        """A point in a normal vector's direction, which is uniform, at a radius of U**(1/dimensions)."""
        direction = generator.standard_normal(shape, np.float32)
        radius = generator.random() ** (1 / direction.size)
        drawn: NDArray[np.float32] = direction * np.float32(radius / np.linalg.norm(direction.astype(np.float64)))
        return drawn

    def speed(self, pull: Tensor) -> Tensor:
        """Each value as fast as its share of the normal."""
        return pull


@threat_models.add("l1")
class L1(Threat):
    """The L1 ball."""

    summary: ClassVar[str] = (
        "The sum of all changes' sizes is at most epsilon: a few values by much, or many by little."
    )
    unit: ClassVar[str] = "the sum of the changes of all values in [0, 1]"
    most: ClassVar[float] = 1e6
    whole: ClassVar[float | None] = 1e6

    def distance(self, pixels: Tensor, clean: Tensor) -> Tensor:
        """The sum of each picture's changes."""
        import torch

        return (pixels - clean).abs().sum(dim=(1, 2, 3), dtype=torch.float64).float()

    def contains(self, pixels: Tensor, clean: Tensor, epsilon: float) -> Tensor:
        """Whether each picture's distance is at most epsilon, to a relative 1e-4."""
        return self.distance(pixels, clean) <= epsilon * (1 + L1_TOLERANCE)

    def sample(self, clean: Tensor, epsilon: float, generators: Sequence[np.random.Generator]) -> Tensor:
        """Values at random turned to 0 or 1, whichever is further, until epsilon is used up."""
        import torch

        drawn = []
        for image, generator in zip(clean, generators, strict=True):
            flat = image.flatten()
            order = torch.from_numpy(generator.permutation(flat.numel())).to(flat.device)
            far = (flat < 0.5).float() - flat
            spent = far[order].abs().cumsum(0)
            chosen = order[spent <= epsilon]
            moved = flat.clone()
            moved[chosen] += far[chosen]
            drawn.append(moved.view_as(image))
        return torch.stack(drawn)


@threat_models.add("l0")
class L0(Threat):
    """The L0 ball."""

    summary: ClassVar[str] = "So many pixels may change, to any colour."
    unit: ClassVar[str] = "a number of pixels"
    most: ClassVar[float] = 1e6
    whole: ClassVar[float | None] = 1e6

    def distance(self, pixels: Tensor, clean: Tensor) -> Tensor:
        """How many positions differ in any channel."""
        return (pixels != clean).any(dim=1).flatten(1).sum(1).float()

    def contains(self, pixels: Tensor, clean: Tensor, epsilon: float) -> Tensor:
        """Whether at most epsilon positions differ."""
        return self.distance(pixels, clean) <= epsilon

    def sample(self, clean: Tensor, epsilon: float, generators: Sequence[np.random.Generator]) -> Tensor:
        """Pixels at random, each in one of the eight corners of the colours."""
        import torch

        drawn = clean.clone()
        positions = clean.shape[2] * clean.shape[3]
        for image, generator in zip(drawn, generators, strict=True):
            places = generator.choice(positions, min(int(epsilon), positions), replace=False)
            colours = generator.integers(0, 2, (3, len(places))).astype(np.float32)
            image.flatten(1)[:, torch.from_numpy(places)] = torch.from_numpy(colours).to(clean.device)
        return drawn


def distance(norm: Norm, delta: Tensor) -> Tensor:
    """Length ``(N,)``, float32, of each sample of ``delta (N, 3, H, W)``."""
    return _ball(norm).length(delta)


def project_(norm: Norm, delta: Tensor, epsilon: float) -> Tensor:
    """The nearest points to ``delta (N, 3, H, W)`` whose length is at most ``epsilon``, put in its place.

    In place, since in an attack's step new memory would cost more than the arithmetic.
    """
    return _ball(norm).project_(delta, epsilon)


def is_box(norm: Norm) -> bool:
    """Whether the norm's ball is a box, so that clipping each value is all there is to projecting."""
    return _ball(norm).box


def steepest(norm: Norm, gradient: Tensor) -> Tensor:
    """The step of length 1 along which the loss rises most, by its ``gradient (N, 3, H, W)``; zero where that is zero.

    Source: the maximiser of ⟨gradient, step⟩ over the unit ball: its sign (L∞), or the gradient over its length (L2).
    """
    return _ball(norm).steepest(gradient)


def uniform(norm: Norm, shape: Shape, generators: Sequence[np.random.Generator]) -> Tensor:
    """Points drawn uniformly from the unit ball, float32 ``(N, 3, H, W)``, each by its own generator.

    Args:
        norm: whose ball.
        shape: ``(N, 3, H, W)``.
        generators: one for each of the N samples; a sample's draw depends on nothing else.
    """
    import torch

    draw = _ball(norm).draw
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
    speed = _ball(norm).speed(pull)
    missing = (height.abs() / scale.flatten()).double()
    time = torch.zeros_like(scale)
    for _ in range(_MOST_PIECES):
        moved = torch.minimum(time * speed, room)
        shortfall = missing - (pull * moved).sum(dim=(1, 2, 3), dtype=torch.float64)
        slope = (pull * speed * (moved < room)).sum(dim=(1, 2, 3), dtype=torch.float64)
        is_moving = (shortfall > _NEAR * missing) & (slope > 0)
        if not bool(is_moving.any()):
            break
        time = (
            time
            + torch.where(is_moving, shortfall / _nonzero(slope), shortfall.new_zeros(()))[:, None, None, None].float()
        )
    return direction.sign() * torch.minimum(time * speed, room)


def _length(delta: Tensor) -> Tensor:
    """The length, float64 ``(N, 1, 1, 1)``: a sum of 150,000 squares, compared with epsilon to a relative 1e-5."""
    import torch

    length: Tensor = torch.linalg.vector_norm(delta, dim=(1, 2, 3), keepdim=True, dtype=torch.float64)
    return length


def _nonzero(values: Tensor) -> Tensor:
    return values.where(values > 0, values.new_ones(()))


_BALLS: dict[Norm, NormBall] = {"linf": Linf(), "l2": L2()}


def _ball(norm: Norm) -> NormBall:
    if norm not in _BALLS:
        raise ArgumentError(f"norm cannot be {norm!r}{suggestion(str(norm), sorted(get_args(Norm)))}")
    return _BALLS[norm]
