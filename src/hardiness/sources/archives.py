"""What is inside uncompressed tars: trees of files, and WebDataset shards of image–label pairs."""

from __future__ import annotations

import glob
import json
import re
import tarfile
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import NamedTuple

from hardiness.core import DataError, SampleError
from hardiness.sources.files import TarMember

_COMPRESSED = {
    rb"\x1f\x8b": ("gzip", "gunzip"),
    rb"BZh[1-9]1AY": ("bzip2", "bunzip2"),
    rb"\xfd7zXZ": ("xz", "unxz"),
    rb"\x28\xb5\x2f\xfd": ("zstd", "unzstd"),
    rb"PK\x03\x04": ("zip", "unzip"),
}
_SHARD_IMAGES = frozenset(("jpg", "jpeg", "png", "webp"))
_SHARD_LABELS = frozenset(("cls", "json"))
_PROBED = 100  # members looked at to tell a shard from a tree


class LabelledMember(NamedTuple):
    """One sample of a shard: its key within the shard, its image and the class index stored beside it."""

    key: str
    image: TarMember
    label: int


def members(archive: Path) -> tuple[TarMember, ...]:
    """The regular files of an uncompressed tar, in its order, without reading their contents.

    Raises:
        DataError: it cannot be read, is compressed, is no tar or is truncated.
    """
    try:
        with archive.open("rb") as stream:
            start = stream.read(8)
            for magic, (kind, command) in _COMPRESSED.items():
                if re.match(magic, start):
                    raise DataError(
                        f"{archive} must be an uncompressed tar, so that any file in it can be read at once, "
                        f"but is {kind}-compressed; decompress it first ({command} {archive.name})"
                    )
        with tarfile.open(archive, "r:") as tar:
            return tuple(
                TarMember(str(archive), entry.offset_data, entry.size, entry.name) for entry in tar if entry.isreg()
            )
    except tarfile.TarError as error:
        raise DataError(f"{archive} must be a whole tar, but is not ({error}); fetch it again") from None
    except OSError as error:
        raise DataError(f"{archive} cannot be read ({error.strerror or error})") from None


def expand(pattern: str) -> tuple[Path, ...]:
    """The files that a shell-like pattern names, sorted: braces (``{a,b}``, ``{000..012}``), then ``*``, ``?``, ``[]``.

    A name without wildcards is given back whether or not there is such a file.
    """
    found: set[Path] = set()
    for name in _without_braces(pattern):
        found.update([Path(name)] if glob.escape(name) == name else map(Path, glob.glob(name)))
    return tuple(sorted(found))


def _without_braces(pattern: str) -> Iterator[str]:
    parts = re.split(r"\{([^{}]*)\}", pattern)
    choices = [_choices(part) if i % 2 else [part] for i, part in enumerate(parts)]
    return ("".join(chosen) for chosen in product(*choices))


def _choices(inside: str) -> Sequence[str]:
    between = re.fullmatch(r"(\d+)\.\.(\d+)", inside)
    if between is None:
        return inside.split(",")
    first, last = between.groups()
    return [str(number).zfill(len(first)) for number in range(int(first), int(last) + 1)]


def is_shard(files: Sequence[TarMember]) -> bool:
    """Whether the members of a tar are WebDataset samples: images with their labels in files of the same name."""
    kinds: dict[str, set[str]] = {}
    for file in files[:_PROBED]:
        key, extension = _split(file.member)
        kinds.setdefault(key, set()).add(extension)
    return any(found & _SHARD_LABELS and (found & _SHARD_IMAGES or "cls" in found) for found in kinds.values())


def samples(files: Sequence[TarMember]) -> tuple[LabelledMember, ...]:
    """The samples of one WebDataset shard.

    A sample is the members that share a name up to the first dot: an image (jpg, jpeg, png, webp) and its class
    index, as text in ``.cls`` or under ``"label"`` or ``"cls"`` in ``.json``; other members are ignored.

    Raises:
        DataError: an image without a label, a label without an image, or a label that is no whole number.

    Source: the WebDataset convention.
    """
    images: dict[str, TarMember] = {}
    labels: dict[str, TarMember] = {}
    for file in files:
        key, extension = _split(file.member)
        if extension in _SHARD_IMAGES:
            images[key] = file
        elif extension == "cls" or (extension == "json" and key not in labels):
            labels[key] = file
    for key in images.keys() ^ labels.keys():
        there, missing = (
            (images, "a label (.cls or .json)") if key in images else (labels, "an image (.jpg, .png, .webp)")
        )
        raise DataError(f"{there[key].name}: must have {missing} of the same name beside it in the shard; add it")
    return tuple(LabelledMember(key, image, _label(labels[key])) for key, image in images.items())


def _split(member: str) -> tuple[str, str]:
    folder, slash, name = member.removeprefix("./").rpartition("/")
    stem, _, extension = name.partition(".")
    return folder + slash + stem, extension.lower()


def _label(file: TarMember) -> int:
    try:
        text = file.read().decode()
        if file.member.lower().endswith(".json"):
            fields = json.loads(text)
            text = str(fields["label"] if "label" in fields else fields["cls"])
        return int(text)
    except SampleError as error:
        raise DataError(str(error)) from None
    except (ValueError, KeyError, TypeError):
        raise DataError(
            f"{file.name}: must hold a class index (a whole number; in json under 'label' or 'cls'), but does not"
        ) from None
