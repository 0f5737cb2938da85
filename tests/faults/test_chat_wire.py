"""The wire to endpoints of chat models, against a stand-in with each fault: retries, bounds, and the key's secrecy."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from chat_server import ChatServer

from hardiness.core import ArgumentError, DataError, SampleError
from hardiness.imaging import decode, png
from hardiness.models.chat.questions import Reply
from hardiness.models.chat.wire import TRIES, Calls, CallsSpentError, Endpoint, GivenUpError, address_of, check_key_env

KEY = "sk-very-secret-0123456789"
PICTURE = np.arange(8 * 8 * 3, dtype=np.uint8).reshape(8, 8, 3)


@pytest.fixture
def chat() -> Iterator[ChatServer]:
    with ChatServer() as server:
        yield server


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
    assert str(ask.calls).startswith("1 request, ")


@pytest.mark.parametrize(
    "fault", ["500 oops", "502 oops", "503 ", "529 overloaded", "cut", "stall", "not json", "other json", "429 slow"]
)
def test_what_may_be_over_in_a_moment_is_tried_again(chat: ChatServer, fault: str) -> None:
    chat.faults, ask = [fault, fault], Asking(chat)
    found = ask()
    assert (found.text, found.requests, ask.calls.made, ask.calls.again) == ("A", 3, 3, 2)
    assert ask.waits == ([7.0, 7.0] if fault.startswith("429") else [1.0, 2.0])


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

    @pytest.mark.parametrize("fault", [f"401 you sent {KEY}", f"500 you sent {KEY}", f"307 http://{KEY}.example"])
    def test_is_blanked_in_errors(self, chat: ChatServer, fault: str) -> None:
        chat.faults = [fault] * TRIES
        with pytest.raises((GivenUpError, SampleError)) as told:
            Asking(chat, key_env="TOY_KEY")()
        assert KEY not in str(told.value)
        assert "[key]" in str(told.value)

    def test_is_blanked_in_answers(self, chat: ChatServer) -> None:
        logprobs = {"content": [{"token": KEY, "logprob": -0.1}]}
        chat.answer = lambda prompt, picture: {"content": f"A. {KEY}", "finish_reason": KEY, "logprobs": logprobs}
        chat.fingerprint = KEY
        found = Asking(chat, key_env="TOY_KEY")()
        assert (found.text, found.finish_reason, found.fingerprint) == ("A. [key]", "[key]", "[key]")
        assert KEY not in repr(found)

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


def test_a_password_in_an_address_is_refused_and_not_shown() -> None:
    for base in ("https://me:hunter2@api.example", "https://me:hunter2@api.example:x", "me:hunter2@api.example"):
        with pytest.raises(ArgumentError) as told:
            address_of(base)
        assert "hunter2" not in str(told.value)


def test_offline_allows_this_machine_alone(chat: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARDINESS_OFFLINE", "1")
    assert Asking(chat)().text == "A"
    with pytest.raises(DataError, match="HARDINESS_OFFLINE is set, which allows this machine alone"):
        Asking(chat, url="https://api.example/v1/chat/completions")()
