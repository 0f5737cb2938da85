"""From labelled files to a data set: ids that are unique and stable, items sorted by them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from hashlib import sha256
from typing import NamedTuple

from hardiness.core import DataError, File, Item
from hardiness.sources.archives import is_outside
from hardiness.sources.files import shown


class LabelledFile(NamedTuple):
    """One labelled file: class folder, path below it (with suffix), class index, bytes."""

    group: str
    path: str
    label: int
    file: File


def items(samples: Iterable[LabelledFile]) -> tuple[Item, ...]:
    """An item for each sample, sorted by id.

    An id is ``"<group>/<path without suffix>"``; the suffix stays where two files differ in it alone.

    Raises:
        DataError: an id would lead out of a folder, and files are written by it.
    """
    given = list(samples)
    whole = _texts([f"{sample.group}/{sample.path}" for sample in given])
    for path, sample in zip(whole, given, strict=True):
        if is_outside(path):
            raise DataError(
                f"{sample.file.name}: would be called {shown(path)}, which leads out of any folder; rename it"
            )
    ids = [_without_suffix(path) for path in whole]
    if len(set(ids)) < len(ids):
        counts = Counter(ids)
        kept = {path for path, short in zip(whole, ids, strict=True) if counts[short] > 1}
        ids = [path if path in kept or short in kept else short for path, short in zip(whole, ids, strict=True)]
    found = [Item(id_, sample.label, sample.file) for id_, sample in zip(ids, given, strict=True)]
    return tuple(sorted(found, key=lambda item: item.id))


def _texts(paths: list[str]) -> list[str]:
    """The paths as text, told apart where one is what another becomes: by the first digits of their hash."""
    found = list(map(as_text, paths))
    if len(set(found)) == len(found):
        return found
    counts = Counter(found)
    return [
        f"~{sha256(os.fsencode(path)).hexdigest()[:8]}".join(os.path.splitext(text))
        if counts[text] > 1 and text != path
        else text
        for path, text in zip(paths, found, strict=True)
    ]


def as_text(path: str) -> str:
    """A path as text that any file can hold: in one that is no UTF-8 its strange bytes become ``\\xff``, ``\\`` two."""
    if path.isascii():
        return path
    try:
        path.encode()
    except UnicodeEncodeError:
        return os.fsencode(path.replace("\\", "\\\\")).decode("utf-8", "backslashreplace")
    return path


def _without_suffix(path: str) -> str:
    dot = path.rfind(".")
    return path[:dot] if dot > path.rfind("/") + 1 else path
