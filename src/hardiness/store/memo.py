"""A memo of what was computed from stored rows: computed once, and again where they have changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import Any, TypeVar

from hardiness.core.condition import Condition
from hardiness.core.errors import StoreError
from hardiness.core.forms import from_json, json_form
from hardiness.core.memory import return_freed_memory
from hardiness.core.table import ImageTable
from hardiness.store import tables
from hardiness.store.files import Files
from hardiness.store.shards import index_of

FOLDER = "scored"
"""``<run>/scored/``: may be deleted at any time; it is then computed again."""

VALUES = f"{FOLDER}/memo.jsonl"
"""The file of small values. Its first line is the SHA-256 of the second, which has the key of each part and, by name,
the digest that a value follows from and the value."""

Record = TypeVar("Record")

Stamp = list[int | str]
Stamps = dict[str, Stamp]
"""Size in bytes, and time of change or ETag, of files by name: they tell whether a file is as it was."""


class Memo:
    """Values by name, each computed once and read from then on, until what it was computed from changes.

    Small ones stand together in one file, each image table in a file of its own. What is damaged is computed anew;
    where nothing can be written, nothing is kept; where two processes keep values at once, those of one may be lost,
    and are computed again.

    Args:
        files: of the output folder.
        folder: of the run beside whose rows it is.
        conditions: of the run.
        key: digest of what all its values follow from: under another one they are dropped.
        part: of the file; the values of each part have a key of their own.
        trusted: take values whatever they are of, and keep none: for those that cannot be computed here.
        anew: take nothing that was kept.
    """

    def __init__(
        self,
        files: Files,
        folder: str,
        conditions: Sequence[Condition],
        key: str,
        part: str,
        trusted: bool = False,
        anew: bool = False,
    ) -> None:
        self._files, self._folder, self._conditions = files, folder, tuple(conditions)
        self._key, self._part, self._trusted, self._anew = key, part, trusted, anew
        self._code, self._changed = "", False

    @contextmanager
    def of_code(self, code: str) -> Iterator[None]:
        """Let values follow from code with that hash, too, within; where it is empty, from none outside the key."""
        before, self._code = self._code, code
        try:
            yield
        finally:
            self._code = before

    def value(self, name: str, digest: str, compute: Callable[[], Any]) -> Any:
        """The JSON value of that name, which follows from the memo's key and from what has that digest."""
        digest = f"{digest} {self._code}".rstrip()
        former, value = self._values.get(name, (None, None))
        return value if former == digest else self.put(name, digest, compute())

    def record(self, kind: type[Record], name: str, digest: str, compute: Callable[[], Record]) -> Record:
        """The value of that name, of a type that has a JSON form: as it is computed, or read from what was kept.

        Args:
            kind: its type, as a field would have it: ``list[Score]`` as well.
            name: of the value.
            digest: of what it follows from beside the memo's key.
            compute: makes it.

        Raises:
            StoreError: what was kept is of another form.
        """
        digest = f"{digest} {self._code}".rstrip()
        former, form = self._values.get(name, (None, None))
        if former == digest:
            return from_json(kind, form, name)
        value = compute()
        self._keep(name, digest, json_form(value))
        return value

    def put(self, name: str, digest: str, value: Any) -> Any:
        """Put a value in place of the one of that name; it is returned as JSON gives it back."""
        return self._keep(name, digest, json.loads(json.dumps(value)))

    def _keep(self, name: str, digest: str, form: Any) -> Any:
        self._values[name], self._changed = [digest, form], True
        return form

    def last(self, name: str) -> Any:
        """The value that was last kept under that name, whatever it is of; ``None`` where none was."""
        return self._values.get(name, ("", None))[1]

    def save(self) -> None:
        """Keep what was computed, where the folder can be written."""
        if self._changed and not self._trusted:
            with suppress(StoreError):
                parts = self._parts()  # others of this process, or of another, may have kept more meanwhile
                parts[self._part] = [self._key, self._of_key(parts) | self._values]
                content = json.dumps(parts).encode()
                self._files.write(f"{self._folder}/{VALUES}", _hash(content) + b"\n" + content)
                self._changed = False

    def table(
        self,
        name: str,
        facts: Mapping[str, Any],
        shards: Stamps,
        make: Callable[[Sequence[str]], Sequence[ImageTable]],
        damaged: Collection[str] = (),
    ) -> ImageTable:
        """An image table: what was kept, joined with what is made of the shards that have come since.

        Args:
            name: of its file.
            facts: what it is of beside the shards, as a JSON object.
            shards: those that there are.
            make: gives tables of the shards of these names.
            damaged: shards that could not be read, as far as ``make`` has come: the next table tries them again.
        """
        former, made_of = None if self._anew else self._kept_table(name, facts, shards), {}
        if former is not None:
            made_of = former[1]
            if made_of == shards:
                return former[0]
        parts = [*([former[0]] if former else []), *make([shard for shard in shards if shard not in made_of])]
        table = ImageTable.join(parts) if parts else ImageTable.empty(self._conditions)
        del parts, former  # as large as the table
        return_freed_memory()
        sound = {shard: stamp for shard, stamp in shards.items() if shard not in damaged}
        if len(table) and sound != made_of:
            with suppress(StoreError):
                self._files.write(self._path(name), tables.encode_table(table, {**facts, "shards": sound}))
        return table

    def columns(self, name: str, facts: Mapping[str, Any], shards: Stamps, columns: Sequence[str]) -> ImageTable | None:
        """A kept table with ``right`` and these columns alone; ``None`` where none is of exactly these shards."""
        content = None if self._anew else self._content(self._path(name))
        if content and tables.describe(content) == {**facts, "shards": shards}:
            with suppress(StoreError):
                return tables.read_table(content, self._path(name), self._conditions, columns)
        return None

    def _kept_table(self, name: str, facts: Mapping[str, Any], shards: Stamps) -> tuple[ImageTable, Stamps] | None:
        """The table that was kept and the shards it was made of, where all of these are as they were.

        ``None`` too where a new file is another part of a shard that it covers: made anew, the first file's rows count
        whenever they were read.
        """
        content = self._content(self._path(name))
        described = tables.describe(content)
        made_of: Stamps = described.pop("shards", {})
        if not made_of or described != facts or any(shards.get(shard) != stamp for shard, stamp in made_of.items()):
            return None
        covered = set(map(index_of, made_of))
        if any(index_of(shard) in covered for shard in shards if shard not in made_of):
            return None
        with suppress(StoreError):
            return tables.read_table(content, self._path(name), self._conditions), made_of
        return None

    def _path(self, name: str) -> str:
        return f"{self._folder}/{FOLDER}/{name}.parquet"

    def _content(self, path: str) -> bytes:
        """The bytes of a file; none where there is none that can be read."""
        with suppress(StoreError):
            return self._files.read(path) or b""
        return b""

    @cached_property
    def _values(self) -> dict[str, Any]:
        return {} if self._anew else self._of_key(self._parts())

    def _of_key(self, parts: Mapping[str, Any]) -> dict[str, Any]:
        key, values = parts.get(self._part, ("", {}))
        return dict(values) if self._trusted or key == self._key else {}

    def _parts(self) -> dict[str, Any]:
        """The key and values of each part of the file; empty where it is absent or not what was written."""
        check, _, content = self._content(f"{self._folder}/{VALUES}").partition(b"\n")
        return dict(json.loads(content)) if check == _hash(content) else {}


def _hash(content: bytes) -> bytes:
    return f'"{hashlib.sha256(content).hexdigest()}"'.encode()
