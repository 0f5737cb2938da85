"""Labelled pictures in Parquet files, on disk or on the hub."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from hardiness.core.errors import DataError, SampleError
from hardiness.sources.files import Stamp, changed, is_unchanged, shown, unreadable
from hardiness.sources.http import offline
from hardiness.sources.hub_cache import check_snapshot
from hardiness.sources.row_groups import RowGroups

HUB = "hf:"

SPLITS = ("validation", "val", "test")
"""The splits that are read where several are there and none was asked for, best first."""

_IMAGES, _LABELS = ("image", "img", "jpg", "png", "webp"), ("label", "labels", "cls", "class", "wnid")


class PictureRecord(NamedTuple):
    """One picture: its name, its label as it is written there, its bytes, and the text of another column."""

    name: str
    label: str
    image: TableRow
    beside: str = ""


@dataclass(frozen=True, slots=True)
class TableRow:
    """The picture in one row of a Parquet file, read where it stands.

    Attributes:
        table: the file.
        columns: of the file.
        row: of the file.
        picture: its name.
        stamp: of the file when it was listed.
    """

    table: str
    columns: TableColumns
    row: int
    picture: str
    stamp: Stamp

    @property
    def name(self) -> str:
        """``file.parquet!picture``, in one printable line."""
        return shown(f"{self.table}!{self.picture}")

    def read(self) -> bytes:
        import pyarrow

        if not self.unchanged():
            raise changed(self.name)
        try:
            content = RowGroups.open(Path(self.table), self.stamp, self.columns.bytes_path).row(self.row)
        except (pyarrow.ArrowException, OSError, ValueError, LookupError, MemoryError) as error:
            raise unreadable(self.name, error) from None
        if content is None:
            raise SampleError(f"{self.name}: must hold the bytes of a picture, but holds none; fetch it again")
        return content

    def unchanged(self) -> bool:
        """Whether the file is still there and the one that was listed."""
        return is_unchanged(self.table, self.stamp)


@dataclass(frozen=True)
class TableColumns:
    """The columns of a file.

    Attributes:
        image: the column of pictures.
        is_struct: whether its values have bytes, and perhaps a path.
        has_path: whether they have a path.
        label: the column of labels.
    """

    image: str
    is_struct: bool
    has_path: bool
    label: str

    @property
    def bytes_path(self) -> str:
        """The path in the schema of the column that holds the pictures' bytes."""
        return f"{self.image}.bytes" if self.is_struct else self.image


def from_hub(address: str, split: str | None) -> Path:
    """The folder of Parquet files of a hub's data set, fetched into the hub's own cache.

    Args:
        address: ``hf:ORG/NAME`` or ``hf:ORG/NAME@REVISION``.
        split: which split; ``None`` for the first of `SPLITS` that is there.

    Raises:
        DataError: huggingface_hub is not installed, the data set cannot be had or holds no Parquet, or a file of it in
            the cache is not what was published.
    """
    try:
        import huggingface_hub
    except ImportError:
        raise DataError(f"{address} needs huggingface_hub: pip install 'hardiness[hf]'") from None
    name, _, revision = address.removeprefix(HUB).partition("@")
    try:
        patterns = [f"*{split}*.parquet"] if split else ["*.parquet"]
        if not offline() and split is None:
            files = huggingface_hub.HfApi().list_repo_files(name, repo_type="dataset", revision=revision or None)
            patterns = [
                str(path)
                for path in _of_split([Path(file) for file in files if file.endswith(".parquet")], None, address)
            ]
        folder = Path(
            huggingface_hub.snapshot_download(
                name,
                repo_type="dataset",
                revision=revision or None,
                allow_patterns=patterns,
                local_files_only=offline(),
            )
        )
        check_snapshot(folder, address)
        return folder
    except (OSError, ValueError, RuntimeError) as error:
        reason = shown(str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__)
        raise DataError(
            f"{address} cannot be had: {reason}; check its name, and 'hf auth login' if it is gated"
        ) from None


def parquet_files(folder: Path, split: str | None, anywhere: bool = False) -> list[Path]:
    """The Parquet files of one split in a folder, sorted; none where there are none.

    Args:
        folder: holds them, or in ``data``.
        split: which split; ``None`` for the first of `SPLITS` that is there.
        anywhere: look in all folders below.

    Raises:
        DataError: there are several splits, and which one is meant is not said.
    """
    places = [folder.rglob("*.parquet")] if anywhere else [folder.glob("*.parquet"), folder.glob("data/*.parquet")]
    return _of_split(sorted(path for place in places for path in place if path.is_file()), split, str(folder))


def _of_split(files: Sequence[Path], split: str | None, where: str) -> list[Path]:
    """The files of one split: named after it, as in ``data/validation-00000-of-00014.parquet``, or in its folder."""
    if not files:
        return []
    split_of = {file: file.stem.split("-")[0] if "-" in file.stem else file.stem for file in files}
    if all(name.isdecimal() for name in split_of.values()):  # <split>/0000.parquet
        split_of = {file: file.parent.name for file in files}
    splits = sorted(set(split_of.values()))
    chosen = split or next((name for name in SPLITS if name in splits), splits[0] if len(splits) == 1 else None)
    if chosen not in splits:
        raise DataError(f"{where} must hold the split that is meant, but holds {', '.join(splits)}; add :split=NAME")
    return [file for file in files if split_of[file] == chosen]


