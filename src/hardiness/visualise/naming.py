"""From what a person types to units: numbers, ranges, indices, and classes by index, wnid or name."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

from hardiness import reference
from hardiness.core import ArgumentError, ModelSpec, require_within
from hardiness.visualise.units import Channel, ClassUnit, Neuron

MOST_CHANNEL = 1_000_000
"""No layer has as many."""


def channels(layer: str, text: str) -> list[Channel]:
    """The channels in ``"12"``, ``"3,7"`` or ``"0-8"``.

    Raises:
        ArgumentError: it is none of these.
    """
    found: list[Channel] = []
    for part in text.split(","):
        bounds = re.fullmatch(r"(\d+)(?:-(\d+))?", part.strip())
        first, last = (int(bounds[1]), int(bounds[2] or bounds[1])) if bounds else (1, 0)
        require_within("--channel", last, 0, MOST_CHANNEL)
        if first > last:
            raise ArgumentError(f"--channel must be a number, a list (3,7) or a range (0-8), was {text!r}")
        found += [Channel(layer, number) for number in range(first, last + 1)]
    return found


def neuron(layer: str, text: str) -> Neuron:
    """The neuron that ``"c,y,x"`` (maps), ``"token,channel"`` or ``"channel"`` means.

    Raises:
        ArgumentError: it is no list of numbers.
    """
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() for part in parts):
        raise ArgumentError(
            f"--neuron must be channel,row,column (or token,channel), each a number from 0, was {text!r}"
        )
    return Neuron(layer, tuple(map(int, parts)))


def class_unit(spec: ModelSpec, text: str) -> ClassUnit:
    """The class of that index, wnid or name (any synonym, in any case).

    Raises:
        ArgumentError: there is none, or several have the name; the message offers close names or the indices.
    """
    names = class_names(spec)
    wnids = reference.wnids() if spec.class_names is None and spec.num_classes == len(reference.wnids()) else ()
    if text.isdecimal():
        index = int(text)
        if index >= spec.num_classes:
            raise ArgumentError(f"class of {spec.name} must be from 0 to {spec.num_classes - 1}, was {text}")
        return ClassUnit(index, names[index][0])
    if text in wnids:
        return ClassUnit(wnids.index(text), names[wnids.index(text)][0])
    found = [index for index, synonyms in enumerate(names) if text.lower() in map(str.lower, synonyms)]
    if len(found) == 1:
        return ClassUnit(found[0], text)
    if found:
        which = ", ".join(f"{index} ({wnids[index] if wnids else names[index][0]})" for index in found)
        raise ArgumentError(f"{len(found)} classes of {spec.name} are called {text!r}; give an index: {which}")
    raise ArgumentError(f"{spec.name} has no class {text!r}{_close(text, names)}; give a name, a wnid or an index")


def class_names(spec: ModelSpec) -> Sequence[Sequence[str]]:
    """Every class's synonyms, by index."""
    if spec.class_names is not None:
        return [(name,) for name in spec.class_names]
    if spec.num_classes == len(reference.wnids()):
        return [reference.class_name(index).split(", ") for index in range(spec.num_classes)]
    return [(f"class {index}",) for index in range(spec.num_classes)]


def _close(text: str, names: Sequence[Sequence[str]]) -> str:
    every = {name.lower(): name for synonyms in names for name in synonyms}
    close = difflib.get_close_matches(text.lower(), every, n=3, cutoff=0.6)
    return f"; did you mean {' or '.join(repr(every[name]) for name in close)}?" if close else ""
