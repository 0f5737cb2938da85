"""One stored run: everything computed under one key."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from hardiness.core import Failure, Plan, Records, Run, Share, StoreError
from hardiness.store import atomic, shards
from hardiness.store.run_folder import STRANGE, RunFolder, Stamps
from hardiness.store.shards import Row
from hardiness.store.together import together

RUN, PROVED, CELLS = "run.json", "proved.json", "cells.json"


@dataclass(frozen=True)
class StoredRun(RunFolder):
    """A folder with ``run.json`` (identity and plan), ``measured.json`` (how it was computed) and the shards.

    Attributes:
        files, path: as in `RunFolder`.
        run: what it is of.
        plan: what stays as it was when it was begun.
        key: the run's; of a run of the former format the one it was stored under.
        former: whether it is of the former format, whose shards carry no proof.
        cells: fingerprint of each condition's own files, by its index, where the data have such; rows that were made
            of others are not read.
        damage: a line for each shard file that was found damaged and left out since this object was made.
        aside: a line for each file of its own that was set aside when it was opened to be continued.
        whole: names of shard files that were seen to hold no failure since this object was made.
    """

    run: Run
    plan: Plan
    key: str
    former: bool = False
    cells: Mapping[int, str] = field(default_factory=dict)
    damage: list[str] = field(default_factory=list, compare=False)
    aside: tuple[str, ...] = field(default=(), compare=False)
    whole: set[str] = field(default_factory=set, compare=False)

    def missing(self, shard: int, work: Sequence[Row], listed: Mapping[int, Sequence[str]]) -> list[Row]:
        """The part of a shard's work that is not stored, in its order.

        Args:
            shard: index of the shard.
            work: rows asked for.
            listed: what `shards` gave; listing the folder once serves all shards.
        """
        present = listed.get(shard, ())
        whole = shards.file_name(shard, work)
        if whole in present and _is_whole(self, whole):
            return []  # the usual case of a second run: no row is decoded
        stored: set[Row] = set()
        for name in present:
            records = self._proved_rows(name)
            if len(records):
                stored.update(zip(records["sample"].tolist(), records["condition"].tolist(), strict=True))
        return [row for row in work if row not in stored]

    def write(self, shard: int, work: Sequence[Row], records: Records) -> None:
        """Save the outcome of a shard's work, whole or not at all; what another process has stored of it stays.

        Raises:
            StoreError: disk full or no permission.
        """
        name = shards.file_name(shard, work)
        _put(self, name, shards.encode(records, self.key, name, self.cells))

    def read(self, name: str, columns: Sequence[str] | None = None) -> Records | None:
        """The rows of one shard file; ``None`` where it is damaged or another run's, and a line in `damage` says so."""
        try:
            return shards.read(self.content(name), f"{self.place}/{name}", columns, self._proof, self.cells)
        except StoreError as error:
            self.damage.append(str(error))
            _disprove(self, name)
            return None

    def set_damage_aside(self, share: Share | None = None) -> list[str]:
        """Move every damaged file to ``damaged/``, so that a shard's work is missing again; a line for each.

        Shards that were proved before and have the same size and time since are not read again.

        Args:
            share: of several processes; each looks into the files of its own shards alone, and keeps no proof.
        """
        if self.former:
            return []
        proved = {} if share else _proved(self)
        found, damage = _looked_into(self, share, proved)
        lines = [*self.aside, *(self.set_aside(name, why) for name, why in damage.items())]
        if share:
            return lines
        if found != proved:
            self.keep(PROVED, atomic.as_json(found))
        broken = {path: str(error) for path, error in self.sessions() if isinstance(error, StoreError)}
        lines += [self.set_aside(path.removeprefix(f"{self.path}/"), why) for path, why in broken.items()]
        return lines + [self.set_aside(name, f"{self.place}/{name} {STRANGE}") for name in self.strangers()]

    def parts(self, columns: Sequence[str] | None = None) -> Iterator[Records]:
        """The rows of each shard, in turn, each row once; damaged files are left out and told in `damage`.

        A shard that was asked for in pieces, or by two processes at once, has several files: they are merged.
        """
        for names in self.shards().values():
            read = [records for name in names if (records := self.read(name, columns)) is not None]
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

    def holds(self, shard: int, work: Sequence[Row]) -> bool:
        """Whether the outcome of this very work is stored."""
        return self.files.has(f"{self.path}/{shards.file_name(shard, work)}")

    def with_cells(self, cells: Mapping[int, str]) -> StoredRun:
        """This run on data whose conditions' own files are these now; kept for whoever reads it later.

        Raises:
            StoreError: disk full or no permission.
        """
        if dict(cells) == dict(self.cells):
            return self
        content = atomic.as_json({str(condition): fingerprint for condition, fingerprint in sorted(cells.items())})
        self.keep(CELLS, content)
        return replace(self, cells=dict(cells))

    def covered(self, shard: int, work: Sequence[Row], listed: Mapping[int, Sequence[str]]) -> bool:
        """Whether every row of ``work`` is stored or was tried and failed; arguments as for `missing`."""
        left = set(work)
        for name in listed.get(shard, ()):
            records = self._proved_rows(name)
            if len(records):
                left.difference_update(zip(records["sample"].tolist(), records["condition"].tolist(), strict=True))
            left.difference_update((f.sample, condition) for f in records.failures for condition in f.conditions)
        return not left

    def _proved_rows(self, name: str) -> Records:
        """Which rows a shard file holds; raises where it is damaged."""
        return shards.read(self.content(name), f"{self.place}/{name}", ["sample", "condition"], self._proof, self.cells)

    @property
    def _proof(self) -> str | None:
        return None if self.former else self.key


