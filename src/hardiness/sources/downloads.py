"""Files from the web, fetched once: resumed after a break, hash-checked before use, safe between processes."""

from __future__ import annotations

import hashlib
import http.client
import json
import logging
import os
import platform
import re
import shutil
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urlsplit
from urllib.request import Request, build_opener

from filelock import FileLock, Timeout

from hardiness.core.errors import DataError
from hardiness.core.whole_files import whole_file
from hardiness.sources.files import open_regular, read_regular, shown
from hardiness.sources.packages import cache_folder

ALGORITHMS = ("sha256", "md5")
_PIECE_BYTES = 1 << 20


class Checksum:
    """Takes the checksum of bytes in their order; also their sha256 where none was given to compare with.

    Args:
        expected: ``sha256:…`` (perhaps its first digits only) or ``md5:…``; empty to compare with nothing.

    Raises:
        DataError: it is of another form.
    """

    def __init__(self, expected: str) -> None:
        kind, _, digits = expected.rpartition(":")
        self.kind, self.digits = kind or "sha256", digits.lower()
        if self.kind not in ALGORITHMS:
            raise DataError(f"a checksum must begin with sha256: or md5:, was {expected!r}")
        self.restart()

    def restart(self) -> None:
        """Forget all bytes."""
        self._digest = hashlib.new(self.kind, usedforsecurity=self.kind != "md5")

    def update(self, piece: bytes) -> None:
        """Take further bytes."""
        self._digest.update(piece)

    def add_file(self, file: Path) -> None:
        """Take the bytes of a file."""
        with file.open("rb") as stream:
            while piece := stream.read(_PIECE_BYTES):
                self._digest.update(piece)

    @property
    def digest(self) -> str:
        """What the bytes have, as ``sha256:…``."""
        return f"{self.kind}:{self._digest.hexdigest()}"

    @property
    def fits(self) -> bool:
        """Whether it is the expected one."""
        return self._digest.hexdigest().startswith(self.digits)


_SPARE_BYTES = 64 << 20


def refuse_full_disk(folder: Path, missing: int, what: str) -> None:
    """Raise where a folder has no room for so many bytes more.

    Raises:
        DataError: it has not; the message says how much there is.
    """
    free = shutil.disk_usage(folder).free
    if missing + _SPARE_BYTES > free:
        raise DataError(
            f"{what} needs {missing / 1e9:,.1f} GB in {folder}, and {free / 1e9:,.1f} GB are free; free some space, "
            "or choose another folder"
        )


MOST_BYTES = 1000
"""Of what says who holds a lock."""

FIRST_WAIT_S = 2.0
"""How long a lock is waited for without a word."""


class LockedError(Exception):
    """Somebody held a lock for longer than was to be waited; the message says who and how long."""


@contextmanager
def file_lock(lock: Path, what: str, wait_s: float, tell: Callable[[str], None] | None = None) -> Iterator[None]:
    """Hold a lock, with this process's id and host in ``<lock>-holder`` meanwhile.

    Args:
        lock: the lock file; it is opened, and emptied.
        what: what is locked, for messages.
        wait_s: how long to wait for it.
        tell: listener, after two seconds, who holds the lock; by default the log, which is standard error.

    Raises:
        LockedError: somebody holds it longer than that.
        OSError: it cannot be opened.
    """
    file = FileLock(lock)
    holder = lock.with_name(f"{lock.name}-holder")
    tell = tell or logging.getLogger("hardiness").warning
    if not _acquired(file, min(FIRST_WAIT_S, wait_s)):
        told = f"{what} is locked by {_named(holder)}"
        if wait_s > FIRST_WAIT_S:
            tell(f"{told}; waiting for up to {wait_s:,g} s")
        if not _acquired(file, max(wait_s - FIRST_WAIT_S, 0)):
            raise LockedError(f"{told}, and was for {wait_s:,g} s; wait for its end, or end it, and run again")
    try:
        _sign(holder)
        yield
    finally:
        with suppress(OSError):
            holder.unlink(missing_ok=True)
        file.release()


def _acquired(lock: FileLock, wait_s: float) -> bool:
    try:
        lock.acquire(timeout=wait_s)
    except Timeout:
        return False
    return True


def _sign(holder: Path) -> None:
    """Write down that this process holds the lock, where that can be written."""
    with suppress(OSError):
        holder.unlink(missing_ok=True)  # a link or FIFO that stands there is not written to
        with holder.open("x") as stream:
            stream.write(f"process {os.getpid()} on {platform.node()}")


