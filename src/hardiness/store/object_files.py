"""An output folder in an object store: S3, Google Cloud Storage or Azure."""

from __future__ import annotations

import json
import os
import re
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from hardiness.core.errors import ArgumentError, StoreError
from hardiness.store.files import Stamp
from hardiness.store.parallel import in_parallel

SCHEMES = ("s3", "gs", "az", "memory")

TRIES, FIRST_REST_S = 6, 0.25
"""How often a request is sent that a server refuses for the moment, and the first rest; each is twice the last."""

CONNECT_TIMEOUT, TIMEOUT = "5s", "30s"
"""How long a connection and a request may take: a server that says nothing for so long is asked again."""

EMULATED = "STORAGE_EMULATOR_HOST"
"""The variable in which Google's own tools look for a server that stands in for Google's; nothing is signed for it."""

ENDPOINTS = {
    "s3": ("AWS_ENDPOINT_URL",),
    "gs": ("GOOGLE_BASE_URL", EMULATED),
    "az": ("AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT"),
}
"""Variables that name another server than the cloud's own; only for one that begins with http:// that is allowed."""

KEYS = {"s3": "AWS_", "az": "AZURE_"}
"""Beginnings of the variables that a store's keys and places come from; Google's may hold a file of several lines."""

SETTLE_S = 1.0
"""How long a claim is left to be seen by others, where a store cannot put an object on condition."""

AT_ONCE = 8
"""Files on their way at one time: the parts of a unit end together, one a model, and each waits for its answer."""

_MEMORY: dict[str, Any] = {}
"""Stores of ``memory://``, by address: they live as long as the process."""

Answer = TypeVar("Answer")

ADVICE = {
    ("RequestTimeTooSkewed",): "this machine's clock is too far from the store's; set it",
    ("configured region", "PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraint"): (
        "the bucket is in another region; set AWS_REGION to its own"
    ),
    ("code: 403", "code: 401", "privileges", "authentication credentials", "AccessDenied"): (
        "no permission; look at the keys in the environment, and at what they may do there"
    ),
    ("Account must be specified",): "set AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY",
    ("error sending request", "dns error", "tcp connect", "timed out"): (
        "there is no answer; look at the address, the network, and AWS_ENDPOINT_URL where it is set"
    ),
}
"""Advice on a refusal, by signs of it in the store's answer; the first that fits counts."""

LONGEST_ANSWER = 200
"""Characters of a store's answer that are shown."""

PASSING = re.compile(r"code: (409|429|5\d\d)|409 Conflict|timed out|connection|error sending request")
"""Signs in a store's answer that a refusal may pass."""


