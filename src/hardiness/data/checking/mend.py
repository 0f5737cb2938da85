"""What can be mended safely is mended: names are put right, nothing is removed or written over."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from hardiness.core import DataError
from hardiness.data.checking.faults import Fault


def mend(faults: Iterable[Fault]) -> Iterator[Fault]:
    """Move what is right in another place there, and give each fault that was mended.

    Folders come after the files in them, and what would land on something else stays where it is.

    Raises:
        DataError: the disk refuses.
    """
    movable = [fault for fault in faults if fault.move is not None]
    for fault in sorted(movable, key=lambda fault: -len(fault.move.source.parts) if fault.move else 0):
        assert fault.move is not None
        source, target = fault.move.source, fault.move.target
        if not os.path.lexists(source) or _is_taken(source, target):
            continue
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            source.rename(target)
        except OSError as error:
            raise DataError(f"cannot move {source} to {target}: {error.strerror or error}") from None
        yield fault


def _is_taken(source: os.PathLike[str], target: os.PathLike[str]) -> bool:
    """Whether something else is at the target; on a system that ignores case a name may differ in case alone."""
    return os.path.lexists(target) and not os.path.samefile(source, target)
