"""A stand-in for an endpoint of chat models: answers from a table, and each fault that an endpoint can have."""

from __future__ import annotations

import base64
import contextlib
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = Callable[[str, bytes], Any]
"""From prompt and PNG to the text of an answer, or to a whole message with ``choice`` and ``body`` beside it."""


@dataclass
class ChatServer:
    """What the stand-in answers and does wrong.

    Attributes:
        answer: what it says.
        faults: what each of the next answers does wrong, in order; then it behaves.
        asked: body and headers of each request.
        busy, most_busy: requests in hand now, and the most at one time.
        pause_s: before each answer.
        fingerprint: ``system_fingerprint`` of the next answers.
        served: what it calls the model; by default the name that was asked for and a year.
        refuses: the fault of a request that has a parameter of this name, whatever else is wrong with it.
        thinks_tokens: so many of ``max_completion_tokens`` go before a word of the answer; ``usage`` says so.
        port: that it listens on; a free one by default.
        drip_s: between two bytes of an answer that drips: of the fault ``drip HEAD|BODY``, with ``\\r\\n`` written out.
    """

    answer: Answer = lambda prompt, picture: "A"
    faults: list[str] = field(default_factory=list)
    asked: list[tuple[dict[str, Any], dict[str, str]]] = field(default_factory=list)
    busy: int = 0
    most_busy: int = 0
    pause_s: float = 0.0
    fingerprint: str = "fp_1"
    served: str = ""
    refuses: dict[str, str] = field(default_factory=dict)
    thinks_tokens: int = 0
    drip_s: float = 0.05
    address: str = ""
    port: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> ChatServer:
        handler = type("Handler", (_Handler,), {"chat": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), handler)
        self._server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def model(self, **options: object) -> str:
        """What names it on a command line."""
        return f"chat:toy:7b:base={self.address}" + "".join(f",{key}={value}" for key, value in options.items())


class _Handler(BaseHTTPRequestHandler):
    chat: ChatServer

    def log_message(self, *_: object) -> None:
        """Nothing."""

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError):  # who asked was killed
            super().handle()

    def do_POST(self) -> None:
        chat, body = self.chat, json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with chat.lock:
            chat.asked.append((body, dict(self.headers.items())))
            refused = [fault for name, fault in chat.refuses.items() if name in body]
            fault = refused[0] if refused else chat.faults.pop(0) if chat.faults else ""
            chat.busy += 1
            chat.most_busy = max(chat.most_busy, chat.busy)
        time.sleep(chat.pause_s)
        with chat.lock:  # before the answer leaves: then the next question may come
            chat.busy -= 1
        status, _, content = fault.partition(" ")
        if status.isdecimal():
            extra = {"Retry-After": "7"} if status == "429" else {"Location": content} if status[0] == "3" else {}
            self._send(int(status), content.encode(), extra)
        elif fault == "stall":
            time.sleep(0.5)
        elif status == "raw":
            self.wfile.write(content.encode())
        elif status == "drip":
            head, body = content.encode().decode("unicode_escape").split("|")
            self.wfile.write(head.encode())
            for byte in body.encode():
                self.wfile.write(bytes([byte]))
                time.sleep(chat.drip_s)
        elif fault == "not json":
            self._send(200, b"<html>I am a friendly web page</html>")
        elif fault == "other json":
            self._send(200, b'{"hello": "world"}')
        else:
            self._send(200, self._reply(body), cut=fault == "cut")

    def _reply(self, body: dict[str, Any]) -> bytes:
        picture, prompt = body["messages"][0]["content"]
        png = base64.b64decode(picture["image_url"]["url"].removeprefix("data:image/png;base64,"))
        said = self.chat.answer(prompt["text"], png)
        choice = {"message": {"role": "assistant", "content": said}, "finish_reason": "stop"}
        if isinstance(said, dict):
            choice = {**choice, "message": {"content": said.pop("content", "")}, **said}
        about = {"model": self.chat.served or f"{body['model']}-2026", "system_fingerprint": self.chat.fingerprint}
        if thinks := self.chat.thinks_tokens:
            most = body.get("max_completion_tokens", 0)
            if most <= thinks:
                choice = {"message": {"role": "assistant", "content": ""}, "finish_reason": "length"}
            used = min(most, thinks + 1)
            details = {"reasoning_tokens": min(most, thinks), "accepted": None, "is_odd": True}
            counts = {"prompt_tokens": 100, "completion_tokens": used, "total_tokens": 100 + used}
            about["usage"] = {**counts, "completion_tokens_details": details}
        return json.dumps({**about, "choices": [choice]}).encode()

    def _send(self, status: int, content: bytes, extra: dict[str, str] | None = None, cut: bool = False) -> None:
        self.send_response(status)
        for key, value in {"Content-Length": str(len(content)), **(extra or {})}.items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if cut else content)
