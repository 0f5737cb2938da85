"""Labelled items: ids that are unique and stable, and a seeded order of them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

import numpy as np

from hardiness.core.benchmark import File, Item
from hardiness.core.errors import ArgumentError, DataError, SampleError
from hardiness.core.random import rng
from hardiness.sources.archives import is_outside
from hardiness.sources.files import shown


@dataclass(frozen=True)
class AbsentPicture:
    """A picture that is not here, and need not be: what is known of it stands in a file.

    Attributes:
        name: of the picture.
        named_by: what knows of it, as the end of a message.
    """

    name: str
    named_by: str

    def read(self) -> bytes:
        """Nothing but the error: there are no bytes."""
        raise SampleError(f"{self.name}: the picture is not here; {self.named_by}")


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
    files = list(samples)
    paths = _texts([f"{sample.group}/{sample.path}" for sample in files])
    for path, sample in zip(paths, files, strict=True):
        if is_outside(path):
            raise DataError(
                f"{sample.file.name}: would be called {shown(path)}, which leads out of any folder; rename it"
            )
    ids = [_without_suffix(path) for path in paths]
    if len(set(ids)) < len(ids):
        counts = Counter(ids)
        whole = {path for path, short in zip(paths, ids, strict=True) if counts[short] > 1}
        ids = [path if path in whole or short in whole else short for path, short in zip(paths, ids, strict=True)]
    unsorted = [Item(id_, sample.label, sample.file) for id_, sample in zip(ids, files, strict=True)]
    return tuple(sorted(unsorted, key=lambda item: item.id))


def _texts(paths: list[str]) -> list[str]:
    """The paths as text, told apart where one is what another becomes: by the first digits of their hash."""
    texts = list(map(as_text, paths))
    if len(set(texts)) == len(texts):
        return texts
    counts = Counter(texts)
    return [
        f"~{sha256(os.fsencode(path)).hexdigest()[:8]}".join(os.path.splitext(text))
        if counts[text] > 1 and text != path
        else text
        for path, text in zip(paths, texts, strict=True)
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


def limited(dataset_items: Sequence[Item], limit: int | None, seed: int) -> Sequence[Item]:
    """The first ``limit`` items of a seeded order in which every class comes once before any comes twice.

    So the choice for N is a prefix of that for any larger N, and a small N covers as many classes as it can.

    Args:
        dataset_items: all items, in a stable order (data sets sort them by id).
        limit: how many to keep; ``None`` for all, in that same order.
        seed: the run's seed.

    Raises:
        ArgumentError: ``limit`` is below 1.
    """
    if limit is not None and limit < 1:
        raise ArgumentError(f"limit must be at least 1, was {limit}; leave it out for all images")
    labels = np.fromiter((item.label for item in dataset_items), np.int64, len(dataset_items))
    classes, class_of, counts = np.unique(labels, return_inverse=True, return_counts=True)
    turn = rng(seed, "order of classes").permutation(len(classes))
    by_class = np.argsort(class_of, kind="stable")
    rounds = np.empty(len(labels), np.int64)
    for label, members in zip(classes, np.split(by_class, np.cumsum(counts))[:-1], strict=True):
        rounds[members] = rng(seed, "order within a class", int(label)).permutation(len(members))
    order = np.lexsort((turn[class_of], rounds))
    return [dataset_items[i] for i in order[:limit]]
