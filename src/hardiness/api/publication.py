"""The page of an output folder, wherever that folder is."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from hardiness.core import Result
from hardiness.report import write_page
from hardiness.store import Store

PAGE = "report.html"


def publish(store: Store, results: Sequence[Result], title: str) -> str:
    """Write the page of these results, with its figures, into the store's place; where it is.

    Raises:
        StoreError: disk full or no permission; the former page is still there.
    """
    if store.folder is not None:
        write_page(results, store.folder / PAGE, title=title)
        return str(store.folder / PAGE)
    with tempfile.TemporaryDirectory() as folder:
        write_page(results, Path(folder) / PAGE, title=title)
        for path in sorted(each for each in Path(folder).rglob("*") if each.is_file()):
            store.files.write(path.relative_to(folder).as_posix(), path.read_bytes())
    return f"{store.address}/{PAGE}"
