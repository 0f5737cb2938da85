"""Keys kept out of text: pieces of every length, each way of writing them, and texts that hold none."""

from __future__ import annotations

import base64
import html
import json
from urllib.parse import quote, quote_plus

import numpy as np
import pytest

from hardiness.core.errors import ArgumentError, UnknownNameError
from hardiness.models.chat.redaction import MARK, PIECE, redact, redacted_line, refuse_key, refuse_secrets
from hardiness.models.naming import resolve
from hardiness.models.zoo.from_chat import build

KEY = "sk-proj/aB3+é\"'<x>&_9-7f0c2d4e6a8b1357-QWERTYUIOPasdfghjkl"


def test_pieces_of_twelve_and_more_are_blanked_and_shorter_ones_are_left() -> None:
    for length in range(1, len(KEY) + 1):
        for start in range(len(KEY) - length + 1):
            piece = KEY[start : start + length]
            told = redact(f"({piece})", KEY)
            assert told == (f"({MARK})" if length >= PIECE else f"({piece})")


WAYS = {
    "as it is": lambda key: key,
    "in capitals": lambda key: key.upper().replace("É", "é"),
    "JSON": lambda key: json.dumps(key)[1:-1],
    "JSON with its own signs": lambda key: json.dumps(key, ensure_ascii=False)[1:-1],
    "JSON with slashes": lambda key: json.dumps(key)[1:-1].replace("/", "\\/"),
    "JSON of code points": lambda key: "".join(f"\\u{ord(each):04X}" for each in key),
    "Python": lambda key: repr(key)[1:-1],
    "HTML": html.escape,
    "an address": quote,
    "an address, slashes too": lambda key: quote(key, safe=""),
    "a form": quote_plus,
    "an address, all of it": lambda key: "".join(f"%{byte:02X}" for byte in key.encode()),
    "hex": lambda key: key.encode().hex(),
    "base64": lambda key: base64.b64encode(key.encode()).decode(),
    "base64 for addresses": lambda key: base64.urlsafe_b64encode(key.encode()).decode(),
}


@pytest.mark.parametrize("way", WAYS)
def test_each_way_of_writing_is_blanked(way: str) -> None:
    written = WAYS[way](KEY)
    told = redact(f"before {written} behind", KEY)
    assert told.startswith(f"before {MARK}")
    assert told.endswith("behind")
    assert len(told) < len("before  behind") + len(MARK) + 6, "but for the last signs of base64, which are of two bytes"


@pytest.mark.parametrize("before", ["Bearer ", "user:", "me:", "", "a"])
def test_base64_is_blanked_wherever_the_key_begins_in_it(before: str) -> None:
    coded = base64.b64encode(f"{before}{KEY}".encode()).decode()
    told = redact(coded, KEY)
    known = base64.b64encode(before.encode()).decode().rstrip("=")
    assert MARK in told
    assert len(told) <= len(known) + len(MARK) + 6


def test_texts_without_a_key_are_as_they_were() -> None:
    draws = np.random.default_rng(0)
    letters = list("abcdefghijklmnopqrstuvwxyzABC0123456789 -_/+=%\\u")
    for text in ("", "A. cat", "é\x00\ud800", "".join(draws.choice(letters, 20_000).tolist())):
        assert redact(text, KEY) == text
        assert redact(text, "") == text


def test_two_keys_in_a_row_are_blanked() -> None:
    assert redact(f"{KEY}{KEY} and {KEY}.", KEY) == f"{MARK} and {MARK}."


def test_a_short_key_is_blanked_as_it_is_and_whole() -> None:
    assert redact("EMPTY empty EMPT", "EMPTY") == f"{MARK} empty EMPT"


def test_a_line_is_blanked_first_and_cut_afterwards() -> None:
    for before in range(200):
        assert "sk-" not in redacted_line(f"{'x' * before}{KEY}", KEY, 100)
    assert redacted_line("a\n b\x1b\ud800", KEY, 9) == "a b\\x1b?"


@pytest.mark.parametrize(
    "rest",
    [
        "",
        "?",
        "?api-version=2024-10-21",
        "?api-version=2024-10-01-preview",
        "/@cf/meta",
        "/accounts/0123456789abcdef0123456789abcdef/ai",
        "/models/meta-llama/Llama-3.2-11B-Vision-Instruct",
        "/deployments/123e4567-e89b-12d3-a456-426614174000",
    ],
)
def test_addresses_without_a_secret_are_allowed(rest: str) -> None:
    refuse_secrets(f"https://sk-proxy-of-this-house.example/v1{rest}")


@pytest.mark.parametrize(
    "rest",
    [
        "?k=hunter2",
        "?pw=hunter2",
        "?access=hunter2",
        "?sub=hunter2",
        "?hunter2",
        "?api-version=2024&k=hunter2",
        "?api-version=2024?k=hunter2",
        "?api-version=hunter2hunter2hunter2hunter2",
        "?API-VERSION=hunter2",
        ";k=hunter2",
        "#hunter2",
        "/sk-hunter2hunter2/x",
        "/x/hunter2HUNTER2hunter2HUNTER2",
        "/x-hunter2HUNTER2hunter2HUNTER2-y",
        "/x/%68unter2HUNTER2hunter2HUNTER2",
    ],
)
def test_whatever_may_be_a_secret_is_refused_with_the_way_to_give_it(rest: str) -> None:
    with pytest.raises(ArgumentError, match="base must hold no key") as refusal:
        refuse_secrets(f"https://api.example/v1{rest}")
    assert "hunter2" not in str(refusal.value)
    assert "key_env=" in str(refusal.value)


def test_a_key_in_another_option_is_refused_and_not_repeated() -> None:
    refuse_key({"tag": "a"}, KEY)
    refuse_key({"tag": "a"}, "")
    for text in (KEY, f"x{KEY}y", quote(KEY)):
        with pytest.raises(ArgumentError, match="tag holds the key itself") as told:
            refuse_key({"base": "http://h", "tag": text}, KEY)
        assert "proj" not in str(told.value)


@pytest.mark.parametrize("option", ["key", "api_key", "apikey", "token", "Authorization", "password"])
def test_an_option_that_is_called_like_a_key_is_refused_with_the_way_to_give_one(option: str) -> None:
    """The message listed the options of a view, and none by which a key is given."""
    with pytest.raises(ArgumentError, match="key_env=OPENAI_API_KEY") as refusal:
        resolve(f"chat:m:base=http://localhost,{option}={KEY}")
    assert "proj" not in str(refusal.value)
    with pytest.raises(UnknownNameError, match="unknown option of a chat model 'timeouts'; did you mean 'timeout'"):
        resolve("chat:m:base=http://localhost,timeouts=3")


def test_a_key_in_the_name_of_a_row_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    key = KEY.replace("/", "-")  # what has a stroke is no name of a row
    monkeypatch.setenv("MY_KEY", key)
    text = "chat:m:base=http://localhost,key_env=MY_KEY"
    assert build(resolve(f"mine={text}")).network.spec.asked == f"mine={text}"
    with pytest.raises(ArgumentError, match="the name before the = holds the key itself") as refusal:
        build(resolve(f"{key}={text}"))
    assert "proj" not in str(refusal.value)
