"""Keys kept out of what an endpoint sends and out of addresses."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import groupby
from urllib.parse import quote, quote_plus, unquote

from hardiness.core.errors import ArgumentError
from hardiness.sources.files import shown

PIECE = 12
"""Characters in a row of a key, or of one of its encodings, that are blanked wherever they stand."""

MARK = "[key]"
"""Text in place of a key, or of a piece of it."""

_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}
"""Capitals of ASCII to small letters: a table that changes no text's length."""

_PARAMETER = re.compile(r"[?&;#]([^?&;#]*)")
_HARMLESS = re.compile(r"api-version=[A-Za-z0-9.-]{1,23}", re.ASCII)
_IN_PATH = re.compile(
    r"/(sk-|gsk_|hf_|xai-|nvapi-)[\w-]{12}|(?<![A-Za-z0-9_])(?=\w*[a-z])(?=\w*[A-Z])(?=\w*[0-9])\w{24}", re.ASCII
)
"""Part of a path that looks like a key: what keys begin with, or 24 signs of all kinds; an account's number is hex."""


def redact(text: str, key: str) -> str:
    """Text that came from an endpoint, with `MARK` in place of the key.

    The key is found in any case, as it is and as JSON, HTML, an address, base64, hex or Python would write it. So is
    each piece of it of `PIECE` characters or more: an endpoint may cut its message within the key. Text is to be cut
    by us only after this. A key shorter than that is found as it is, and whole.

    Args:
        text: of any length.
        key: as it was sent; empty for none.
    """
    if not key:
        return text
    if len(key) < PIECE:
        return text.replace(key, MARK)
    pieces, halves, folded = _pieces(key, PIECE), _pieces(key, PIECE // 2), text.translate(_LOWER)
    inside = bytearray(len(text))
    for block in range(0, len(text), PIECE // 2):  # each piece holds one of these blocks whole
        if folded[block : block + PIECE // 2] in halves:
            for start in range(max(0, block - PIECE // 2), block + 1):
                if folded[start : start + PIECE] in pieces:
                    inside[start : start + PIECE] = b"\1" * PIECE
    if not any(inside):
        return text
    runs = groupby(zip(text, inside, strict=True), key=lambda pair: pair[1])
    return "".join(MARK if blank else "".join(character for character, _ in run) for blank, run in runs)


def redacted_line(text: str, key: str, most: int) -> str:
    """Text that came from an endpoint as one printable line of ``most`` characters at most, without the key.

    Args:
        text, key: as for `redact`.
        most: characters; what is beyond them is left out after the key is.
    """
    whole = text.encode(errors="replace").decode()  # halves of surrogate pairs, which JSON may hold
    return redact(shown(" ".join(whole.split())), key)[:most]


@lru_cache(maxsize=8)
def _pieces(key: str, length: int) -> frozenset[str]:
    """All pieces of a length of a key's forms, in small letters."""
    forms = (form.translate(_LOWER) for form in _forms(key))
    return frozenset(form[start : start + length] for form in forms for start in range(len(form) - length + 1))


def _forms(key: str) -> Iterator[str]:
    """The key as it may be written."""
    for is_ascii in (True, False):
        escaped = json.dumps(key, ensure_ascii=is_ascii)[1:-1]
        yield from (escaped, escaped.replace("/", "\\/"))
    whole = key.encode()
    yield from (key, repr(key)[1:-1], html.escape(key), quote(key), quote(key, safe=""), quote_plus(key), whole.hex())
    yield "".join(f"%{byte:02x}" for byte in whole)
    yield "".join(f"\\u{ord(character):04x}" for character in key)
    for before in range(3):  # base64 writes three bytes as four signs, so that it depends on what stands before the key
        encoded = base64.b64encode(bytes(before) + whole).decode().rstrip("=")
        ends = len(encoded) - (1 if (before + len(whole)) % 3 else 0)
        digits = encoded[(0, 2, 3)[before] : ends]
        yield from (digits, digits.replace("+", "-").replace("/", "_"))


def refuse_secrets(base: str, what: str = "base") -> None:
    """Raise where an endpoint's address seems to hold a key, a token or a password; the message does not repeat it.

    Results, pages and memos show the address, so that no secret may stand in it. What a parameter is called does not
    tell whether it is one, so that none but ``api-version`` is allowed.

    Args:
        base: the address.
        what: what it is, for the message.

    Raises:
        ArgumentError: it does.
    """
    advice = "put it into an environment variable and give that variable's name, as in key_env=OPENAI_API_KEY"
    rest = base.partition("//")[2] or base
    authority = re.split(r"[/?#]", rest)[0]
    if "@" in authority:
        raise ArgumentError(f"{what} must hold no name and password before its host; leave them out, or {advice}")
    path = re.split("[?&;#]", rest[len(authority) :], maxsplit=1)[0]
    if _IN_PATH.search(unquote(path)) or not all(
        not parameter or _HARMLESS.fullmatch(parameter) for parameter in _PARAMETER.findall(base)
    ):
        raise ArgumentError(
            f"{what} must hold no key, since results show the address, but has what may be one in or behind its path, "
            f"where only api-version=… is allowed; {advice}"
        )


def refuse_key(texts: Mapping[str, str], key: str) -> None:
    """Raise where an option of a model holds its key, which results would then show.

    Args:
        texts: by the option's name.
        key: empty for none.

    Raises:
        ArgumentError: one does.
    """
    for name, text in texts.items():
        if len(key) >= PIECE and (key in text or key in unquote(text)):
            raise ArgumentError(f"{name} holds the key itself, and results show it; leave it out, key_env is enough")
