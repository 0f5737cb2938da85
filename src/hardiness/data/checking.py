"""Is a data set whole and what it should be? Every fault that can be seen without a model."""

from __future__ import annotations

import hashlib
import io
import os
import re
import stat
import struct
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path, PurePosixPath

import numpy as np
import PIL.Image

from hardiness.core.benchmark import File, Stimulus
from hardiness.core.errors import DataError, SampleError
from hardiness.core.forms import json_field
from hardiness.core.process import ordered
from hardiness.data.conditions import WrittenTree
from hardiness.data.files import (
    IMAGE_SUFFIXES,
    FileEntry,
    Tree,
    folders_in,
    of_folder,
    of_tar,
    passed_over,
    refuse_folder_too_deep,
)
from hardiness.data.getting import place_of
from hardiness.data.layouts.class_sets import part_and_label
from hardiness.data.root import OWN, Place, parse_place
from hardiness.imaging.codecs import decode_video, encode_jpeg, refuse_damaged
from hardiness.reference.class_sets import CLASS_SETS, ClassSet, class_set
from hardiness.reference.classes import sixteen, subset_wnids, wnid_indices, wnids
from hardiness.reference.published_data import PublishedSet, datasets, published_set, validation_labels, validation_name
from hardiness.reference.sets import distortion_set
from hardiness.sources import archives
from hardiness.sources.files import DiskFile, TarMember, open_regular, shown, video_facts
from hardiness.sources.tables import parquet_files, parquet_rows

IMAGENET_C = distortion_set("imagenet-c")
IMAGENET_P = distortion_set("imagenet-p")

KINDS = {
    "missing-class": "classes that have no image",
    "unknown-class": "folders that are none of the classes",
    "count": "classes with another number of images than published",
    "missing-condition": "conditions that are not there",
    "loose": "images in no class folder",
    "empty": "files without a byte",
    "special": "FIFOs, devices, sockets, links that lead nowhere",
    "unreadable": "files that cannot be read",
    "no-image": "files that are no image, or no video",
    "truncated": "files that end early",
    "damaged": "files that cannot be decoded, or are not what the manifest lists",
    "not-rgb": "images that are not 8-bit RGB",
    "wrong-size": "images of another width or height than published",
    "wrong-quality": "JPEGs of another quality than published",
    "frames": "videos with another number of frames than published",
    "duplicate": "files with the same content",
    "mislabelled": "files whose name says another class than their folder",
    "case": "names that are right but for upper and lower case",
    "name": "stimuli whose name breaks the rule",
}
"""Every kind of fault, with what it is, in the order in which they are shown."""


