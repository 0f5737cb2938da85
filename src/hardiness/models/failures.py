"""Errors of foreign code, told in one line."""

from __future__ import annotations

FOREIGN_ERRORS = (
    RuntimeError,
    TypeError,
    ValueError,
    AttributeError,
    LookupError,
    ArithmeticError,
    AssertionError,
    ImportError,
    NameError,
    SyntaxError,
    OSError,
)
"""What a network, a factory or a converter that we did not write may raise on what it cannot do."""


def first_line(error: BaseException) -> str:
    """The first line of an error's message that is not empty, or its type's name."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
