"""Files from the web, fetched once: resumed after a break, hash-checked before use, safe between processes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from hardiness.core.errors import DataError
from hardiness.sources.checksums import Checksum
from hardiness.sources.disk import refuse_full_disk
from hardiness.sources.files import shown
from hardiness.sources.http import OFFLINE, BeyondEndError, InterruptedTransferError, RefusedTransferError, ask, offline
from hardiness.sources.locks import LockedError, file_lock
from hardiness.sources.packages import cache_folder

Progress = Callable[[int, int | None], None]
"""A function of the bytes so far and of the bytes in all, ``None`` where the server does not say."""

WAIT_S = 6 * 3600.0
"""Seconds to wait for another process that fetches the same file."""

_ATTEMPTS_WITHOUT_PROGRESS = 5
"""Attempts without a byte after which an address is given up."""

_BACK_OFF_S, _LONGEST_WAIT_S = 1.0, 60.0

_SILENT: set[str] = set()
"""Servers that gave nothing at any attempt: for further files of theirs nobody waits once more."""


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file on the web.

    Attributes:
        name: what it is called here.
        urls: addresses of the same bytes, best first.
        checksum: ``sha256:…`` (perhaps its first digits) or ``md5:…`` of the whole; empty where it is not known.
        size: its bytes; ``None`` where they are not known.
        authorization: header of that name, sent to all these addresses and never shown.
    """

    name: str
    urls: tuple[str, ...]
    checksum: str = ""
    size: int | None = None
    authorization: str = field(default="", repr=False)

    def obtain(self, folder: Path, progress: Progress | None = None, wait_s: float = WAIT_S) -> LocalCopy:
        """The file in a folder, downloaded unless it is there already, its checksum taken either way.

        Bytes go to ``NAME.part``, which a later call (or another process, which waits for the lock) continues; the file
        takes its name only when it is whole and its checksum is right. What breaks is asked for again, with growing
        pauses; then the next address is tried.

        Args:
            folder: where to keep it.
            progress: told of the bytes there are.
            wait_s: how long to wait for another process that fetches it; after two seconds the log says for whom.

        Raises:
            DataError: no server or the disk can give it, its bytes are not the published ones, or another process has
                fetched it for longer than that.
        """
        target = folder / self.name
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with file_lock(Path(f"{target}.lock"), shown(str(target)), wait_s):
                checksum = Checksum(self.checksum)
                if target.is_file():
                    checksum.add_file(target)
                    _check(target, checksum, str(target))
                    return LocalCopy(target, checksum.digest, "")
                self._refuse_offline(target.parent)
                part = target.with_name(f"{self.name}.part")
                url = self._from_any_url(part, checksum, progress)
                _check(part, checksum, url)
                part.replace(target)
                _version_file(part).unlink(missing_ok=True)
                return LocalCopy(target, checksum.digest, url)
        except LockedError as error:
            raise DataError(str(error)) from None
        except OSError as error:
            raise DataError(
                f"cannot keep {self.name} in {target.parent}: {error.strerror or error}; "
                "free the space, or set HARDINESS_CACHE to a folder that can be written"
            ) from None

    def _refuse_offline(self, folder: Path) -> None:
        """Raise where downloads are forbidden and the file would have to be downloaded."""
        if offline() and any(urlsplit(url).scheme != "file" for url in self.urls):
            raise DataError(
                f"{self.urls[0]} is not in {folder}, and {OFFLINE} forbids to download it; "
                "put the file there by hand, or unset the variable"
            )

    def _from_any_url(self, part: Path, checksum: Checksum, progress: Progress | None) -> str:
        """Fill the part from the first address that can, and return that address."""
        advice = f"check the address and the network, or put the file at {part.with_suffix('')} by hand"
        reasons = []
        for url in self.urls:
            try:
                self._fill(url, part, checksum, progress)
                return url
            except RefusedTransferError as refusal:
                reasons.append(f"{url} {refusal}")
            except InterruptedTransferError as reason:
                size = _size(part)
                progress_note = f"{size:,} bytes are kept and will be resumed" if size else "nothing came"
                reasons.append(f"cannot download {url}: {reason} ({progress_note})")
            if not self.checksum:  # other addresses may hold other bytes, and nothing could tell
                part.unlink(missing_ok=True) if url != self.urls[-1] else None
        raise DataError(f"{'; '.join(reasons)}; {advice}")

    def _fill(self, url: str, part: Path, checksum: Checksum, progress: Progress | None) -> None:
        """Fill the part, going on from where it stands."""
        checksum.restart()
        if _size(part):
            checksum.add_file(part)
        _persist(url, lambda: self._continue(url, part, checksum, progress), lambda: _size(part))

    def _continue(self, url: str, part: Path, checksum: Checksum, progress: Progress | None) -> None:
        """Request the missing bytes once; where the part turns out to be of another file, all are missing."""
        size, version = _size(part), _version_file(part)
        try:
            etag = version.read_text() if version.exists() else ""
            with ask(url, size, etag, authorization=self.authorization) as answer:
                self._refuse_size(answer.total)
                if answer.start not in (0, size):
                    raise _begin_anew(part, checksum, "the server sent another part of the file")
                if answer.start == 0:
                    checksum.restart()
                    version.write_text(answer.etag)
                _refuse_full_disk(part, (answer.total or 0) - answer.start)
                position = answer.start
                with part.open("ab" if position else "wb") as stream:
                    for piece in answer.pieces(start_of_file=position == 0):
                        stream.write(piece)
                        checksum.update(piece)
                        position += len(piece)
                        if progress:
                            progress(position, answer.total)
                if answer.total is not None and position < answer.total:
                    raise InterruptedTransferError("the connection ended early")
        except BeyondEndError as beyond:
            if beyond.total != size:
                raise _begin_anew(part, checksum, "the part was of another file") from None

    def _refuse_size(self, total: int | None) -> None:
        if self.size is not None and total is not None and total != self.size:
            raise RefusedTransferError(f"has {total:,} bytes, and {self.name} must have {self.size:,}")