@dataclass(frozen=True, slots=True)
class Move:
    """A file or folder that is right in another place."""

    source: Path
    target: Path


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong.

    Attributes:
        kind: one of `KINDS`.
        path: the file, folder or class, as one printable line.
        reason: what it is and what it must be.
        move: what mends it safely; ``None`` where nothing does.
        is_note: whether it is only told, as the published set has such files too.
    """

    kind: str
    path: str
    reason: str
    move: Move | None = field(default=None, metadata=json_field("fixable", write=bool))
    is_note: bool = field(default=False, metadata=json_field("note"))


_VALIDATION = re.compile(r"(ILSVRC2012_val_)([0-9]{8})\.", re.IGNORECASE)
_OWN_WNID = re.compile(r"(n[0-9]{8})_", re.IGNORECASE)


def expected(published: PublishedSet) -> Mapping[str, int] | None:
    """Class index by folder name; ``None`` where the folders are no ImageNet classes."""
    if published.layout in ("cue-conflict", "folders", "class-set", OWN):
        return None
    if published.layout == "index":
        return {str(index): index for index in range(len(wnids()))}
    return subset_wnids(published.subset) if published.subset else wnid_indices()


def folder_faults(
    published: PublishedSet, where: str, folders: Iterable[str], counts: Mapping[str, int], top: Path | None
) -> Iterator[Fault]:
    """The faults of the class folders of one tree.

    Args:
        published: the data set.
        where: what comes before each path in messages; empty or ending with ``/``.
        folders: the top folders.
        counts: images in each.
        top: the folder on disk; ``None`` in a tar, where nothing can be moved.
    """
    known = expected(published)
    if known is None:
        return
    there, lower = set(folders), {name.lower(): name for name in known}
    for name in sorted(there - set(known)):
        right = lower.get(name.lower())
        if right is None:
            yield Fault("unknown-class", shown(where + name), f"is none of the {len(known):,} classes; move it away")
        else:
            move = Move(top / name, top / right) if top else None
            yield Fault("case", shown(where + name), f"must be {right}", move)
    right_or_nearly = Counter({lower.get(name.lower(), name): count for name, count in counts.items()})
    missing = [name for name in known if not right_or_nearly[name]]
    for name in missing:
        yield Fault("missing-class", where + name, "has no image")
    if published.per_class:
        for name in known:
            count = right_or_nearly[name]
            if count and count != published.per_class:
                yield Fault(
                    "count",
                    where + name,
                    f"has {count} of {published.per_class} images"
                    if count < published.per_class
                    else f"has {count} images, must have {published.per_class}",
                )


def name_fault(published: PublishedSet, where: str, path: str, top: Path | None) -> Fault | None:
    """The fault of the name of an image in a class folder; ``None`` where it is right.

    Args:
        published: the data set.
        where: what comes before the path in messages.
        path: ``<folder>/<file>``.
        top: the folder on disk; ``None`` in a tar.
    """
    folder, _, file = path.rpartition("/")
    if published.layout == "index" or "/" in folder:
        return None
    said = _wnid_in(file)
    if said is not None and said != folder.lower():
        move = Move(top / path, top / said / file) if top and (top / said).is_dir() else None
        return Fault("mislabelled", shown(where + path), f"its name says {said}", move)
    if validation := _VALIDATION.match(file):
        right = validation_name(int(validation[2]))
        if file != right and file.casefold() == right.casefold():
            move = Move(top / path, top / folder / right) if top else None
            return Fault("case", shown(where + path), f"must be {right}", move)
    return None


def _wnid_in(file: str) -> str | None:
    """The class that a file's name says: by the number of a validation image, or by the wnid it begins with."""
    if validation := _VALIDATION.match(file):
        number = int(validation[2])
        return wnids()[validation_labels()[number - 1]] if 1 <= number <= len(validation_labels()) else None
    own = _OWN_WNID.match(file)
    return own[1].lower() if own and own[1].lower() in wnid_indices() else None


def case_faults(where: str, paths: Iterable[str]) -> Iterator[Fault]:
    """Files of one folder that differ in case alone: on some systems one of them hides the other."""
    seen: dict[str, str] = {}
    for path in paths:
        other = seen.setdefault(path.casefold(), path)
        if other != path:
            yield Fault("case", shown(where + path), f"differs from {shown(other.rpartition('/')[2])} in case alone")


HEAD_BYTES = 4096
_TAIL_BYTES = 4096
_JPEG, _PNG = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"
_FRAMES = frozenset((0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF))
_PNG_MODES = {0: "grey", 2: "RGB", 3: "palette", 4: "grey with alpha", 6: "RGB with alpha"}
_MODES = {"L": "grey", "P": "palette", "CMYK": "CMYK", "RGBA": "RGB with alpha", "1": "black and white"}


