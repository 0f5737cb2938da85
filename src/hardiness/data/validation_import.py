"""ImageNet's validation set, laid out from its official archive."""

from __future__ import annotations

import io
import shutil
import tarfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hardiness.core.errors import DataError, SampleError
from hardiness.core.whole_files import whole_file
from hardiness.reference.classes import wnid_indices, wnids
from hardiness.reference.published_data import published_set
from hardiness.reference.validation_images import (
    VALIDATION_NAMES_SHA256,
    names_sha256,
    validation_labels,
    validation_name,
)
from hardiness.sources import archives
from hardiness.sources.checksums import Checksum
from hardiness.sources.disk import refuse_full_disk
from hardiness.sources.extraction import move_into
from hardiness.sources.files import TarMember, open_regular, shown

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
