"""Trees of files made of photographs: written cell by cell, resumed, listed in a manifest."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from hardiness.benchmarks.corruptions import CorruptionSet
from hardiness.benchmarks.imagenet_p import ImagenetP
from hardiness.benchmarks.own_code import benchmark_code
from hardiness.core.benchmark import DataSet, Item
from hardiness.core.condition import Condition
from hardiness.core.errors import SampleError, StoreError
from hardiness.core.fact import Fact
from hardiness.core.process import ordered
from hardiness.core.progress import Clock, Listener, Silence
from hardiness.core.request import Request
from hardiness.core.table import Failure
from hardiness.core.whole_files import whole_file
from hardiness.data.items import limited
from hardiness.sources.files import read_regular, shown
from hardiness.store.lock import WAIT_S
from hardiness.store.manifest import Manifest, alone, refuse_strangers
from hardiness.store.writing import PARTIAL, file_errors, refuse_links

AHEAD = 2
"""Photographs in the making for each worker: all their files are on disk, so that only hashes wait."""


class Maker(Protocol):
    """The maker of a tree's files."""

    @property
    def command(self) -> str:
        """Name beside the progress bar."""
        ...

    @property
    def cells(self) -> Sequence[Condition]:
        """Conditions that each photograph is written for."""
        ...

    def name_of(self, item: Item) -> str:
        """The path of a photograph's files below the folder of their cell."""
        ...

    @property
    def origin(self) -> Mapping[str, Any]:
        """Everything but the photographs and the seed that the bytes depend on."""
        ...

    def place(self, cell: Condition) -> str:
        """The folder of a cell below the tree, e.g. ``"fog/3"``."""
        ...

    def parameters(self, cell: Condition) -> Mapping[str, Any]:
        """The named parameters that the files of a cell are made with; empty where there are none."""
        ...

    @property
    def about(self) -> Mapping[str, str]:
        """Sentences on the files for the manifest, by name."""
        ...

    def is_whole(self, content: bytes) -> bool:
        """Whether a file that an interrupted command left is finished."""
        ...

    def prepare(self, item: Item) -> Callable[[Condition], bytes]:
        """Read one photograph; what is returned gives the file of each of its cells.

        Raises:
            SampleError: it cannot be read.
        """
        ...


class WrittenFile(NamedTuple):
    """One file of the tree: its cell (``"fog/3"``), its path below it, its hash."""

    cell: str
    path: str
    sha256: str


@dataclass(frozen=True)
class TreeOutcome:
    """The outcome of writing a tree.

    Attributes:
        files: how many files the tree holds now.
        failures: photographs that could not be written, each with the reason.
        notes: parts that could not be written at all.
        remarks: what else to know of the photographs.
    """

    files: int
    failures: tuple[Failure, ...]
    notes: tuple[Fact, ...]
    remarks: tuple[Fact, ...] = ()

    @property
    def exit_status(self) -> int:
        """0 where everything asked for is there, else 1."""
        return 1 if self.failures or self.notes else 0


def write_tree(
    maker: Maker,
    photographs: DataSet,
    folder: Path,
    request: Request,
    listener: Listener | None = None,
    wait_s: float = WAIT_S,
) -> TreeOutcome:
    """Write ``folder/<place of a cell>/<name>`` for every photograph and cell; finished files are kept.

    Args:
        maker: makes the files.
        photographs: of what.
        folder: where the tree is, or goes.
        request: limit, seed and workers.
        listener: listener of progress, in files.
        wait_s: how long to wait for a process that is writing there.

    Raises:
        ArgumentError: the folder holds other files, or a tree from another source, seed or kernel version.
        StoreError: the folder cannot be written to, or another process is writing there for longer than that.
    """
    origin = {
        "source": photographs.name,
        "source_fingerprint": photographs.fingerprint,
        "seed": request.seed,
        **maker.origin,
    }
    refuse_strangers(folder)
    listener = listener or Silence()
    with alone(folder, wait_s):
        tree = TreeWriter(Manifest.open(folder, origin), maker)
        tree.manifest.about = maker.about
        by_cell = {maker.place(cell): dict(maker.parameters(cell)) for cell in maker.cells}
        tree.manifest.parameters.update({place: named for place, named in by_cell.items() if named})
        chosen = limited(photographs.items, request.limit, request.seed)
        failures = tree.write_all(chosen, request.workers, listener)
    return TreeOutcome(len(tree.manifest), failures, photographs.notes, photographs.remarks)


