"""The chat-completions protocol: one picture and one prompt to an endpoint, its reply back, with bounded retries."""

from __future__ import annotations

import base64
import http.client
import ipaddress
import json
import math
import os
import re
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import islice
from typing import Any
from urllib.error import URLError
from urllib.parse import urlsplit, urlunsplit
from urllib.request import Request

from hardiness.core.codes import ModelNote
from hardiness.core.errors import ArgumentError, DataError, ModelError, SampleError
from hardiness.core.fact import Fact
from hardiness.models.chat.exchange import HTTPAnswer, exchange
from hardiness.models.chat.questions import Reply
from hardiness.models.chat.redaction import redact, redacted_line, refuse_secrets
from hardiness.sources.http import OFFLINE, offline

TRIES = 5
"""The most requests for one answer."""

FIRST_WAIT_S, MOST_WAIT_S = 1.0, 60.0
"""Seconds before the second try, doubled before each further one; and the longest ``Retry-After`` that is obeyed."""

MOST_BYTES = 8 << 20
"""The most bytes of a reply; a longer one is none of this protocol."""

MOST_SHOWN = 200
"""Characters of a foreign message that are shown."""

MOST_COUNTS, MOST_TOKENS = 32, 1 << 40
"""The most counts of tokens that are kept of a reply, and the largest such count."""

TOP_LOGPROBS = 20
"""Alternatives of the first token that are asked for: the most that the protocol allows."""

_REASONING = " (a model that reasons takes max_completion_tokens=4000,temperature=none,logprobs=false)"
_BUSY = frozenset((408, 409, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529))
_FILTER_CODES = ("content_filter", "content_policy_violation", "responsibleaipolicyviolation", "data_inspection_failed")
_AUTHORITY = re.compile(r"\s*(?:[a-z][a-z0-9+.-]*:)?//([^/?#]+)", re.IGNORECASE)
_ENVIRONMENT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class CallsSpentError(ModelError):
    """No further request may be made: as many as the command was given have been."""


class GivenUpError(ModelError):
    """The endpoint refuses what every request has in common, or has failed too often: no other request will do."""


@dataclass
class Calls:
    """Requests of one command, counted over all of its models, and how many there may be.

    Attributes:
        most: requests at most, retries included; ``None`` for any number.
        made, again, sent_bytes: requests so far, those of them that were retries, and bytes of their bodies.
        prompt_tokens, completion_tokens: of the replies, as endpoints count them.
    """

    most: int | None = None
    made: int = 0
    again: int = 0
    sent_bytes: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, size: int, again: bool) -> None:
        """Count a request of so many bytes before it is made.

        Raises:
            CallsSpentError: there may be no more.
        """
        with self._lock:
            if self.most is not None and self.made >= self.most:
                raise CallsSpentError(f"all {self.most:,} requests of --calls are made; the same command goes on")
            self.made, self.again, self.sent_bytes = self.made + 1, self.again + again, self.sent_bytes + size

    def add_usage(self, reply: Reply) -> None:
        """Count the tokens of a reply."""
        with self._lock:
            self.prompt_tokens += reply.prompt_tokens
            self.completion_tokens += reply.completion_tokens

    @property
    def fact(self) -> Fact:
        """The requests so far, as what is to be known of a model."""
        tokens = {"of_questions": self.prompt_tokens, "of_answers": self.completion_tokens}
        requests = {"requests": self.made, "retries": self.again, "sent_bytes": self.sent_bytes}
        return Fact(ModelNote.REQUESTS, requests | tokens)


class _TransientError(Exception):
    """A failure that may be over in a moment; the endpoint may have said how many seconds to wait."""

    def __init__(self, reason: str, wait_s: float | None = None) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


