"""One stored run: everything computed under one key."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from itertools import count, groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hardiness.core.codes import FolderRemark
from hardiness.core.columns import NO_COLUMNS, Columns, has_all, join_columns, replaced_cells
from hardiness.core.errors import StoreError
from hardiness.core.fact import Fact, error_of
from hardiness.core.forms import from_json
from hardiness.core.own_sources import sources_digest
from hardiness.core.request import Share, Stop
from hardiness.core.run import Plan, Run
from hardiness.core.table import Failure, Records
from hardiness.store import shards
from hardiness.store.arrow_columns import rank_texts
from hardiness.store.files import Files
from hardiness.store.memo import Memo, Stamp, Stamps
from hardiness.store.parallel import in_parallel
from hardiness.store.picture_columns import decode_columns, encode_columns, file_name
from hardiness.store.shards import Row
from hardiness.store.writing import as_json, parse_json

MEASURED, EXHIBITS, STOP, PICTURE_COLUMNS = "measured", "exhibits", "stop.json", "columns"

DAMAGED, STRANGE = "damaged", "is no file of this run"

CLASSES = ("label", "prediction", "top5_class", "target")
"""Columns of rows that hold classes: stored by the outputs of the model, read by the classes of the data."""

_SESSIONS_WRITTEN = count()

OF_SESSION = ("started", "rows", "limit", "asked", "benchmark", "data")
"""The parts that every session keeps of itself, the last two in what it was asked."""

RUN, CELLS = "run.json", "cells.json"

PROVED = "proved"
"""Part of the memo, and the value in it: size and time of the shard files that hold what was written."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One file of an output folder, read when it is needed."""

    files: Files
    path: str

    def read_bytes(self) -> bytes:
        """All of its bytes; none where it is gone."""
        return self.files.read(self.path) or b""


