"""Published data sets fetched, imported and laid out below a data root."""

from __future__ import annotations

import difflib
import io
import json
import os
import shutil
import tarfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hardiness.core.errors import ArgumentError, DataError, SampleError
from hardiness.core.whole_files import whole_file
from hardiness.data.files import IMAGE_SUFFIXES, folders_in
from hardiness.data.root import LAYOUTS
from hardiness.reference.class_sets import CLASS_SETS, class_set
from hardiness.reference.classes import wnid_indices, wnids
from hardiness.reference.published_data import PublishedFile, PublishedSet, datasets, published_set
from hardiness.reference.validation_images import (
    VALIDATION_NAMES_SHA256,
    names_sha256,
    validation_labels,
    validation_name,
)
from hardiness.sources import archives
from hardiness.sources.checksums import Checksum
from hardiness.sources.disk import refuse_full_disk
from hardiness.sources.downloads import WAIT_S, RemoteFile
from hardiness.sources.extraction import move_into, unpack
from hardiness.sources.files import TarMember, open_regular, read_regular, shown
from hardiness.sources.packages import pin, pinned

_SUFFIXES = tuple(sorted(IMAGE_SUFFIXES | {".mp4"}))


@dataclass(frozen=True, slots=True)
class DataInventory:
    """The part of one data set that is there.

    Attributes:
        published: what it should be.
        place: where it is; ``None`` where it is not.
        images: how many images lie there; those of one condition, where there are conditions. ``None`` in a tar.
        conditions: how many conditions there are; 0 where there are none.
        note: what looks wrong at first sight; empty where nothing does.
    """

    published: PublishedSet
    place: Path | None
    images: int | None = None
    conditions: int = 0
    note: str = ""


def inventory(root: Path) -> Iterator[DataInventory]:
    """Each published data set, there or not, by the names of folders and files alone.

    Raises:
        DataError: the root is no folder, or cannot be listed.
    """
    try:
        inside = sorted(os.listdir(root))
    except OSError as error:
        raise DataError(
            f"--data {root} must be a folder of data sets, but cannot be listed ({error.strerror})"
        ) from None
    for name in datasets():
        yield _inventory_of(root, inside, published_set(name))


def place_of(root: Path, published: PublishedSet) -> Path | None:
    """The place of a data set below a root: its folder, or its tar; ``None`` where it is not there."""
    top = LAYOUTS.get(published.name).folder if published.name in LAYOUTS else published.folder
    for candidate in (root / top, root / f"{top}.tar"):
        if candidate.is_dir() or candidate.is_file():
            return candidate
    return None


def _inventory_of(root: Path, inside: list[str], published: PublishedSet) -> DataInventory:
    place = place_of(root, published)
    if place is None:
        top = published.folder.split("/")[0]
        close = difflib.get_close_matches(top.lower(), [name.lower() for name in inside], n=1, cutoff=0.9)
        meant = next((name for name in inside if close and name.lower() == close[0] and name not in datasets()), None)
        return DataInventory(published, None, note=f"{meant} is there; is that it?" if meant else "")
    if place.is_file():
        return DataInventory(published, place, note="a tar, read where it lies")
    if any(place.glob("*.parquet")) or any(place.glob("data/*.parquet")):
        return DataInventory(published, place, note="Parquet, read where it lies")
    if published.layout in ("corruption", "perturbation"):
        return _inventory_of_conditions(published, place)
    inner = root / published.folder
    inner = inner if inner.is_dir() else place
    if published.name in CLASS_SETS:
        top = class_set(published.name).top
        tops = [folder for folder in (inner / top, *inner.glob(f"*/{top}")) if top and folder.is_dir()]
        count = _count(tops[0] if tops else inner, depth=8)
    else:
        count = _count(inner)
    note = "" if count == published.images or not published.images else f"of {published.images:,}"
    return DataInventory(published, place, count, note=note)


def _inventory_of_conditions(published: PublishedSet, place: Path) -> DataInventory:
    tops = folders_in(place)
    cells = [place / top for top in tops]
    if published.layout == "corruption":
        cells = [place / top / level for top in tops for level in "12345" if (place / top / level).is_dir()]
    tars = len(list(place.glob("*.tar")))
    count = _count(cells[0]) if cells else None
    note = f"and {tars} tars" if tars else "" if count == published.images else f"of {published.images:,}"
    return DataInventory(published, place, count, len(cells), note)