@dataclass(frozen=True, slots=True)
class LocalCopy:
    """A file that is there now.

    Attributes:
        path: where.
        checksum: of its bytes, of the kind that was asked for; sha256 where none was.
        url: where it came from; empty where it was there already.
    """

    path: Path
    checksum: str
    url: str


def fetch(url: str, *, sha256: str = "", folder: Path | None = None, progress: Progress | None = None) -> Path:
    """The path of the file at ``url``, downloaded unless it is there already, its hash checked either way.

    Args:
        url: ``http``, ``https`` or ``file`` address.
        sha256: hash of the bytes, or its first digits; empty skips the check.
        folder: where to keep it; by default ``weights`` in `cache_folder`.
        progress: told after each piece.

    Raises:
        DataError: the server or the disk cannot give it, or its bytes are not the published ones.
    """
    name = Path(unquote(urlsplit(url).path)).name
    if not name:
        raise DataError(f"url must end in a file name, was {url!r}")
    remote = RemoteFile(name, (url,), f"sha256:{sha256}" if sha256 else "")
    return remote.obtain(folder or cache_folder() / "weights", progress).path


def _check(file: Path, checksum: Checksum, url: str) -> None:
    if not checksum.fits:
        file.unlink()
        _version_file(file).unlink(missing_ok=True)
        kind, digits = checksum.digest.split(":")
        length = len(checksum.digits)
        whole = "of" if length == len(digits) else "that starts with"
        raise DataError(
            f"{file.name} from {url} must have a {kind} {whole} {checksum.digits}, had {digits[:length]}; "
            "the file was removed; run the same command again, and if that fails too do not trust the server"
        )


def _persist(url: str, work: Callable[[], None], progressed: Callable[[], int]) -> None:
    """Repeat some work until it is done, with growing pauses as long as nothing comes."""
    idle, server = 0, urlsplit(url).netloc
    while True:
        before = progressed()
        try:
            work()
            _SILENT.discard(server)
            return
        except InterruptedTransferError as interruption:
            idle = 0 if progressed() > before else idle + 1
            if idle == _ATTEMPTS_WITHOUT_PROGRESS or (idle and server in _SILENT):
                _SILENT.add(server)
                raise
            wait = interruption.wait_s if interruption.wait_s is not None else _BACK_OFF_S * 2.0 ** (idle - 1)
            if idle:
                time.sleep(min(wait, _LONGEST_WAIT_S))


def _begin_anew(part: Path, checksum: Checksum, reason: str) -> InterruptedTransferError:
    part.unlink(missing_ok=True)
    checksum.restart()
    return InterruptedTransferError(reason)


def _refuse_full_disk(part: Path, missing: int) -> None:
    refuse_full_disk(part.parent, missing, part.name.removesuffix(".part"))


def _version_file(part: Path) -> Path:
    """The file beside a part that keeps the version of the remote file."""
    return part.with_name(f"{part.name}.etag")


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0