@dataclass(frozen=True, slots=True)
class ByteWindow:
    """Bytes of one file, read where they are wanted.

    Attributes:
        size: bytes of the file.
        read: from a position, so many bytes.
    """

    size: int
    read: Callable[[int, int], bytes]

    def structure(self, head: bytes) -> Structure | None:
        """What a file's structure says; ``None`` where it is no image.

        Args:
            head: its first `HEAD_BYTES`.
        """
        if head.startswith(_JPEG):
            return self._jpeg(head)
        if head.startswith(_PNG):
            return self._png(head)
        return self._by_pil()

    def _jpeg(self, head: bytes) -> Structure | None:
        """Follows the markers to the frame header; the tables stand before it as a rule, and before the scan always."""
        at, tables, frame = 2, {}, None
        while at + 4 <= self.size:
            marker = self._bytes(head, at, 4)
            if len(marker) < 4 or marker[0] != 0xFF:
                break
            if marker[1] == 0xFF:  # fill bytes
                at += 1
                continue
            length = int.from_bytes(marker[2:4], "big")
            if marker[1] == 0xDB:
                tables.update(_quantisation(self._bytes(head, at + 4, length - 2)))
            elif marker[1] in _FRAMES:
                frame = self._bytes(head, at + 4, 6)
            elif marker[1] in (0xDA, 0xD9):
                break
            at += 2 + max(length, 2)
        if frame is None or len(frame) < 6:
            return Structure(0, 0, "RGB", 8, False) if self.size else None
        bits, height, width, channels = struct.unpack(">BHHB", frame)
        mode = {1: "grey", 3: "RGB", 4: "CMYK"}.get(channels, f"{channels} channels")
        return Structure(width, height, mode, bits, self._has_jpeg_end(), tuple(tables[key] for key in sorted(tables)))

    def _has_jpeg_end(self) -> bool:
        """Whether the end marker is there; cameras write further bytes behind it."""
        if self.read(self.size - 2, 2) == b"\xff\xd9":
            return True
        tail = self.read(max(self.size - _TAIL_BYTES, 0), _TAIL_BYTES)
        return b"\xff\xd9" in tail

    def _png(self, head: bytes) -> Structure | None:
        if head[12:16] != b"IHDR" or len(head) < 26:
            return Structure(0, 0, "RGB", 8, False)
        width, height, bits, kind = struct.unpack(">IIBB", head[16:26])
        tail = self.read(max(self.size - _TAIL_BYTES, 0), _TAIL_BYTES)
        return Structure(width, height, _PNG_MODES.get(kind, "unknown"), bits, b"IEND\xaeB`\x82" in tail)

    def _by_pil(self) -> Structure | None:
        """GIF, BMP, WebP, TIFF, PPM, as PIL reads their headers; rare enough to be read whole."""
        try:
            with PIL.Image.open(io.BytesIO(self.read(0, self.size))) as image:
                mode = _MODES.get(image.mode, image.mode)
                return Structure(*image.size, mode, 8, True, frames=getattr(image, "n_frames", 1))
        except Exception:  # noqa: BLE001 - PIL's readers raise anything on damaged files
            return None

    def _bytes(self, head: bytes, at: int, length: int) -> bytes:
        return head[at : at + length] if at + length <= len(head) else self.read(at, length)


@dataclass(frozen=True, slots=True)
class Structure:
    """What an image file says of itself.

    Attributes:
        width, height: in pixels; 0 where it is not said.
        mode: ``RGB``, ``grey``, ``CMYK``, ``palette`` …
        bits: of each channel.
        is_whole: whether its end is there.
        tables: the quantisation tables of a JPEG, 64 numbers each, in zigzag order.
        frames: pictures in the file.
    """

    width: int
    height: int
    mode: str
    bits: int
    is_whole: bool
    tables: tuple[tuple[int, ...], ...] = ()
    frames: int = 1


@contextmanager
def opened(file: File) -> Iterator[ByteWindow]:
    """A window on a file on disk or in a tar, or on one that is read as a whole.

    Raises:
        OSError, SampleError: it cannot be read.
    """
    if isinstance(file, TarMember):
        with open_regular(file.archive) as stream:
            handle = stream.fileno()
            yield ByteWindow(
                file.size, lambda at, n: os.pread(handle, max(min(n, file.size - at), 0), file.offset + at)
            )
        return
    if not isinstance(file, DiskFile):
        content = file.read()
        yield ByteWindow(len(content), lambda at, n: content[max(at, 0) : max(at, 0) + n])
        return
    with open_regular(file.path) as stream:
        handle = stream.fileno()
        yield ByteWindow(os.fstat(handle).st_size, lambda at, n: os.pread(handle, n, at))


