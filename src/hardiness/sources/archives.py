"""The files in a tar, found without unpacking it."""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from hardiness.core.errors import DataError
from hardiness.sources.files import Stamp, TarMember, open_regular, shown

MAX_MEMBERS = 20_000_000
"""The most files in a tar: more than any data set has."""

PICTURES = frozenset(
    (".jpeg", ".jpg", ".jpe", ".jfif", ".png", ".bmp", ".webp", ".gif", ".tif", ".tiff", ".ppm", ".mp4")
)
"""Lower-case suffixes of pictures, which must be files of their own in an archive: links to them are refused."""

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
        stamp = Stamp.from_status(archive.stat())
        with open_regular(archive) as stream:
            _refuse_compressed(archive, stream.read(8))
            stream.seek(0)
            with tarfile.open(fileobj=stream, mode="r:") as tar:
                files = tuple(_members(archive, tar, stamp))
                stream.seek(tar.offset)
                if not stream.read(1):  # a tar ends with blocks of zeros: cut between two members it would look whole
                    raise tarfile.ReadError("its end is missing")
                return files
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
    places: dict[str, tuple[int, int]] = {}
    while (entry := tar.next()) is not None:
        tar.members = []  # type: ignore[attr-defined]  # tarfile keeps every header it has read
        name = entry.name.removeprefix("./")
        label = shown(f"{archive}!{entry.name}")
        if len(places) >= MAX_MEMBERS:
            raise DataError(f"{archive} must have at most {MAX_MEMBERS:,} members, has more; split it")
        if entry.isdir():
            continue
        if is_outside(entry.name):
            raise DataError(f"{label}: its name leads out of the archive; do not trust it")
        if entry.issparse():
            raise DataError(f"{label}: is a sparse member, which cannot be read in place; pack it without --sparse")
        if name in places:
            raise DataError(f"{label}: comes twice in the archive; pack it once")
        if entry.isreg():
            places[name] = entry.offset_data, entry.size
        elif entry.islnk() and entry.linkname.removeprefix("./") in places:
            places[name] = places[entry.linkname.removeprefix("./")]
        elif PurePosixPath(name).suffix.lower() in PICTURES:
            raise DataError(f"{label}: must be a file, is a link or a device; pack it with --dereference")
        else:
            continue
        yield TarMember(str(archive), *places[name], entry.name, stamp)


def is_outside(name: str) -> bool:
    """Whether a name in an archive would lie outside the folder that it is unpacked into."""
    parts = name.replace("\\", "/").split("/")
    return (
        not name or "\0" in name or name.startswith(("/", "\\")) or ".." in parts or bool(re.match("[A-Za-z]:", name))
    )
