"""The wire to endpoints of chat models, against a stand-in with each fault: retries, bounds, and the key's secrecy."""

from __future__ import annotations

import base64
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from urllib.parse import quote

import numpy as np
import pytest
from chat_server import ChatServer

from hardiness.core.errors import ArgumentError, DataError, SampleError
from hardiness.core.forms import json_form
from hardiness.imaging.codecs import decode, png
from hardiness.models.chat.questions import Reply
from hardiness.models.chat.wire import (
    MOST_SHOWN,
    TRIES,
    Calls,
    CallsSpentError,
    Endpoint,
    GivenUpError,
    address_of,
    check_key_env,
)
from hardiness.report.words import text as words_of

KEY = "sk-very/secret+0123456789-abcdefghijklmnopqrstuvwxyz"
PICTURE = np.arange(8 * 8 * 3, dtype=np.uint8).reshape(8, 8, 3)


@pytest.fixture
def chat() -> Iterator[ChatServer]:
    with ChatServer() as server:
        yield server


def shows_no_key(text: str) -> bool:
    """Whether no 12 characters in a row of the key, or of how it may be written, are in a text."""
    forms = [form.casefold() for form in written_forms(KEY)]
    text = text.casefold()
    return not any(form[at : at + 12] in text for form in forms for at in range(len(form) - 11))


def written_forms(key: str) -> list[str]:
    """A key with a slash and a plus sign as JSON, an address, HTML, base64 and hex write it."""
    coded = [base64.b64encode(before + key.encode()).decode() for before in (b"Bearer ", b"user:", b"me:")]
    plain = [key, key.replace("/", "\\/"), quote(key, safe=""), quote(key, safe="").lower(), key.encode().hex()]
    return [*plain, *(each[12:-4] for each in coded)]


class Asking:
    """One endpoint, its calls, and the waits between them."""

    def __init__(self, chat: ChatServer, **changes: object) -> None:
        self.calls, self.waits = Calls(), list[float]()
        endpoint = Endpoint(address_of(chat.address), "toy:7b", sleep=self.waits.append, timeout_s=0.2)
        self.endpoint = replace(endpoint, **changes)  # type: ignore[arg-type]

    def __call__(self, prompt: str = "Which?") -> Reply:
        return self.endpoint.ask(prompt, png(PICTURE), self.calls, threading.Event())


def test_a_question_is_a_png_and_a_prompt_and_its_reply_is_kept_whole(chat: ChatServer) -> None:
    top = [{"token": "A", "logprob": -0.1}, {"token": "B", "logprob": -2.5}]
    logprobs = {"content": [{"token": "A", "logprob": -0.1, "top_logprobs": top}]}
    chat.answer = lambda prompt, picture: {"content": "A.", "finish_reason": "length", "logprobs": logprobs}
    ask = Asking(chat, parameters={"temperature": 0, "max_tokens": 8})
    found = ask("Which?\nA. cat")
    assert (found.text, found.finish_reason, found.model, found.fingerprint) == ("A.", "length", "toy:7b-2026", "fp_1")
    assert (found.tokens, found.requests) == ((("A", -0.1), ("B", -2.5)), 1)
    ((body, headers),) = chat.asked
    assert {key: body[key] for key in ("model", "temperature", "max_tokens")} == {
        "model": "toy:7b",
        "temperature": 0,
        "max_tokens": 8,
    }
    picture, prompt = body["messages"][0]["content"]
    assert prompt == {"type": "text", "text": "Which?\nA. cat"}
    sent = base64.b64decode(picture["image_url"]["url"].removeprefix("data:image/png;base64,"))
    assert np.array_equal(decode(sent, "sent"), PICTURE)
    assert "Authorization" not in headers
    assert words_of(ask.calls.fact).startswith("1 request, ")


@pytest.mark.parametrize(
    "fault", ["500 oops", "502 oops", "503 ", "529 overloaded", "cut", "stall", "not json", "other json", "429 slow"]
)
def test_what_may_be_over_in_a_moment_is_tried_again(chat: ChatServer, fault: str) -> None:
    chat.faults, ask = [fault, fault], Asking(chat)
    found = ask()
    assert (found.text, found.requests, ask.calls.made, ask.calls.again) == ("A", 3, 3, 2)
    assert ask.waits == ([7.0, 7.0] if fault.startswith("429") else [1.0, 2.0])


HEAD = "HTTP/1.1 200 OK\\r\\n"


