"""One stored run as its card sees it: image table and scores, computed once and kept beside its shards."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict
from functools import cached_property
from typing import Any

from hardiness.core import Counts, Failure, Finding, ImageTable, Score, StoreError
from hardiness.scoring.card import Baseline, Card, Uninstalled
from hardiness.store import Stamps, StoredRun, atomic, tables

FOLDER, SCORES, TABLE = "scored", "scores.json", "images.parquet"
"""``<run>/scored/``: may be deleted at any time; it is then computed again."""

SCORING = 1
"""Version of what all cards share (intervals, calibration); part of what kept scores are recognised by."""

DETAILS = 2
"""Version of what all cards share of their details."""

ROWS = ("sample", "image", "condition", "label")
"""What every card reads of rows."""

READERS = 4
"""Shards that are read at a time."""

Scores = tuple[list[Score], list[Finding]]


class ScoredRun:
    """A stored run and what is known of it.

    What was kept is taken only where it is of the same shards (by name, size and time) and the same version of the
    card; what is missing is computed, and kept where the folder can be written.

    Args:
        stored: the run.
        card: that scores it.
        verify: read every row again, whatever was kept.
    """

    def __init__(self, stored: StoredRun, card: Card, verify: bool = False) -> None:
        self.stored, self.card = stored, card
        self.stamps: Stamps = stored.stamps()
        self._verify = verify
        self._known = {} if verify else self._read()
        self._changed = False
        self._table: ImageTable | None = None

    @property
    def _cells(self) -> dict[str, str]:
        return {str(condition): fingerprint for condition, fingerprint in sorted(self.stored.cells.items())}

    @cached_property
    def digest(self) -> str:
        """16 hexadecimal digits that change whenever a shard or the card does."""
        return digest_of([SCORING, self.stored.run.benchmark.card, self.card.version, self.stamps, self._cells])

    @property
    def table(self) -> ImageTable:
        """The image table: read where it was kept, else made of the rows, shard by shard; held until `release`."""
        if self._table is None:
            self._table = self._made()
        return self._table

    def columns(self, *names: str) -> ImageTable:
        """The image table with ``right`` and these columns alone, of which no others are read where it was kept."""
        content = self._content(TABLE)
        if self._table is None and content and tables.describe(content) == self._described(self.stamps):
            with suppress(StoreError):
                return tables.read(content, self._place(TABLE), self.stored.run.conditions, names)
        return self.table

    def release(self) -> None:
        """Let go of the table, so that memory does not grow with the number of runs."""
        self._table = None

    @property
    def failures(self) -> tuple[Failure, ...]:
        """What could not be evaluated."""
        return tuple(Failure(f["sample"], f["reason"], tuple(f["conditions"])) for f in self._facts["failures"])

    @property
    def damage(self) -> list[str]:
        """A line for each shard file that was left out because it is damaged."""
        return list(self._facts["damage"])

    def counts(self) -> Counts:
        """How much of the whole benchmark stands behind the scores."""
        whole = self.stored.plan.whole
        evaluated = {int(cell): n for cell, n in self._facts["evaluated"].items()}
        return Counts(
            expected=self.stored.run.data.samples * len(whole),
            evaluated=sum(evaluated.get(cell, 0) for cell in whole),
            failed=sum(len(failure["conditions"]) for failure in self._facts["failures"]),
            images=self._facts["images"],
        )

    def scores(self, baseline: Baseline | None) -> Scores:
        """Scores and findings against a baseline; none where nothing was evaluated."""
        if not self._facts["images"]:
            return [], []

        def compute() -> dict[str, Any]:
            scores = self.card.scores(self.table, self.stored.run, baseline)
            findings = self.card.findings(self.table, scores, self.stored.run)
            return {"scores": [s.as_dict() for s in scores], "findings": [asdict(f) for f in findings]}

        found = self.remember(f"scores {digest_of(baseline)}", "", compute)
        return [Score.from_dict(each) for each in found["scores"]], [Finding(**each) for each in found["findings"]]

    def details(self) -> dict[str, Any]:
        """What a page shows beyond scores; nothing where nothing was evaluated."""
        if not self._facts["images"]:
            return {}
        found = self.remember("details", str(DETAILS), lambda: self.card.details(self.table, self.stored.run))
        return dict(found)

    def remember(self, name: str, of: str, compute: Callable[[], Any]) -> Any:
        """A JSON value that follows from this run's table and from what ``of`` is the digest of, computed once."""
        kept = self._known.get(name)
        if kept is None or kept["of"] != of:
            kept = {"of": of, "value": json.loads(json.dumps(compute()))}
            self._known[name] = kept
            self._changed = True
        return kept["value"]

    def save(self) -> None:
        """Keep what was computed, where the folder can be written."""
        if not self._changed or isinstance(self.card, Uninstalled):
            return
        with suppress(StoreError):
            content = json.dumps({"digest": self.digest, "known": self._known}) + "\n"
            self.stored.keep(f"{FOLDER}/{SCORES}", content.encode())
            self._changed = False

    @property
    def _facts(self) -> dict[str, Any]:
        """Counts and failures, so that the table need not be read for them."""

        def compute() -> dict[str, Any]:
            table = self.table
            return {
                "images": len(table),
                "evaluated": {str(cell): n for cell, n in table.counts().items()},
                "failures": [asdict(failure) for failure in table.failures],
                "damage": self.stored.damage,
            }

        found: dict[str, Any] = self.remember("facts", "", compute)
        return found

    def _made(self) -> ImageTable:
        kept = None if self._verify else self._kept()
        if kept is not None and kept[1] == self.stamps:
            return kept[0]
        made_of = {} if kept is None else kept[1]
        columns = None if self.card.columns is None else [*ROWS, *self.card.columns]
        names = [name for name in self.stamps if name not in made_of]

        def part(name: str) -> ImageTable | None:
            records = self.stored.read(name, columns)
            return None if records is None else self.card.table(records, self.stored.run)

        with ThreadPoolExecutor(READERS, thread_name_prefix="shards") as readers:
            parts = [table for table in readers.map(part, names) if table is not None]
        parts = [*([] if kept is None else [kept[0]]), *parts]
        table = ImageTable.join(parts) if parts else ImageTable.empty(self.stored.run.conditions)
        if len(table):
            with suppress(StoreError):  # where nothing can be written, it is made again next time
                self.stored.keep(f"{FOLDER}/{TABLE}", tables.encode(table, self._described(self.stamps)))
        return table

    def _content(self, name: str) -> bytes:
        """What was kept under that name; nothing where there is none that can be read."""
        with suppress(StoreError):
            return self.stored.content(f"{FOLDER}/{name}")
        return b""

    def _place(self, name: str) -> str:
        return f"{self.stored.place}/{FOLDER}/{name}"

    def _read(self) -> dict[str, Any]:
        """What was kept of exactly these shards and this card; nothing where it is absent, of others or unreadable."""
        with suppress(StoreError):
            found = atomic.parsed(self._content(SCORES), self._place(SCORES))
            if isinstance(found, dict) and (isinstance(self.card, Uninstalled) or found.get("digest") == self.digest):
                return dict(found["known"])
        return {}

    def _described(self, stamps: Stamps) -> dict[str, Any]:
        return {
            "card": self.stored.run.benchmark.card,
            "version": self.card.version,
            "shards": stamps,
            "cells": self._cells,
        }

    def _kept(self) -> tuple[ImageTable, Stamps] | None:
        """The table that was kept and the shards it was made of, where all of these are as they were.

        New shards are joined to it; where a new file is another part of a shard that it covers, it is made anew, so
        that the first file's rows count whenever they were read.
        """
        content = self._content(TABLE)
        described = tables.describe(content)
        shards: Stamps = {name: list(stamp) for name, stamp in described.get("shards", {}).items()}
        if not shards or {**described, "shards": 0} != {**self._described({}), "shards": 0}:
            return None
        if any(self.stamps.get(name) != stamp for name, stamp in shards.items()):
            return None
        covered = {name[:6] for name in shards}
        if any(name[:6] in covered for name in self.stamps if name not in shards):
            return None
        try:
            return tables.read(content, self._place(TABLE), self.stored.run.conditions), shards
        except StoreError:
            return None


def digest_of(value: Any) -> str:
    """16 hexadecimal digits over a JSON value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]
