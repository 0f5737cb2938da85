"""Bounds of numbers that a person sets."""

from __future__ import annotations

from hardiness.core.errors import ArgumentError

MOST_STEPS = 1_000_000
"""The most steps of an optimiser or an attack, and the most of any other count in the options of both."""

MOST_IMAGES = 16_384
"""The most images in one batch: 10 GB of pixels at 224."""


def require_within(name: str, value: float, least: float, most: float) -> None:
    """Raise an error unless a number lies between two others, ends included.

    Raises:
        ArgumentError: it does not, or is NaN; the message names both bounds.
    """
    if not value >= least:
        raise ArgumentError(f"{name} must be at least {least:,g}, was {value}")
    if not value <= most:
        raise ArgumentError(f"{name} must be at most {most:,}, was {value}")