def _count(folder: Path, depth: int = 3) -> int:
    """The number of images in a folder and so many folders below it; nothing is opened."""
    count, pending = 0, [(str(folder), 0)]
    while pending:
        path, level = pending.pop()
        try:
            with os.scandir(path) as listing:
                for entry in listing:
                    if entry.name[0] == ".":
                        continue
                    if entry.name.lower().endswith(_SUFFIXES):
                        count += 1
                    elif level < depth and entry.is_dir():
                        pending.append((entry.path, level + 1))
        except OSError:
            continue
    return count


NAME = "imagenet"
GROUND_TRUTH = "data/ILSVRC2012_validation_ground_truth.txt"
CLASSES = "data/meta.mat"
_MAX_KIT_BYTES = 1 << 28


@dataclass(frozen=True, slots=True)
class ImportOutcome:
    """A validation set that is laid out now.

    Attributes:
        folder: the class folders.
        images: how many there are.
        is_official: whether the archive is, byte for byte, the published one.
    """

    folder: Path
    images: int
    is_official: bool


def import_validation(
    val: Path,
    root: Path,
    devkit: Path | None = None,
    progress: Callable[[int, int | None], None] | None = None,
    labels: Sequence[int] | None = None,
) -> ImportOutcome:
    """Lay out ``root/imagenet/val/<wnid>/*.JPEG`` from the flat tar; what an interrupted command wrote is kept.

    The tree takes its place only when all images are there: their number and the hash of their names must be right.

    Args:
        val: ``ILSVRC2012_img_val.tar``.
        root: the data root.
        devkit: ``ILSVRC2012_devkit_t12.tar.gz``; without it the labels are those that the package carries.
        progress: told of the bytes that were written.
        labels: class index of each image in the order of their numbers, in place of the package's.

    Raises:
        DataError: an archive cannot be read or is another one, or there is no room.
    """
    labels = labels or validation_labels()
    folder = root / published_set(NAME).folder
    if folder.exists():
        raise DataError(f"{folder} is there already; 'hardiness data check {NAME}' says whether it is whole")
    if devkit is not None:
        labels = _devkit_labels(devkit, len(labels))
    members = _members(val, len(labels))
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        refuse_full_disk(folder.parent, val.stat().st_size, NAME)
        is_official = _is_official(val)
        staging = folder.with_name(f".{folder.name}.partial")
        written = 0
        for number, label in enumerate(labels, start=1):
            member = members[validation_name(number)]
            _write_image(staging / wnids()[label] / validation_name(number), member)
            written += member.size
            if progress:
                progress(written, val.stat().st_size)
        move_into(staging, folder)
        shutil.rmtree(staging, ignore_errors=True)
    except SampleError as error:
        raise DataError(str(error)) from None
    except OSError as error:
        raise DataError(
            f"cannot write {folder}: {error.strerror or error}; run the same command again: it continues"
        ) from None
    return ImportOutcome(folder, len(labels), is_official)


def _members(val: Path, count: int) -> dict[str, TarMember]:
    """The images of the archive by name, which must be all of them and no others."""
    images = {member.member.removeprefix("./"): member for member in archives.members(val)}
    missing = [name for name in map(validation_name, range(1, count + 1)) if name not in images]
    strange = sorted(set(images) - set(map(validation_name, range(1, count + 1)))) if len(images) > count else []
    if missing or strange:
        what = f"lacks {missing[0]}" if missing else f"also holds {shown(strange[0])}"
        raise DataError(
            f"{val} must be the official ILSVRC2012_img_val.tar of {count:,} images, but {what} ({len(images):,} files "
            "in all); fetch it again"
        )
    if count == published_set(NAME).images and names_sha256(list(images)) != VALIDATION_NAMES_SHA256:
        raise DataError(f"{val} must hold the official names, but does not; fetch it again")
    return images


def _is_official(val: Path) -> bool:
    """Whether the archive has the published checksum; read only where it has the published size."""
    (official,) = (file for file in published_set(NAME).files if file.name == "ILSVRC2012_img_val.tar")
    if val.stat().st_size != official.size:
        return False
    checksum = Checksum(official.checksum)
    checksum.add_file(val)
    return checksum.fits