@dataclass(frozen=True)
class Endpoint:
    """An address that speaks the protocol, and the model that answers there.

    Attributes:
        url: to which questions are posted.
        model: its name there.
        key_env: environment variable with the key; empty for none. The key itself is read when it is sent.
        parameters: of the request beside model and messages, e.g. ``temperature``.
        timeout_s: for a whole request, from looking up the host's address to the last byte of the reply.
        sleep: waits so many seconds; another in tests.
    """

    url: str
    model: str
    key_env: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    timeout_s: float = 120.0
    sleep: Callable[[float], object] = time.sleep

    @property
    def host(self) -> str:
        """Host and port, for people."""
        return urlsplit(self.url).netloc

    def body(self, prompt: str, png: bytes) -> bytes:
        """The JSON of one question; no name of a file is in it."""
        picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{base64.b64encode(png).decode()}"}}
        message = {"role": "user", "content": [picture, {"type": "text", "text": prompt}]}
        return json.dumps({"model": self.model, "messages": [message], **self.parameters}).encode()

    def ask(self, prompt: str, png: bytes, calls: Calls, stopped: threading.Event) -> Reply:
        """The reply to one question.

        Args:
            prompt, png: of the question.
            calls: counts each request.
            stopped: once it is set no further request is made.

        Raises:
            CallsSpentError: no further request may be made.
            GivenUpError: the endpoint refuses what all questions have in common: key, model, parameters, redirect.
            SampleError: as many requests as are made for one question have failed.
        """
        body, reason = self.body(prompt, png), ""
        for turn in range(TRIES):
            if stopped.is_set():
                raise CallsSpentError("it was stopped")
            calls.take(len(body), again=turn > 0)
            try:
                reply = self._request(body, turn + 1)
                calls.add_usage(reply)
                return reply
            except _TransientError as error:
                reason = str(error)
                if turn + 1 < TRIES:
                    wait_s = FIRST_WAIT_S * 2**turn if error.wait_s is None else error.wait_s
                    self.sleep(min(max(wait_s, 0.0), MOST_WAIT_S))
        raise SampleError(f"{self.host} {reason}, {TRIES} times; the same command asks again")

    def _request(self, body: bytes, requests: int) -> Reply:
        refuse_remote(self.url)
        key = self._key()
        headers = {"Content-Type": "application/json", "Accept": "application/json", "User-Agent": "hardiness"}
        request = Request(self.url, data=body, headers=headers, method="POST")
        if key:
            request.add_unredirected_header("Authorization", f"Bearer {key}")
        # Over plain http a proxy would read the key; over https it passes on what it cannot read. To this machine none.
        parts = urlsplit(self.url)
        is_direct = parts.scheme == "http" or is_loopback(parts.hostname or "")
        try:
            response = exchange(request, self.timeout_s, MOST_BYTES + 1, through_proxies=not is_direct)
        except (URLError, http.client.HTTPException, ssl.SSLError, OSError) as error:
            reason = getattr(error, "reason", error)
            if isinstance(reason, ssl.SSLCertVerificationError):
                raise GivenUpError(f"{self.host} has no valid certificate: {_line(str(reason), key)}") from None
            outcome = f"did not answer within {self.timeout_s:g} s" if isinstance(reason, TimeoutError) else "broke off"
            detail = "" if isinstance(reason, TimeoutError) else f" ({_line(str(reason), key)})"
            raise _TransientError(f"{outcome}{detail}") from None
        except ValueError as error:  # a header that cannot be sent, such as a key of two lines
            text = _line(str(error), key)
            raise GivenUpError(f"what is sent to {self.host} is no HTTP request: {text}") from None
        if not 200 <= response.status < 300:
            return self._refused(response, key, requests)
        return self._read(response.content, key, requests)

    def _key(self) -> str:
        if not self.key_env:
            return ""
        key = os.environ.get(self.key_env, "").strip()
        if not key:
            raise GivenUpError(f"the environment variable {self.key_env} must hold the key of {self.host}, is empty")
        return key

    def _refused(self, response: HTTPAnswer, key: str, requests: int) -> Reply:
        """The meaning of an HTTP status other than 200: another try, the end, or an answer that a filter has eaten."""
        status, headers = response.status, response.headers
        refusal = _Refusal.of(response.content)
        message, code = refusal.message, refusal.code
        description = f"answers {status}{f': {_line(message, key)}' if message else ''}"
        if status in _BUSY and code != "insufficient_quota":
            raise _TransientError(description, _retry_after(headers.get("Retry-After", "")))
        if 300 <= status < 400:
            where = _line(_host_of(redact(headers.get("Location", ""), key)), key) or "elsewhere"
            raise GivenUpError(
                f"{self.host} redirects to {where}, where neither key nor picture is sent; name that in base="
            )
        if any(name in f"{code} {message}".casefold().replace(" ", "_") for name in _FILTER_CODES):
            return Reply("", finish_reason="content_filter", asked_at=_now(), requests=requests)
        raise GivenUpError(f"{self.host} {description}{self._advice(status, refusal, has_key=bool(key))}")

    def _advice(self, status: int, refusal: _Refusal, *, has_key: bool) -> str:
        """Advice on a refusal: on a parameter that it names, whatever the status is."""
        subject, other = f"{refusal.message} {refusal.parameter}", "max_completion_tokens"
        if "logprobs" in subject:
            return f"; logprobs=false leaves them out{_REASONING}"
        if other in subject and other in self.parameters:
            return f"; max_tokens=N takes its place, and {other}=none leaves it out"
        if "max_tokens" in subject or other in subject:
            return f"; {other}=N takes its place, and max_tokens=none leaves it out{_REASONING}"
        if "temperature" in subject:
            return f"; temperature=none leaves it out{_REASONING}"
        if status in (401, 403):
            return "; is the key right?" if has_key else "; key_env= names the environment variable with its key"
        if status == 404:
            return f"; is {self.url} its address (base=) and {self.model} its name there?"
        return ""

    def _read(self, content: bytes, key: str, requests: int) -> Reply:
        """The reply in a body.

        Raises:
            _TransientError: it is none.
        """
        if len(content) > MOST_BYTES:
            raise _TransientError(f"answers more than {MOST_BYTES >> 20} MiB")
        try:
            body = json.loads(content)
            choice = body["choices"][0]
            message = choice.get("message") or {}
            answer = message.get("content")
            if isinstance(answer, list):  # parts, as some endpoints give them
                answer = "".join(str(part.get("text", "")) for part in answer if isinstance(part, dict))
            first, alternatives = _first_token(choice.get("logprobs"))
            listed = tuple((redact(token, key), value) for token, value in alternatives)
        except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
            text = _line(content.decode(errors="replace"), key)
            raise _TransientError(f"answers what is no chat completion in JSON ({text or 'nothing'})") from None
        return Reply(
            text=redact(str(answer or ""), key),
            finish_reason=redact(str(choice.get("finish_reason") or ""), key),
            refusal=redact(str(message.get("refusal") or ""), key),
            model=redact(str(body.get("model") or ""), key),
            fingerprint=redact(str(body.get("system_fingerprint") or ""), key),
            asked_at=_now(),
            requests=requests,
            tokens=listed,
            first_token=redact(first, key) if listed else "",
            usage=tuple((_line(name, key), count) for name, count in _usage(body.get("usage"))),
        )