@cache
def tables_of(quality: int) -> tuple[tuple[int, ...], ...]:
    """The quantisation tables, in zigzag order, that libjpeg uses for a quality from 1 to 100."""
    content = encode_jpeg(np.zeros((16, 16, 3), np.uint8), quality)
    found = ByteWindow(len(content), lambda at, n: content[at : at + n])._jpeg(content)
    assert found is not None
    return found.tables


def _quantisation(content: bytes) -> dict[int, tuple[int, ...]]:
    found, at = {}, 0
    while at < len(content):
        wide, number = content[at] >> 4, content[at] & 15
        length = 128 if wide else 64
        values = content[at + 1 : at + 1 + length]
        if len(values) == length:
            found[number] = struct.unpack(f">{64}{'H' if wide else 'B'}", values)
        at += 1 + length
    return found


_NOTED_MODES = frozenset(("grey", "CMYK", "palette", "RGB with alpha", "grey with alpha", "black and white"))
"""What the published photographs have here and there, and PIL turns into RGB."""


@dataclass
class FileChecks:
    """Checks the files of one data set.

    Attributes:
        published: what they must be.
        pixels: whether they are decoded too.
        hashes: gives the sha256 that the manifest of a written tree lists for a path; empty where it lists none.
        read: how many files were looked at.
    """

    published: PublishedSet
    pixels: bool = False
    hashes: Callable[[str], str] = field(default=lambda path: "")
    read: int = 0

    def faults(self, where: str, entries: Sequence[FileEntry], workers: int) -> Iterator[Fault]:
        """The faults of the files of one tree; ``where`` comes before each path in messages."""
        alike: dict[tuple[int, bytes], list[FileEntry]] = defaultdict(list)
        jobs = (
            ordered(lambda entry: self._look(where, entry), entries, workers, 8 * workers)
            if self.pixels
            else ((entry, self._look(where, entry)) for entry in entries)
        )
        for entry, (mark, faults) in jobs:
            self.read += 1
            yield from faults
            if mark:
                alike[entry.size, mark].append(entry)
        yield from _duplicates(where, alike.values())

    def _look(self, where: str, entry: FileEntry) -> tuple[bytes, list[Fault]]:
        """A digest of the first and last bytes, and the faults."""
        path = shown(where + entry.path)
        file = entry.file
        if isinstance(file, DiskFile) and (fault := _special(path, file.path)):
            return b"", [fault]
        if not entry.size:
            return b"", [Fault("empty", path, "has no byte")]
        try:
            with opened(file) as window:
                head = window.read(0, HEAD_BYTES)
                tail = window.read(max(window.size - HEAD_BYTES, 0), HEAD_BYTES)
                is_video = self.published.frames > 0
                found = [] if is_video else list(self._of_image(path, window.structure(head)))
        except OSError as error:
            return b"", [Fault("unreadable", path, error.strerror or str(error))]
        except SampleError as error:
            return b"", [Fault("unreadable", path, str(error))]
        if is_video:
            found = list(self._of_video(path, where, file))
        if self.pixels and not any(fault.kind in ("no-image", "truncated") for fault in found):
            found += self._decoded(path, where, entry)
        return hashlib.blake2b(head + tail, digest_size=16).digest(), found

    def _of_image(self, path: str, structure: Structure | None) -> Iterator[Fault]:
        published = self.published
        if structure is None:
            yield Fault("no-image", path, "is no image that PIL knows")
            return
        if not structure.is_whole:
            yield Fault("truncated", path, "ends before the image does; fetch it again")
            return
        if structure.bits != 8 and not (
            structure.mode in ("palette", "black and white", "grey") and structure.bits < 8
        ):
            yield Fault("not-rgb", path, f"has {structure.bits} bits per channel, must have 8")
        elif structure.frames > 1:
            yield Fault("not-rgb", path, f"holds {structure.frames} pictures, must hold one")
        elif structure.mode != "RGB":
            is_note = structure.mode in _NOTED_MODES and not published.side_px
            told = "is read as RGB, as PIL converts it" if is_note else "must be RGB"
            yield Fault("not-rgb", path, f"is {structure.mode}; {told}", is_note=is_note)
        side = published.side_px
        if side and (structure.width, structure.height) != (side, side):
            yield Fault("wrong-size", path, f"is {structure.width}x{structure.height}, must be {side}x{side}")
        quality = published.jpeg_quality
        if quality and structure.tables != tables_of(quality):
            what = "has other quantisation tables" if structure.tables else "is no JPEG"
            yield Fault("wrong-quality", path, f"{what}, must be JPEG of quality {quality}")

    def _of_video(self, path: str, where: str, file: File) -> Iterator[Fault]:
        try:
            facts = video_facts(file.read())
        except SampleError as error:
            yield Fault("unreadable", path, str(error))
            return
        if facts is None:
            yield Fault("no-image", path, "is no MP4 video")
        elif not facts.is_whole:
            yield Fault("truncated", path, "ends before the video does; fetch it again")
        else:
            if facts.frames != (wanted := self._frames(where)):
                yield Fault("frames", path, f"has {facts.frames} frames, must have {wanted}")
            side = self.published.side_px
            if side and (facts.width, facts.height) != (side, side):
                yield Fault("wrong-size", path, f"is {facts.width}x{facts.height}, must be {side}x{side}")

    def _frames(self, where: str) -> int:
        return self.published.frames_of.get(where.rstrip("/"), self.published.frames)

    def _decoded(self, path: str, where: str, entry: FileEntry) -> Iterator[Fault]:
        try:
            content = entry.file.read()
            listed = self.hashes(where + entry.path)
            if listed and hashlib.sha256(content).hexdigest() != listed:
                yield Fault("damaged", path, "is not the file that manifest.json lists")
            if self.published.frames:
                decode_video(content, path, self._frames(where), self.published.side_px)
            else:
                refuse_damaged(content, path)
        except SampleError as error:
            yield Fault("damaged", path, str(error).removeprefix(f"{path}: "))