def _write_image(target: Path, member: TarMember) -> None:
    content = member.read()
    try:
        if target.read_bytes() == content:
            return
    except FileNotFoundError:
        target.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(target, target.with_name(f"{target.name}.part")) as part:
        part.write_bytes(content)


def _devkit_labels(devkit: Path, count: int) -> list[int]:
    """The labels in the development kit: numbers from 1 to 1,000, and the wnid of each number."""
    from scipy.io import loadmat

    try:
        truth, table = _read_devkit(devkit)
        of_number = {
            int(row["ILSVRC2012_ID"].item()): str(row["WNID"].item())
            for row in loadmat(io.BytesIO(table))["synsets"].ravel()
        }
        indices = wnid_indices()
        labels = [indices[of_number[int(line)]] for line in truth.decode("ascii").split()]
    except OSError as error:
        raise DataError(f"{devkit} cannot be read ({error.strerror or error})") from None
    except (tarfile.TarError, EOFError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise DataError(
            f"{devkit} must be the official ILSVRC2012_devkit_t12.tar.gz, but is not ({shown(str(error))}); fetch it "
            "again, or leave --devkit out: the labels are in this package too"
        ) from None
    if len(labels) != count:
        raise DataError(f"{devkit} must have {count:,} labels, has {len(labels):,}; fetch it again")
    return labels


def _read_devkit(devkit: Path) -> tuple[bytes, bytes]:
    contents: dict[str, bytes] = {}
    with open_regular(devkit) as stream, tarfile.open(fileobj=stream, mode="r|*") as tar:
        for entry in tar:
            name = "/".join(entry.name.removeprefix("./").split("/")[-2:])
            if name in (GROUND_TRUTH, CLASSES) and entry.isreg() and entry.size <= _MAX_KIT_BYTES:
                content = tar.extractfile(entry)
                assert content is not None  # it is a regular file
                contents[name] = content.read()
    return contents[GROUND_TRUTH], contents[CLASSES]


ARCHIVES = "downloads"
"""The folder below a data root for fetched archives."""

FETCHED = ".fetched.json"
"""The file in a data set's folder that lists the archives which were unpacked there."""


@dataclass(frozen=True, slots=True)
class Manner:
    """The manner in which a data set is fetched.

    Attributes:
        keep_archive: leave the archives in ``downloads`` after unpacking.
        unpack: ``False`` leaves a tar as it came, in the data set's place, to be read where it lies.
        mirrors: addresses of folders that are asked first, each for ``<data set>/<file>``.
        progress: gives, for a description of what is done, what is told of its bytes.
        wait_s: how long to wait for another process that fetches the same file.
    """

    keep_archive: bool = False
    unpack: bool = True
    mirrors: tuple[str, ...] = ()
    progress: Callable[[str], Callable[[int, int | None], None]] = field(default=lambda _: lambda done, total: None)
    wait_s: float = WAIT_S


@dataclass(frozen=True, slots=True)
class ArchiveOutcome:
    """One archive that is in its place now.

    Attributes:
        folder: where its pictures are; the tar itself where it was not unpacked.
        file: what was fetched.
        files: how many files it held; 0 where it was not unpacked.
        checksum: what it had, as ``sha256:…``; empty where nothing was fetched.
        is_published: whether the checksum was published, or only seen before or now.
        was_there: whether all of it was there already.
    """

    folder: Path
    file: PublishedFile
    files: int = 0
    checksum: str = ""
    is_published: bool = True
    was_there: bool = False


def parse(argument: str) -> tuple[PublishedSet, tuple[PublishedFile, ...]]:
    """The data set and archives of ``NAME`` or ``NAME:part+part``.

    Raises:
        UnknownNameError: there is no such data set or part.
        ArgumentError: it cannot be fetched by a command; the message says how to get it.
    """
    name, colon, parts = argument.partition(":")
    published = published_set(name)
    if published.account:
        raise ArgumentError(f"{name} cannot be fetched without an account: {published.account}")
    if published.by_hand:
        raise ArgumentError(f"{name} lies at no address that can be fetched by a command: {published.by_hand}")
    if colon and not parts:
        raise ArgumentError(f"{argument}: must name parts after the colon, as in {name}:{published.files[0].part}")
    return published, published.chosen(tuple(parts.split("+")) if parts else ())


def get(name: PublishedSet, files: Sequence[PublishedFile], root: Path, manner: Manner) -> Iterator[ArchiveOutcome]:
    """Fetch archives of a data set and lay them out below a root, one after the other; finished ones are kept.

    Raises:
        DataError: one cannot be had, is not what was published, must not be unpacked, or there is no room for it.
    """
    missing = [file for file in files if not _is_there(root, name, file)]
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"--data {root} cannot be made ({error.strerror}); choose another folder") from None
    needed = sum(file.about_bytes or 0 for file in missing)
    largest = max((file.about_bytes or 0 for file in missing), default=0)
    refuse_full_disk(root, needed * (2 if manner.keep_archive else 1) + (largest if manner.unpack else 0), name.name)
    for file in files:
        folder = root / (file.folder or name.folder)
        yield _get(name, file, root, manner) if file in missing else ArchiveOutcome(folder, file, was_there=True)


