"""A run's image table, kept beside its shards and made anew only of shards that have come since."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from hardiness.core import ImageTable, Records, StoreError
from hardiness.scoring.card import Card
from hardiness.scoring.kept_values import FOLDER
from hardiness.store import Stamps, StoredRun, tables

TABLE = f"{FOLDER}/images.parquet"

ROWS = ("sample", "image", "condition", "label")
"""What every card reads of rows."""

READERS = 3
"""Threads that read shards; more of them wait for each other."""

TOGETHER = 8
"""Shards that a table is made of at once: most of what a small one costs is the same for several."""


class KeptTable:
    """The image table of a run as its card makes it.

    Args:
        stored: the run.
        card: that makes it.
        stamps: of the shards that there are.
        anew: make it of all shards, whatever was kept.
        other: name of the card, where it is not the run's own: its table has a file of its own.
    """

    def __init__(self, stored: StoredRun, card: Card, stamps: Stamps, anew: bool, other: str = "") -> None:
        self._stored, self._card, self._stamps, self._anew = stored, card, stamps, anew
        self._name = other or stored.run.benchmark.card
        self._file = f"{FOLDER}/images-{other}.parquet" if other else TABLE

    def columns(self, names: Sequence[str]) -> ImageTable | None:
        """The kept table with ``right`` and these columns alone; ``None`` where it is not of exactly these shards."""
        content = self._content()
        if content and tables.describe(content) == self._described(self._stamps):
            with suppress(StoreError):
                return tables.read_table(
                    content, f"{self._stored.place}/{self._file}", self._stored.run.conditions, names
                )
        return None

    def made(self) -> ImageTable:
        """The whole table: what was kept, and what has come since."""
        kept = None if self._anew else self._kept()
        if kept is not None and kept[1] == self._stamps:
            return kept[0]
        made_of = {} if kept is None else kept[1]
        columns = None if self._card.columns is None else [*ROWS, *self._card.columns]
        names = [name for name in self._stamps if name not in made_of]

        def part(first: int) -> ImageTable:
            read = [self._stored.read(name, columns) for name in names[first : first + TOGETHER]]
            return self._card.table(Records.concatenate(each for each in read if each is not None), self._stored.run)

        with ThreadPoolExecutor(READERS, thread_name_prefix="shards") as readers:
            parts = list(readers.map(part, range(0, len(names), TOGETHER)))
        parts = [*([] if kept is None else [kept[0]]), *parts]
        table = ImageTable.join(parts) if parts else ImageTable.empty(self._stored.run.conditions)
        if len(table):
            with suppress(StoreError):  # where nothing can be written, it is made again next time
                self._stored.keep(self._file, tables.encode_table(table, self._described(self._stamps)))
        return table

    def _content(self) -> bytes:
        """The kept table's bytes; nothing where there is none that can be read."""
        with suppress(StoreError):
            return self._stored.content(self._file)
        return b""

    def _described(self, stamps: Stamps) -> dict[str, Any]:
        return {
            "card": self._name,
            "version": self._card.version,
            "shards": stamps,
            "cells": cells_of(self._stored),
        }

    def _kept(self) -> tuple[ImageTable, Stamps] | None:
        """The table that was kept and the shards it was made of, where all of these are as they were.

        New shards are joined to it; where a new file is another part of a shard that it covers, it is made anew, so
        that the first file's rows count whenever they were read.
        """
        content = self._content()
        described = tables.describe(content)
        shards: Stamps = {name: list(stamp) for name, stamp in described.get("shards", {}).items()}
        if not shards or {**described, "shards": 0} != {**self._described({}), "shards": 0}:
            return None
        if any(self._stamps.get(name) != stamp for name, stamp in shards.items()):
            return None
        covered = {name[:6] for name in shards}
        if any(name[:6] in covered for name in self._stamps if name not in shards):
            return None
        try:
            return tables.read_table(content, f"{self._stored.place}/{self._file}", self._stored.run.conditions), shards
        except StoreError:
            return None


def cells_of(stored: StoredRun) -> dict[str, str]:
    """Fingerprints of the conditions' own files, by index, sorted."""
    return {str(condition): fingerprint for condition, fingerprint in sorted(stored.cells.items())}