def _special(path: str, file: str) -> Fault | None:
    try:
        mode = os.stat(file).st_mode
    except FileNotFoundError:
        return Fault("special", path, "is a link that leads nowhere")
    except OSError as error:
        return Fault("unreadable", path, error.strerror or str(error))
    return None if stat.S_ISREG(mode) else Fault("special", path, "must be a file, is a FIFO, socket or device")


def _duplicates(where: str, groups: Iterable[Sequence[FileEntry]]) -> Iterator[Fault]:
    """Files with the same content, among those of one size whose first and last bytes are the same."""
    for group in groups:
        if len(group) < 2:
            continue
        first: dict[str, FileEntry] = {}
        known: dict[tuple[int, int], str] = {}
        for entry in group:
            try:
                digest = _whole(entry, known)
            except SampleError:
                continue
            other = first.setdefault(digest, entry)
            if other is not entry:
                yield Fault("duplicate", shown(where + entry.path), f"is the same file as {shown(where + other.path)}")


def _whole(entry: FileEntry, classes: dict[tuple[int, int], str]) -> str:
    """The sha256 of a file; taken once for links to the same one."""
    file = entry.file
    place = (0, 0)
    if isinstance(file, DiskFile):
        status = os.stat(file.path)
        place = (status.st_dev, status.st_ino)
        if place in classes:
            return classes[place]
    digest = hashlib.sha256(file.read()).hexdigest()
    classes[place] = digest
    return digest