def _first_token(logprobs: Any) -> tuple[str, tuple[tuple[str, float], ...]]:
    """The first token and its alternatives; empty where the endpoint gives none, or none that can be read."""
    try:
        first = logprobs["content"][0]
        alternatives = [*(first.get("top_logprobs") or [])]
        if all(alternative.get("token") != first.get("token") for alternative in alternatives) and "logprob" in first:
            alternatives.append(first)
        pairs = [(str(alternative["token"]), float(alternative["logprob"])) for alternative in alternatives]
        token = str(first.get("token") or "")
    except (LookupError, TypeError, ValueError, AttributeError):
        return "", ()
    return token, tuple((token, logarithm) for token, logarithm in pairs if not math.isnan(logarithm))


def _usage(usage: Any, before: str = "") -> Iterator[tuple[str, int]]:
    """The numbers of tokens that an endpoint counts, those in its details as ``details.name``."""
    for name, count in islice(usage.items(), MOST_COUNTS) if isinstance(usage, dict) else ():
        if isinstance(count, dict) and not before:
            yield from _usage(count, f"{name}.")
        elif isinstance(count, int) and not isinstance(count, bool) and 0 <= count <= MOST_TOKENS:
            yield f"{before}{name}", count


@dataclass(frozen=True, slots=True)
class _Refusal:
    """The parts of an error's body, empty where it says nothing."""

    message: str = ""
    code: str = ""
    parameter: str = ""

    @classmethod
    def of(cls, content: bytes) -> _Refusal:
        try:
            body = json.loads(content)
        except (ValueError, RecursionError):
            return cls(content.decode(errors="replace"))
        inner = body.get("error", body) if isinstance(body, dict) else body
        if not isinstance(inner, dict):
            return cls(str(inner))
        message, code, parameter = (inner.get(name) or "" for name in ("message", "code", "param"))
        return cls(str(message or inner.get("detail") or ""), str(code), str(parameter))


