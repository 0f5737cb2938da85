"""What is inside uncompressed tars: trees of files, and WebDataset shards of image–label pairs."""

from __future__ import annotations

import glob
import json
import math
import re
import tarfile
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from hardiness.core import DataError, SampleError
from hardiness.sources.files import Stamp, TarMember, open_regular, shown

MAX_MEMBERS, MAX_SHARDS = 20_000_000, 100_000
"""More files in a tar, and more shards in a pattern, than any data set has."""

PICTURES = frozenset((".jpeg", ".jpg", ".png", ".bmp", ".webp", ".gif", ".tif", ".tiff", ".ppm", ".mp4"))
"""Lower-case suffixes of what must be a file of its own in an archive: left out silently, it would be missing."""

_COMPRESSED = {
    rb"\x1f\x8b": ("gzip", "gunzip"),
    rb"BZh[1-9]1AY": ("bzip2", "bunzip2"),
    rb"\xfd7zXZ": ("xz", "unxz"),
    rb"\x28\xb5\x2f\xfd": ("zstd", "unzstd"),
    rb"PK\x03\x04": ("zip", "unzip"),
}
_SHARD_IMAGES = frozenset(("jpg", "jpeg", "png", "webp"))
_SHARD_LABELS = frozenset(("cls", "json"))
_LABEL_BYTES = 1 << 20
_PROBED = 100  # members looked at to tell a shard from a tree


class LabelledMember(NamedTuple):
    """One sample of a shard: its key within the shard, its image and the class index stored beside it."""

    key: str
    image: TarMember
    label: int


def members(archive: Path) -> tuple[TarMember, ...]:
    """The regular files of an uncompressed tar, in its order, without reading their contents.

    A hard link counts as the file that it links to; folders, and links and devices that are no pictures, are left out.

    Raises:
        DataError: it cannot be read, is compressed, is no tar or is truncated; a member's name leads out of the tar or
            comes twice; or a member is sparse, or a picture that is a link or device.
    """
    try:
        stamp = Stamp.of(archive.stat())
        with open_regular(archive) as stream:
            _refuse_compressed(archive, stream.read(8))
            stream.seek(0)
            with tarfile.open(fileobj=stream, mode="r:") as tar:
                found = tuple(_members(archive, tar, stamp))
                stream.seek(tar.offset)
                if not stream.read(1):  # a tar ends with blocks of zeros: cut between two members it would look whole
                    raise tarfile.ReadError("its end is missing")
                return found
    except tarfile.TarError as error:
        raise DataError(f"{archive} must be a whole tar, but is not ({error}); fetch it again") from None
    except OSError as error:
        raise DataError(f"{archive} cannot be read ({error.strerror or error})") from None
    except (
        ValueError,
        TypeError,
        OverflowError,
        RecursionError,
    ) as error:  # what tarfile lets through on damaged headers
        raise DataError(
            f"{archive} must be a whole tar, but is damaged ({shown(str(error))}); fetch it again"
        ) from None


def _refuse_compressed(archive: Path, start: bytes) -> None:
    for magic, (kind, command) in _COMPRESSED.items():
        if re.match(magic, start):
            raise DataError(
                f"{archive} must be an uncompressed tar, so that any file in it can be read at once, "
                f"but is {kind}-compressed; decompress it first ({command} {archive.name})"
            )


def _members(archive: Path, tar: tarfile.TarFile, stamp: Stamp) -> Iterator[TarMember]:
    found: dict[str, tuple[int, int]] = {}
    while (entry := tar.next()) is not None:
        tar.members = []  # type: ignore[attr-defined]  # tarfile keeps every header it has read
        name = entry.name.removeprefix("./")
        told = shown(f"{archive}!{entry.name}")
        if len(found) >= MAX_MEMBERS:
            raise DataError(f"{archive} must have at most {MAX_MEMBERS:,} members, has more; split it")
        if entry.isdir():
            continue
        if is_outside(entry.name):
            raise DataError(f"{told}: its name leads out of the archive; do not trust it")
        if entry.issparse():
            raise DataError(f"{told}: is a sparse member, which cannot be read in place; pack it without --sparse")
        if name in found:
            raise DataError(f"{told}: comes twice in the archive; pack it once")
        if entry.isreg():
            found[name] = entry.offset_data, entry.size
        elif entry.islnk() and entry.linkname.removeprefix("./") in found:
            found[name] = found[entry.linkname.removeprefix("./")]
        elif PurePosixPath(name).suffix.lower() in PICTURES:
            raise DataError(f"{told}: must be a file, is a link or a device; pack it with --dereference")
        else:
            continue
        yield TarMember(str(archive), *found[name], entry.name, stamp)


def is_outside(name: str) -> bool:
    """Whether a name in an archive would lie outside the folder that it is unpacked into."""
    parts = name.replace("\\", "/").split("/")
    return (
        not name or "\0" in name or name.startswith(("/", "\\")) or ".." in parts or bool(re.match("[A-Za-z]:", name))
    )


def expand(pattern: str) -> tuple[Path, ...]:
    """The files that a shell-like pattern names, sorted: braces (``{a,b}``, ``{000..012}``), then ``*``, ``?``, ``[]``.

    A name without wildcards is given back whether or not there is such a file.

    Raises:
        DataError: the braces stand for more than `MAX_SHARDS` names.
    """
    found: set[Path] = set()
    for name in _without_braces(pattern):
        found.update([Path(name)] if glob.escape(name) == name else map(Path, glob.glob(name)))
    return tuple(sorted(found))


def _without_braces(pattern: str) -> Iterator[str]:
    parts = re.split(r"\{([^{}]*)\}", pattern)
    choices = [_choices(part) if i % 2 else [part] for i, part in enumerate(parts)]
    count = math.prod(map(_count, choices))
    if count > MAX_SHARDS:
        raise DataError(f"{pattern} must stand for at most {MAX_SHARDS:,} shards, stands for {count:,}; name fewer")
    return ("".join(chosen) for chosen in product(*map(_names, choices)))


def _choices(inside: str) -> Sequence[str] | _Numbers:
    between = re.fullmatch(r"([0-9]{1,18})\.\.([0-9]{1,18})", inside)
    if between is None:
        return inside.split(",")
    first, last = between.groups()
    return _Numbers(range(int(first), int(last) + 1), len(first))


class _Numbers(NamedTuple):
    """The numbers of ``{000..012}``, not yet written out, and their width."""

    numbers: range
    width: int


def _count(choices: Sequence[str] | _Numbers) -> int:
    if isinstance(choices, _Numbers):
        return max(choices.numbers.stop - choices.numbers.start, 0)
    return len(choices)


def _names(choices: Sequence[str] | _Numbers) -> Sequence[str]:
    if isinstance(choices, _Numbers):
        return [str(number).zfill(choices.width) for number in choices.numbers]
    return choices


def is_shard(files: Sequence[TarMember], images: frozenset[str] = _SHARD_IMAGES) -> bool:
    """Whether the members of a tar are WebDataset samples: images with their labels in files of the same name."""
    kinds: dict[str, set[str]] = {}
    for file in files[:_PROBED]:
        key, extension = _split(file.member)
        kinds.setdefault(key, set()).add(extension)
    return any(found & _SHARD_LABELS and (found & images or "cls" in found) for found in kinds.values())


def samples(files: Sequence[TarMember], kinds: frozenset[str] = _SHARD_IMAGES) -> tuple[LabelledMember, ...]:
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
