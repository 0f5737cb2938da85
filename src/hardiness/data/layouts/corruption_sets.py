"""Stored corruption sets in ImageNet-C's layout: one data set for each still set, under the set's name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from hardiness.core import Condition
from hardiness.data.condition_trees import Celled
from hardiness.data.corrupted_copies import CorruptedCopies
from hardiness.data.layout import LAYOUTS, Layout
from hardiness.data.tree import IMAGE_SUFFIXES
from hardiness.reference import distortion_set, set_names

FORM = "<corruption>/<severity>/<wnid>/*"


def _cells(levels: tuple[int, ...]) -> Callable[[Iterable[str]], Iterator[tuple[str, Condition]]]:
    def of(folders: Iterable[str]) -> Iterator[tuple[str, Condition]]:
        for corruption in folders:
            for severity in levels:
                yield f"{corruption}/{severity}", Condition(corruption=corruption, severity=severity)

    return of


for _name in set_names("still"):
    _stored = Celled(_name, FORM, _cells(distortion_set(_name).levels), IMAGE_SUFFIXES, CorruptedCopies)
    LAYOUTS.register(_name, Layout(f"{_name}/{FORM}", _stored.read), __name__)