@dataclass(frozen=True)
class RunFolder:
    """A run's folder.

    Attributes:
        files: of the output folder.
        path: of this run's folder there, ``records/<model>--<benchmark>--<key>``.
    """

    files: Files
    path: str

    @property
    def place(self) -> str:
        """Where it is, for messages."""
        return f"{self.files.address}/{self.path}"

    @property
    def folder(self) -> Path:
        """Its folder, where the output folder is on a disk."""
        return Path(self.files.address) / self.path

    def shards(self) -> dict[int, list[str]]:
        """Names of the shard files there are, by shard, sorted; other files are none of ours."""
        return by_shard(self.stamps())

    def stamps(self, first: int = 0) -> Stamps:
        """Size in bytes and what changes with the content of each shard file, by name, sorted.

        Args:
            first: index of the first shard wanted.
        """
        return self.contents(first)[0]

    def stamp(self, name: str) -> Stamp | None:
        """Size and change mark of one file of the folder, as it is now; ``None`` where there is none."""
        stamp = self.files.stamp(f"{self.path}/{name}")
        return list(stamp) if stamp else None

    def content(self, name: str) -> bytes:
        """The bytes of one file of its folder; none where it is gone."""
        return self.files.read(f"{self.path}/{name}") or b""

    def keep(self, name: str, content: bytes) -> None:
        """Put a file into its folder, whole or not at all.

        Raises:
            StoreError: disk full or no permission.
        """
        self.files.write(f"{self.path}/{name}", content)

    def strangers(self) -> list[str]:
        """Names of Parquet files in the folder that are no shards of ours."""
        return self.contents()[1]

    def contents(self, first: int = 0) -> tuple[Stamps, list[str]]:
        """The stamps of shard files, from shard `first` on, and the names of strangers, by one listing."""
        stamps = self.files.list_files(self.path, shards.shard_prefix(first) if first else "")
        names = {path.removeprefix(f"{self.path}/"): stamp for path, stamp in stamps.items()}
        ours: Stamps = {name: list(stamp) for name, stamp in names.items() if shards.NAME.fullmatch(name)}
        others = [name for name in names if name.endswith(".parquet") and "/" not in name and name not in ours]
        return ours, others

    def set_aside(self, name: str, why: StoreError) -> Fact:
        """Move a file of the folder to ``damaged/``; the fact that it was is returned."""
        aside = f"{self.path}/{DAMAGED}/{name.rpartition('/')[2]}"
        self.files.move(f"{self.path}/{name}", aside)
        return Fact(FolderRemark.SET_ASIDE, {"why": error_of(why), "folder": self.files.address, "file": aside})

    def complaints(self, strangers: Sequence[str] | None = None) -> list[Fact]:
        """A fact for each file that is not what was written, and for each of `strangers`, listed now if ``None``."""
        broken = [error for _, error in self.sessions() if isinstance(error, StoreError)]
        try:
            self._stop()
        except StoreError as error:
            broken.append(error)
        names = self.strangers() if strangers is None else strangers
        strange = [StoreError(f"{self.place}/{name} {STRANGE}") for name in names]
        return [error_of(error) for error in (*broken, *strange)]

    def exhibits(self) -> dict[str, StoredFile]:
        """PNG files that show what was done, by caption."""
        return {
            Path(path).stem: StoredFile(self.files, path)
            for path in self.files.list_files(f"{self.path}/{EXHIBITS}")
            if path.endswith(".png")
        }

    def keep_exhibit(self, caption: str, picture: bytes) -> None:
        """Add a PNG file that shows what was done.

        Raises:
            StoreError: disk full or no permission.
        """
        self.keep(f"{EXHIBITS}/{caption}.png", picture)

    def picture_columns(self) -> Columns:
        """The columns of its pictures that sessions have stored; those of a later one count where two disagree.

        Remarks say where they do, and which file is not what was written.
        """
        columns, damage = NO_COLUMNS, []
        for path in sorted(self.files.list_files(f"{self.path}/{PICTURE_COLUMNS}")):
            try:
                further = decode_columns(self.files.read(path) or b"", f"{self.files.address}/{path}")
            except StoreError as error:
                damage.append(error_of(error))
                continue
            columns, disagreements = join_columns(columns, further)
            replaced = replaced_cells(further.title, disagreements, "session")
            columns = replace(columns, remarks=(*columns.remarks, *replaced))
        return replace(columns, remarks=(*columns.remarks, *damage))

    def keep_picture_columns(self, columns: Columns) -> None:
        """Store columns of its pictures in a file of their own, unless all of them are stored already.

        Raises:
            StoreError: disk full or no permission.
        """
        if not columns or has_all(self.picture_columns(), columns):
            return
        content = encode_columns(columns)
        stored = len(self.files.list_files(f"{self.path}/{PICTURE_COLUMNS}"))
        self.keep(f"{PICTURE_COLUMNS}/{file_name(stored, content)}", content)

    def stop(self) -> Stop | None:
        """The last look at the run while it was evaluated until exact enough; ``None`` where there is none to read."""
        with suppress(StoreError):
            return self._stop()
        return None

    def keep_stop(self, stop: Stop) -> None:
        """Keep the last look at the run.

        Raises:
            StoreError: disk full or no permission.
        """
        if self.stop() != stop:
            self.keep(STOP, as_json(stop))

    def _stop(self) -> Stop | None:
        content, place = self.content(STOP), f"{self.place}/{STOP}"
        return from_json(Stop, parse_json(content, place), place, "delete it") if content else None

    def sessions(self) -> Iterator[tuple[str, dict[str, Any] | StoreError]]:
        """The records of the sessions that computed rows of this run, in the order in which they began, by file.

        A file that is not what was written gives an error that names it.
        """
        for path, content in self.files.read_all(list(self.files.list_files(f"{self.path}/{MEASURED}"))).items():
            place = f"{self.files.address}/{path}"
            if content is None:
                continue
            try:
                session = parse_json(content, place)
            except StoreError as error:
                yield path, error
                continue
            request = session.get("asked") if isinstance(session, dict) else None
            parts = {**session, **request} if isinstance(request, dict) else {}
            lacking = [part for part in OF_SESSION if part not in parts]
            line = f"{place} must hold how a session computed, and lacks {', '.join(lacking)}; delete it"
            yield path, StoreError(line) if lacking else session

    def measured(self) -> list[dict[str, Any]]:
        """The sessions whose files can be read."""
        return [session for _, session in self.sessions() if isinstance(session, dict)]

    def last_began(self) -> datetime | None:
        """When the last session began that asked for this run; ``None`` where none is kept."""
        return last_began(self.measured())

    def begun(self) -> tuple[str, int]:
        """When it was first begun, and as which of its command; what sorts runs in the order of ``-m``."""
        names = [path.rpartition("/")[2] for path in self.files.list_files(f"{self.path}/{MEASURED}")]
        parts = (re.fullmatch(r"(\d{4}-\d\d-\d\dT[\d_.]+).*-(\d+)\.json", name) for name in names)
        return min(((match[1], int(match[2])) for match in parts if match), default=("", 0))

    def add_measured(self, session: Mapping[str, Any], path: str = "") -> str:
        """Keep how one session computed its rows, in a file of its own; the path of that file.

        Args:
            session: what is kept.
            path: of the file that this session has already, which is written anew; empty for none.

        Raises:
            StoreError: disk full or no permission.
        """
        content = as_json(dict(session))
        if path:
            self.files.write(path, content)
            return path
        name = re.sub(r"[^\w.+-]+", "_", f"{session.get('started', '')}-{platform.node()}-{os.getpid()}")
        # Numbers are of this process, so that a second session within a second takes no name that is already there.
        while not self.files.create(path := f"{self.path}/{MEASURED}/{name}-{next(_SESSIONS_WRITTEN)}.json", content):
            pass
        return path


