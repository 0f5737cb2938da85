"""Faults of the files of a data set."""

from __future__ import annotations

import hashlib
import os
import stat
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from hardiness.core.benchmark import File
from hardiness.core.errors import SampleError
from hardiness.core.process import ordered
from hardiness.data.faults import Fault
from hardiness.data.files import FileEntry
from hardiness.data.image_structure import END_BYTES, Structure, opened, structure, tables_of
from hardiness.imaging.codecs import refuse_damaged
from hardiness.imaging.mp4 import video_facts
from hardiness.imaging.videos import decode_video
from hardiness.reference.published_data import PublishedSet
from hardiness.sources.files import DiskFile, shown

_NOTED_MODES = frozenset(("grey", "CMYK", "palette", "RGB with alpha", "grey with alpha", "black and white"))
"""Modes that a few published photographs have, and that PIL turns into RGB."""


@dataclass
class FileChecks:
    """A check of the files of one data set.

    Attributes:
        published: the set that they must be.
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
        if isinstance(file, DiskFile) and (fault := _special_fault(path, file.path)):
            return b"", [fault]
        if not entry.size:
            return b"", [Fault("empty", path, "has no byte")]
        try:
            with opened(file) as stream:
                head = stream.read(END_BYTES)
                size = stream.seek(0, os.SEEK_END)
                stream.seek(max(size - END_BYTES, 0))
                tail = stream.read(END_BYTES)
                is_video = self.published.frames > 0
                faults = [] if is_video else list(self._image_faults(path, structure(stream, head, tail)))
        except OSError as error:
            return b"", [Fault("unreadable", path, error.strerror or str(error))]
        except SampleError as error:
            return b"", [Fault("unreadable", path, str(error))]
        if is_video:
            faults = list(self._video_faults(path, where, file))
        if self.pixels and not any(fault.kind in ("no-image", "truncated") for fault in faults):
            faults += self._pixel_faults(path, where, entry)
        return hashlib.blake2b(head + tail, digest_size=16).digest(), faults

    def _image_faults(self, path: str, image: Structure | None) -> Iterator[Fault]:
        published = self.published
        if image is None:
            yield Fault("no-image", path, "is no image that PIL knows")
            return
        if not image.is_whole:
            yield Fault("truncated", path, "ends before the image does; fetch it again")
            return
        if image.bits > 8:
            yield Fault("not-rgb", path, f"has {image.bits} bits per channel, must have 8")
        elif image.frames > 1:
            yield Fault("not-rgb", path, f"holds {image.frames} pictures, must hold one")
        elif image.mode != "RGB":
            is_note = image.mode in _NOTED_MODES and not published.side_px
            advice = "is read as RGB, as PIL converts it" if is_note else "must be RGB"
            yield Fault("not-rgb", path, f"is {image.mode}; {advice}", is_note=is_note)
        side = published.side_px
        if side and (image.width, image.height) != (side, side):
            yield Fault("wrong-size", path, f"is {image.width}x{image.height}, must be {side}x{side}")
        quality = published.jpeg_quality
        if quality and image.tables != tables_of(quality):
            difference = "has other quantisation tables" if image.tables else "is no JPEG"
            yield Fault("wrong-quality", path, f"{difference}, must be JPEG of quality {quality}")

    def _video_faults(self, path: str, where: str, file: File) -> Iterator[Fault]:
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
            if facts.frames != (expected := self._frames(where)):
                yield Fault("frames", path, f"has {facts.frames} frames, must have {expected}")
            side = self.published.side_px
            if side and (facts.width, facts.height) != (side, side):
                yield Fault("wrong-size", path, f"is {facts.width}x{facts.height}, must be {side}x{side}")

    def _frames(self, where: str) -> int:
        return self.published.frames_of.get(where.rstrip("/"), self.published.frames)

    def _pixel_faults(self, path: str, where: str, entry: FileEntry) -> Iterator[Fault]:
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


def _special_fault(path: str, file: str) -> Fault | None:
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
        digests: dict[tuple[int, int], str] = {}
        for entry in group:
            try:
                digest = _file_sha256(entry, digests)
            except SampleError:
                continue
            other = first.setdefault(digest, entry)
            if other is not entry:
                yield Fault("duplicate", shown(where + entry.path), f"is the same file as {shown(where + other.path)}")


def _file_sha256(entry: FileEntry, digests: dict[tuple[int, int], str]) -> str:
    """The sha256 of a file; taken once for links to the same one."""
    file = entry.file
    place = (0, 0)
    if isinstance(file, DiskFile):
        status = os.stat(file.path)
        place = (status.st_dev, status.st_ino)
        if place in digests:
            return digests[place]
    digest = hashlib.sha256(file.read()).hexdigest()
    digests[place] = digest
    return digest