def mend(faults: Iterable[Fault]) -> Iterator[Fault]:
    """The faults that were mended, by moving each file to its right place.

    Folders come after the files in them, and what would land on something else stays where it is.

    Raises:
        DataError: the disk refuses.
    """
    movable = [fault for fault in faults if fault.move is not None]
    for fault in sorted(movable, key=lambda fault: -len(fault.move.source.parts) if fault.move else 0):
        assert fault.move is not None
        source, target = fault.move.source, fault.move.target
        if not os.path.lexists(source) or _is_taken(source, target):
            continue
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            source.rename(target)
        except OSError as error:
            raise DataError(f"cannot move {source} to {target}: {error.strerror or error}") from None
        yield fault


def _is_taken(source: os.PathLike[str], target: os.PathLike[str]) -> bool:
    """Whether something else is at the target; on a system that ignores case a name may differ in case alone."""
    return os.path.lexists(target) and not os.path.samefile(source, target)


OWN_SET = PublishedSet(OWN, "your own pictures in your own classes", "", "", "", OWN, "", "")
"""Stands for a person's own data set, of which nobody published anything."""

CONTACT_SHEET = "contact-sheet.png"
_STIMULI = (1280, 1201, 1200)
"""All that were released, those of Orhan (2019), and those with a conflict."""

_VIDEOS = frozenset((".mp4",))

UNKNOWN_SIZE = -1
"""Of a picture in a table, until it is read."""


@dataclass(frozen=True)
class CheckReport:
    """The outcome of a check: what was looked at, and its faults.

    Attributes:
        name: of the data set.
        location: where it is.
        files: how many images or videos were looked at.
        sound: whether nothing is wrong.
        faults: what is wrong, notes among them.
        remarks: what else lies in its folders and is no file of it, a line each.
    """

    name: str
    location: str
    files: int
    sound: bool
    faults: tuple[Fault, ...]
    remarks: tuple[str, ...] = ()

    @property
    def wrong(self) -> tuple[Fault, ...]:
        """The faults without the notes."""
        return tuple(fault for fault in self.faults if not fault.is_note)


@dataclass(frozen=True)
class Depth:
    """How thoroughly to look.

    Attributes:
        pixels: decode every file, and compare it with the manifest of a written tree.
        workers: threads that decode.
        progress: told of the files that were looked at, and of how many there are where that is known.
    """

    pixels: bool = False
    workers: int = 1
    progress: Callable[[int, int | None], None] = field(default=lambda done, total: None)


def places_to_check(names: Sequence[str], given: Sequence[str]) -> list[tuple[PublishedSet, Place]]:
    """The data sets of these names, or all that are there, each with its place.

    Args:
        names: of data sets; all if empty.
        given: data roots, or ``NAME=PATH`` for one data set.

    Raises:
        DataError: one of these names, or every one, is nowhere.
    """
    named: dict[str, Place] = {}
    roots: list[Path] = []
    for argument in given:
        name, place = parse_place(argument)
        if name is None:
            roots.append(Path(place.path))
        else:
            named[OWN if name == OWN else published_set(name).name] = place
    if OWN in names and OWN not in named and len(roots) == 1:
        named[OWN] = Place(str(roots[0]), str(roots[0]))
    found = []
    for name in names or [*datasets(), *([OWN] if OWN in named else [])]:
        if name == OWN and name not in named:
            raise DataError("data check own needs the folder of your pictures: --data own=FOLDER")
        published = OWN_SET if name == OWN else published_set(name)
        path = None if name in named else next((held for root in roots if (held := place_of(root, published))), None)
        if name in named or path is not None:
            found.append((published, named.get(name) or Place(str(path), str(path))))
        elif names:
            where = ", ".join(map(str, roots)) or ", ".join(named)
            raise DataError(f"{name} was not found under {where}; 'hardiness data list' says what is there")
    if not found:
        raise DataError(f"no data set was found under {', '.join(map(str, roots))}; give --data ROOT or NAME=PATH")
    return found


