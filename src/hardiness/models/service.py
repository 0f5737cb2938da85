"""A service that answers over HTTP: pictures in the body of a request, a row of numbers for each in the reply."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request

from hardiness.core.benchmark import Image
from hardiness.core.errors import ArgumentError, ModelError
from hardiness.imaging.codecs import png
from hardiness.models.chat.exchange import exchange
from hardiness.models.chat.redaction import redacted_line, refuse_secrets
from hardiness.models.chat.wire import is_loopback

MOST_BYTES = 256 << 20
"""The most bytes of a reply."""

MOST_SHOWN = 200
"""Characters of a service's own message that are shown."""


@dataclass(frozen=True)
class Service:
    """A service that takes ``{"instances": [{"b64": …}, …]}`` and answers ``{"predictions": [[…], …]}``.

    Each instance is a file in base64: the file that a function takes, or a picture as PNG, which loses nothing.

    Source: the predict API of TensorFlow Serving, which KServe's first protocol is as well.

    Attributes:
        url: to which pictures are posted.
        key_env: environment variable with the key that is sent as ``Authorization: Bearer``; empty for none.
        timeout_s: for a whole request.
    """

    url: str
    key_env: str = ""
    timeout_s: float = 110.0

    def __call__(self, pictures: Sequence[bytes | Image]) -> list[Any]:
        """A row for each picture, as the service wrote it.

        Raises:
            ModelError: it cannot be reached, refuses the request, or answers with something else.
        """
        files = [each if isinstance(each, bytes) else png(each) for each in pictures]
        body = {"instances": [{"b64": base64.b64encode(file).decode()} for file in files]}
        headers, key = {"Content-Type": "application/json"}, self._key()
        if key:
            headers["Authorization"] = f"Bearer {key}"
        request = Request(self.url, json.dumps(body).encode(), headers, method="POST")
        try:
            answer = exchange(request, self.timeout_s, MOST_BYTES, through_proxies=not is_loopback(self._host))
        except (OSError, HTTPException, ValueError) as error:
            raise ModelError(
                f"cannot be asked: {redacted_line(str(error) or type(error).__name__, key, MOST_SHOWN)}"
            ) from None
        text = answer.content.decode(errors="replace")
        if answer.status != 200:
            message = redacted_line(text, key, MOST_SHOWN)
            raise ModelError(f"answers with HTTP status {answer.status}{f': {message}' if message else ''}")
        try:
            rows = json.loads(text)["predictions"]
        except (ValueError, TypeError, KeyError):
            raise ModelError(
                'must answer with JSON {"predictions": [[number, …], …]}, a row for each picture; answered '
                f"{redacted_line(text, key, MOST_SHOWN)!r}"
            ) from None
        if not isinstance(rows, list):
            raise ModelError(f'must answer with a list of rows as "predictions", answered with {type(rows).__name__}')
        return rows

    @property
    def _host(self) -> str:
        return urlsplit(self.url).hostname or ""

    def _key(self) -> str:
        if not self.key_env:
            return ""
        key = os.environ.get(self.key_env, "").strip()
        if not key:
            raise ModelError(f"needs its key: the environment variable {self.key_env} must hold it, is empty")
        return key

    def identity(self) -> str:
        """The hash over the address; whether the same answers there, a look tells."""
        return sha256(self.url.encode()).hexdigest()


def require_address(url: str) -> None:
    """Raise unless it is the address of a service, without a password or a key, which results would show.

    Raises:
        ArgumentError: it is none, or seems to hold one.
    """
    refuse_secrets(url, "the address of a service")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or not url.isprintable() or " " in url:
        raise ArgumentError(
            f"a service is given by its address, as in http://localhost:8501/v1/models/net:predict; was {url!r}"
        )