class ObjectFiles:
    """Objects below one address, as `Files`.

    Attributes:
        address, at_once: as it was given, and as in `Files`.
        conditional: whether the store can put an object only where there is none; probed when it is opened. Where it
            cannot, a claim is put beside and the first in alphabetical order counts.
    """

    def __init__(self, address: str) -> None:
        """Open ``scheme://bucket/path``; keys, region and endpoint come from the environment, as the clouds' tools do.

        Raises:
            ArgumentError: no such address, no permission, wrong region: the message says which.
        """
        self.address = address.rstrip("/")
        self._store = _open_store(self.address)
        self.conditional, self.at_once = True, AT_ONCE
        probe = f".probe-{uuid.uuid4().hex}"
        try:
            self.create(probe, b"")
            self.conditional = not self.create(probe, b"")
            self.remove(probe)
        except StoreError as error:
            raise ArgumentError(f"--out {address}: {error}") from None

    def list_files(self, folder: str, after: str = "") -> Mapping[str, Stamp]:
        """One listing, however many objects there are."""
        import obstore

        prefix = f"{folder}/" if folder else None
        first = f"{prefix or ''}{after}" if after else None
        pages = self._ask("list", folder, lambda: list(obstore.list(self._store, prefix=prefix, offset=first)))
        stamps = {entry["path"]: _stamp(entry) for page in pages for entry in page}
        return dict(sorted(stamps.items()))

    def folders(self, folder: str) -> list[str]:
        """One listing up to the next ``/``."""
        import obstore

        listing = self._ask("list", folder, lambda: obstore.list_with_delimiter(self._store, prefix=f"{folder}/"))
        return sorted(prefix.rstrip("/").rpartition("/")[2] for prefix in listing["common_prefixes"])

    def read(self, path: str) -> bytes | None:
        import obstore

        try:
            return self._ask("read", path, lambda: bytes(obstore.get(self._store, path).bytes()))
        except FileNotFoundError:
            return None

    def read_all(self, paths: Sequence[str]) -> Mapping[str, bytes | None]:
        return dict(zip(paths, in_parallel(self.read, paths), strict=True))

    def write(self, path: str, content: bytes) -> None:
        """One object, which a store replaces whole."""
        import obstore

        try:
            self._ask("write", path, lambda: obstore.put(self._store, path, content, use_multipart=False))
        except FileNotFoundError as error:
            raise StoreError(
                f"cannot write {self.address}/{path}: there is no such bucket ({_reason(error)})"
            ) from None

    def create(self, path: str, content: bytes) -> bool:
        return self._put_if_absent(path, content) if self.conditional else self._claim(path, content)

    def has(self, path: str) -> bool:
        return self._head(path) is not None

    def stamp(self, path: str) -> Stamp | None:
        head = self._head(path)
        return _stamp(head) if head else None

    def move(self, path: str, to: str) -> None:
        import obstore

        try:
            self._ask("move", path, lambda: obstore.rename(self._store, path, to))
        except FileNotFoundError:
            return

    def remove(self, path: str) -> None:
        import obstore

        try:
            self._ask("remove", path, lambda: obstore.delete(self._store, path))
        except FileNotFoundError:
            return

    def remove_all(self, paths: Sequence[str]) -> None:
        in_parallel(self.remove, paths)

    def _head(self, path: str) -> Mapping[str, Any] | None:
        import obstore

        try:
            head: Mapping[str, Any] = self._ask("look for", path, lambda: obstore.head(self._store, path))
        except FileNotFoundError:
            return None
        return head

    def _put_if_absent(self, path: str, content: bytes) -> bool:
        import obstore
        from obstore.exceptions import AlreadyExistsError

        def put() -> bool:
            try:
                obstore.put(self._store, path, content, mode="create", use_multipart=False)
            except AlreadyExistsError:
                if self.has(path):
                    return False
                # The client also says so of 409: another write was under way, and it is not known whether it succeeded.
                raise OSError("409 Conflict: another write of this object is under way") from None
            return True

        try:
            return self._ask("write", path, put)
        except FileNotFoundError as error:
            raise StoreError(
                f"cannot write {self.address}/{path}: there is no such bucket ({_reason(error)})"
            ) from None

    def _claim(self, path: str, content: bytes) -> bool:
        """Create a file by claims: each that wants the path puts one beside it, waits, and the first may write."""
        if self.read(path) is not None:
            return False
        name = uuid.uuid4().hex
        self.write(f"{path}.claims/{name}", b"")
        time.sleep(SETTLE_S)
        first = next(iter(self.list_files(f"{path}.claims")))
        if not first.endswith(name) or self.read(path) is not None:
            return False
        self.write(path, content)
        return True

    def _ask(self, doing: str, path: str, request: Callable[[], Answer]) -> Answer:
        return _send(f"{doing} {self.address}/{path}", request)


def _send(request_name: str, request: Callable[[], Answer]) -> Answer:
    """Send a request and return the store's answer; after a refusal that may pass it is sent again."""
    from obstore.exceptions import BaseError

    rest = FIRST_REST_S
    for turn in range(TRIES):
        try:
            return request()
        except FileNotFoundError:
            raise
        except (BaseError, OSError) as error:
            reason = _reason(error)
            if turn + 1 == TRIES or not _may_pass(reason):
                raise StoreError(f"cannot {request_name}: {_with_advice(reason)}") from None
        time.sleep(rest)
        rest *= 2
    raise AssertionError("every turn returns or raises")


