"""Distortions applied: one image or many at once, still or as a sequence of frames; each found by name."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Generic, NamedTuple, TypeVar, cast

import numpy as np

from hardiness.core.benchmark import Image
from hardiness.core.errors import ArgumentError
from hardiness.core.random import rng
from hardiness.core.registry import Registry, instance_of
from hardiness.distortions.levels import Parameter, Quantity, Strength, level_parts
from hardiness.imaging.resizing import Size, Window, centre
from hardiness.reference.sets import SEVERITIES, compared_with_first
from hardiness.reference.strengths import strengths_of

Shape = tuple[int, int, int]

L = TypeVar("L", bound=NamedTuple)
D = TypeVar("D")


def no_draws(rng: np.random.Generator, shape: Shape, level: Any) -> None:
    """``None``: a corruption that uses no random numbers draws none."""


def nothing_needed() -> None:
    """Requires no data files: the corruption is made of the image alone."""


@dataclass(frozen=True)
class Corruption(Generic[L, D]):
    """One corruption at several severities; drawing and applying are apart, so that draws can be replayed.

    Attributes:
        name: registered name.
        group: the kind of distortion, for listings: ``noise``, ``blur``, ``weather``, ``digital`` or another word.
        levels: a row of named parameters for each severity, severity 1 first; most have five.
        draw: ``(rng, shape, level)`` to everything random that an image of that shape needs.
        apply: ``(image, level, draws)`` to the corrupted image; uses no generator, and may write into the image,
            which is a copy.
        version: raised whenever it gives other bytes for the same image, severity, seed and id; part of the keys of
            the runs that use it, and of no others.
        require: raises a `DataError` where something it reads (pictures, a font) is not there.
        quantity: the one parameter of its rows, where it takes any value of that; ``None`` where it has its severities
            alone.
        units: of the parameters of a row in their order, in words; where there are none, that of the quantity.
        summary: what it does, in a line for listings.
    """

    name: str
    group: str
    levels: tuple[L, ...]
    draw: Callable[[np.random.Generator, Shape, L], D]
    apply: Callable[[Image, L, D], Image]
    version: int = 1
    require: Callable[[], None] = nothing_needed
    quantity: Quantity | None = None
    units: tuple[str, ...] = ()
    summary: str = ""

    def __post_init__(self) -> None:
        assert self.levels, f"{self.name}: a row of parameters for each severity"
        what, fields = f"corruption {self.name}", self.levels[0]._fields
        if self.units and len(self.units) != len(fields):
            raise ArgumentError(f"{what}: units must be one for each of {', '.join(fields)}, had {len(self.units)}")
        if self.quantity is None:
            return
        if any(row._fields != (self.quantity.name,) for row in self.levels):
            raise ArgumentError(
                f"{what}: quantity {self.quantity.name!r} must be the one field of each level, which are "
                f"{', '.join(self.levels[0]._fields)}"
            )
        strengths = [self.quantity.strength(self.quantity.value(row[0], what)) for row in self.levels]
        if strengths != sorted(strengths):
            raise ArgumentError(
                f"{what}: its levels must grow stronger with the severity, and {self.quantity.name} is stronger "
                f"{self.quantity.stronger}"
            )

    @property
    def severities(self) -> tuple[int, ...]:
        """The severities that it has, 1 first."""
        return tuple(range(1, len(self.levels) + 1))

    @property
    def deterministic(self) -> bool:
        """Whether it draws nothing."""
        return self.draw is no_draws

    @property
    def parameters(self) -> tuple[dict[str, Any], ...]:
        """The rows of parameters as plain mappings, for listings."""
        return tuple(level._asdict() for level in self.levels)

    def level(self, severity: int) -> L:
        """The row of one severity; one that has a single severity has it for each of `SEVERITIES`.

        Raises:
            ArgumentError: it does not have that severity.
        """
        return self.levels[self.severity_of(severity) - 1]

    def severity_of(self, severity: int) -> int:
        """The severity of its own that one stands for: 1 where it has no other, so that a loop over all may go on.

        Raises:
            ArgumentError: it does not have that severity.
        """
        accepted = self.severities if len(self.levels) > 1 else SEVERITIES
        if isinstance(severity, bool) or severity not in accepted:
            raise ArgumentError(f"severity must be a whole number from 1 to {len(accepted)}, was {severity!r}")
        return int(severity) if len(self.levels) > 1 else 1

    def level_text(self, quantity: Mapping[str, Any]) -> str:
        """The level of a quantity that a person gave by name, as in ``quality=17``.

        Raises:
            ArgumentError: the corruption has no such quantity, several were given, or the value is none that it takes.
        """
        what, names = f"corruption {self.name}", ", ".join(quantity)
        own = self.known_quantity(names)
        if list(quantity) != [own.name]:
            raise ArgumentError(f"{what} has no quantity {names!r}; its quantity is {own.name}")
        return own.text(own.value(quantity[own.name], what))

    def known_quantity(self, request: str) -> Quantity:
        """Its quantity.

        Args:
            request: what was asked for, for the message.

        Raises:
            ArgumentError: it has none.
        """
        if self.quantity is None:
            several = "several parameters" if len(self.levels[0]) > 1 else "no quantity"
            others = [name for name in corruptions if (other := corruptions.find(name)) and other.quantity]
            raise ArgumentError(
                f"corruption {self.name} has {several}, and so severities alone; was asked for {request}, which "
                f"{', '.join(others)} take"
            )
        return self.quantity

    def level_of(self, text: str) -> str:
        """The level of its quantity that a text such as ``"quality=17.0"`` names; equal values, equal texts.

        Raises:
            ArgumentError: it has no quantity, or the text names no value of that.
        """
        quantity = self.known_quantity(text)
        return quantity.text(quantity.value_of(text, f"corruption {self.name}"))

    def key_of(self, strength: Strength) -> Strength:
        """The severity or the level by which its draws are keyed: a level that is published is its severity.

        Raises:
            ArgumentError: it does not have that severity, or its quantity not that value.
        """
        if not isinstance(strength, str) or "=" not in strength:
            return self.severity_of(cast(int, strength))
        level = self.level_of(strength)
        published = [self.known_quantity(strength).text(row[0]) for row in self.levels]
        return published.index(level) + 1 if level in published else level

    def row_of(self, strength: Strength) -> L:
        """The row of parameters of a severity or a level; raises as `key_of`."""
        key = self.key_of(strength)
        if not isinstance(key, str):
            return self.levels[key - 1]
        value = self.known_quantity(key).value_of(key, f"corruption {self.name}")
        return type(self.levels[0])(value)  # type: ignore[call-overload,no-any-return]  # a row of one number

    def parameters_at(self, strength: Strength) -> tuple[Parameter, ...]:
        """The named parameters of a severity or a level, with their units as far as these are said.

        One that has a usual value is left out where it has that.
        """
        row = self.row_of(strength)
        units = self.units or ((self.quantity.unit,) if self.quantity else ("",) * len(row))
        values = zip(row._asdict().items(), units, strict=True)
        usual = row._field_defaults
        return tuple(
            Parameter(name, value, unit) for (name, value), unit in values if name not in usual or value != usual[name]
        )


corruptions: Registry[Corruption[Any, Any]] = Registry(
    "corruption", "hardiness.distortions.still", "hardiness.corruptions", instance_of(Corruption)
)
"""Every corruption, by name."""


def corruption(
    group: str,
    levels: tuple[L, ...],
    draw: Callable[[np.random.Generator, Shape, L], D],
    *,
    version: int = 1,
    require: Callable[[], None] = nothing_needed,
    quantity: Quantity | None = None,
    units: tuple[str, ...] = (),
    summary: str = "",
) -> Callable[[Callable[[Image, L, D], Image]], Corruption[L, D]]:
    """Decorator that registers ``apply`` under the function's own name.

    Args:
        group: as in `Corruption`.
        levels: as in `Corruption`.
        draw: as in `Corruption`.
        version: as in `Corruption`.
        require: as in `Corruption`.
        quantity: as in `Corruption`.
        units: as in `Corruption`.
        summary: as in `Corruption`.
    """

    def decorate(apply: Callable[[Image, L, D], Image]) -> Corruption[L, D]:
        entry = Corruption(apply.__name__, group, levels, draw, apply, version, require, quantity, units, summary)
        corruptions.register(entry.name, entry, f"{apply.__module__}:{apply.__name__}")
        return entry

    return decorate


def corruption_under(name: str, protocol: str = "") -> Corruption[Any, Any]:
    """The corruption of that name at the strengths of a protocol.

    Args:
        name: of a registered corruption.
        protocol: of `hardiness.reference.strengths`, as ``"cifar10-c"``; empty for the strengths of ImageNet-C, with
            which corruptions are registered.

    Raises:
        UnknownNameError: there is no such corruption or protocol.
        ArgumentError: the protocol has no strengths of it.
    """
    return _under(corruptions.get(name), protocol) if protocol else corruptions.get(name)


@lru_cache(maxsize=256)
def _under(distortion: Corruption[L, D], protocol: str) -> Corruption[L, D]:
    strengths = strengths_of(protocol)
    if distortion.name not in strengths:
        raise ArgumentError(
            f"protocol {protocol} has no strengths of {distortion.name}, but of {', '.join(strengths)}; leave the "
            "protocol out"
        )
    row = type(distortion.levels[0])
    return replace(distortion, levels=tuple(row(*values) for values in strengths[distortion.name]))


def parameters_of(name: str, strength: Strength, protocol: str = "") -> tuple[Parameter, ...]:
    """The named parameters with units that a corruption was made with: of a severity, or of a level.

    None of a corruption that is not registered here, as of one that ships as files alone; of its level what that says.

    Args:
        name: of the corruption.
        strength: a severity, as ``2``, or a level, as ``"quality=17"``.
        protocol: whose severities they are, as of `corrupt`.

    Raises:
        ArgumentError: the corruption does not have that severity, or its quantity not that value.
    """
    if corruptions.find(name) is not None:
        return corruption_under(name, protocol).parameters_at(strength)
    if not isinstance(strength, str):
        return ()
    quantity, value = level_parts(strength, f"corruption {name}")
    return (Parameter(quantity, float(value)),)


def corruption_versions(names: Iterable[str]) -> dict[str, int]:
    """The versions of those corruptions that are not at their first, for keys."""
    return versions({name: corruptions.get(name).version for name in names})


def versions(by_name: Mapping[str, int]) -> dict[str, int]:
    """The versions that are not 1, by name: few, so that they name what two runs differ in."""
    return {name: by_name[name] for name in sorted(by_name) if by_name[name] != 1}


SIDE_PX = 224
"""Side of a frame."""

DIFFICULTIES = (1, 2, 3)


class SequenceSource(NamedTuple):
    """The photograph that a sequence is made of.

    Attributes:
        whole: ``uint8 (H, W, 3)``, the photograph with its shorter side at 256 pixels.
        window: where the central crop lies on it.
        crop: ``uint8 (224, 224, 3)``, a copy of that part.
    """

    whole: Image
    window: Window
    crop: Image


def no_frame_draws(rng: np.random.Generator, level: Any) -> None:
    """``None``: a perturbation that uses no random numbers draws none."""


@dataclass(frozen=True)
class Perturbation(Generic[L, D]):
    """One perturbation; drawing and applying are apart, so that draws can be replayed.

    Attributes:
        name: registered name.
        group: ``noise``, ``blur``, ``weather`` or ``digital``.
        levels: a row of named parameters for each difficulty that it has, difficulty 1 first.
        frames: how many a sequence has.
        draw: ``(rng, level)`` to everything random that a sequence needs; where that is much, an iterator of it.
        apply: ``(source, level, draws)`` to the frames, in turn; uses no generator; its source is a copy.
        version: raised whenever it gives other bytes for the same image, difficulty, seed and id; part of the keys of
            the runs that use it, and of no others.
        summary: what it does, in a line for listings.
    """

    name: str
    group: str
    levels: tuple[L, ...]
    frames: int
    draw: Callable[[np.random.Generator, L], D]
    apply: Callable[[SequenceSource, L, D], Iterator[Image]]
    version: int = 1
    summary: str = ""

    @property
    def deterministic(self) -> bool:
        """Whether it draws nothing."""
        return self.draw is no_frame_draws

    @property
    def parameters(self) -> tuple[dict[str, Any], ...]:
        """The rows of parameters as plain mappings, for listings."""
        return tuple(level._asdict() for level in self.levels)

    @property
    def compared_with_first(self) -> bool:
        """Whether each frame is compared with the first, which is clean, and not with the one before."""
        return compared_with_first(self.name)

    def level(self, difficulty: int) -> L:
        """The row of one difficulty.

        Raises:
            ArgumentError: it does not have that difficulty.
        """
        if isinstance(difficulty, bool) or difficulty not in range(1, len(self.levels) + 1):
            have = "difficulty 1 alone" if len(self.levels) == 1 else f"difficulties 1 to {len(self.levels)}"
            raise ArgumentError(f"{self.name} has {have}, was asked for {difficulty!r}")
        return self.levels[int(difficulty) - 1]


perturbations: Registry[Perturbation[Any, Any]] = Registry(
    "perturbation", "hardiness.distortions.moving", "hardiness.perturbations", instance_of(Perturbation)
)
"""Every perturbation, by name."""


def perturbation(
    group: str,
    levels: tuple[L, ...],
    draw: Callable[[np.random.Generator, L], D],
    frames: int = 31,
    *,
    version: int = 1,
    summary: str = "",
) -> Callable[[Callable[[SequenceSource, L, D], Iterator[Image]]], Perturbation[L, D]]:
    """Decorator that registers ``apply`` under the function's own name.

    Args:
        group, levels, draw, frames, version, summary: as in `Perturbation`.
    """

    def decorate(apply: Callable[[SequenceSource, L, D], Iterator[Image]]) -> Perturbation[L, D]:
        entry = Perturbation(apply.__name__, group, levels, frames, draw, apply, version, summary)
        perturbations.register(entry.name, entry, f"{apply.__module__}:{apply.__name__}")
        return entry

    return decorate


def perturbation_versions(names: Iterable[str]) -> dict[str, int]:
    """The versions of those perturbations that are not at their first, for keys."""
    return versions({name: perturbations.get(name).version for name in names})


SMALLEST_PX = 32


def corrupt(
    image: Image,
    name: str,
    severity: Strength | None = None,
    *,
    seed: int = 0,
    id: str | None = None,  # noqa: A002
    protocol: str = "",
    **quantity: float | str,
) -> Image:
    """The corrupted image, ``uint8 (H, W, 3)``, always a new array.

    Args:
        image: ``uint8 (H, W, 3)``, RGB, sides of 32 pixels or more.
        name: of a registered corruption, e.g. ``"fog"``.
        severity: 1 (mildest) to 5, or to as many as the corruption has; one that has a single one takes each as that.
            A level as a text, ``"quality=17"``, will do.
        seed: of the run.
        id: of the sample, ``"<wnid>/<stem>"``; the draws depend on seed, name, severity or level, and id, and on
            nothing else. Without one the image's bytes stand for it, so that each image gets noise of its own.
        protocol: whose severities they are: ``"cifar10-c"`` for pictures of 32 px; ImageNet-C's if empty.
        quantity: in place of a severity the value of the corruption's quantity, as in ``quality=17``; a value of a
            severity gives the picture of that.

    Raises:
        ArgumentError: the image, the name, the severity, the protocol or the quantity is not as above.
        DataError: frost's pictures are not there.
    """
    distortion = corruption_under(name, protocol)
    strength = distortion.key_of(chosen_strength(distortion, severity, quantity))
    image = checked(image)
    if id is None:  # hashing takes as long as a quick corruption
        id = "" if distortion.deterministic else own_noise(image)  # noqa: A001
    return _corrupt(image, distortion, strength, seed, id)


def chosen_strength(
    distortion: Corruption[Any, Any], severity: Strength | None, quantity: Mapping[str, Any]
) -> Strength:
    """The severity, or the level of a quantity that was given in its place.

    Raises:
        ArgumentError: both were given, or the quantity is none that the corruption has.
    """
    if quantity and severity is not None:
        raise ArgumentError(f"give a severity or {', '.join(quantity)}, not both: severity was {severity!r}")
    if quantity:
        return distortion.level_text(quantity)
    return cast(Strength, severity)  # of none the distortion says what it must be


def own_noise(image: Image) -> str:
    """An id by the bytes of an image: equal for equal images, and for no others."""
    height, width, _ = image.shape
    return f"{height}x{width} {hashlib.blake2b(image.tobytes(), digest_size=16).hexdigest()}"


def checked(image: Image, what: str = "image") -> Image:
    """The image itself, or a copy where it is not contiguous in memory or read-only.

    Read-only arrays are another type to the compiler, and would compile every kernel a second time.

    Raises:
        ArgumentError: it is not ``uint8 (H, W, 3)`` with sides of 32 pixels or more; the message says what it was.
    """
    if not isinstance(image, np.ndarray):
        raise ArgumentError(f"{what} must be a numpy array uint8 (H, W, 3), was {type(image).__name__}")
    if image.dtype != np.uint8:
        raise ArgumentError(f"{what} must be of dtype uint8 with values 0–255, was {image.dtype}")
    if image.ndim != 3 or image.shape[2] != 3:
        raise ArgumentError(f"{what} must be of shape (H, W, 3), RGB, was {image.shape}")
    if min(image.shape[:2]) < SMALLEST_PX:
        raise ArgumentError(
            f"{what} must have sides of {SMALLEST_PX} pixels or more, was {image.shape[0]}x{image.shape[1]}"
        )
    return np.require(image, requirements=["C", "W"])


def _corrupt(image: Image, distortion: Corruption[Any, Any], strength: Strength, seed: int, sample: str) -> Image:
    """The corrupted image; ``strength`` is a key of the distortion's draws.

    A distortion gets a copy: somebody else's may work in place, and other conditions are made of the same image.
    """
    level = distortion.row_of(strength)
    draws = None
    if not distortion.deterministic:
        draws = distortion.draw(rng(seed, distortion.name, strength, sample), image.shape, level)
    return distortion.apply(image.copy(), level, draws)


def perturb(image: Image, name: str, *, difficulty: int = 1, seed: int = 0, id: str = "") -> Iterator[Image]:  # noqa: A002
    """The frames of one sequence, each ``uint8 (224, 224, 3)`` and made when it is asked for.

    Args:
        image: ``uint8 (H, W, 3)``, RGB: the photograph resized to a shorter side of 256 pixels, before its crop; any
            image with sides of 224 or more will do.
        name: of a registered perturbation, e.g. ``"rotate"``.
        difficulty: 1; noises have 2 and 3 too.
        seed: of the run.
        id: of the sample, ``"<wnid>/<stem>"``; the draws depend on seed, name, difficulty and id, and on nothing else.

    Raises:
        ArgumentError: the image, the name or the difficulty is not as above.
    """
    distortion = perturbations.get(name)
    level = distortion.level(difficulty)
    source = source_of(image)
    draws = (
        None if distortion.deterministic else distortion.draw(rng(seed, distortion.name, int(difficulty), id), level)
    )
    return distortion.apply(source, level, draws)


def source_of(image: Image) -> SequenceSource:
    """The image with its central crop.

    Raises:
        ArgumentError: it is not ``uint8 (H, W, 3)`` with sides of 224 pixels or more; the message says what it was.
    """
    if not isinstance(image, np.ndarray):
        raise ArgumentError(f"image must be a numpy array uint8 (H, W, 3), was {type(image).__name__}")
    if image.dtype != np.uint8:
        raise ArgumentError(f"image must be of dtype uint8 with values 0–255, was {image.dtype}")
    if image.ndim != 3 or image.shape[2] != 3:
        raise ArgumentError(f"image must be of shape (H, W, 3), RGB, was {image.shape}")
    if min(image.shape[:2]) < SIDE_PX:
        raise ArgumentError(f"image must have sides of {SIDE_PX} pixels or more, was {image.shape[0]}x{image.shape[1]}")
    # One memory layout, hence one compiled variant of each kernel; a copy, as somebody else's may work in place.
    whole = np.array(image, order="C")
    window = centre(Size(*image.shape[:2]), SIDE_PX)
    crop = whole[window.top : window.top + SIDE_PX, window.left : window.left + SIDE_PX].copy()
    return SequenceSource(whole, window, crop)