def check(published: PublishedSet, place: Place, depth: Depth | None = None) -> CheckReport:
    """Everything that is wrong with a data set, sorted by kind and path.

    Args:
        published: what it must be.
        place: a folder, or an uncompressed tar.
        depth: how thoroughly to look.

    Raises:
        DataError: it is not there, or a folder cannot be listed.
    """
    depth = depth or Depth()
    if published.name == "imagenet" and (place.classes is not None or place.reading() == OWN):
        published = OWN_SET
    root = Path(place.path)
    written = WrittenTree.read(root) if root.is_dir() else None
    checks = FileChecks(published, depth.pixels, _hashes(written))
    faults: list[Fault] = []
    unused: list[str] = []
    for where, tree, top in _trees(published, place):
        if known := expected(published):
            refuse_folder_too_deep(place.argument, tree, known)
        faults += _of_tree(published, where, tree, top)
        images = [entry for entry in tree.entries if _counts(published, entry)]
        unused += (where + path for path in tree.unused(images) if not _is_table_of_set(published, path))
        begun = checks.read
        for fault in checks.faults(where, images, depth.workers):
            faults.append(fault)
            depth.progress(checks.read, None)
        depth.progress(checks.read, begun + len(images))
    if published.layout in ("corruption", "perturbation"):
        faults += _missing_conditions(published, root)
    order = list(KINDS)
    faults.sort(key=lambda fault: (order.index(fault.kind), fault.path))
    remarks = passed_over(published.name, place.path, unused)
    is_sound = all(fault.is_note for fault in faults)
    return CheckReport(published.name, place.path, checks.read, is_sound, tuple(faults), remarks)


def _is_table_of_set(published: PublishedSet, path: str) -> bool:
    """Whether a file says what was set of each photograph."""
    return published.name in CLASS_SETS and path.rpartition("/")[2] == class_set(published.name).levels_table


def _trees(published: PublishedSet, place: Place) -> Iterator[tuple[str, Tree, Path | None]]:
    """The trees of class folders, each with what comes before its paths and, on disk, where it is."""
    path = Path(place.path)
    if tables := _tables(path, place.split):
        yield "", _of_tables(published, place.path, tables), None
        return
    if path.is_file():
        tree = of_tar(path, archives.members(path))
        known = expected(published) or {}
        while (
            len(tree.folders) == 1 and tree.folders[0] not in known and published.layout not in ("folders", "class-set")
        ):
            tree = tree.below(tree.folders[0])
        yield "", tree, None
        return
    if not path.is_dir():
        raise DataError(f"--data {place.argument}: must be a folder or an uncompressed tar, but {path} is not there")
    if published.layout not in ("corruption", "perturbation"):
        inner = path / "val"
        top = inner if published.name == "imagenet" and inner.is_dir() else path
        yield "", of_folder(top, place.argument), top
        return
    for first in folders_in(path):
        names = [first] if published.layout == "perturbation" else [f"{first}/{x}" for x in folders_in(path / first)]
        for name in names:
            yield f"{name}/", of_folder(path / name, place.argument), path / name


def _tables(path: Path, split: str | None) -> list[Path]:
    """The Parquet files at a place; none where it is no set of them."""
    if path.is_dir():
        return parquet_files(path, split)
    return [path] if path.suffix == ".parquet" and path.is_file() else []


def _of_tables(published: PublishedSet, location: str, files: Sequence[Path]) -> Tree:
    """The pictures in Parquet files as they would lie in class folders, in the order of the files."""
    by_index = {str(index): folder for folder, index in (expected(published) or {}).items()}
    entries = []
    for file in files:
        for row in parquet_rows(file):
            folder = by_index.get(row.label, row.label)
            path = row.name if len(files) == 1 else f"{file.stem}/{row.name}"
            entries.append(FileEntry(f"{folder}/{path}", UNKNOWN_SIZE, 0, row.image))
    return Tree(location, tuple(entries), tuple(sorted({entry.path.partition("/")[0] for entry in entries})))