def _named(holder: Path) -> str:
    """Who wrote that they hold the lock, as one printable line."""
    try:
        return shown(read_regular(holder, MOST_BYTES).decode(errors="replace")) or "another process"
    except OSError:
        return "another process"


T = TypeVar("T")

OFFLINE = "HARDINESS_OFFLINE"
"""Environment variable: set to anything but 0, nothing is downloaded."""

TIMEOUT_S = 30.0
PIECE_BYTES = 1 << 18
_TRANSIENT = frozenset((408, 425, 429, 500, 502, 503, 504))
_WEB_PAGE = re.compile(rb"\s*<(!doctype\s+html|html|head)", re.IGNORECASE)


class InterruptedTransferError(Exception):
    """Something that may be over in a moment: a cut, a time-out, a busy server."""

    def __init__(self, reason: str, wait_s: float | None = None) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


class RefusedTransferError(Exception):
    """Something that another try will not change: no such file, a web page instead, an endless redirect."""


@dataclass(frozen=True, slots=True)
class Response:
    """What a server sends.

    Attributes:
        stream: the bytes.
        start: the position in the file of the first of them.
        total: bytes of the whole file; ``None`` where the server does not say.
        etag: what tells this version of the file from others; empty where the server does not say or only nearly so.
    """

    stream: http.client.HTTPResponse
    start: int
    total: int | None
    etag: str

    def pieces(self, start_of_file: bool) -> Iterator[bytes]:
        """The bytes, as they come.

        Raises:
            InterruptedTransferError: the connection broke.
            RefusedTransferError: they begin as a web page does.
        """
        first = start_of_file
        while piece := with_download_errors(lambda: self.stream.read(PIECE_BYTES)):
            if first and _WEB_PAGE.match(piece):
                raise RefusedTransferError("sends a web page in place of the file")
            first = False
            yield piece


class BeyondEndError(Exception):
    """The range that was asked for lies behind the end of the file; ``total`` is its size where the server says."""

    def __init__(self, total: int | None) -> None:
        super().__init__(total)
        self.total = total


@contextmanager
def ask(url: str, first: int, etag: str = "", accept: str = "", authorization: str = "") -> Iterator[Response]:
    """Ask for the bytes of a file from ``first`` on; the answer may begin elsewhere, its ``start`` says.

    Proxies are those of the environment (``https_proxy``, ``no_proxy``); redirects are followed, ten at most.

    Args:
        url: ``http``, ``https`` or ``file`` address.
        first: position of the first byte that is wanted.
        etag: send the rest only of this version of the file, else the whole file.
        accept: media types that are wanted; without any, a web page is refused.
        authorization: header of that name, for this address alone: it does not go where a redirect leads.

    Raises:
        DataError: downloads are forbidden.
        InterruptedTransferError, RefusedTransferError, BeyondEndError: there is no such answer.
    """
    refuse_offline(url)
    headers = {"User-Agent": "hardiness", "Accept-Encoding": "identity"}
    if first:
        headers["Range"] = f"bytes={first}-"
        if etag:
            headers["If-Range"] = etag
    if accept:
        headers["Accept"] = accept

    def opened() -> http.client.HTTPResponse:
        request = Request(url, headers=headers)
        if authorization:
            request.add_unredirected_header("Authorization", authorization)
        response: http.client.HTTPResponse = build_opener().open(request, timeout=TIMEOUT_S)
        return response

    response = with_download_errors(opened)
    with response:
        is_page = response.headers.get_content_type() == "text/html"
        if is_page and not accept and not urlsplit(url).path.endswith((".html", ".htm")):
            raise RefusedTransferError("sends a web page in place of the file")
        yield _answer(response)


def refuse_offline(url: str) -> None:
    """Raise where downloads are forbidden.

    Raises:
        DataError: they are.
    """
    if offline() and urlsplit(url).scheme != "file":
        raise DataError(f"{url} is not fetched, as {OFFLINE} is set; unset it, or put the file in its place by hand")


def offline() -> bool:
    """Whether downloads are forbidden."""
    return os.environ.get(OFFLINE, "0") not in ("", "0")


def _answer(response: http.client.HTTPResponse) -> Response:
    length = response.headers.get("Content-Length", "")
    total = int(length) if length.isdecimal() else None
    start = 0
    if response.status == 206:
        given = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
        if given is None:
            raise RefusedTransferError("sends a part of the file without saying which")
        start, total = int(given[1]), None if given[2] == "*" else int(given[2])
    etag = response.headers.get("ETag", "")
    return Response(response, start, total, "" if etag.startswith("W/") else etag)


