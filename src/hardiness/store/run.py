"""One stored run: everything computed under one key."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from hardiness.core import Failure, Records
from hardiness.store import atomic, shards
from hardiness.store.shards import Row

RUN, MEASURED, EXHIBITS = "run.json", "measured.json", "exhibits"


@dataclass(frozen=True)
class StoredRun:
    """A folder with ``run.json`` (identity and plan), ``measured.json`` (how it was computed) and the shards.

    Attributes:
        folder: ``OUT/records/<model>--<benchmark>--<key>``.
        run: what ``run.json`` holds, as it was first written.
        partial: folder for files being written.
    """

    folder: Path
    run: Mapping[str, Any]
    partial: Path

    def missing(self, shard: int, work: Sequence[Row], files: Mapping[int, Sequence[Path]]) -> list[Row]:
        """The part of a shard's work that is not stored, in its order.

        Args:
            shard: index of the shard.
            work: rows asked for.
            files: what `files` gave; listing the folder once serves all shards.
        """
        present = files.get(shard, ())
        whole = self.folder / shards.file_name(shard, work)
        if whole in present and shards.without_failures(whole):  # the usual case of a second run: no row is read
            return []
        stored: set[Row] = set()
        for path in present:
            records = shards.read(path, ["sample", "condition"])
            if len(records):
                stored.update(zip(records["sample"].tolist(), records["condition"].tolist(), strict=True))
        return [row for row in work if row not in stored]

    def files(self) -> dict[int, list[Path]]:
        """The shard files there are, by shard, sorted by name."""
        paths = sorted(self.folder.glob("*.parquet"))
        return {
            shard: list(group) for shard, group in groupby(paths, key=lambda path: int(path.name.partition("-")[0]))
        }

    def write(self, shard: int, work: Sequence[Row], records: Records) -> None:
        """Save the outcome of a shard's work, whole or not at all.

        Raises:
            StoreError: disk full or no permission.
        """
        atomic.write(self.folder / shards.file_name(shard, work), shards.encode(records), self.partial)

    def exhibits(self) -> dict[str, Path]:
        """PNG files that show what was done, by caption."""
        return {path.stem: path for path in sorted((self.folder / EXHIBITS).glob("*.png"))}

    def keep_exhibit(self, caption: str, picture: bytes) -> None:
        """Add a PNG file to those.

        Raises:
            StoreError: disk full or no permission.
        """
        atomic.write(self.folder / EXHIBITS / f"{caption}.png", picture, self.partial)

    def records(self, reduce: Callable[[Records], Records] | None = None) -> Records:
        """All rows of the run, each once, and the samples that failed, each once.

        Args:
            reduce: applied to the rows of each shard, so that a run of any length fits into memory.

        Rows are sorted by sample, condition and frame: no score depends on the order of evaluation, and equal
        confidences stand in the order of the data set. ``image``, int32, numbers the samples in that order.
        """
        parts = (_merged([shards.read(path) for path in files]) for files in self.files().values())
        joined = Records.concatenate(parts if reduce is None else map(reduce, parts))
        if not len(joined):
            return joined
        image = shards.numbered(joined["sample"])
        numbered = Records({**joined.columns, "image": image}, joined.failures)
        return numbered.where(np.lexsort((joined["frame"], joined["condition"], image)))

    def measured(self) -> list[dict[str, Any]]:
        """One entry for each session that computed rows of this run."""
        path = self.folder / MEASURED
        return list(atomic.read_json(path)) if path.exists() else []


def _merged(parts: Sequence[Records]) -> Records:
    """One shard's files as one: a shard asked for in pieces, or by two processes at once, has several."""
    joined = Records.concatenate(parts)
    if len(parts) == 1:
        return joined
    frames = joined["frame"].tolist() if "frame" in joined else [0] * len(joined)
    first: dict[tuple[str, int, int], int] = {}
    if len(joined):
        for index, row in enumerate(zip(joined["sample"].tolist(), joined["condition"].tolist(), frames, strict=True)):
            first.setdefault(row, index)
    evaluated = {(sample, condition) for sample, condition, _ in first}
    kept = joined.where(np.array(list(first.values()), np.int64))
    return Records(kept.columns, tuple(_still_failed(joined.failures, evaluated)))


def _still_failed(failures: Sequence[Failure], evaluated: set[Row]) -> Iterator[Failure]:
    """Each failure once, without the conditions under which its sample was evaluated in another try."""
    told: set[Row] = set()
    for failure in failures:
        rows = [(failure.sample, condition) for condition in failure.conditions]
        left = [row for row in rows if row not in evaluated and row not in told]
        told.update(left)
        if left:
            yield replace(failure, conditions=tuple(condition for _, condition in left))
