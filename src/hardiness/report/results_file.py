"""``results.json`` of an output folder: all results, with facts in words beside their codes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hardiness.core.columns import NO_GROUPING, Grouping
from hardiness.core.result import SCHEMA, Result
from hardiness.report.words import with_texts
from hardiness.results.folder import Folder
from hardiness.store.store import Store

TRIES = 3
"""How often results are made at most because records have come meanwhile; who wrote these makes them again."""


def results_form(results: Iterable[Result]) -> dict[str, Any]:
    """The JSON form of results, as ``results.json`` has it."""
    return {"schema": SCHEMA, "results": with_texts(list(results))}


def rebuild_results(
    store: Store, baseline: str | None = None, grouping: Grouping = NO_GROUPING, above: float | None = None
) -> Folder:
    """A folder as it is now, whose results are written to its ``results.json``; arguments as of `Folder`.

    They are made without the lock, so that other processes can go on; where one of them has added records meanwhile,
    they are made again.

    Raises:
        ArgumentError: the baseline model has no stored run to divide by; the file is as it was.
        StoreError: records cannot be read, or the file cannot be written.
    """
    tries = 0
    while True:
        before, tries = store.stamps(), tries + 1
        folder = Folder.open(store, grouping=grouping, baseline=baseline, above=above)
        results = folder.results
        with store.locked():
            if store.stamps() == before or tries == TRIES:
                store.write_results(results_form(results))
                return folder
