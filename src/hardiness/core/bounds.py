"""Bounds of the numbers that a person gives, so that no slip of the finger asks for years of work or all memory."""

from __future__ import annotations

from hardiness.core.errors import ArgumentError

MOST_STEPS = 1_000_000
"""Of an optimiser or an attack, and of any other count in the options of benchmarks and attacks."""

MOST_IMAGES = 16_384
"""In one batch: 10 GB of pixels at 224."""


def require_within(name: str, value: float, least: float, most: float) -> None:
    """Raise an error unless a number lies between two others, ends included.

    Raises:
        ArgumentError: it does not, or is NaN; the message names both bounds.
    """
    if not value >= least:
        raise ArgumentError(f"{name} must be at least {least:,g}, was {value}")
    if not value <= most:
        raise ArgumentError(f"{name} must be at most {most:,}, was {value}")
