"""Shards of labelled pictures: Parquet files and WebDataset tars."""

from __future__ import annotations

import hashlib
import json
import os
import re
import threading
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from hardiness.core import DataError, SampleError
from hardiness.sources.downloads import cache_folder, check_snapshot, offline, refuse_full_disk
from hardiness.sources.files import Stamp, TarMember, changed, is_unchanged, shown, unreadable

HUB = "hf:"
SPLITS = ("validation", "val", "test")
"""The split that is read where several are there and none was asked for, best first."""

_IMAGES, _LABELS = ("image", "img", "jpg", "png", "webp"), ("label", "labels", "cls", "class", "wnid")
_BATCH_ROWS = 64

MOST_DECODED = 32 << 20
"""Bytes of the largest group of rows that is decoded for each picture that is read of it. The hub's have 100 pictures,
about 11 MB, which takes 7 to 13 core-ms; 1,000 pictures would take ten times as long, and are copied."""

_GROUPS_HELD = 8
"""Groups of rows that stay decoded, for whoever reads pictures in the order of the file."""


class PictureRecord(NamedTuple):
    """One picture: what it is called, its label as it is written there, its bytes."""

    name: str
    label: str
    image: TarMember | TableRow


@dataclass(frozen=True, slots=True)
class TableRow:
    """The picture in one row of a Parquet file, read where it stands.

    Attributes:
        table: the file.
        columns: of the file.
        group: of rows, which is decoded as a whole.
        row: within the group.
        picture: what the picture is called.
        stamp: what the file was when it was listed.
    """

    table: str
    columns: Columns
    group: int
    row: int
    picture: str
    stamp: Stamp

    @property
    def name(self) -> str:
        """``file.parquet!picture``, in one printable line."""
        return shown(f"{self.table}!{self.picture}")

    def read(self) -> bytes:
        """The bytes of the picture; any number of threads can read at once.

        Raises:
            SampleError: it cannot be read, or the file has changed since it was listed.
        """
        import pyarrow

        if not self.unchanged():
            raise changed(self.name)
        try:
            value = _pictures_of(self.table, self.stamp, self.group, self.columns)[self.row].as_py()
        except (pyarrow.ArrowException, OSError, ValueError, LookupError, MemoryError) as error:
            raise unreadable(self.name, error) from None
        content = value.get("bytes") if self.columns.is_struct and value is not None else value
        if not isinstance(content, bytes):
            raise SampleError(f"{self.name}: must hold the bytes of a picture, but holds none; fetch it again")
        return content

    def unchanged(self) -> bool:
        """Whether the file is still there and the one that was listed."""
        return is_unchanged(self.table, self.stamp)


@lru_cache(maxsize=_GROUPS_HELD)
def _pictures_of(table: str, stamp: Stamp, group: int, columns: Columns) -> Any:
    """The pictures of one group of rows, as pyarrow has them."""
    from pyarrow import parquet

    wanted = f"{columns.image}.bytes" if columns.is_struct else columns.image
    with parquet.ParquetFile(table) as source:
        return source.read_row_group(group, [wanted], use_threads=False).column(0)