def with_download_errors(request: Callable[[], T]) -> T:
    """What a request gives, its failures sorted into those that are worth another try and those that are not.

    Raises:
        InterruptedTransferError, RefusedTransferError, BeyondEndError: it failed.
    """
    try:
        return request()
    except HTTPError as error:
        error.close()
        if error.code == 416:
            total = re.fullmatch(r"bytes \*/(\d+)", error.headers.get("Content-Range") or "")
            raise BeyondEndError(int(total[1]) if total else None) from None
        if error.code in _TRANSIENT:
            wait = error.headers.get("Retry-After") or ""
            raise InterruptedTransferError(
                f"answers {error.code} {error.reason}", float(wait) if wait.isdecimal() else None
            ) from None
        reason = " ".join(str(error.reason).split())
        raise RefusedTransferError(f"answers {error.code} {reason}") from None
    except (URLError, http.client.HTTPException, ssl.SSLError, ConnectionError, TimeoutError) as error:
        reason = str(getattr(error, "reason", error)) or type(error).__name__
        raise InterruptedTransferError(reason) from None
    except ValueError as error:  # an address that is none
        raise RefusedTransferError(str(error)) from None


Progress = Callable[[int, int | None], None]
"""Called with the bytes there are so far and the bytes there will be (``None`` where the server does not say)."""

WAIT_S = 6 * 3600.0
"""How long to wait for another process that fetches the same file."""

_ATTEMPTS_WITHOUT_PROGRESS = 5
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
                _version(part).unlink(missing_ok=True)
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
        """Fill the part from the first address that can; which that was."""
        advice = f"check the address and the network, or put the file at {part.with_suffix('')} by hand"
        said = []
        for url in self.urls:
            try:
                self._fill(url, part, checksum, progress)
                return url
            except RefusedTransferError as refusal:
                said.append(f"{url} {refusal}")
            except InterruptedTransferError as reason:
                have = _size(part)
                kept = f"{have:,} bytes are kept and will be resumed" if have else "nothing came"
                said.append(f"cannot download {url}: {reason} ({kept})")
            if not self.checksum:  # other addresses may hold other bytes, and nothing could tell
                part.unlink(missing_ok=True) if url != self.urls[-1] else None
        raise DataError(f"{'; '.join(said)}; {advice}")

    def _fill(self, url: str, part: Path, checksum: Checksum, progress: Progress | None) -> None:
        """Fill the part, going on from where it stands."""
        checksum.restart()
        if _size(part):
            checksum.add_file(part)
        _persist(url, lambda: self._continue(url, part, checksum, progress), lambda: _size(part))

    def _continue(self, url: str, part: Path, checksum: Checksum, progress: Progress | None) -> None:
        """One request for what is missing; where the part turns out to be of another file, all of it is missing."""
        have, version = _size(part), _version(part)
        try:
            etag = version.read_text() if version.exists() else ""
            with ask(url, have, etag, authorization=self.authorization) as answer:
                self._refuse_size(answer.total)
                if answer.start not in (0, have):
                    raise _anew(part, checksum, "the server sent another part of the file")
                if answer.start == 0:
                    checksum.restart()
                    version.write_text(answer.etag)
                _refuse_full_disk(part, (answer.total or 0) - answer.start)
                at = answer.start
                with part.open("ab" if at else "wb") as stream:
                    for piece in answer.pieces(start_of_file=at == 0):
                        stream.write(piece)
                        checksum.update(piece)
                        at += len(piece)
                        if progress:
                            progress(at, answer.total)
                if answer.total is not None and at < answer.total:
                    raise InterruptedTransferError("the connection ended early")
        except BeyondEndError as beyond:
            if beyond.total != have:
                raise _anew(part, checksum, "the part was of another file") from None

    def _refuse_size(self, total: int | None) -> None:
        if self.size is not None and total is not None and total != self.size:
            raise RefusedTransferError(f"has {total:,} bytes, and {self.name} must have {self.size:,}")


