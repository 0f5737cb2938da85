"""What stands first, for headings: everything whose value reads the same, so that nobody wins a tie."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

FEW = 3
"""Names that a heading can take; of more it gives the number."""


def first(values: Mapping[str, float], digits: int, lowest: bool = False) -> tuple[str, ...]:
    """The names whose value, rounded as a reader sees it, is the highest, or the lowest; in the order given.

    Args:
        values: at least one.
        digits: decimals that are shown.
        lowest: whether the lowest one is looked for.
    """
    rounded = {name: round(value, digits) for name, value in values.items()}
    end = (min if lowest else max)(rounded.values())
    return tuple(name for name, value in rounded.items() if value == end)


def in_words(names: Iterable[str], total: int) -> str:
    """``a``, ``a and b``, ``a, b and c``, or, of more, ``4 of 15``."""
    *others, last = names
    if len(others) >= FEW:
        return f"{len(others) + 1} of {total}"
    return f"{', '.join(others)} and {last}" if others else last


def words(name: str) -> str:
    """A name of a table as text: ``gaussian_noise`` is ``gaussian noise``."""
    return name.replace("_", " ")
