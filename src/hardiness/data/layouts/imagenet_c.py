"""ImageNet-C as released: a folder for each corruption, in it one for each severity, in it class folders."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hardiness.core import Condition
from hardiness.data.condition_trees import Celled
from hardiness.data.corrupted_copies import CorruptedCopies
from hardiness.data.layout import LAYOUTS, Layout
from hardiness.data.tree import IMAGE_SUFFIXES

SEVERITIES = (1, 2, 3, 4, 5)


def _cells(folders: Iterable[str]) -> Iterator[tuple[str, Condition]]:
    for corruption in folders:
        for severity in SEVERITIES:
            yield f"{corruption}/{severity}", Condition(corruption=corruption, severity=severity)


_SET = Celled("imagenet-c", "<corruption>/<severity>/<wnid>/*", _cells, IMAGE_SUFFIXES, CorruptedCopies)

LAYOUTS.register("imagenet-c", Layout("imagenet-c/<corruption>/<severity>/<wnid>/*", _SET.read), __name__)