@pytest.mark.slow
@pytest.mark.parametrize("reply", [f"{HEAD}\\r\\n|" + 99 * "{ ", f"{HEAD}X: |" + 99 * "a", "|" + 99 * HEAD])
def test_a_reply_that_drips_times_out_as_a_whole(chat: ChatServer, reply: str) -> None:
    """A byte each 0.05 s, of the body, of a header or of the first line, where 0.2 s are allowed for all of it."""
    chat.faults, ask, began_s = [f"drip {reply}"] * 2, Asking(chat), time.monotonic()
    assert ask().requests == 3
    assert ask.waits == [1.0, 2.0]
    assert time.monotonic() - began_s < 4, "each of the two takes five seconds to its end"


@pytest.mark.slow
def test_tls_that_drips_times_out_as_a_whole(chat: ChatServer) -> None:
    """A byte of a record's head and length each 0.05 s: a handshake that never ends."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def drip() -> None:
            with suppress(OSError):
                while True:
                    connected, _ = listening.accept()
                    threading.Thread(target=dribble, args=(connected,), daemon=True).start()

        def dribble(connected: socket.socket) -> None:
            with connected, suppress(OSError):
                for byte in b"\x16\x03\x03\x3f\xff" + bytes(200):
                    connected.sendall(bytes([byte]))
                    time.sleep(0.05)

        threading.Thread(target=drip, daemon=True).start()
        url = f"https://127.0.0.1:{listening.getsockname()[1]}/v1/chat/completions"
        ask, began_s = Asking(chat, url=url), time.monotonic()
        with pytest.raises(SampleError, match=r"did not answer within 0\.2 s, 5 times"):
            ask()
        assert time.monotonic() - began_s < 5, "each of the five takes ten seconds to its end"


@pytest.mark.slow
def test_what_drips_each_time_says_so(chat: ChatServer) -> None:
    chat.faults, ask = [f"drip {HEAD}\\r\\n|" + 99 * "{ "] * TRIES, Asking(chat)
    with pytest.raises(SampleError, match=r"did not answer within 0\.2 s, 5 times"):
        ask()


def test_halves_of_a_surrogate_pair_are_no_fault_of_ours(chat: ChatServer) -> None:
    chat.faults = ['400 {"error": {"message": "\\ud800 \\u001b[31m"}}']
    with pytest.raises(GivenUpError, match=r"answers 400: \? \\x1b\[31m"):
        Asking(chat)()


def test_tries_are_bounded_and_the_last_reason_is_told(chat: ChatServer) -> None:
    chat.faults, ask = ["not json"] * 99, Asking(chat)
    with pytest.raises(
        SampleError, match=r"no chat completion in JSON \(<html>I am a friendly web page.*5 times"
    ) as told:
        ask()
    assert len(chat.asked) == TRIES
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ('401 {"error": {"message": "no key"}}', "answers 401: no key; key_env= names"),
        ("403 ", "answers 403; key_env="),
        ("404 ", "is http://127.* its address .base=. and toy:7b its name"),
        ('400 {"error": {"message": "logprobs are not supported"}}', "logprobs=false"),
        ('400 {"error": {"message": "max_tokens is not supported"}}', "max_tokens=none"),
        ('403 {"error": {"message": "You are not allowed to request logprobs"}}', "logprobs; logprobs=false"),
        ('400 {"error": {"message": "no", "param": "temperature"}}', "no; temperature=none"),
        (
            '400 {"error": {"message": "Use \'max_completion_tokens\' instead", "param": "max_tokens"}}',
            "instead; max_completion_tokens=N takes its place, .*=4000,temperature=none,logprobs=false",
        ),
        ('429 {"error": {"message": "pay", "code": "insufficient_quota"}}', "answers 429: pay"),
        ("307 http://elsewhere.example/v1", "redirects to elsewhere.example, where neither key nor picture"),
    ],
)
def test_what_another_try_cannot_change_ends_it(chat: ChatServer, fault: str, said: str) -> None:
    if fault.startswith("429"):
        chat.faults = [fault]
    chat.faults, ask = [fault], Asking(chat)
    with pytest.raises(GivenUpError, match=said):
        ask()
    assert len(chat.asked) == 1


def test_usage_is_kept_and_counted(chat: ChatServer) -> None:
    chat.thinks_tokens, ask = 64, Asking(chat, parameters={"max_completion_tokens": 500})
    found = [ask(), ask()]
    assert dict(found[0].usage) == {
        "prompt_tokens": 100,
        "completion_tokens": 65,
        "total_tokens": 165,
        "completion_tokens_details.reasoning_tokens": 64,
    }
    assert (found[1].prompt_tokens, found[1].completion_tokens, found[1].is_cut) == (100, 65, False)
    assert words_of(ask.calls.fact).endswith("MB sent; tokens: 200 asked, 130 answered")
    ask.endpoint = replace(ask.endpoint, parameters={"max_completion_tokens": 64})
    assert (ask().is_cut, ask.calls.completion_tokens) == (True, 194)


def test_a_filter_of_the_provider_is_an_answer(chat: ChatServer) -> None:
    chat.faults = ['400 {"error": {"message": "flagged", "code": "content_filter"}}']
    assert Asking(chat)().finish_reason == "content_filter"


def test_calls_are_counted_before_they_are_made_and_end(chat: ChatServer) -> None:
    chat.faults, ask = ["500 ", "500 "], Asking(chat)
    ask.calls = Calls(most=2)
    with pytest.raises(CallsSpentError, match="all 2 requests of --calls"):
        ask()
    assert len(chat.asked) == 2


class TestTheKey:
    @pytest.fixture(autouse=True)
    def _set(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TOY_KEY", KEY)

    def test_goes_to_the_host_that_was_named(self, chat: ChatServer) -> None:
        Asking(chat, key_env="TOY_KEY")()
        assert chat.asked[0][1]["Authorization"] == f"Bearer {KEY}"

    @pytest.mark.parametrize("status", ["301", "302", "303", "307", "308"])
    def test_never_follows_a_redirect(self, chat: ChatServer, status: str) -> None:
        with ChatServer() as other:
            chat.faults = [f"{status} {other.address}/v1/chat/completions"]
            with pytest.raises(GivenUpError, match="redirects to 127"):
                Asking(chat, key_env="TOY_KEY")()
            assert other.asked == []

    def test_passes_no_proxy_in_clear(self, chat: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
        with ChatServer() as proxy:
            monkeypatch.setenv("http_proxy", proxy.address)
            monkeypatch.setenv("no_proxy", "")
            Asking(chat, key_env="TOY_KEY")()
            assert (len(chat.asked), proxy.asked) == (1, [])

    @pytest.mark.slow
    @pytest.mark.parametrize(
        "fault",
        [
            '401 {{"error": {{"message": "{}"}}}}',
            "401 {}",
            "500 {}",
            '429 {{"error": {{"message": "{}", "code": "insufficient_quota"}}}}',
            "307 http://{}.example/",
            "307 http://[{}",
            "raw {}",
            "raw HTTP/1.1 200 OK\r\nContent-Length: {}\r\nTransfer-Encoding: chunked\r\n\r\n{}",
            "raw HTTP/1.1 200 OK\r\n\r\n<p>{}",
            'raw HTTP/1.1 200 OK\r\n\r\n{{"hello": "{}"}}',
        ],
    )
    def test_is_blanked_in_errors_wherever_it_is_cut(self, chat: ChatServer, fault: str) -> None:
        """Before the key stands so much that a message is cut at each place of it, or the endpoint cuts it itself."""
        asked = Asking(chat, key_env="TOY_KEY")
        before = [MOST_SHOWN - taken for taken in range(0, len(KEY) + 60, 7)]
        for text in [KEY, *("x" * most + KEY for most in before), *(KEY[:most] for most in range(12, len(KEY)))]:
            chat.faults = [fault.format(text, text)] * TRIES
            with pytest.raises((GivenUpError, SampleError)) as told:
                asked()
            assert shows_no_key(str(told.value))
            assert KEY[:5] not in str(told.value), "it is blanked first, and cut afterwards"

    def test_is_blanked_in_everything_of_an_answer(self, chat: ChatServer) -> None:
        asked = Asking(chat, key_env="TOY_KEY")
        for said in (*written_forms(KEY), KEY[:12], KEY[-12:], KEY.upper(), f"Bearer {KEY}, {KEY}"):
            logprobs = {"content": [{"token": said, "logprob": -0.1, "top_logprobs": [{"token": said, "logprob": -1}]}]}
            chat.fingerprint = said
            for content in (said, [{"type": "text", "text": said[:9]}, {"type": "text", "text": said[9:]}]):
                chat.answer = lambda prompt, picture, said=said, content=content, logprobs=logprobs: {
                    "content": content,
                    "refusal": said,
                    "finish_reason": {"because": said},
                    "logprobs": logprobs,
                }
                found = asked()
                assert shows_no_key(json.dumps(json_form(found))), said
                assert "[key]" in found.text, said
                assert found.tokens
                assert all("[key]" in token for token, _ in found.tokens), said

    def test_an_answer_is_blanked_and_its_letter_is_kept(self, chat: ChatServer) -> None:
        chat.answer = lambda prompt, picture: f"A. {KEY}"
        chat.fingerprint = KEY
        found = Asking(chat, key_env="TOY_KEY")()
        assert (found.text, found.fingerprint) == ("A. [key]", "[key]")

    def test_a_short_one_is_blanked_whole_and_words_are_left(
        self, chat: ChatServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("TOY_KEY", "EMPTY")
        chat.answer = lambda prompt, picture: "EMPTY, an empty cup"
        assert Asking(chat, key_env="TOY_KEY")().text == "[key], an empty cup"

    def test_of_two_lines_is_refused_and_not_shown(self, chat: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TOY_KEY", f"{KEY}\n{KEY}")
        with pytest.raises(GivenUpError, match="is no HTTP request: Invalid header value") as told:
            Asking(chat, key_env="TOY_KEY")()
        assert shows_no_key(str(told.value))
        assert chat.asked == []

    def test_is_not_shown_where_it_was_given_in_place_of_a_name(self) -> None:
        with pytest.raises(ArgumentError, match="key_env must be the name") as told:
            check_key_env(KEY)
        assert KEY not in str(told.value)

    def test_is_in_nothing_that_is_printed(self, chat: ChatServer) -> None:
        assert KEY not in repr(Asking(chat, key_env="TOY_KEY").endpoint)


@pytest.mark.parametrize(
    ("base", "url"),
    [
        ("http://localhost:8000", "http://localhost:8000/v1/chat/completions"),
        ("http://localhost:8000/", "http://localhost:8000/v1/chat/completions"),
        ("https://api.example/v1", "https://api.example/v1/chat/completions"),
        ("https://api.example/v1beta/openai/", "https://api.example/v1beta/openai/chat/completions"),
        ("https://a.example/x/chat/completions?api-version=2", "https://a.example/x/chat/completions?api-version=2"),
        ("http://[::1]:80", "http://[::1]:80/v1/chat/completions"),
    ],
)
def test_addresses(base: str, url: str) -> None:
    assert address_of(base) == url


@pytest.mark.parametrize(
    "base",
    [
        "localhost:8000",
        "ftp://a.example",
        "http://",
        "http://h:x",
        "file:///etc/passwd",
        "",
        "http://a b/c",
        "http://a\n",
    ],
)
def test_what_is_no_address_is_refused(base: str) -> None:
    with pytest.raises(ArgumentError, match="base must be the http or https address"):
        address_of(base)


@pytest.mark.parametrize(
    "base",
    [
        "https://me:hunter2@api.example",
        "https://me:hunter2@api.example:x",
        "https://hunter2@api.example/v1",
        "me:hunter2@api.example",
        "https://api.example/v1?api-key=hunter2",
        "https://api.example/v1?api-version=2&Api_Key=hunter2",
        "https://api.example/v1?ACCESS%5FTOKEN=hunter2",
        "https://api.example/v1?code=hunter2",
        "https://api.example/v1?sig=hunter2",
        "https://api.example/v1;password=hunter2",
        "https://api.example/v1#client_secret=hunter2",
        "https://api.example/v1?x=hunter2hunter2hunter2hunter2",
        "https://api.example/v1?hunter2hunter2hunter2hunter2",
        "api.example/v1?key=hunter2",
        "http://[x?key=hunter2",
    ],
)
def test_a_password_or_key_in_an_address_is_refused_and_not_shown(base: str) -> None:
    with pytest.raises(ArgumentError) as told:
        address_of(base)
    assert "hunter2" not in str(told.value)
    assert "key_env=" in str(told.value)


def test_offline_allows_this_machine_alone(chat: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARDINESS_OFFLINE", "1")
    assert Asking(chat)().text == "A"
    with pytest.raises(DataError, match="HARDINESS_OFFLINE is set, which allows this machine alone"):
        Asking(chat, url="https://api.example/v1/chat/completions")()
