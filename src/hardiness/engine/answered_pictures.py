"""The pictures that answers from elsewhere are of, and the tree that they were written to."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from hardiness.benchmarks.corruptions import CorruptionSet
from hardiness.core.benchmark import Benchmark, DataSet
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError, suggestion
from hardiness.core.model import CANVAS_224
from hardiness.core.picture_names import plain_name
from hardiness.reference.classes import wnids
from hardiness.sources.files import shown
from hardiness.sources.packages import file_sha256
from hardiness.store.writing import parse_json

CLEAN_CELL = "clean"
"""Name of the condition of clean pictures, in a file and in a tree."""

HASHED = 1000
"""Pictures of a tree that are held against its manifest before answers for them count; of larger trees every n-th."""

_NAMED = 3
"""How many pictures of a like name are proposed."""


@dataclass(frozen=True)
class Pictures:
    """The pictures that answers are of.

    Attributes:
        data: the data set.
        manifest_sha256: of the manifest of the tree that they lie in; empty without one.
        listed: the files of the tree, by cell and sample; ``None`` without a tree.
    """

    data: DataSet
    manifest_sha256: str = ""
    listed: Mapping[str, frozenset[str]] | None = None


def class_names(data: DataSet) -> Sequence[str]:
    """The names of a data set's classes in the order of a network's outputs; none where nobody names them."""
    return data.outputs or data.class_names or (wnids() if data.num_classes == len(wnids()) else ())


def cell_of(condition: Condition) -> str:
    """The name of a condition in a file and in a tree: ``clean``, ``fog/3``."""
    return "/".join(str(value) for value in condition.values()) or CLEAN_CELL


def pictures_of(
    benchmark: Benchmark, data: DataSet, photographs: DataSet | None, seed: int, tree: str = ""
) -> Pictures:
    """The pictures of a benchmark, and the tree that they were written to.

    Where the tree's files are PNGs or WebPs, and the photographs that they were made of are there, answers for them
    count as answers for pictures made in memory, which are the same; answers for JPEGs never do, as each library
    decodes these otherwise.

    Args:
        benchmark: which.
        data: its data set.
        photographs: the data set that pictures can be made of, where it was named beside a tree.
        seed: of the run.
        tree: the folder of the pictures, where it is not that of the data.

    Raises:
        ArgumentError: pictures are made of the data and it is not known where they lie; or the tree is of another
            seed or of other versions of the corruptions.
        StoreError: the manifest is no JSON.
    """
    manifest = Path(tree or data.location) / "manifest.json"
    # Beside what is corrupted nowhere, a manifest is somebody else's.
    if not isinstance(benchmark, CorruptionSet) or not manifest.is_file():
        if benchmark.conditions() != (Condition(),) and not data.fingerprints:
            if not isinstance(benchmark, CorruptionSet):
                raise ArgumentError(
                    f"predictions are not for {benchmark.name}, whose pictures are made while it runs and lie in no "
                    "files; give it the model itself, e.g. as a function (py:FILE.py:NAME)"
                )
            raise ArgumentError(
                f"predictions for {benchmark.name} needs the tree that the pictures lie in: write it with hardiness "
                f"make corruptions SRC TREE, and give --data {benchmark.name}=TREE beside the photographs"
            )
        return Pictures(data)
    record = parse_json(manifest.read_bytes(), str(manifest))
    _require_unchanged(manifest, record["files"])
    for key, value in (("seed", seed), ("kernel_version", json.loads(json.dumps(benchmark.identity().get("kernels"))))):
        if record.get(key) != value:
            raise ArgumentError(f"{manifest} says {key} {record.get(key)}, and this run has {value}: use the same")
    listed = {
        cell: frozenset(name.rpartition(".")[0] for name in files)
        for cell, files in cast(Mapping[str, Mapping[str, str]], record["files"]).items()
    }
    content = file_sha256(manifest)
    is_as_in_memory = (
        record.get("format") in ("png", "webp")  # which lose nothing
        and (record.get("canvas"), record.get("set")) == (CANVAS_224.crop_px, benchmark.name)
        and benchmark.jpeg == bool(benchmark.members.jpeg_quality)  # as the set has it, and so the tree
    )
    if is_as_in_memory and photographs and photographs.fingerprint == record.get("source_fingerprint"):
        return Pictures(photographs, content, listed)
    listed_conditions = frozenset(each for each in benchmark.conditions() if cell_of(each) in listed)
    conditions = listed_conditions if tree else (data.conditions or frozenset()) | (listed_conditions & {Condition()})
    fingerprints = {
        **data.fingerprints,
        **dict.fromkeys(listed_conditions if tree else listed_conditions & {Condition()}, content),
    }
    return Pictures(replace(data, conditions=conditions, fingerprints=fingerprints), content, listed)


def _require_unchanged(manifest: Path, files: Mapping[str, Mapping[str, str]]) -> None:
    """Raise where a picture of a tree is another one than was written; one that is not there tells nothing.

    Raises:
        ArgumentError: naming the picture.
    """
    digests = [(f"{cell}/{name}", digest) for cell, names in files.items() for name, digest in names.items()]
    for name, digest in digests[:: max(len(digests) // HASHED, 1)]:
        picture = manifest.parent / name
        if picture.is_file() and file_sha256(picture) != digest:
            raise ArgumentError(
                f"{picture} is another picture than {manifest} lists: answers for it are none for what was written; "
                "write the tree again with hardiness make corruptions"
            )


class PicturePaths:
    """The picture of a path, and the condition where the path goes through the folder of one.

    Args:
        ids: of the pictures.
        cells: names of the conditions, as folders of a tree have them: ``clean``, ``fog/3``.
    """

    def __init__(self, ids: Collection[str], cells: Collection[str]) -> None:
        self._ids, self._cells = ids, cells
        self._pictures: dict[str, tuple[str, str]] = {}
        self._endings: dict[str, str | None] | None = None

    def picture(self, text: str, where: str, data: str) -> tuple[str, str]:
        """The id of the picture, and the name of its condition; that is empty where the path says none.

        Args:
            text: as it is written, with or without suffix.
            where: the row, for messages.
            data: name of the data set, likewise.

        Raises:
            ArgumentError: it is no picture, or may be several.
        """
        if text not in self._pictures:
            self._pictures[text] = self._find(text, where, data)
        return self._pictures[text]

    def _find(self, text: str, where: str, data: str) -> tuple[str, str]:
        name = plain_name(text)
        for path in (name, _stem(name)):
            for before, end in _ends(path):
                if end in self._ids:
                    return end, self._cell(before)
        if self._endings is None:
            self._endings = {}
            for picture in self._ids:
                for _, end in _ends(picture):
                    self._endings[end] = picture if self._endings.get(end, picture) == picture else None
        for path in (name, _stem(name)):
            if path in self._endings:
                if (only := self._endings[path]) is not None:
                    return only, ""
                raise ArgumentError(
                    f"{where}: {shown(text)!r} may be several pictures of {data}: write its folder, too"
                )
        raise ArgumentError(
            f"{where}: {shown(text)!r} is no sample of {data}{suggestion(text, sorted(self._ids), _NAMED)}"
        )

    def _cell(self, before: str) -> str:
        """The condition whose folder is the last of a path; empty where it is that of none."""
        parts = before.split("/")
        return next((cell for cell in ("/".join(parts[-2:]), parts[-1]) if cell and cell in self._cells), "")


def _stem(path: str) -> str:
    dot = path.rfind(".")
    return path[:dot] if dot > path.rfind("/") + 1 else path


def _ends(path: str) -> Iterator[tuple[str, str]]:
    """Each end of a path, the longest first, behind what stands before it."""
    yield "", path
    at = path.find("/")
    while at >= 0:
        yield path[:at], path[at + 1 :]
        at = path.find("/", at + 1)