def _of_tree(published: PublishedSet, where: str, tree: Tree, top: Path | None) -> Iterator[Fault]:
    images = [entry for entry in tree.entries if _counts(published, entry)]
    counts = Counter(entry.path.split("/", 1)[0] for entry in images if "/" in entry.path)
    yield from folder_faults(published, where, tree.folders, counts, top)
    yield from case_faults(where, (entry.path for entry in images))
    if published.layout == "cue-conflict":
        yield from _stimuli(images)
        if len(images) not in _STIMULI:
            yield Fault(
                "count",
                published.name,
                f"has {len(images):,} stimuli, must have one of {', '.join(map(str, _STIMULI))}",
            )
        return
    if published.layout == "class-set" and published.images and len(images) < published.images:
        yield Fault("count", published.name, f"has {len(images):,} of {published.images:,} images; fetch the rest")
    if published.name in CLASS_SETS and class_set(published.name).labels:
        yield from _missing_parts(class_set(published.name), images)
    if published.layout == OWN:
        yield from (Fault("missing-class", shown(name), "has no image") for name in tree.folders if not counts[name])
        loose = (entry for entry in images if "/" not in entry.path)
        yield from (Fault("loose", shown(entry.path), "lies in no class folder") for entry in loose)
        return
    if expected(published) is None:
        return
    for entry in images:
        if "/" not in entry.path:
            yield Fault("loose", shown(where + entry.path), "lies in no class folder")
        elif fault := name_fault(published, where, entry.path, top):
            yield fault
    if not published.per_class and len(images) != published.images and not where:
        yield Fault("count", where or published.name, f"has {len(images):,} images, must have {published.images:,}")


def _missing_parts(described: ClassSet, images: Sequence[FileEntry]) -> Iterator[Fault]:
    """The conditions and the labels of a set that no image is of."""
    there = [found for entry in images if (found := part_and_label(described, entry))]
    parts, labels = ({found[place] for found in there} for place in (0, 1))
    yield from (Fault("missing-condition", p.folder, "has no image") for p in described.parts if p.folder not in parts)
    yield from (Fault("missing-class", label, "has no image") for label in described.labels if label not in labels)


def _stimuli(images: Sequence[FileEntry]) -> Iterator[Fault]:
    known = sixteen()
    for entry in images:
        path = PurePosixPath(entry.path)
        stimulus = Stimulus.parse(path.stem)
        if stimulus is None or stimulus.shape not in known or stimulus.texture not in known:
            yield Fault(
                "name", shown(entry.path), "must be <shape><number>-<texture><number>, as in cat7-elephant1.png"
            )
        elif path.parent.name in known and path.parent.name != stimulus.shape:
            yield Fault("mislabelled", shown(entry.path), f"its name says the shape {stimulus.shape}")


def _missing_conditions(published: PublishedSet, root: Path) -> Iterator[Fault]:
    """The conditions of the headline that have no folder, where the folder is one of folders."""
    if not root.is_dir() or any(root.glob("*.tar")):
        return
    if published.name == "imagenet-c":
        wanted = [f"{name}/{level}" for name in IMAGENET_C.members for level in IMAGENET_C.levels]
    elif published.name == "imagenet-p":
        wanted = list(IMAGENET_P.members)
    else:
        held = [name for file in published.files for name in file.holds]
        wanted = [f"{name}/{level}" for name in held for level in range(1, 6)]
    for name in wanted:
        if not (root / name).is_dir():
            yield Fault("missing-condition", name, "is not there; 'hardiness data get' fetches it")


def _counts(published: PublishedSet, entry: FileEntry) -> bool:
    if PurePosixPath(entry.path).name == CONTACT_SHEET:
        return False
    return entry.suffix in (_VIDEOS if published.frames else IMAGE_SUFFIXES)


def _hashes(written: WrittenTree | None) -> Callable[[str], str]:
    def hash_of(path: str) -> str:
        parts = path.split("/")
        cell, below = "/".join(parts[:-2]), "/".join(parts[-2:])
        return written.files.get(cell, {}).get(below, "") if written else ""

    return hash_of


__all__ = ["CheckReport", "Depth", "Fault", "check", "mend", "places_to_check"]
