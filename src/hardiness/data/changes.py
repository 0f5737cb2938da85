"""Whether what was read is still what was listed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, runtime_checkable

from hardiness.core import Condition, File, Item


@runtime_checkable
class _Stamped(Protocol):
    """A file that knows what it was when it was listed."""

    def unchanged(self) -> bool: ...


@runtime_checkable
class _Copies(Protocol):
    """A photograph with a file for each condition."""

    def of(self, condition: Condition) -> File | None: ...


def unchanged(item: Item, conditions: Iterable[Condition] = ()) -> bool:
    """Whether the files of one item are still those that were listed, by size, time of change and inode.

    To be asked when the rows of an item are about to be stored: a file that was replaced, exchanged or removed after
    it was read would leave rows under the name of other data.

    Args:
        item: of a data set that this room read.
        conditions: those that were evaluated; each may have a file of its own. The item's own file counts where none
            has.
    """
    return all(not isinstance(file, _Stamped) or file.unchanged() for file in _files(item, conditions))


def _files(item: Item, conditions: Iterable[Condition]) -> Iterable[File]:
    if not isinstance(item.file, _Copies):
        return [item.file]
    return [file for condition in conditions if (file := item.file.of(condition)) is not None]