@dataclass(frozen=True, slots=True)
class LocalCopy:
    """A file that is there now.

    Attributes:
        path: where.
        checksum: what its bytes have: of the kind that was asked for, sha256 where none was.
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
        _version(file).unlink(missing_ok=True)
        kind, found = checksum.digest.split(":")
        length = len(checksum.digits)
        whole = "of" if length == len(found) else "that starts with"
        raise DataError(
            f"{file.name} from {url} must have a {kind} {whole} {checksum.digits}, had {found[:length]}; "
            "the file was removed; run the same command again, and if that fails too do not trust the server"
        )


def _persist(url: str, work: Callable[[], None], progressed: Callable[[], int]) -> None:
    """Do it until it is done, with growing pauses as long as nothing comes."""
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


def _anew(part: Path, checksum: Checksum, reason: str) -> InterruptedTransferError:
    part.unlink(missing_ok=True)
    checksum.restart()
    return InterruptedTransferError(reason)


def _refuse_full_disk(part: Path, missing: int) -> None:
    refuse_full_disk(part.parent, missing, part.name.removesuffix(".part"))


def _version(part: Path) -> Path:
    """The file that keeps which version of the remote file the part is of."""
    return part.with_name(f"{part.name}.etag")


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


_GIT_SHA1, _SHA256 = re.compile("[0-9a-f]{40}"), re.compile("[0-9a-f]{64}")
_CHECKED = "checked.json"


def hub_folder() -> Path:
    """Where the hub's library keeps what it has downloaded."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


def check_hub_files(repository: str, where: str) -> tuple[str, ...]:
    """What was checked of the files of a model's repository in the hub's cache, and what could not be, as notes.

    Args:
        repository: ``ORG/NAME`` or ``ORG/NAME@REVISION``; of a folder nothing is checked.
        where: name of the model, for the message.

    Raises:
        DataError: a file is not what its name says.
    """
    if Path(repository).exists():
        return ()
    name, _, revision = repository.partition("@")
    folder = hub_folder() / f"models--{name.replace('/', '--')}"
    reference = folder / "refs" / (revision or "main")
    commit = reference.read_text("utf-8").strip() if reference.is_file() else revision
    checked, unchecked = check_snapshot(folder / "snapshots" / commit, where) if commit else (0, [])
    notes = []
    if checked:
        notes.append(f"{checked} file{'s' * (checked > 1)} of {repository} checked against the hub's hashes")
    if unchecked:
        notes.append(f"{', '.join(unchecked)} of {repository} not checked: the hub's cache holds no hash of them here")
    return tuple(notes or [f"its files were not checked: there are none of {repository} in {hub_folder()}"])


def check_snapshot(snapshot: Path, where: str) -> tuple[int, list[str]]:
    """How many files of a repository's revision in the hub's cache were checked, and the names of those that were not.

    Raises:
        DataError: a file is not what its name says.
    """
    checked, unchecked = 0, []
    for path in sorted(snapshot.rglob("*")):
        blob = path.resolve()
        if not blob.is_file():
            continue
        if path.is_symlink() and (_SHA256.fullmatch(blob.name) or _GIT_SHA1.fullmatch(blob.name)):
            check_hash(blob, blob.name, f"{where}: {shown(path.name)}")
            checked += 1
        else:
            unchecked.append(shown(str(path.relative_to(snapshot))))
    return checked, unchecked


def check_hash(file: Path, published: str, where: str) -> None:
    """Raise a `DataError` unless the file has the hash: a SHA-256, its beginning, or Git's SHA-1 of a file."""
    try:
        stream = open_regular(file)
    except OSError as error:
        raise DataError(f"{where} cannot be read: {shown(str(file))}: {error.strerror}") from None
    with stream:
        status = os.fstat(stream.fileno())
        stamp = [published, status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]
        known = _checked()
        if known.get(str(file)) == stamp:
            return
        is_git = _GIT_SHA1.fullmatch(published) is not None
        start = f"blob {status.st_size}\0".encode() if is_git else b""
        digest = hashlib.sha1(start, usedforsecurity=False) if is_git else hashlib.sha256()
        while piece := stream.read(1 << 20):
            digest.update(piece)
    if not digest.hexdigest().startswith(published):
        kind = "Git's SHA-1" if is_git else "SHA-256"
        raise DataError(
            f"{where} is not what was published: {shown(str(file))} must have the {kind} {published[:16]}, "
            f"has {digest.hexdigest()[:16]}; remove that file, and it is fetched again"
        )
    _remember({**known, str(file): stamp})


def _checked() -> dict[str, list[object]]:
    """Published hash, size, times and inode of the files that were checked, by path."""
    try:
        found = json.loads((cache_folder() / _CHECKED).read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _remember(checked: dict[str, list[object]]) -> None:
    """Keep them for the next process, where the cache can be written to."""
    file = cache_folder() / _CHECKED
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(file) as part:
            part.write_text(json.dumps(checked), "utf-8")
