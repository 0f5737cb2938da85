"""What is inside uncompressed tars, and which files a pattern of them names."""

from __future__ import annotations

import glob
import math
import re
import tarfile
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from hardiness.core import DataError
from hardiness.sources.files import Stamp, TarMember, open_regular, shown

MAX_MEMBERS, MAX_SHARDS = 20_000_000, 100_000
"""More files in a tar, and more shards in a pattern, than any data set has."""

PICTURES = frozenset(
    (".jpeg", ".jpg", ".jpe", ".jfif", ".png", ".bmp", ".webp", ".gif", ".tif", ".tiff", ".ppm", ".mp4")
)
"""Lower-case suffixes of what must be a file of its own in an archive: left out silently, it would be missing."""

_COMPRESSED = {
    rb"\x1f\x8b": ("gzip", "gunzip"),
    rb"BZh[1-9]1AY": ("bzip2", "bunzip2"),
    rb"\xfd7zXZ": ("xz", "unxz"),
    rb"\x28\xb5\x2f\xfd": ("zstd", "unzstd"),
    rb"PK\x03\x04": ("zip", "unzip"),
}


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
