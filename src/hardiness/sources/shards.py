"""Patterns of shell that name the shards of a data set."""

from __future__ import annotations

import glob
import math
import re
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import NamedTuple

from hardiness.core.errors import DataError

MAX_SHARDS = 100_000
"""The most shards of a pattern: more than any data set has."""


def expand(pattern: str) -> tuple[Path, ...]:
    """The files that a shell-like pattern names, sorted: braces (``{a,b}``, ``{000..012}``), then ``*``, ``?``, ``[]``.

    A name without wildcards is given back whether or not there is such a file.

    Raises:
        DataError: the braces stand for more than `MAX_SHARDS` names.
    """
    paths: set[Path] = set()
    for name in _without_braces(pattern):
        paths.update([Path(name)] if glob.escape(name) == name else map(Path, glob.glob(name)))
    return tuple(sorted(paths))


def _without_braces(pattern: str) -> Iterator[str]:
    parts = re.split(r"\{([^{}]*)\}", pattern)
    choices = [_choices(part) if i % 2 else [part] for i, part in enumerate(parts)]
    count = math.prod(map(_count, choices))
    if count > MAX_SHARDS:
        raise DataError(f"{pattern} must stand for at most {MAX_SHARDS:,} shards, stands for {count:,}; name fewer")
    return ("".join(chosen) for chosen in product(*map(_names, choices)))


def _choices(inside: str) -> Sequence[str] | _Numbers:
    between = re.fullmatch(r"([0-9]{1,18})\.\.([0-9]{1,18})", inside)
    if between is None:
        return inside.split(",")
    first, last = between.groups()
    return _Numbers(range(int(first), int(last) + 1), len(first))


class _Numbers(NamedTuple):
    """The numbers of ``{000..012}``, not yet written out, and their width."""

    numbers: range
    width: int


def _count(choices: Sequence[str] | _Numbers) -> int:
    if isinstance(choices, _Numbers):
        return max(choices.numbers.stop - choices.numbers.start, 0)
    return len(choices)


def _names(choices: Sequence[str] | _Numbers) -> Sequence[str]:
    if isinstance(choices, _Numbers):
        return [str(number).zfill(choices.width) for number in choices.numbers]
    return choices