def last_began(sessions: Iterable[Mapping[str, Any]]) -> datetime | None:
    """When the last of some sessions began; ``None`` where none says so."""
    times = []
    for session in sessions:
        with suppress(ValueError):
            time = datetime.fromisoformat(str(session.get("started", "")))
            times.append(time if time.tzinfo else time.replace(tzinfo=UTC))
    return max(times, default=None)


def by_shard(names: Iterable[str]) -> dict[int, list[str]]:
    """Names of shard files, sorted, by the shard that they start with."""
    return {shard: list(group) for shard, group in groupby(names, key=shards.index_of)}


@dataclass(frozen=True)
class StoredRun(RunFolder):
    """A folder with ``run.json`` (identity and plan), ``measured`` (how it was computed) and the shards.

    Attributes:
        files, path: as in `RunFolder`.
        run: what it is of.
        plan: what stays as it was when it was begun.
        key: the run's.
        cells: fingerprint of each condition's own files, by its index, where the data have such; rows that were made
            of others are not read.
        damage: a fact for each shard file that was found damaged and left out since this object was made.
        unreadable: the names of these files.
        aside: the files of its own that were set aside when it was opened to be continued.
        whole: names of shard files that were seen to hold no failure since this object was made.
    """

    run: Run
    plan: Plan
    key: str
    cells: Mapping[int, str] = field(default_factory=dict)
    damage: list[Fact] = field(default_factory=list, compare=False)
    unreadable: set[str] = field(default_factory=set, compare=False)
    aside: tuple[Fact, ...] = field(default=(), compare=False)
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
        if whole in present and self._is_whole(whole):
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
        self._put(name, shards.encode(records, self.key, name, self.cells))

    def read(self, name: str, columns: Sequence[str] | None = None) -> Records | None:
        """The rows of one shard file; ``None`` where it is damaged or another run's, and a fact in `damage` says so.

        Classes are those of the data in their own order, whichever output of the model is which.
        """
        try:
            records = shards.read(self.content(name), f"{self.place}/{name}", columns, self.key, self.cells)
            return records if self._class_of_output is None else _renumbered(records, self._class_of_output)
        except StoreError as error:
            self.damage.append(error_of(error))
            self.unreadable.add(name)
            self._disprove(name)
            return None

    @cached_property
    def _class_of_output(self) -> NDArray[np.int64] | None:
        """The class of each output, and -1, where there is none, for -1; ``None`` where each is its own output."""
        classes = self.run.class_of_output
        return np.array([*classes, -1], np.int64) if classes else None

    def set_damage_aside(self, share: Share | None = None) -> list[Fact]:
        """Move every damaged file to ``damaged/``, so that a shard's work is missing again; a fact for each.

        Shards that were proved before and have the same size and time since are not read again.

        Args:
            share: of several processes; each looks into the files of its own shards alone, and keeps no proof.
        """
        proved = {} if share else self.proved()
        sound, damage = self._inspect_shards(share, proved)
        facts = [*self.aside, *(self.set_aside(name, why) for name, why in damage.items())]
        if share:
            return facts
        if sound != proved:
            self.keep_proved(sound)
        broken = {path: error for path, error in self.sessions() if isinstance(error, StoreError)}
        facts += [self.set_aside(path.removeprefix(f"{self.path}/"), why) for path, why in broken.items()]
        return facts + [self.set_aside(name, StoreError(f"{self.place}/{name} {STRANGE}")) for name in self.strangers()]

    def proved(self) -> Stamps:
        """Size and time of the shard files that were seen to hold what was written, by name, as they were then."""
        return dict(self.memo("", PROVED).last(PROVED) or {})

    def keep_proved(self, proved: Stamps) -> None:
        """Keep these proofs in place of the former ones, where the folder can be written."""
        memo = self.memo("", PROVED)
        memo.put(PROVED, "", proved)
        memo.save()

    def memo(self, key: str, part: str, *, trusted: bool = False, anew: bool = False) -> Memo:
        """The memo of what was computed from its rows, kept beside them; arguments as of `Memo`."""
        return Memo(self.files, self.path, self.run.conditions, f"{key} {sources_digest()}", part, trusted, anew)

    def parts(self, columns: Sequence[str] | None = None) -> Iterator[Records]:
        """The rows of each shard, in turn, each row once; damaged files are left out and told in `damage`.

        A shard that was asked for in pieces, or by two processes at once, has several files: they are merged.
        """
        for names in self.shards().values():
            shard = [records for name in names if (records := self.read(name, columns)) is not None]
            if shard:
                yield _merge(shard)

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
        image = rank_texts(joined["sample"])
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
        content = as_json({str(condition): fingerprint for condition, fingerprint in sorted(cells.items())})
        self.keep(CELLS, content)
        return replace(self, cells=dict(cells))

    def covered(self, shard: int, work: Sequence[Row], listed: Mapping[int, Sequence[str]]) -> bool:
        """Whether every row of ``work`` is stored or was tried and failed; arguments as for `missing`."""
        remaining = set(work)
        for name in listed.get(shard, ()):
            records = self._proved_rows(name)
            if len(records):
                remaining.difference_update(zip(records["sample"].tolist(), records["condition"].tolist(), strict=True))
            remaining.difference_update((f.sample, condition) for f in records.failures for condition in f.conditions)
        return not remaining

    def _proved_rows(self, name: str) -> Records:
        """The sample and condition of each row of a shard file; raises where it is damaged."""
        return shards.read(self.content(name), f"{self.place}/{name}", ["sample", "condition"], self.key, self.cells)

    def _put(self, name: str, content: bytes) -> None:
        """Put a shard file where there is none, or in place of a damaged one or of a try in which images failed."""
        if not self.files.conditional:
            self.keep(name, content)  # equal work gives equal bytes, and to find out who was first takes a second
            return
        if self.files.create(f"{self.path}/{name}", content) or self.content(name) == content:
            return
        self.whole.discard(name)
        if self._damage(name) or name not in self.whole:
            self.keep(name, content)

    def _is_whole(self, name: str) -> bool:
        return name in self.whole or shards.is_whole(self.content(name), f"{self.place}/{name}", self.cells)

    def _inspect_shards(self, share: Share | None, proved: Stamps) -> tuple[Stamps, dict[str, StoreError]]:
        """The shard files that are as they were written, and why each of the others cannot be used, by name."""
        stamps = self.stamps()
        sound = {name: stamp for name, stamp in stamps.items() if proved.get(name) == stamp}
        unknown = [name for name in stamps if name not in sound and (not share or share.owns(shards.index_of(name)))]
        damage = dict(zip(unknown, in_parallel(self._damage, unknown), strict=True))
        sound |= {name: stamps[name] for name in unknown if not damage[name]}
        return sound, {name: why for name, why in damage.items() if why}

    def _damage(self, name: str) -> StoreError | None:
        """Why one of its shard files cannot be used; ``None`` of one that can."""
        place = f"{self.place}/{name}"
        try:
            content = self.content(name)
            shards.read(content, place, None, self.key, self.cells)
        except StoreError as error:
            return error
        if shards.is_whole(content, place, self.cells):
            self.whole.add(name)
        return None

    def _disprove(self, name: str) -> None:
        """Forget that a file was proved, so that `set_damage_aside` reads it, whatever its size and time."""
        proved = self.proved()
        if proved.pop(name, None) is not None:
            self.keep_proved(proved)


