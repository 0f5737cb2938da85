"""Where an output folder's files are: on a disk or in an object store; each write is whole or not at all."""

from __future__ import annotations

import errno
import json
import os
import re
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol, TypeVar

from hardiness.core.errors import ArgumentError, StoreError
from hardiness.core.forms import json_form
from hardiness.core.whole_files import whole_file
from hardiness.sources.files import read_regular, shown
from hardiness.sources.locks import LockedError, file_lock

THREADS = 16

Given = TypeVar("Given")
Outcome = TypeVar("Outcome")


def in_parallel(work: Callable[[Given], Outcome], given: Sequence[Given]) -> list[Outcome]:
    """The outcomes in the order of what was given; raises what the first of them raised."""
    if len(given) < 2:
        return [work(each) for each in given]
    with ThreadPoolExecutor(min(THREADS, len(given)), thread_name_prefix="together") as threads:
        return list(threads.map(work, given))


PARTIAL = ".partial"
"""Folder for files being written; beside ``records/``, on the same file system, so that renaming is atomic."""


@contextmanager
def file_errors(path: Path, doing: str) -> Iterator[None]:
    """Turn an error of the operating system into a `StoreError` that names the file and says what to do.

    Raises:
        StoreError: disk full, no permission, or any other refusal.
    """
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            advice = "the disk is full; free some space and run the same command again: finished shards are kept"
        elif error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            advice = "permission denied; choose another folder or change its permissions"
        elif error.errno in (errno.ENOTDIR, errno.EEXIST):
            advice = "a file stands where a folder must be; choose another folder"
        else:
            advice = error.strerror or str(error)
        raise StoreError(f"cannot {doing} {path}: {advice}") from error


def write(path: Path, content: bytes, partial: Path) -> None:
    """Write ``content`` to ``path`` so that a reader sees the old file or the new one, never a part.

    Args:
        path: the file; its folder is made.
        content: all of its bytes.
        partial: folder for the temporary file, on the same file system.

    Raises:
        StoreError: disk full, no permission; the message says so and names the file.
    """
    temporary = partial / f"{os.getpid()}-{threading.get_ident()}-{path.name}"
    with file_errors(path, "write"):
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.mkdir(parents=True, exist_ok=True)
        with whole_file(path, temporary):
            fill(temporary, content)