def _get(name: PublishedSet, file: PublishedFile, root: Path, manner: Manner) -> ArchiveOutcome:
    folder = root / (file.folder or name.folder)
    key = f"{name.name}/{file.name}"
    expected = file.checksum or pinned(key)
    mirrors = tuple(f"{mirror.rstrip('/')}/{key}" for mirror in manner.mirrors)
    remote = RemoteFile(file.name, (*mirrors, *file.urls), expected, file.size)
    archives = root / ARCHIVES / name.name
    progress = manner.progress(f"{name.name} {file.part}".strip())
    fetched = remote.obtain(archives, progress, manner.wait_s)
    if not expected:
        pin(key, fetched.checksum, fetched.url)
    facts = (fetched.checksum, bool(file.checksum))
    if not manner.unpack:
        return ArchiveOutcome(_move_packed(name, file, fetched.path, root), file, 0, *facts)
    progress = manner.progress(f"unpacking {name.name} {file.part}".strip())
    extraction = unpack(fetched.path, folder, file.strip, progress, file.password)
    _write_fetched(folder, file, fetched.checksum, extraction.files)
    if not manner.keep_archive:
        _remove(fetched.path)
    return ArchiveOutcome(folder, file, extraction.files, *facts)


def _move_packed(name: PublishedSet, file: PublishedFile, archive: Path, root: Path) -> Path:
    """Move a tar to the place where it is read as it is: ``imagenet-a.tar``, ``imagenet-c/noise.tar``."""
    if archive.suffix != ".tar":
        raise DataError(f"{archive} is compressed, so it cannot be read where it lies; leave --no-unpack out")
    place = _packed_place(root, name, file)
    place.parent.mkdir(parents=True, exist_ok=True)
    archive.replace(place)
    _remove(archive)
    return place


def _packed_place(root: Path, name: PublishedSet, file: PublishedFile) -> Path:
    return root / name.folder / file.name if file.part else root / f"{name.folder}.tar"


def _remove(archive: Path) -> None:
    """Remove an archive with its lock, and the folders that are empty then."""
    for path in (archive, Path(f"{archive}.lock")):
        path.unlink(missing_ok=True)
    for folder in (archive.parent, archive.parent.parent):
        if not os.listdir(folder):
            folder.rmdir()


def _is_there(root: Path, name: PublishedSet, file: PublishedFile) -> bool:
    folder = root / (file.folder or name.folder)
    are_held = bool(file.holds) and all((folder / held).is_dir() for held in file.holds)
    return are_held or file.name in _read_fetched(folder) or _packed_place(root, name, file).is_file()


def _read_fetched(folder: Path) -> dict[str, object]:
    try:
        archives = json.loads(read_regular(folder / FETCHED, 1 << 20))
    except (OSError, ValueError, RecursionError):
        return {}
    return archives if isinstance(archives, dict) else {}


def _write_fetched(folder: Path, file: PublishedFile, checksum: str, count: int) -> None:
    content = {**_read_fetched(folder), file.name: {"checksum": checksum, "files": count}}
    with whole_file(folder / FETCHED) as part:
        part.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n")
