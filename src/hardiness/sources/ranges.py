"""A large file fetched by several connections at once, each a range; what is there already is not fetched again."""

from __future__ import annotations

import json
import os
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from hardiness.sources.checksum import Checksum
from hardiness.sources.transfer import InterruptedTransferError, RefusedTransferError, Response, ask

SEGMENT_BYTES = 16 << 20
"""What one request asks for, and what one connection can lose at most."""


_PATIENCE_S = 1.0


class NoRangesError(Exception):
    """The server gives whole files only, or the file has changed meanwhile."""


@dataclass
class Segments:
    """A file in the making, in segments of equal size.

    Attributes:
        part: the file.
        total: its bytes.
        etag: the version that is being fetched.
        done: the segments that are there.
    """

    part: Path
    total: int
    etag: str
    done: set[int]

    @classmethod
    def open(cls, part: Path, total: int, etag: str) -> Segments:
        """What an earlier command left of the same version, or an empty file of the right size."""
        done: set[int] = set()
        have = part.stat().st_size if part.exists() else 0
        state = _state(part)
        try:
            found = json.loads(state.read_text())
            if (found["total"], found["etag"], found["segment"]) == (total, etag, SEGMENT_BYTES) and have == total:
                done = {number for number in found["done"] if isinstance(number, int)}
        except FileNotFoundError:
            done = set(range(min(have, total) // SEGMENT_BYTES))  # one connection filled it from the front
        except (OSError, ValueError, KeyError, TypeError):
            pass
        with part.open("ab"):
            pass
        os.truncate(part, total)
        return cls(part, total, etag, done)

    @property
    def count(self) -> int:
        """How many segments the file has."""
        return -(-self.total // SEGMENT_BYTES)

    def bounds(self, number: int) -> tuple[int, int]:
        """First and last position of a segment."""
        return number * SEGMENT_BYTES, min((number + 1) * SEGMENT_BYTES, self.total) - 1

    def mark(self, number: int) -> None:
        """A segment is there."""
        self.done.add(number)
        content = {"total": self.total, "etag": self.etag, "segment": SEGMENT_BYTES, "done": sorted(self.done)}
        temporary = self.part.with_name(f"{self.part.name}.{os.getpid()}")
        temporary.write_text(json.dumps(content))
        temporary.replace(_state(self.part))


def _state(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def forget(part: Path) -> None:
    """Remove what says which segments are there; the bytes too where they are no whole beginning of the file."""
    if _state(part).exists():
        part.unlink(missing_ok=True)
        _state(part).unlink(missing_ok=True)


def finish(part: Path) -> None:
    """Remove what says which segments are there, now that all are."""
    _state(part).unlink(missing_ok=True)


def fetch_segments(
    url: str,
    segments: Segments,
    connections: int,
    checksum: Checksum,
    attempt: Callable[[Callable[[], None]], None],
    progress: Callable[[int, int | None], None] | None,
) -> None:
    """Fill a file by several connections, and take its checksum as its beginning grows.

    Args:
        url: the address.
        segments: the file.
        connections: how many requests at once.
        checksum: takes all bytes, in their order.
        attempt: calls what it is given, again where it was interrupted.
        progress: told of the bytes there are.

    Raises:
        NoRangesError: the server does not send ranges of this version.
        InterruptedTransferError, RefusedTransferError: a segment cannot be had; what is there is kept.
    """
    missing: queue.SimpleQueue[int] = queue.SimpleQueue()
    for number in range(segments.count):
        if number not in segments.done:
            missing.put(number)
    came: queue.SimpleQueue[int | BaseException] = queue.SimpleQueue()
    stop = threading.Event()

    def work() -> None:
        with suppress(queue.Empty):
            while not stop.is_set():
                number = missing.get_nowait()
                try:
                    attempt(lambda number=number: _segment(url, segments, number, stop))  # type: ignore[misc]
                except BaseException as error:  # noqa: BLE001 - raised again by the caller's thread
                    came.put(error)
                    return
                came.put(number)

    threads = [threading.Thread(target=work, daemon=True, name=f"range {n}") for n in range(connections)]
    for thread in threads:
        thread.start()
    try:
        _follow(segments, came, checksum, progress)
    finally:
        stop.set()
        for thread in threads:  # they look at `stop` after each piece; one that waits for a dead server is left alone
            thread.join(_PATIENCE_S)


def _follow(
    segments: Segments,
    came: queue.SimpleQueue[int | BaseException],
    checksum: Checksum,
    progress: Callable[[int, int | None], None] | None,
) -> None:
    for number in _in_order(segments, came, progress):
        first, last = segments.bounds(number)
        checksum.add_file(segments.part, first, last - first + 1)


def _in_order(
    segments: Segments, came: queue.SimpleQueue[int | BaseException], progress: Callable[[int, int | None], None] | None
) -> Iterator[int]:
    """The segments in their order, each once it is there."""
    for number in range(segments.count):
        while number not in segments.done:
            found = came.get()
            if isinstance(found, BaseException):
                raise found
            segments.mark(found)
            if progress:
                progress(min(len(segments.done) * SEGMENT_BYTES, segments.total), segments.total)
        yield number


def _segment(url: str, segments: Segments, number: int, stop: threading.Event) -> None:
    first, last = segments.bounds(number)
    with ask(url, first, last, segments.etag) as answer:
        _refuse_another(answer, first, segments)
        at = first
        with segments.part.open("r+b") as stream:
            stream.seek(first)
            for piece in answer.pieces(start_of_file=first == 0):
                if stop.is_set():
                    raise InterruptedTransferError("stopped")
                piece = piece[: last + 1 - at]
                stream.write(piece)
                at += len(piece)
    if at <= last:
        raise InterruptedTransferError("the connection ended early")


def _refuse_another(answer: Response, first: int, segments: Segments) -> None:
    if answer.stream.status != 206:
        raise NoRangesError
    if answer.start != first:
        raise RefusedTransferError("sends another part of the file than it was asked for")
    if answer.total not in (None, segments.total) or answer.etag != segments.etag:
        raise NoRangesError