@dataclass(frozen=True)
class Columns:
    """Which columns of a file hold what.

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
    """Files are named after their split, as in ``data/validation-00000-of-00014.parquet``, or lie in its folder."""
    if not files:
        return []
    of = {file: file.stem.split("-")[0] if "-" in file.stem else file.stem for file in files}
    if all(name.isdecimal() for name in of.values()):  # <split>/0000.parquet
        of = {file: file.parent.name for file in files}
    there = sorted(set(of.values()))
    wanted = split or next((name for name in SPLITS if name in there), there[0] if len(there) == 1 else None)
    if wanted not in there:
        raise DataError(f"{where} must hold the split that is meant, but holds {', '.join(there)}; add :split=NAME")
    return [file for file in files if of[file] == wanted]


def parquet_rows(file: Path) -> Iterator[PictureRecord]:
    """The pictures of one Parquet file, in its order; each is read where it stands.

    A file whose groups of rows are larger than `MOST_DECODED` is copied to one plain file in the cache the first time,
    as the hub's own library does, and read from there.

    Raises:
        DataError: the file cannot be read, is no Parquet, or has no columns of pictures and labels.
    """
    import pyarrow
    from pyarrow import parquet

    try:
        stamp = Stamp.of(file.stat())
    except OSError as error:
        raise DataError(f"{file} cannot be read ({error.strerror})") from None
    try:
        with parquet.ParquetFile(file) as source:
            columns = _columns(file, source.schema_arrow)
            facts = source.metadata
            groups = [facts.row_group(number) for number in range(facts.num_row_groups)]
            if any(_picture_bytes(group, columns) > MOST_DECODED for group in groups):
                yield from _copied(file, stamp)
                return
            _refuse_pictures_without_bytes(file, stamp, groups, columns)
            wanted = [columns.label, *([f"{columns.image}.path"] if columns.has_path else [])]
            table = source.read(wanted)
    except (pyarrow.ArrowException, OSError, ValueError, KeyError, TypeError, OverflowError) as error:
        raise _no_parquet(file, error) from None
    places = [(number, row) for number, group in enumerate(groups) for row in range(group.num_rows)]
    paths = (
        [each and each["path"] for each in table[columns.image].to_pylist()]
        if columns.has_path
        else [None] * len(places)
    )
    names = _each_once([_name(path, number) for number, path in enumerate(paths)])
    for (group, row), name, label in zip(places, names, table[columns.label].to_pylist(), strict=True):
        yield PictureRecord(name, str(label), TableRow(str(file), columns, group, row, name, stamp))


def _picture_bytes(group: Any, columns: Columns) -> int:
    """Bytes of the pictures of one group of rows."""
    parts = [group.column(number) for number in range(group.num_columns)]
    return sum(part.total_uncompressed_size for part in parts if part.path_in_schema.split(".")[0] == columns.image)


def _refuse_pictures_without_bytes(file: Path, stamp: Stamp, groups: Sequence[Any], columns: Columns) -> None:
    """Raise where a row has no bytes; only groups that count such rows are read."""
    place = f"{columns.image}.bytes" if columns.is_struct else columns.image
    before = 0
    for number, group in enumerate(groups):
        part = next(p for p in map(group.column, range(group.num_columns)) if p.path_in_schema == place)
        if part.statistics is not None and part.statistics.null_count:
            for row, value in enumerate(_pictures_of(str(file), stamp, number, columns).to_pylist()):
                _picture(file, value, columns.is_struct, before + row)
        before += group.num_rows


def _copied(file: Path, stamp: Stamp) -> Iterator[PictureRecord]:
    """The pictures of a file whose groups of rows are too large to decode one for each picture."""
    key = hashlib.sha256(os.fsencode(f"1\0{os.path.realpath(file)}\0{stamp.size}\0{stamp.mtime_ns}")).hexdigest()[:32]
    blob = cache_folder() / "parquet" / f"{key}.blob"
    index = blob.with_suffix(".npz")
    columns = _load(index, blob)
    if columns is None:
        columns = _copy(file, blob, index)
    copied = Stamp.of(blob.stat())
    if not len(columns["sizes"]):
        return
    names = bytes(columns["names"]).decode().split("\0")
    labels = bytes(columns["labels"]).decode().split("\0")
    for name, label, offset, size in zip(
        names, labels, columns["offsets"].tolist(), columns["sizes"].tolist(), strict=True
    ):
        yield PictureRecord(name, label, TarMember(str(blob), offset, size, f"{file.name}/{name}", copied))


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


def _load(index: Path, blob: Path) -> dict[str, Any] | None:
    try:
        with index.open("rb") as stream:
            columns = dict(np.load(stream, allow_pickle=False))
        return columns if blob.stat().st_size == int(columns["sizes"].sum()) else None
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
        return None


def _copy(file: Path, blob: Path, index: Path) -> dict[str, Any]:
    """The pictures into one plain file, and where each is."""
    import pyarrow
    import pyarrow.parquet

    names: list[str] = []
    labels: list[str] = []
    sizes: list[int] = []
    part = blob.with_name(f"{blob.stem}-{os.getpid()}-{threading.get_ident()}.part")
    try:
        blob.parent.mkdir(parents=True, exist_ok=True)
        refuse_full_disk(blob.parent, file.stat().st_size, f"the copy of {file.name}")
        with pyarrow.parquet.ParquetFile(file) as source, part.open("wb") as stream:
            columns = _columns(file, source.schema_arrow)
            for batch in source.iter_batches(_BATCH_ROWS, columns=[columns.image, columns.label]):
                for row in batch.to_pylist():
                    content, name = _picture(file, row[columns.image], columns.is_struct, len(names))
                    stream.write(content)
                    sizes.append(len(content))
                    names.append(name)
                    labels.append(str(row[columns.label]))
        found: dict[str, Any] = {
            "names": np.frombuffer("\0".join(_each_once(names)).encode("utf-8", "backslashreplace"), np.uint8),
            "labels": np.frombuffer("\0".join(labels).encode("utf-8", "backslashreplace"), np.uint8),
            "sizes": np.array(sizes, np.int64),
            "offsets": np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
            if sizes
            else np.zeros(0, np.int64),
        }
        part.replace(blob)
        with part.open("wb") as stream:
            np.savez(stream, **dict(found))
        part.replace(index)
    except (pyarrow.ArrowException, OSError, ValueError, KeyError, TypeError, OverflowError) as error:
        raise _no_parquet(file, error) from None
    finally:
        part.unlink(missing_ok=True)
    return found


def _no_parquet(file: Path, error: BaseException) -> DataError:
    reason = shown((str(error).splitlines() or [""])[0])
    return DataError(f"{file} cannot be read as Parquet: {reason}; fetch it again")


def _each_once(names: Sequence[str]) -> Sequence[str]:
    """The names, with the number of the row before each where two are equal."""
    return names if len(set(names)) == len(names) else [f"{n:06d}-{name}" for n, name in enumerate(names)]


def _columns(file: Path, schema: Any) -> Columns:
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
    return Columns(image, is_struct, is_struct and kind.get_field_index("path") >= 0, label)


def _picture(file: Path, value: Any, is_struct: bool, number: int) -> tuple[bytes, str]:
    """The bytes of a picture, and what it is called."""
    content = value.get("bytes") if is_struct and value is not None else value
    path = value.get("path") if is_struct and value is not None else None
    if not isinstance(content, bytes):
        raise DataError(f"{file}: row {number} must hold the bytes of a picture, but holds none; fetch it again")
    return content, _name(path, number)


def _name(path: Any, number: int) -> str:
    """What a picture is called: its path without folders, else its row."""
    name = os.path.basename(str(path).replace("\\", "/").replace("\0", "")) if path else ""
    return name if name not in ("", ".", "..") else f"{number:06d}.jpg"


_SHARD_IMAGES = frozenset(("jpg", "jpeg", "png", "webp"))
_SHARD_LABELS = frozenset(("cls", "json"))
_LABEL_BYTES = 1 << 20
_PROBED = 100  # members looked at to tell a shard from a tree


class LabelledMember(NamedTuple):
    """One sample of a shard: its key within the shard, its image and the class index stored beside it."""

    key: str
    image: TarMember
    label: int


def is_shard(files: Sequence[TarMember], images: frozenset[str] = _SHARD_IMAGES) -> bool:
    """Whether the members of a tar are WebDataset samples: images with their labels in files of the same name."""
    kinds: dict[str, set[str]] = {}
    for file in files[:_PROBED]:
        key, extension = _split(file.member)
        kinds.setdefault(key, set()).add(extension)
    return any(found & _SHARD_LABELS and (found & images or "cls" in found) for found in kinds.values())


def webdataset_samples(files: Sequence[TarMember], kinds: frozenset[str] = _SHARD_IMAGES) -> tuple[LabelledMember, ...]:
    """The samples of one WebDataset shard.

    A sample is the members that share a name up to the first dot: an image (jpg, jpeg, png, webp) and its class
    index, as text in ``.cls`` or under ``"label"`` or ``"cls"`` in ``.json``; other members are ignored.

    Args:
        files: the members of the shard.
        kinds: lower-case extensions, without the dot, of what is labelled.

    Raises:
        DataError: an image without a label, a label without an image, a label that is no whole number, two images
            under one key, or labels that disagree.

    Source: the WebDataset convention.
    """
    images: dict[str, TarMember] = {}
    texts: dict[str, TarMember] = {}
    documents: dict[str, TarMember] = {}
    for file in files:
        key, extension = _split(file.member)
        known = images if extension in kinds else {"cls": texts, "json": documents}.get(extension)
        if known is None:
            continue
        if key in known:
            raise DataError(f"{file.name}: has the key of {shown(known[key].member)}; a key must be of one sample")
        known[key] = file
    labels = {**documents, **texts}
    for key in images.keys() ^ labels.keys():
        there, missing = (
            (images, "a label (.cls or .json)") if key in images else (labels, "an image (.jpg, .png, .webp)")
        )
        raise DataError(f"{there[key].name}: must have {missing} of the same name beside it in the shard; add it")
    return tuple(
        LabelledMember(key, image, _agreed(texts.get(key), documents.get(key))) for key, image in images.items()
    )


def _split(member: str) -> tuple[str, str]:
    folder, slash, name = member.removeprefix("./").rpartition("/")
    stem, _, extension = name.partition(".")
    return folder + slash + stem, extension.lower()


def _agreed(text: TarMember | None, document: TarMember | None) -> int:
    """The label in ``.cls``, in ``.json`` or, the same, in both; a ``.json`` beside a ``.cls`` may say nothing."""
    of_document = _in_document(document, text is not None) if document else None
    if text is None:
        assert of_document is not None  # it had to say something
        return of_document
    label = _index(text, _content(text))
    if document and of_document is not None and of_document != label:
        raise DataError(f"{text.name}: says {label}, but {shown(document.member)} says {of_document}; correct one")
    return label


def _in_document(file: TarMember, may_lack: bool) -> int | None:
    try:
        fields = json.loads(_content(file))
        said = fields["label"] if "label" in fields else fields["cls"]
    except (KeyError, TypeError):
        if may_lack:
            return None
        raise _no_index(file) from None
    except (ValueError, RecursionError):
        raise _no_index(file) from None
    return _index(file, str(said))


def _content(file: TarMember) -> str:
    if file.size > _LABEL_BYTES:
        raise DataError(f"{file.name}: must be a label, but has {file.size:,} bytes")
    try:
        return file.read().decode()
    except SampleError as error:
        raise DataError(str(error)) from None
    except UnicodeDecodeError:
        raise _no_index(file) from None


def _index(file: TarMember, text: str) -> int:
    if not re.fullmatch(r"\s*[0-9]{1,9}\s*", text):  # int() takes 1_0 and digits of other scripts too
        raise _no_index(file)
    return int(text)


def _no_index(file: TarMember) -> DataError:
    return DataError(
        f"{file.name}: must hold a class index (a whole number; in json under 'label' or 'cls'), but does not"
    )
