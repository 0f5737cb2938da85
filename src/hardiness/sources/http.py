"""Requests over HTTP, with failures sorted into those that another try may mend and those that it will not."""

from __future__ import annotations

import http.client
import os
import re
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, build_opener

from hardiness.core.errors import DataError

T = TypeVar("T")

OFFLINE = "HARDINESS_OFFLINE"
"""Environment variable: set to anything but 0, nothing is downloaded."""

TIMEOUT_S = 30.0
"""Seconds without a byte after which a connection is given up."""

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
    """A response of a server, read in pieces.

    Attributes:
        stream: the bytes.
        start: the position in the file of the first of them.
        total: bytes of the whole file; ``None`` where the server does not say.
        etag: of this version of the file; empty where the server does not say or only nearly so.
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

    def open_url() -> http.client.HTTPResponse:
        request = Request(url, headers=headers)
        if authorization:
            request.add_unredirected_header("Authorization", authorization)
        response: http.client.HTTPResponse = build_opener().open(request, timeout=TIMEOUT_S)
        return response

    response = with_download_errors(open_url)
    with response:
        is_page = response.headers.get_content_type() == "text/html"
        if is_page and not accept and not urlsplit(url).path.endswith((".html", ".htm")):
            raise RefusedTransferError("sends a web page in place of the file")
        yield _response_of(response)


def refuse_offline(url: str) -> None:
    """Raise where downloads are forbidden.

    Raises:
        DataError: they are.
    """
    if offline() and urlsplit(url).scheme != "file":
        raise DataError(f"{url} is not fetched, as {OFFLINE} is set; unset it, or put the file in its place by hand")


def offline() -> bool:
    """Whether `OFFLINE` forbids downloads."""
    return os.environ.get(OFFLINE, "0") not in ("", "0")


def _response_of(response: http.client.HTTPResponse) -> Response:
    length = response.headers.get("Content-Length", "")
    total = int(length) if length.isdecimal() else None
    start = 0
    if response.status == 206:
        content_range = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
        if content_range is None:
            raise RefusedTransferError("sends a part of the file without saying which")
        start, total = int(content_range[1]), None if content_range[2] == "*" else int(content_range[2])
    etag = response.headers.get("ETag", "")
    return Response(response, start, total, "" if etag.startswith("W/") else etag)


def with_download_errors(request: Callable[[], T]) -> T:
    """The result of a request, its failures sorted into those that are worth another try and those that are not.

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