def fill(path: Path, content: bytes) -> None:
    """Put ``content`` into a new file and wait until it is on the disk; a link of that name is not followed."""
    path.unlink(missing_ok=True)
    with path.open("xb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def refuse_links(path: Path, folder: Path) -> None:
    """Raise where the way from a folder to a path below it leads through a link.

    Raises:
        StoreError: naming the link.
    """
    for step in (path, *path.parents):
        if step == folder:
            return
        if step.is_symlink():
            raise StoreError(f"{step} must not be a link, since what it leads to would be overwritten; remove it")


def as_json(value: Any) -> bytes:
    """The bytes of a JSON document, indented, in the order given; dataclasses have their `json_form`."""
    return (json.dumps(value, indent=1, allow_nan=False, default=json_form) + "\n").encode()


def write_json(path: Path, value: Any, partial: Path) -> None:
    """`write` of a JSON document, indented, in the order given.

    Raises:
        StoreError: as `write`.
    """
    write(path, as_json(value), partial)


def read_json(path: Path) -> Any:
    """The value of a JSON document.

    Raises:
        StoreError: it cannot be read or is not JSON; the message names it.
    """
    with file_errors(path, "read"):
        content = path.read_bytes()
    return parsed(content, str(path))


def parsed(content: bytes, place: str) -> Any:
    """The value of a JSON document's bytes.

    Raises:
        StoreError: they are not JSON; the message names ``place``.
    """
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise StoreError(
            f"{place} is not valid JSON ({shown(str(error))}); restore it, or delete it and run again"
        ) from error


MAX_BYTES = 1 << 30
"""The largest file that is read whole: a thousand times what a unit's rows take."""

CLAIM_S, CLAIM_REST_S = 10.0, 0.02
"""How long a claim to a name counts whose holder does not end it, and how often others look."""

_NO_LINKS = {errno.EPERM, errno.EACCES, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EMLINK, errno.EXDEV}
"""What file systems without hard links answer; where it is a lack of permission, to rename fails as well."""

Stamp = tuple[int, str]
"""Size of a file in bytes, and what changes with its content: time of modification, or an object's ETag."""

KINDS = (".parquet", ".json")
"""How names of files end: a folder of such a name stands in the place of one."""


class Files(Protocol):
    """Files by their path below one place, with ``/`` between folders."""

    @property
    def address(self) -> str:
        """Where the place is, as a person would type it."""
        ...

    @property
    def conditional(self) -> bool:
        """Whether `create` is one request; where the place cannot put a file on condition it takes a second."""
        ...

    @property
    def at_once(self) -> int:
        """How many files are best on their way to it at one time."""
        ...

    def listed(self, folder: str, after: str = "") -> Mapping[str, Stamp]:
        """Every file below a folder, by its path below the place, sorted; empty where there is no such folder.

        Args:
            folder: below the place.
            after: only paths below the folder that come after this one in order.
        """
        ...

    def folders(self, folder: str) -> list[str]:
        """Names of the folders directly in a folder, sorted; what is in them is not looked at."""
        ...

    def read(self, path: str) -> bytes | None:
        """All bytes of a file; ``None`` where there is none.

        Raises:
            StoreError: it cannot be read.
        """
        ...

    def read_all(self, paths: Sequence[str]) -> Mapping[str, bytes | None]:
        """The same of several files by path, read many at a time; raises what `read` raises."""
        ...

    def write(self, path: str, content: bytes) -> None:
        """Put a file there, or in place of the one that is there; a reader sees the old one or the new one, whole.

        Raises:
            StoreError: it cannot be written; the message says why and names it.
        """
        ...

    def create(self, path: str, content: bytes) -> bool:
        """Put a file there unless there is one; whether it was put. Of several at the same time one succeeds.

        Raises:
            StoreError: it cannot be written.
        """
        ...

    def has(self, path: str) -> bool:
        """Whether there is a file."""
        ...

    def stamp(self, path: str) -> Stamp | None:
        """What `listed` would tell of one file; ``None`` where there is none."""
        ...

    def move(self, path: str, to: str) -> None:
        """Give a file another path; nothing where another process has taken it away."""
        ...

    def remove(self, path: str) -> None:
        """Take a file away, if it is there."""
        ...

    def remove_all(self, paths: Sequence[str]) -> None:
        """The same of several files, many at a time."""
        ...


@dataclass(frozen=True)
class LocalFiles:
    """Files in a folder of a disk."""

    folder: Path

    @property
    def conditional(self) -> bool:
        """A link is not made over a file, nor is a claim without links."""
        return True

    def has_links(self) -> bool:
        """Whether a file can have a second name; some network mounts refuse that.

        The file is the caller's own: another process that opens the folder meanwhile takes none of it away.
        """
        file = self._temporary(self.folder / "name")
        twin = self._temporary(self.folder / "second name")
        with file_errors(twin, "write"):
            try:
                twin.unlink(missing_ok=True)
                file.touch()
                return _linked(file, twin)
            finally:
                twin.unlink(missing_ok=True)
                file.unlink(missing_ok=True)

    @property
    def at_once(self) -> int:
        """A disk does not wait, and each thread that writes keeps memory of its own."""
        return 1

    @property
    def address(self) -> str:
        """The folder's path."""
        return str(self.folder)

    def listed(self, folder: str, after: str = "") -> Mapping[str, Stamp]:
        """Links to folders are not followed. What is no file is listed too, and an error when read."""
        found: dict[str, Stamp] = {}
        self._list(folder, found)
        first = f"{folder}/{after}" if folder else after
        return {path: stamp for path, stamp in sorted(found.items()) if not after or path > first}

    def folders(self, folder: str) -> list[str]:
        """Links to folders are not followed."""
        with file_errors(self.folder / folder, "list"):
            try:
                entries = list(os.scandir(self.folder / folder))
            except FileNotFoundError:
                return []
            return sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))

    def read(self, path: str) -> bytes | None:
        """FIFOs, devices and what links lead to outside of the folder are not opened."""
        target = self.folder / path
        with file_errors(target, "read"):
            if self._leads_out(path):
                raise StoreError(f"{target} is a link that leads out of {self.folder}, and is not read; remove it")
            try:
                return read_regular(target, MAX_BYTES)
            except FileNotFoundError:
                return None

    def read_all(self, paths: Sequence[str]) -> Mapping[str, bytes | None]:
        """One after the other: to begin a thread takes longer than to read a small file."""
        return {path: self.read(path) for path in paths}

    def write(self, path: str, content: bytes) -> None:
        """Written beside, then renamed."""
        target = self.folder / path
        with file_errors(target, "write"):
            temporary = self._temporary(target)
            with whole_file(target, temporary):
                fill(temporary, content)

    def create(self, path: str, content: bytes) -> bool:
        """Written beside, then linked to the name, which fails where it is taken.

        Where there are no hard links it is renamed by whoever holds the claim to the name, unless the name is taken.
        """
        target = self.folder / path
        with file_errors(target, "write"):
            temporary = self._temporary(target)
            try:
                fill(temporary, content)
                return _linked(temporary, target) or self._renamed(temporary, target)
            except FileExistsError:
                return False
            finally:
                temporary.unlink(missing_ok=True)

    def has(self, path: str) -> bool:
        return (self.folder / path).exists()

    def stamp(self, path: str) -> Stamp | None:
        with file_errors(self.folder / path, "look for"):
            try:
                status = (self.folder / path).stat()
            except FileNotFoundError:
                return None
        return status.st_size, str(status.st_mtime_ns)

    def move(self, path: str, to: str) -> None:
        with file_errors(self.folder / path, "move"):
            refuse_links((self.folder / to).parent, self.folder)
            (self.folder / to).parent.mkdir(parents=True, exist_ok=True)
            try:
                (self.folder / path).replace(self.folder / to)
            except FileNotFoundError:
                return

    def remove(self, path: str) -> None:
        with file_errors(self.folder / path, "remove"):
            (self.folder / path).unlink(missing_ok=True)

    def remove_all(self, paths: Sequence[str]) -> None:
        in_parallel(self.remove, paths)

    def _leads_out(self, path: str) -> bool:
        """Whether a link on the way to a file leads out of the folder; mostly there is none, which is soon known."""
        step, names = str(self.folder), path.split("/")
        for name in names:
            step = f"{step}/{name}"
            if name == ".." or os.path.islink(step):
                return not Path(os.path.realpath(self.folder / path)).is_relative_to(os.path.realpath(self.folder))
        return False

    def _list(self, folder: str, found: dict[str, Stamp]) -> None:
        with file_errors(self.folder / folder, "list"):
            try:
                entries = list(os.scandir(self.folder / folder))
            except FileNotFoundError:
                return
        for entry in entries:
            path = f"{folder}/{entry.name}" if folder else entry.name
            if entry.is_dir(follow_symlinks=False) and not entry.name.endswith(KINDS):
                self._list(path, found)
            else:
                with suppress(FileNotFoundError):  # another process has taken it away since
                    status = entry.stat(follow_symlinks=False)
                    found[path] = (status.st_size, str(status.st_mtime_ns))

    def _renamed(self, temporary: Path, target: Path) -> bool:
        """Whether a written file has got its name, which nobody had: asked and renamed under a claim to that name.

        A claim is a file that only one can make. One that a killed process has left counts for `CLAIM_S`, by the clock
        of the file system.
        """
        name = sha256(str(target.relative_to(self.folder)).encode("utf-8", "surrogateescape")).hexdigest()[:32]
        claim = temporary.with_name(f"claim-{name}")
        while True:
            try:
                claim.open("xb").close()
                break
            except FileExistsError:
                with suppress(FileNotFoundError):
                    if temporary.stat().st_mtime - claim.stat().st_mtime > CLAIM_S:
                        claim.unlink()
                time.sleep(CLAIM_REST_S)
                temporary.touch()
        try:
            if os.path.lexists(target):
                return False
            temporary.replace(target)
            return True
        finally:
            claim.unlink(missing_ok=True)

    def _temporary(self, target: Path) -> Path:
        """A file for one write, in a folder on the same file system, so that renaming is atomic."""
        partial = self.folder / PARTIAL
        temporary = partial / f"{os.getpid()}-{threading.get_ident()}-{target.name[:100]}"
        refuse_links(temporary, self.folder)
        refuse_links(target, self.folder)
        refuse_special(target)
        partial.mkdir(parents=True, exist_ok=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        return temporary


def _linked(file: Path, twin: Path) -> bool:
    """Whether a file has got a second name; ``False`` where its file system gives none.

    Raises:
        FileExistsError: the name is taken.
    """
    try:
        os.link(file, twin)
    except OSError as error:
        if error.errno in _NO_LINKS:
            return False
        raise
    return True


def refuse_special(path: Path) -> None:
    """Raise where something else than a file stands in a file's place.

    Raises:
        StoreError: naming it.
    """
    if path.exists() and not path.is_file():
        raise StoreError(f"{path} must be a file that can be replaced, and is a folder, a device or a FIFO")


SCHEMES = ("s3", "gs", "az", "memory")

TRIES, FIRST_REST_S = 6, 0.25
"""Of a request that a server refuses for the moment; each rest is twice the one before."""

CONNECT_TIMEOUT, TIMEOUT = "5s", "30s"
"""Of a connection, and of a request: a server that says nothing for so long is asked again."""

EMULATED = "STORAGE_EMULATOR_HOST"
"""Where Google's own tools look for a server that stands in for Google's; nothing is signed for it."""

ENDPOINTS = {
    "s3": ("AWS_ENDPOINT_URL",),
    "gs": ("GOOGLE_BASE_URL", EMULATED),
    "az": ("AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT"),
}
"""Variables that name another server than the cloud's own; only for one that begins with http:// that is allowed."""

KEYS = {"s3": "AWS_", "az": "AZURE_"}
"""How the variables begin that a store's keys and places come from; Google's may hold a whole file of several lines."""

SETTLE_S = 1.0
"""How long a claim is left to be seen by others, where a store cannot put an object on condition."""

AT_ONCE = 8
"""Files on their way at one time: the parts of a unit end together, one a model, and each waits for its answer."""

_MEMORY: dict[str, Any] = {}
"""Stores of ``memory://``, by address: they live as long as the process."""

Answer = TypeVar("Answer")


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
        self._store = _opened(self.address)
        self.conditional, self.at_once = True, AT_ONCE
        probe = f".probe-{uuid.uuid4().hex}"
        try:
            self.create(probe, b"")
            self.conditional = not self.create(probe, b"")
            self.remove(probe)
        except StoreError as error:
            raise ArgumentError(f"--out {address}: {error}") from None

    def listed(self, folder: str, after: str = "") -> Mapping[str, Stamp]:
        """One listing, however many objects there are."""
        import obstore

        prefix = f"{folder}/" if folder else None
        first = f"{prefix or ''}{after}" if after else None
        pages = self._ask("list", folder, lambda: list(obstore.list(self._store, prefix=prefix, offset=first)))
        found = {entry["path"]: _stamp(entry) for page in pages for entry in page}
        return dict(sorted(found.items()))

    def folders(self, folder: str) -> list[str]:
        """One listing up to the next ``/``."""
        import obstore

        found = self._ask("list", folder, lambda: obstore.list_with_delimiter(self._store, prefix=f"{folder}/"))
        return sorted(prefix.rstrip("/").rpartition("/")[2] for prefix in found["common_prefixes"])

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
        found = self._head(path)
        return _stamp(found) if found else None

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
            found: Mapping[str, Any] = self._ask("look for", path, lambda: obstore.head(self._store, path))
        except FileNotFoundError:
            return None
        return found

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
        """`create` by claims: each that wants the path puts one beside it, waits, and the first in order may write."""
        if self.read(path) is not None:
            return False
        name = uuid.uuid4().hex
        self.write(f"{path}.claims/{name}", b"")
        time.sleep(SETTLE_S)
        first = next(iter(self.listed(f"{path}.claims")))
        if not first.endswith(name) or self.read(path) is not None:
            return False
        self.write(path, content)
        return True

    def _ask(self, doing: str, path: str, request: Callable[[], Answer]) -> Answer:
        return _answer(f"{doing} {self.address}/{path}", request)


def _answer(what: str, request: Callable[[], Answer]) -> Answer:
    """A store's answer; a refusal that may pass is asked again, any other becomes one line."""
    from obstore.exceptions import BaseError

    rest = FIRST_REST_S
    for turn in range(TRIES):
        try:
            return request()
        except FileNotFoundError:
            raise
        except (BaseError, OSError) as error:
            told = _reason(error)
            if turn + 1 == TRIES or not _may_pass(told):
                raise StoreError(f"cannot {what}: {_advised(told)}") from None
        time.sleep(rest)
        rest *= 2
    raise AssertionError("every turn returns or raises")


def _stamp(found: Mapping[str, Any]) -> Stamp:
    """Size and ETag, whose quotation marks Azure leaves out in a listing."""
    return found["size"], (found["e_tag"] or "").strip('"')


def is_address(out: str) -> bool:
    """Whether ``out`` names an object store, and no folder.

    Raises:
        ArgumentError: it is an address of another kind, of which a folder would be made.
    """
    scheme, sign, _ = out.partition("://")
    slip = re.match(r"([A-Za-z][A-Za-z0-9+.-]+):/*", out) if not sign else None
    if slip and slip[1].lower() in SCHEMES:
        meant = f"{slip[1].lower()}://{out[slip.end() :]}"
        raise ArgumentError(f"--out {out}: an address has two slashes; write {meant}, or ./{out} for a folder")
    if (sign and scheme not in SCHEMES) or (slip and slip[0].endswith("/")):
        kinds = ", ".join(f"{each}://" for each in SCHEMES)
        raise ArgumentError(f"--out {out}: must be a folder, or an address that begins with one of {kinds}")
    return bool(sign)


def _opened(address: str) -> Any:
    try:
        from obstore.exceptions import BaseError
        from obstore.store import MemoryStore, from_url
    except ModuleNotFoundError:
        raise ArgumentError(f"--out {address} needs obstore; pip install 'hardiness[objects]'") from None
    if address.startswith("memory://"):
        return _MEMORY.setdefault(address, MemoryStore())
    scheme = address.partition("://")[0]
    _require_plain_keys(address, KEYS.get(scheme))
    named, endpoint = next(((name, at) for name in ENDPOINTS[scheme] if (at := os.environ.get(name))), ("", ""))
    if named == EMULATED and "://" not in endpoint:
        endpoint = f"http://{endpoint}"  # as Google's tools take it
    plain = endpoint.startswith("http://")
    client = {"allow_http": plain, "connect_timeout": CONNECT_TIMEOUT, "timeout": TIMEOUT}
    config = {}
    if named == EMULATED:
        nobody = {"client_email": "", "private_key": "", "private_key_id": ""}
        config = {"service_account_key": json.dumps({"gcs_base_url": endpoint, "disable_oauth": True, **nobody})}
    try:
        # The client's own tries are few: ours know what may pass, and say which object it was.
        return from_url(address, config=config, client_options=client, retry_config={"max_retries": 1})
    except (BaseError, ValueError, TypeError) as error:
        raise ArgumentError(f"--out {address}: {_advised(_reason(error))}") from None


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
"""What to do about a refusal, by signs of it in what the store says; the first that fits counts."""

LONGEST_SAID = 200


def _advised(told: str) -> str:
    """What a person can do, and the end of what the store said: what stands before it is the request."""
    advice = next((text for signs, text in ADVICE.items() if any(sign in told for sign in signs)), "")
    said = told.rpartition(" - ")[2]
    said = said if len(said) <= LONGEST_SAID else f"{said[:LONGEST_SAID]}…"
    return f"{advice} ({said})" if advice else said


PASSING = re.compile(r"code: (409|429|5\d\d)|409 Conflict|timed out|connection|error sending request")


def _may_pass(told: str) -> bool:
    """Whether a refusal is one of the moment: a conflict of two writers, an overloaded server, a lost connection."""
    return "RequestTimeTooSkewed" not in told and bool(PASSING.search(told))


WAIT_S = 60.0
"""How long a folder's lock is waited for in all."""

LOCK, HOLDER = ".lock", ".lock-holder"


@contextmanager
def locked(folder: Path, tell: Callable[[str], None] | None = None, wait_s: float = WAIT_S) -> Iterator[None]:
    """Hold the folder's lock.

    Args:
        folder: an output folder on a disk, or a tree of pictures.
        tell: listener, after two seconds, who holds the lock; by default the log, which is standard error.
        wait_s: how long to wait for it.

    Raises:
        StoreError: somebody holds it longer than that; the message says who. Or the folder cannot be written to.
    """
    with ExitStack() as stack:
        try:
            with file_errors(folder, "lock"):
                refuse_links(folder / LOCK, folder)  # opening it empties it
                stack.enter_context(file_lock(folder / LOCK, str(folder), wait_s, tell))
        except LockedError as error:
            raise StoreError(str(error)) from None
        yield
