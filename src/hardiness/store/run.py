"""One stored run: everything computed under one key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from hardiness.core import Failure, Records
from hardiness.store import atomic, shards
from hardiness.store.shards import Row

RUN, MEASURED = "run.json", "measured.json"


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

    def holds(self, shard: int, work: Sequence[Row]) -> bool:
        """Whether exactly this work is stored without a failure; looks at no row."""
        return shards.without_failures(self.folder / shards.file_name(shard, work))

    def rows(self, shard: int) -> set[Row]:
        """The rows of one shard that have been evaluated."""
        found: set[Row] = set()
        for path in self._files(f"{shard:06d}-*"):
            records = shards.read(path, ["sample", "condition"])
            if len(records):
                found.update(zip(records["sample"].tolist(), records["condition"].tolist(), strict=True))
        return found

    def write(self, shard: int, work: Sequence[Row], records: Records) -> None:
        """Save the outcome of a shard's work, whole or not at all.

        Raises:
            StoreError: disk full or no permission.
        """
        atomic.write(self.folder / shards.file_name(shard, work), shards.encode(records), self.partial)

    def records(self) -> Records:
        """All rows of the run, each once, and the samples that failed, each once."""
        parts = []
        for _, files in groupby(self._files("*"), key=lambda path: path.name.partition("-")[0]):
            parts.append(_merged([shards.read(path) for path in files]))
        return Records.concatenate(parts)

    def measured(self) -> list[dict[str, Any]]:
        """One entry for each session that computed rows of this run."""
        path = self.folder / MEASURED
        return list(atomic.read_json(path)) if path.exists() else []

    def _files(self, pattern: str) -> list[Path]:
        return sorted(self.folder.glob(f"{pattern}.parquet"))


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
    evaluated = {sample for sample, _, _ in first}
    # A sample that failed and was read later, or failed twice, is no failure, or one.
    failures: dict[str, Failure] = {f.sample: f for f in joined.failures if f.sample not in evaluated}
    return Records(joined.where(list(first.values())).columns, tuple(failures.values()))  # type: ignore[arg-type]
