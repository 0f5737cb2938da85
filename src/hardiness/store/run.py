"""One stored run: everything computed under one key."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import count, groupby
from pathlib import Path
from typing import Any

import numpy as np

from hardiness.core import Failure, Plan, Records, Run, StoreError
from hardiness.store import atomic, shards
from hardiness.store.shards import Row

RUN, MEASURED, EXHIBITS, DAMAGED, PROVED = "run.json", "measured", "exhibits", "damaged", "proved.json"

FORMER_MEASURED = "measured.json"
"""What sessions of earlier versions shared."""

Stamps = dict[str, list[int]]
"""What tells whether files are as they were: size in bytes and time of change in ns, by name."""


@dataclass(frozen=True)
class StoredRun:
    """A folder with ``run.json`` (identity and plan), ``measured.json`` (how it was computed) and the shards.

    Attributes:
        folder: ``OUT/records/<model>--<benchmark>--<key>``.
        run: what it is of.
        plan: what stays as it was when it was begun.
        partial: folder for files being written.
        key: the run's; of a run of the former format the one it was stored under.
        former: whether it is of the former format, whose shards carry no proof.
        damage: a line for each shard file that was found damaged and left out since this object was made.
    """

    folder: Path
    run: Run
    plan: Plan
    partial: Path
    key: str
    former: bool = False
    damage: list[str] = field(default_factory=list, compare=False)

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
            records = shards.read(path, ["sample", "condition"], self._proof)
            if len(records):
                stored.update(zip(records["sample"].tolist(), records["condition"].tolist(), strict=True))
        return [row for row in work if row not in stored]

    def files(self) -> dict[int, list[Path]]:
        """The shard files there are, by shard, sorted by name; other files are none of ours."""
        with atomic.told(self.folder, "list"):
            names = sorted(entry.name for entry in os.scandir(self.folder) if shards.NAME.fullmatch(entry.name))
        paths = (self.folder / name for name in names)
        return {
            shard: list(group) for shard, group in groupby(paths, key=lambda path: int(path.name.partition("-")[0]))
        }

    def stamps(self) -> Stamps:
        """Size in bytes and time of change in ns of each shard file, by name, sorted."""
        with atomic.told(self.folder, "list"):
            found = [
                (entry.name, entry.stat()) for entry in os.scandir(self.folder) if shards.NAME.fullmatch(entry.name)
            ]
        return {name: [status.st_size, status.st_mtime_ns] for name, status in sorted(found)}

    def strangers(self) -> list[str]:
        """Names of Parquet files in the folder that are no shards of ours."""
        with atomic.told(self.folder, "list"):
            names = sorted(entry.name for entry in os.scandir(self.folder) if entry.name.endswith(".parquet"))
        return [name for name in names if not shards.NAME.fullmatch(name)]

    def write(self, shard: int, work: Sequence[Row], records: Records) -> None:
        """Save the outcome of a shard's work, whole or not at all.

        Raises:
            StoreError: disk full or no permission.
        """
        name = shards.file_name(shard, work)
        atomic.write(self.folder / name, shards.encode(records, self.key, name), self.partial)

    def read(self, path: Path, columns: Sequence[str] | None = None) -> Records | None:
        """The rows of one shard file; ``None`` where it is damaged or another run's, and a line in `damage` says so."""
        try:
            return shards.read(path, columns, self._proof)
        except StoreError as error:
            self.damage.append(str(error))
            return None

    def set_damage_aside(self) -> list[str]:
        """Move every damaged shard file to ``damaged/``, so that its work is missing again; a line for each.

        Files that were proved before and have the same size and time since are not read again.
        """
        if self.former:
            return []
        proved = self._proved()
        found: dict[str, list[int]] = {}
        lines = []
        for path in (path for group in self.files().values() for path in group):
            try:
                status = path.stat()
            except FileNotFoundError:  # another process has set it aside
                continue
            stamp = [status.st_size, status.st_mtime_ns]
            if proved.get(path.name) == stamp or self.read(path) is not None:
                found[path.name] = stamp
                continue
            aside = self.folder / DAMAGED / path.name
            with atomic.told(path, "set aside"):
                aside.parent.mkdir(exist_ok=True)
                with suppress(FileNotFoundError):
                    path.replace(aside)
            lines.append(f"{self.damage.pop()} (now {aside})")
        if found != proved:
            atomic.write_json(self.folder / PROVED, found, self.partial)
        return lines

    def exhibits(self) -> dict[str, Path]:
        """PNG files that show what was done, by caption."""
        return {path.stem: path for path in sorted((self.folder / EXHIBITS).glob("*.png"))}

    def keep_exhibit(self, caption: str, picture: bytes) -> None:
        """Add a PNG file to those.

        Raises:
            StoreError: disk full or no permission.
        """
        atomic.write(self.folder / EXHIBITS / f"{caption}.png", picture, self.partial)

    def parts(self, columns: Sequence[str] | None = None) -> Iterator[Records]:
        """The rows of each shard, in turn, each row once; damaged files are left out and told in `damage`.

        A shard that was asked for in pieces, or by two processes at once, has several files: they are merged.
        """
        for files in self.files().values():
            read = [records for path in files if (records := self.read(path, columns)) is not None]
            if read:
                yield _merged(read)

    def records(self, reduce: Callable[[Records], Records] | None = None) -> Records:
        """All rows of the run, each once, and the samples that failed, each once.

        Args:
            reduce: applied to the rows of each shard, so that a run of any length fits into memory.

        Rows are sorted by sample, condition and frame: no score depends on the order of evaluation, and equal
        confidences stand in the order of the data set. ``image``, int32, numbers the samples in that order.
        """
        joined = Records.concatenate(self.parts() if reduce is None else map(reduce, self.parts()))
        if not len(joined):
            return joined
        image = shards.numbered(joined["sample"])
        numbered = Records({**joined.columns, "image": image}, joined.failures)
        return numbered.where(np.lexsort((joined["frame"], joined["condition"], image)))

    def measured(self) -> list[dict[str, Any]]:
        """One entry for each session that computed rows of this run, in the order in which they began.

        Raises:
            StoreError: a file of them is damaged; the message names it.
        """
        former = self.folder / FORMER_MEASURED
        found = list(atomic.read_json(former)) if former.exists() else []
        found += [atomic.read_json(path) for path in sorted((self.folder / MEASURED).glob("*.json"))]
        if not all(isinstance(session, dict) for session in found):
            raise StoreError(f"{self.folder / MEASURED} must hold an object a file, and does not; delete it")
        return found

    def add_measured(self, session: Mapping[str, Any]) -> None:
        """Keep how one session computed its rows, in a file of its own.

        Raises:
            StoreError: disk full or no permission.
        """
        content = atomic.as_json(dict(session))
        name = re.sub(r"[^\w.+-]+", "_", f"{session.get('started', '')}-{platform.node()}-{os.getpid()}")
        for turn in count():
            if atomic.create(self.folder / MEASURED / f"{name}-{turn}.json", content, self.partial):
                return

    def holds(self, shard: int, work: Sequence[Row]) -> bool:
        """Whether the outcome of this very work is stored."""
        return (self.folder / shards.file_name(shard, work)).exists()

    def covered(self, shard: int, work: Sequence[Row], files: Mapping[int, Sequence[Path]]) -> bool:
        """Whether every row of ``work`` is stored or was tried and failed; arguments as for `missing`."""
        left = set(work)
        for path in files.get(shard, ()):
            records = shards.read(path, ["sample", "condition"], self._proof)
            if len(records):
                left.difference_update(zip(records["sample"].tolist(), records["condition"].tolist(), strict=True))
            left.difference_update((f.sample, condition) for f in records.failures for condition in f.conditions)
        return not left

    @property
    def _proof(self) -> str | None:
        return None if self.former else self.key

    def _proved(self) -> dict[str, list[int]]:
        """Size and time of the files that were proved, by name; nothing where that is not known."""
        try:
            found = atomic.read_json(self.folder / PROVED)
        except StoreError:
            return {}
        return found if isinstance(found, dict) else {}


def _merged(parts: Sequence[Records]) -> Records:
    """One shard's files as one."""
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