@dataclass
class TreeWriter:
    """A tree while it is written.

    Attributes:
        manifest: what it holds; changed by the main thread alone.
        maker: makes the files.
    """

    manifest: Manifest
    maker: Maker
    partial: Path = field(init=False)

    def __post_init__(self) -> None:
        self.partial = self.manifest.folder / PARTIAL

    def count_listed(self, item: Item) -> int:
        """How many of one photograph's files the manifest lists."""
        name = self.maker.name_of(item)
        return sum(self.manifest.holds(self.maker.place(cell), name) for cell in self.maker.cells)

    def write(self, item: Item) -> list[WrittenFile] | SampleError:
        """The files of one photograph that were made or found unlisted, or why there are none; on worker threads."""
        try:
            return list(self._files(item))
        except SampleError as error:
            return error

    def _files(self, item: Item) -> Iterator[WrittenFile]:
        name, make = self.maker.name_of(item), None
        for cell in self.maker.cells:
            place = self.maker.place(cell)
            path = self.manifest.folder / place / name
            known_sha256 = self.manifest.sha256(place, name)
            content = self._read_whole(path)
            sha256 = hashlib.sha256(content).hexdigest() if content is not None else ""
            if known_sha256 and sha256 == known_sha256:
                continue
            if content is None or known_sha256:  # a listed file that is another one now was damaged: it is made again
                make = make or self.maker.prepare(item)
                content = make(cell)
                self._put(path, content)
                sha256 = hashlib.sha256(content).hexdigest()
            yield WrittenFile(place, name, sha256)

    def _read_whole(self, path: Path) -> bytes | None:
        """The bytes of a whole file that an earlier command left; ``None`` where there is none."""
        try:
            content = read_regular(path)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreError(f"{shown(str(path))} cannot be read ({error.strerror or error}); remove it") from None
        return content if self.maker.is_whole(content) else None

    def _put(self, path: Path, content: bytes) -> None:
        """Write a file without waiting for the disk: one that a power failure cuts off is made again."""
        temporary = self.partial / f"{os.getpid()}-{threading.get_ident()}"
        with file_errors(path, "write"):
            refuse_links(path.parent, self.manifest.folder)
            path.parent.mkdir(parents=True, exist_ok=True)
            with whole_file(path, temporary):
                temporary.write_bytes(content)

    def write_all(self, photographs: Sequence[Item], workers: int, listener: Listener) -> tuple[Failure, ...]:
        """Write what is missing and keep the manifest; the photographs that failed."""
        every = tuple(range(len(self.maker.cells)))
        failures = []
        stored = sum(map(self.count_listed, photographs))
        remaining = len(photographs) * len(every) - stored
        listener.begin(self.maker.command, remaining + stored, stored)
        clock = Clock(warmup=workers)
        outcomes = ordered(self.write, photographs, workers, AHEAD * workers)
        try:
            for item, outcome in outcomes:
                rows = len(every) - self.count_listed(item)
                if isinstance(outcome, SampleError):
                    failures.append(Failure(item.id, str(outcome), every))
                else:
                    for file in outcome:
                        self.manifest.add(*file)
                listener.advance(rows)
                remaining -= rows
                seconds = clock.estimate(rows, remaining) if rows else None
                if seconds is not None:
                    listener.estimate(seconds)
        finally:
            outcomes.close()
            listener.end()
            self.manifest.save()
        return tuple(failures)


def own_code_identity(benchmark: CorruptionSet | ImagenetP) -> dict[str, str]:
    """The hash over code of a person's own that makes a benchmark's pictures; empty where all of it ships."""
    sha256 = benchmark_code(benchmark).sha256
    return {"code": sha256} if sha256 else {}
