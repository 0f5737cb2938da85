"""The folder of one run: which files it holds, their bytes, and what was kept beside its shards."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import count, groupby
from pathlib import Path
from typing import Any

from hardiness.core import Stop, StoreError
from hardiness.store import atomic, shards
from hardiness.store.files import Files

MEASURED, EXHIBITS, STOP = "measured", "exhibits", "stop.json"

DAMAGED, STRANGE = "damaged", "is no file of this run"

FORMER_MEASURED = "measured.json"
"""What sessions of earlier versions shared."""

Stamp = list[int | str]
Stamps = dict[str, Stamp]
"""What tells whether files are as they were, by name: size in bytes, and the time of change or an ETag."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One file of an output folder, read when it is wanted."""

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
        """The same of one file of its folder, asked for now; ``None`` where there is none."""
        found = self.files.stamp(f"{self.path}/{name}")
        return list(found) if found else None

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
        """What `stamps` and `strangers` give, by one listing, from shard `first` on."""
        found = self.files.listed(self.path, shards.before(first) if first else "")
        names = {path.removeprefix(f"{self.path}/"): stamp for path, stamp in found.items()}
        ours: Stamps = {name: list(stamp) for name, stamp in names.items() if shards.NAME.fullmatch(name)}
        others = [name for name in names if name.endswith(".parquet") and "/" not in name and name not in ours]
        return ours, others

    def set_aside(self, name: str, why: str) -> str:
        """Move a file of the folder to ``damaged/``; the line that says so."""
        aside = f"{self.path}/{DAMAGED}/{name.rpartition('/')[2]}"
        self.files.move(f"{self.path}/{name}", aside)
        return f"{why} (now {self.files.address}/{aside})"

    def complaints(self, strangers: Sequence[str] | None = None) -> list[str]:
        """A line for each file that is not what was written, and for each of `strangers`, listed now if ``None``."""
        broken = [str(error) for _, error in self.sessions() if isinstance(error, StoreError)]
        try:
            self._stop()
        except StoreError as error:
            broken.append(str(error))
        there = self.strangers() if strangers is None else strangers
        return broken + [f"{self.place}/{name} {STRANGE}" for name in there]

    def exhibits(self) -> dict[str, StoredFile]:
        """PNG files that show what was done, by caption."""
        return {
            Path(path).stem: StoredFile(self.files, path)
            for path in self.files.listed(f"{self.path}/{EXHIBITS}")
            if path.endswith(".png")
        }

    def keep_exhibit(self, caption: str, picture: bytes) -> None:
        """Add a PNG file to those.

        Raises:
            StoreError: disk full or no permission.
        """
        self.keep(f"{EXHIBITS}/{caption}.png", picture)

    def stop(self) -> Stop | None:
        """The last look at the run while it was evaluated until exact enough; ``None`` where there is none to read."""
        with suppress(StoreError):
            return self._stop()
        return None

    def keep_stop(self, stop: Stop) -> None:
        """Remember a look.

        Raises:
            StoreError: disk full or no permission.
        """
        if self.stop() != stop:
            self.keep(STOP, atomic.as_json(stop.as_dict()))

    def _stop(self) -> Stop | None:
        content, place = self.content(STOP), f"{self.place}/{STOP}"
        return Stop.from_dict(atomic.parsed(content, place), place) if content else None

    def sessions(self) -> Iterator[tuple[str, dict[str, Any] | StoreError]]:
        """What each session that computed rows of this run said, in the order in which they began, by file.

        A file that is not what was written gives an error that names it. Earlier versions kept all in one file.
        """
        paths = [f"{self.path}/{FORMER_MEASURED}", *self.files.listed(f"{self.path}/{MEASURED}")]
        for path, content in self.files.read_all(paths).items():
            place = f"{self.files.address}/{path}"
            if content is None:
                continue
            try:
                found = atomic.parsed(content, place)
            except StoreError as error:
                yield path, error
                continue
            for session in found if isinstance(found, list) else [found]:
                sound = isinstance(session, dict)
                yield path, session if sound else StoreError(f"{place} must hold how a session computed; delete it")

    def measured(self) -> list[dict[str, Any]]:
        """The sessions whose files can be read."""
        return [session for _, session in self.sessions() if isinstance(session, dict)]

    def add_measured(self, session: Mapping[str, Any]) -> None:
        """Keep how one session computed its rows, in a file of its own.

        Raises:
            StoreError: disk full or no permission.
        """
        content = atomic.as_json(dict(session))
        name = re.sub(r"[^\w.+-]+", "_", f"{session.get('started', '')}-{platform.node()}-{os.getpid()}")
        for turn in count():
            if self.files.create(f"{self.path}/{MEASURED}/{name}-{turn}.json", content):
                return


def by_shard(names: Iterable[str]) -> dict[int, list[str]]:
    """Names of shard files, sorted, by the shard that they start with."""
    return {shard: list(group) for shard, group in groupby(names, key=shards.index_of)}