def _retry_after(text: str) -> float | None:
    """Seconds that ``Retry-After`` asks for, as a number or a date; ``None`` where it asks for nothing."""
    try:
        seconds = float(text)
        return seconds if math.isfinite(seconds) else None
    except ValueError:
        pass
    try:
        return (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError):
        return None


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _host_of(location: str) -> str:
    """Host and port that a redirect leads to; empty where it names none."""
    authority = _AUTHORITY.match(location)
    return authority[1] if authority else ""


def _line(text: str, key: str) -> str:
    """Foreign text as one short printable line, without the key in it."""
    return redacted_line(text, key, MOST_SHOWN)


def address_of(base: str) -> str:
    """The address of questions: ``/v1/chat/completions`` below a host alone, ``/chat/completions`` below a path.

    Raises:
        ArgumentError: it is no http or https address, or holds a password or a key.
    """
    refuse_secrets(base)
    try:
        parts = urlsplit(base)
        host, _ = parts.hostname, parts.port
    except ValueError:
        parts, host = urlsplit(""), None
    is_plain = base.isprintable() and " " not in base
    if parts.scheme not in ("http", "https") or not host or not is_plain:
        raise ArgumentError(
            f"base must be the http or https address of an endpoint, as in base=http://localhost:8000; was {base!r}"
            if "@" not in base
            else "base must be the http or https address of an endpoint, as in base=http://localhost:8000"
        )
    path = parts.path.rstrip("/")
    if not path.endswith("/chat/completions"):
        path = f"{path or '/v1'}/chat/completions"
    return urlunsplit((parts.scheme, parts.netloc, path, parts.query, ""))


def check_key_env(name: str) -> None:
    """Raise unless it is the name of an environment variable that holds something; a key in its place is not shown.

    Raises:
        ArgumentError: it is none.
    """
    if not _ENVIRONMENT_NAME.fullmatch(name) or not os.environ.get(name, "").strip():
        raise ArgumentError(
            "key_env must be the name of an environment variable that holds the key, as in key_env=OPENAI_API_KEY; "
            "no variable of the name that was given is set"
        )


def refuse_remote(url: str) -> None:
    """Raise where downloads are forbidden and an address is not this machine's own.

    Raises:
        DataError: they are, and it is not.
    """
    host = urlsplit(url).hostname or ""
    if offline() and not is_loopback(host):
        raise DataError(f"{host} is not asked, as {OFFLINE} is set, which allows this machine alone; unset it")


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