def _renumbered(records: Records, class_of_output: NDArray[np.int64]) -> Records:
    """The records with the class of each output in the place of its number."""
    columns = {name: class_of_output[records[name]].astype(records[name].dtype) for name in CLASSES if name in records}
    return replace(records, columns={**records.columns, **columns})


def _merge(parts: Sequence[Records]) -> Records:
    """The rows and failures of one shard's files, each once."""
    joined = Records.concatenate(parts)
    if len(parts) == 1:
        return joined
    frames = joined["frame"].tolist() if "frame" in joined else [0] * len(joined)
    first: dict[tuple[str, int, int], int] = {}
    if len(joined):
        for index, row in enumerate(zip(joined["sample"].tolist(), joined["condition"].tolist(), frames, strict=True)):
            first.setdefault(row, index)
    evaluated = {(sample, condition) for sample, condition, _ in first}
    unique = joined.where(np.array(list(first.values()), np.int64))
    return Records(unique.columns, tuple(_still_failed(joined.failures, evaluated)))


def _still_failed(failures: Sequence[Failure], evaluated: set[Row]) -> Iterator[Failure]:
    """Each failure once, without the conditions under which its sample was evaluated in another try."""
    reported: set[Row] = set()
    for failure in failures:
        rows = [(failure.sample, condition) for condition in failure.conditions]
        open_rows = [row for row in rows if row not in evaluated and row not in reported]
        reported.update(open_rows)
        if open_rows:
            yield replace(failure, conditions=tuple(condition for _, condition in open_rows))
