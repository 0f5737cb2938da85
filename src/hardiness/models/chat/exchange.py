"""One HTTP request and what comes back, within a time that bounds the whole of it."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import Message
from functools import partial
from typing import Any
from urllib.request import HTTPHandler, HTTPSHandler, OpenerDirector, ProxyHandler, Request


@dataclass(frozen=True, slots=True)
class HTTPAnswer:
    """An answer of a server.

    Attributes:
        status: of HTTP.
        headers: of the answer.
        content: its body, as far as it was read.
    """

    status: int
    headers: Message
    content: bytes


def exchange(request: Request, timeout_s: float, most_bytes: int, *, through_proxies: bool) -> HTTPAnswer:
    """The answer to a request, whatever its status; redirects are not followed.

    A server that sends a byte now and then keeps each single read from timing out, so that the exchange has a thread of
    its own, whose socket is shut at the deadline.

    Args:
        request: that is sent.
        timeout_s: for all of it: the host's address, connection, TLS, request and answer.
        most_bytes: of a body that are read; the rest is left.
        through_proxies: whether those of the environment are used.

    Raises:
        TimeoutError: the time is over; or a `urllib.error.URLError` with that reason.
        OSError, http.client.HTTPException, ValueError: as `urllib.request` raises them.
    """
    answer: Future[HTTPAnswer] = Future()
    connection = _Watched()
    opener = OpenerDirector()  # without what makes errors of a status, and without what follows redirects
    for handler in (ProxyHandler(None if through_proxies else {}), _WatchedHandler(connection)):
        opener.add_handler(handler)

    def send() -> None:
        try:
            answer.set_result(_answer(partial(opener.open, request, timeout=timeout_s), most_bytes))
        except BaseException as error:  # noqa: BLE001  # it is raised where the answer is waited for
            answer.set_exception(error)

    threading.Thread(target=send, daemon=True, name="chat request").start()
    try:
        return answer.result(timeout_s)
    except TimeoutError:
        connection.shut()
        raise


def _answer(open_: Callable[[], Any], most_bytes: int) -> HTTPAnswer:
    with open_() as response:
        content = b""
        try:
            content = response.read(most_bytes)
        except (http.client.HTTPException, OSError):
            if 200 <= response.status < 300:  # the body of an error says no more than the status does
                raise
        return HTTPAnswer(response.status, response.headers, content)


@dataclass
class _Watched:
    """The socket of an exchange, which another thread may shut."""

    connected: socket.socket | None = None
    is_over: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, opened: socket.socket) -> None:
        """Keep the socket of a connection that was just made, or end it where the time is over.

        Raises:
            TimeoutError: it is.
        """
        with self.lock:
            self.connected = opened
            if self.is_over:
                opened.close()
                raise TimeoutError

    def shut(self) -> None:
        """End what is read and written, now and later."""
        with self.lock, suppress(OSError):
            self.is_over = True
            if self.connected is not None:
                self.connected.shutdown(socket.SHUT_RDWR)


class _HTTPConnection(http.client.HTTPConnection):
    def __init__(self, *args: Any, watched: _Watched, **options: Any) -> None:
        super().__init__(*args, **options)
        self._watched = watched

    def connect(self) -> None:
        super().connect()
        self._watched.add(self.sock)


class _HTTPSConnection(_HTTPConnection, http.client.HTTPSConnection):
    """A connection over TLS, whose socket is watched from the end of the handshake on."""


class _WatchedHandler(HTTPHandler, HTTPSHandler):
    """Opens connections whose sockets are watched."""

    def __init__(self, watched: _Watched) -> None:
        super().__init__()
        self._watched = watched

    def http_open(self, req: Request) -> http.client.HTTPResponse:
        return self.do_open(partial(_HTTPConnection, watched=self._watched), req)

    def https_open(self, req: Request) -> http.client.HTTPResponse:
        return self.do_open(partial(_HTTPSConnection, watched=self._watched), req)
