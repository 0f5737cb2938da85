"""Levels of a corruption as quantities: a number with a name, a unit and a direction, as JPEG quality 17."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, NamedTuple

from hardiness.core.errors import ArgumentError

Strength = int | str
"""A severity, or a level of a quantity as ``"quality=17"``."""

MOST_SWEPT = 200
"""Levels that one range may stand for."""

_LEVEL = re.compile(r"\s*([A-Za-z_]\w*)\s*=\s*(.+?)\s*")
_FAR_EXPONENT = re.compile(r"[eE][+-]?\d{4}")
"""Exponents beyond those of a float: to write such a number out as a fraction may take forever."""


class Parameter(NamedTuple):
    """A named number that a corruption was made with; ``unit`` is empty where it has none, or nobody says it."""

    name: str
    value: float
    unit: str = ""

    def __str__(self) -> str:
        return f"{self.name.replace('_', ' ')} {number_text(self.value)}{f' {self.unit}' if self.unit else ''}"


@dataclass(frozen=True)
class Quantity:
    """The one parameter of a corruption, where its levels are rows of one number.

    Attributes:
        name: of the parameter, as the rows of the corruption have it, e.g. ``"quality"``.
        unit: of its values in words, e.g. ``"px"``; empty where they are plain numbers.
        stronger: ``"up"`` where a larger value changes the picture more, ``"down"`` where a smaller one does.
        least, most: the values that the corruption takes, ends included.
        is_whole: whether values are whole numbers.
    """

    name: str
    unit: str
    stronger: Literal["up", "down"]
    least: float
    most: float
    is_whole: bool = False

    def __post_init__(self) -> None:
        if not self.name.isidentifier():
            raise ArgumentError(f"quantity: name must be a word, as a Python name, was {self.name!r}")
        if self.stronger not in ("up", "down"):
            raise ArgumentError(f'quantity {self.name}: stronger must be "up" or "down", was {self.stronger!r}')
        if not (math.isfinite(self.least) and math.isfinite(self.most) and self.least < self.most):
            raise ArgumentError(
                f"quantity {self.name}: least and most must be finite numbers, the first one smaller; were "
                f"{self.least} and {self.most}"
            )

    @property
    def mildest(self) -> float:
        """The end of its values at which the picture is changed least."""
        return self.least if self.stronger == "up" else self.most

    @property
    def strongest(self) -> float:
        """The end of its values at which the picture is changed most."""
        return self.most if self.stronger == "up" else self.least

    @property
    def title(self) -> str:
        """Its name with the unit, as an axis has it."""
        return f"{self.name.replace('_', ' ')}{f', {self.unit}' if self.unit else ''}"

    def strength(self, value: float) -> float:
        """A number that is larger the stronger the value is, for sorting."""
        return value if self.stronger == "up" else -value

    def text(self, value: float) -> str:
        """The level of a value as cells and keys of draws have it, e.g. ``"quality=17"``; equal values, equal texts."""
        return f"{self.name}={number_text(value)}"

    def value(self, value: object, what: str) -> float:
        """A value that a person gave, as a number of 12 digits within the ends; ``8/255`` is one.

        Args:
            value: a number, or a text that is one.
            what: whose it is, for messages, e.g. ``"corruption jpeg_compression"``.

        Raises:
            ArgumentError: it is none, no whole number where it must be one, or beyond the ends.
        """
        number = _number(value)
        if number is None:
            raise ArgumentError(f"{what}: {self.name} must be a number, was {value!r}")
        number = float(number_text(number))
        if self.is_whole and number != int(number):
            raise ArgumentError(f"{what}: {self.name} must be a whole number, was {number_text(number)}")
        if not self.least <= number <= self.most:
            raise ArgumentError(
                f"{what}: {self.name} must be from {number_text(self.least)} to {number_text(self.most)}, was "
                f"{number_text(number)}"
            )
        return int(number) if self.is_whole else number

    def value_of(self, text: str, what: str) -> float:
        """The value of a level such as ``"quality=17"``; arguments and errors as of `value`."""
        name, value = level_parts(text, what)
        if name != self.name:
            raise ArgumentError(f"{what} has no quantity {name!r}; its quantity is {self.name}")
        return self.value(value, what)


def level_parts(text: str, what: str) -> tuple[str, str]:
    """The name and the value of a level such as ``"quality=17"``.

    Raises:
        ArgumentError: it reads otherwise.
    """
    match = _LEVEL.fullmatch(text)
    if match is None:
        raise ArgumentError(f'{what}: a level must read NAME=VALUE, as in "quality=17", was {text!r}')
    return match[1], match[2]


def number_text(value: float) -> str:
    """A number in at most 12 digits, without an exponent where it can be, whole ones without a point."""
    text = f"{value:.12g}"
    return text if "e" not in text else f"{value:.15f}".rstrip("0").rstrip(".") if abs(value) >= 1e-12 else "0"


def swept_values(texts: Sequence[str], what: str) -> list[str]:
    """The values that a person asks for, as texts of numbers: ``5..95..10`` is a range with its step, ends included.

    Args:
        texts: single values and ranges; each may begin with the quantity's name, as ``quality=17``.
        what: whose they are, for messages.

    Raises:
        ArgumentError: a range has no step, a step that does not lead from one end to the other, or too many values.
    """
    values: list[str] = []
    for text in texts:
        if not text.strip():
            raise ArgumentError(f"{what} must be values and ranges FROM..TO..STEP, as in 5..95..10, was empty")
        name, equals, rest = text.rpartition("=")
        parts = rest.split("..")
        values += [f"{name}{equals}{value}" for value in (_range(parts, text, what) if len(parts) > 1 else parts)]
    return list(dict.fromkeys(values))


def _range(parts: Sequence[str], text: str, what: str) -> list[str]:
    how = f"{what} must be values and ranges FROM..TO..STEP, as in 5..95..10, was {text!r}"
    numbers = [_fraction(part) for part in parts]
    if len(parts) != 3 or None in numbers:
        raise ArgumentError(how)
    first, last, step = (number for number in numbers if number is not None)
    step = abs(step) if last >= first else -abs(step)
    if not step:
        raise ArgumentError(f"{what}: the step of a range must not be 0, was {text!r}")
    count = int((last - first) / step) + 1
    if count > MOST_SWEPT:
        raise ArgumentError(f"{what}: a range may be of {MOST_SWEPT} levels at most, was of {count:,}: {text!r}")
    return [number_text(float(first + step * k)) for k in range(count)]


def _number(value: object) -> float | None:
    """A finite number; ``None`` for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        fraction = _fraction(value)
        return None if fraction is None else float(fraction)
    try:
        number = float(value)  # type: ignore[arg-type]  # what is none raises
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _fraction(text: str) -> Fraction | None:
    """The number that a person wrote, exactly; also as ``8/255``. ``None`` for what is none, or beyond a float."""
    if not text.isascii() or "_" in text or _FAR_EXPONENT.search(text):
        return None
    above, divided, below = text.strip().partition("/")
    try:
        number = Fraction(above.strip()) / (Fraction(below.strip()) if divided else 1)
        float(number)
    except (ValueError, ZeroDivisionError, OverflowError):
        return None
    return number