def _stamp(entry: Mapping[str, Any]) -> Stamp:
    """Size and ETag, whose quotation marks Azure leaves out in a listing."""
    return entry["size"], (entry["e_tag"] or "").strip('"')


def is_address(out: str) -> bool:
    """Whether ``out`` names an object store, and no folder.

    Raises:
        ArgumentError: it is an address of another kind, of which a folder would be made.
    """
    scheme, sign, place = out.partition("://")
    if scheme in SCHEMES and sign and not place.strip("/") and scheme != "memory":
        raise ArgumentError(f"--out {out}: must name a bucket and a folder in it, as in {scheme}://BUCKET/FOLDER")
    slip = re.match(r"([A-Za-z][A-Za-z0-9+.-]+):/*", out) if not sign else None
    if slip and slip[1].lower() in SCHEMES:
        address = f"{slip[1].lower()}://{out[slip.end() :]}"
        raise ArgumentError(f"--out {out}: an address has two slashes; write {address}, or ./{out} for a folder")
    if (sign and scheme not in SCHEMES) or (slip and slip[0].endswith("/")):
        kinds = ", ".join(f"{known}://" for known in SCHEMES)
        raise ArgumentError(f"--out {out}: must be a folder, or an address that begins with one of {kinds}")
    return bool(sign)


def _open_store(address: str) -> Any:
    try:
        from obstore.exceptions import BaseError
        from obstore.store import MemoryStore, from_url
    except ModuleNotFoundError:
        raise ArgumentError(f"--out {address} needs obstore; pip install 'hardiness[objects]'") from None
    if address.startswith("memory://"):
        return _MEMORY.setdefault(address, MemoryStore())
    scheme = address.partition("://")[0]
    _require_plain_keys(address, KEYS.get(scheme))
    variable, endpoint = next(
        ((name, value) for name in ENDPOINTS[scheme] if (value := os.environ.get(name))), ("", "")
    )
    if variable == EMULATED and "://" not in endpoint:
        endpoint = f"http://{endpoint}"  # as Google's tools take it
    plain = endpoint.startswith("http://")
    client = {"allow_http": plain, "connect_timeout": CONNECT_TIMEOUT, "timeout": TIMEOUT}
    config = {}
    if variable == EMULATED:
        no_account = {"client_email": "", "private_key": "", "private_key_id": ""}
        config = {"service_account_key": json.dumps({"gcs_base_url": endpoint, "disable_oauth": True, **no_account})}
    try:
        # The client's own tries are few: ours know what may pass, and say which object it was.
        return from_url(address, config=config, client_options=client, retry_config={"max_retries": 1})
    except (BaseError, ValueError, TypeError) as error:
        raise ArgumentError(f"--out {address}: {_with_advice(_reason(error))}") from None


def _require_plain_keys(address: str, prefix: str | None) -> None:
    """Raise where a variable of the store holds a line break or the like: the client would panic over it."""
    for name, value in os.environ.items():
        if prefix and name.startswith(prefix) and not value.isprintable():
            raise ArgumentError(
                f"--out {address}: {name} must be one line of printable characters, and holds a line break or another "
                "control character; set it anew, without the end of the line that it was copied from"
            )


def _reason(error: BaseException) -> str:
    """The first line of a store's error, without what it says for debugging."""
    return str(error).strip().partition("\n")[0] or type(error).__name__


def _with_advice(reason: str) -> str:
    """Advice on a refusal, and the end of the store's answer: what stands before that is the request."""
    advice = next((text for signs, text in ADVICE.items() if any(sign in reason for sign in signs)), "")
    answer = reason.rpartition(" - ")[2]
    answer = answer if len(answer) <= LONGEST_ANSWER else f"{answer[:LONGEST_ANSWER]}…"
    return f"{advice} ({answer})" if advice else answer


def _may_pass(reason: str) -> bool:
    """Whether a refusal is one of the moment: a conflict of two writers, an overloaded server, a lost connection."""
    return "RequestTimeTooSkewed" not in reason and bool(PASSING.search(reason))