def parquet_rows(file: Path, beside: str = "") -> Iterator[PictureRecord]:
    """The pictures of one Parquet file, in its order; each is read where it stands.

    Args:
        file: which.
        beside: a column whose text each picture gets too, where the file has it.

    Raises:
        DataError: the file cannot be read, is no Parquet, or has no columns of pictures and labels.
    """
    import pyarrow
    from pyarrow import parquet

    try:
        stamp = Stamp.from_status(file.stat())
    except OSError as error:
        raise DataError(f"{file} cannot be read ({error.strerror})") from None
    try:
        with parquet.ParquetFile(file) as source:
            columns = _columns(file, source.schema_arrow)
            without = RowGroups.open(file, stamp, columns.bytes_path).rows_without_bytes()
            further = [beside] if beside in source.schema_arrow.names else []
            names_read = [columns.label, *([f"{columns.image}.path"] if columns.has_path else []), *further]
            table = source.read(names_read)
    except (pyarrow.ArrowException, OSError, ValueError, LookupError, TypeError, OverflowError) as error:
        raise _no_parquet(file, error) from None
    if without:
        raise DataError(f"{file}: row {without[0]} must hold the bytes of a picture, but holds none; fetch it again")
    paths = (
        [value and value["path"] for value in table[columns.image].to_pylist()]
        if columns.has_path
        else [None] * table.num_rows
    )
    names = _each_once([_name(path, number) for number, path in enumerate(paths)])
    texts = ["" if text is None else str(text) for column in further for text in table[column].to_pylist()]
    labels = table[columns.label].to_pylist()
    for row, (name, label, text) in enumerate(zip(names, labels, texts or [""] * len(names), strict=True)):
        yield PictureRecord(name, str(label), TableRow(str(file), columns, row, name, stamp), text)


def scalar_columns(file: Path, is_scalar: Callable[[Any], bool]) -> tuple[int, dict[str, Any]]:
    """How many pictures one Parquet file has, and by name its columns beside pictures and labels, as pyarrow has them.

    Args:
        file: which.
        is_scalar: whether a column of that type is read.

    Raises:
        DataError: the file cannot be read, or has no columns of pictures and labels.
    """
    import pyarrow
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(file) as source:
            schema = source.schema_arrow
            columns = _columns(file, schema)
            names = [name for name in schema.names if name not in (columns.image, columns.label)]
            names = [name for name in names if is_scalar(schema.field(name).type) and schema.names.count(name) == 1]
            table = source.read(names)
            return source.metadata.num_rows, {name: table.column(name) for name in names}
    except (pyarrow.ArrowException, OSError, ValueError, LookupError, TypeError, OverflowError) as error:
        raise _no_parquet(file, error) from None


def parquet_class_names(file: Path) -> tuple[str, ...]:
    """The names of the classes that the integers of a Parquet file's label column stand for; none where it says none.

    Raises:
        DataError: the file cannot be read as Parquet.

    Source: the features that the library ``datasets`` keeps in a file's metadata under ``huggingface``.
    """
    import pyarrow
    import pyarrow.parquet

    try:
        schema = pyarrow.parquet.read_schema(file)
        features = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))["info"]["features"]
        return tuple(map(str, features[_columns(file, schema).label]["names"]))
    except (pyarrow.ArrowException, OSError) as error:
        raise DataError(f"{file} cannot be read as Parquet: {shown(str(error).splitlines()[0])}") from None
    except (ValueError, KeyError, TypeError):
        return ()


def _no_parquet(file: Path, error: BaseException) -> DataError:
    reason = shown((str(error).splitlines() or [""])[0])
    return DataError(f"{file} cannot be read as Parquet: {reason}; fetch it again")


def _each_once(names: Sequence[str]) -> Sequence[str]:
    """The names, with the number of the row before each where two are equal."""
    return names if len(set(names)) == len(names) else [f"{n:06d}-{name}" for n, name in enumerate(names)]


def _columns(file: Path, schema: Any) -> TableColumns:
    import pyarrow

    def is_picture(kind: Any) -> bool:
        if pyarrow.types.is_struct(kind):
            return bool(kind.get_field_index("bytes") >= 0)
        return bool(pyarrow.types.is_binary(kind) or pyarrow.types.is_large_binary(kind))

    image = next(
        (name for name in (*_IMAGES, *schema.names) if name in schema.names and is_picture(schema.field(name).type)),
        None,
    )
    label = next((name for name in _LABELS if name in schema.names), None)
    if image is None or label is None:
        raise DataError(
            f"{file} must have a column of pictures ({', '.join(_IMAGES)}) and one of labels ({', '.join(_LABELS)}), "
            f"but has {', '.join(map(shown, schema.names))}"
        )
    kind = schema.field(image).type
    is_struct = pyarrow.types.is_struct(kind)
    return TableColumns(image, is_struct, is_struct and kind.get_field_index("path") >= 0, label)


def _name(path: Any, number: int) -> str:
    """The name of a picture: its path without folders, else its row."""
    name = os.path.basename(str(path).replace("\\", "/").replace("\0", "")) if path else ""
    return name if name not in ("", ".", "..") else f"{number:06d}.jpg"