def _put(run: StoredRun, name: str, content: bytes) -> None:
    """Put a shard file where there is none, or in place of one that is damaged or of a try in which images failed."""
    if not run.files.conditional:
        run.keep(name, content)  # equal work gives equal bytes, and to find out who was first takes a second
        return
    if run.files.create(f"{run.path}/{name}", content) or run.content(name) == content:
        return
    run.whole.discard(name)
    if _damage(run, name) or name not in run.whole:
        run.keep(name, content)


def _is_whole(run: StoredRun, name: str) -> bool:
    return name in run.whole or shards.is_whole(run.content(name), f"{run.place}/{name}", run.cells)


def _looked_into(run: StoredRun, share: Share | None, proved: Stamps) -> tuple[Stamps, dict[str, str]]:
    """The shard files that are as they were written, and why each of the others cannot be used, by name."""
    stamps = run.stamps()
    found = {name: stamp for name, stamp in stamps.items() if proved.get(name) == stamp}
    unknown = [name for name in stamps if name not in found and (not share or share.owns(shards.index_of(name)))]
    damage = dict(zip(unknown, together(partial(_damage, run), unknown), strict=True))
    found |= {name: stamps[name] for name in unknown if not damage[name]}
    return found, {name: why for name, why in damage.items() if why}


def _damage(run: StoredRun, name: str) -> str:
    """Why one of its shard files cannot be used; nothing of one that can."""
    place = f"{run.place}/{name}"
    try:
        content = run.content(name)
        shards.read(content, place, None, run.key, run.cells)
    except StoreError as error:
        return str(error)
    if shards.is_whole(content, place, run.cells):
        run.whole.add(name)
    return ""


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


def _proved(run: StoredRun) -> Stamps:
    """Size and time of the files that were proved, by name; nothing where that is not known."""
    try:
        found = atomic.parsed(run.content(PROVED), PROVED)
    except StoreError:
        return {}
    return found if isinstance(found, dict) else {}


def _disprove(run: StoredRun, name: str) -> None:
    """Forget that a file was proved, so that `StoredRun.set_damage_aside` reads it, whatever its size and time."""
    proved = _proved(run)
    if proved.pop(name, None) is not None:
        with suppress(StoreError):  # a folder that may only be read
            run.keep(PROVED, atomic.as_json(proved))
