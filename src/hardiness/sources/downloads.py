"""Files from the web, fetched once: resumed after a break, hash-checked before use, safe between processes."""

from __future__ import annotations

import http.client
import os
from collections.abc import Callable
from pathlib import Path
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urlsplit
from urllib.request import Request, urlopen

import platformdirs
from filelock import FileLock, Timeout

from hardiness.core import DataError
from hardiness.sources.packages import file_sha256

Progress = Callable[[int, int | None], None]
"""Called with the bytes there are so far and the bytes there will be (``None`` where the server does not say)."""

_TIMEOUT_S = 30.0
_LOCK_TIMEOUT_S = 6 * 3600.0
_ATTEMPTS_WITHOUT_PROGRESS = 3
_PIECE_BYTES = 1 << 20


OFFLINE = "HARDINESS_OFFLINE"
"""Environment variable: set to anything but 0, nothing is downloaded."""


def offline() -> bool:
    """Whether downloads are forbidden."""
    return os.environ.get(OFFLINE, "0") not in ("", "0")


def cache_folder() -> Path:
    """Where downloads are kept: ``$HARDINESS_CACHE``, else the user's cache folder of this platform."""
    preset = os.environ.get("HARDINESS_CACHE")
    return Path(preset) if preset else Path(platformdirs.user_cache_dir("hardiness"))


def fetch(url: str, *, sha256: str = "", folder: Path | None = None, progress: Progress | None = None) -> Path:
    """The path of the file at ``url``, downloaded unless it is there already, its hash checked either way.

    Bytes go to ``NAME.part``, which a later call (or another process, which waits for the lock) continues with an
    HTTP range request; the file takes its name only when it is whole and its hash is right.

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
    target = (folder or cache_folder() / "weights") / name
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{target}.lock", timeout=_LOCK_TIMEOUT_S):
            if not target.is_file():
                if offline() and urlsplit(url).scheme != "file":
                    raise DataError(
                        f"{url} is not in {target.parent}, and {OFFLINE} forbids to download it; "
                        "put the file there by hand, or unset the variable"
                    )
                part = target.with_name(f"{name}.part")
                _complete(url, part, progress)
                _check(part, sha256, url)
                part.replace(target)
            else:
                _check(target, sha256, url)
    except Timeout:
        raise DataError(f"another process has held {target}.lock for hours; end it, or delete the lock") from None
    except OSError as error:
        raise DataError(
            f"cannot keep {name} in {target.parent}: {error.strerror or error}; "
            "free the space, or set HARDINESS_CACHE to a folder that can be written"
        ) from None
    return target


def _check(file: Path, sha256: str, url: str) -> None:
    if not sha256:
        return
    found = file_sha256(file)
    if not found.startswith(sha256.lower()):
        file.unlink()
        raise DataError(
            f"{file.name} from {url} must have a sha256 that starts with {sha256}, had {found[: len(sha256)]}; "
            "the file was removed; run the same command again, and if that fails too do not trust the server"
        )


def _complete(url: str, part: Path, progress: Progress | None) -> None:
    """Fill ``part`` until the server has no more, going on from where it stands as long as some bytes arrive."""
    advice = f"check the address and the network, or put the file at {part.with_suffix('')} by hand"
    idle = 0
    while True:
        before = part.stat().st_size if part.exists() else 0
        try:
            if _continue(url, part, progress):
                return
            reason = "the connection ended early"
        except HTTPError as error:
            raise DataError(f"{url} answers {error.code} {error.reason}; {advice}") from None
        except (URLError, http.client.HTTPException, ConnectionError, TimeoutError) as error:
            reason = str(getattr(error, "reason", error)) or type(error).__name__
        after = part.stat().st_size if part.exists() else 0
        idle = 0 if after > before else idle + 1
        if idle == _ATTEMPTS_WITHOUT_PROGRESS:
            raise DataError(f"cannot download {url}: {reason} ({after:,} bytes are kept and will be resumed); {advice}")


def _continue(url: str, part: Path, progress: Progress | None) -> bool:
    """One request for what is missing; whether the file is whole now."""
    have = part.stat().st_size if part.exists() else 0
    request = Request(url, headers={"User-Agent": "hardiness", **({"Range": f"bytes={have}-"} if have else {})})
    try:
        response = urlopen(request, timeout=_TIMEOUT_S)
    except HTTPError as error:
        if error.code != 416 or not have:
            raise
        # Nothing lies beyond the bytes there are: the file is whole, or the part is of another file; then ask for all.
        error.close()
        if error.headers.get("Content-Range") == f"bytes */{have}":
            return True
        part.unlink()
        return False
    with response:
        resumed = response.status == 206
        if resumed and not response.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
            part.unlink()
            return False
        length = response.headers.get("Content-Length")
        start = have if resumed else 0
        total = start + int(length) if length and length.isdigit() else None
        with part.open("ab" if resumed else "wb") as stream:
            got = start + _copy(response, stream, start, total, progress)
    return total is None or got >= total


def _copy(
    response: http.client.HTTPResponse, stream: IO[bytes], start: int, total: int | None, progress: Progress | None
) -> int:
    copied = 0
    while piece := response.read(_PIECE_BYTES):
        stream.write(piece)
        copied += len(piece)
        if progress:
            progress(start + copied, total)
    return copied
