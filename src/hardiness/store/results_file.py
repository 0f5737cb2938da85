"""``results.json``: made of what is stored, so that it can be made again where it is damaged."""

from __future__ import annotations

from hardiness.core import SCHEMA, ArgumentError, StoreError
from hardiness.store import atomic
from hardiness.store.files import Files
from hardiness.store.run_folder import DAMAGED

RESULTS = "results.json"


def damage(files: Files) -> str:
    """A line where ``results.json`` is damaged, else nothing.

    Raises:
        ArgumentError: it is of another schema.
    """
    path, content = f"{files.address}/{RESULTS}", files.read(RESULTS)
    if content is None:
        return ""
    try:
        found = atomic.parsed(content, path)
    except StoreError as error:
        return str(error)
    schema = found.get("schema") if isinstance(found, dict) else None
    if not isinstance(schema, int):
        return f"{path} must say its schema, and does not; it is made again from what is stored"
    if schema != SCHEMA:
        raise ArgumentError(
            f"{path} has schema {schema!r}, and this version reads and writes {SCHEMA}; choose another --out"
        )
    return ""


def set_damage_aside(files: Files) -> list[str]:
    """Move a damaged ``results.json`` to ``damaged/``; the line that says so, or none.

    Raises:
        ArgumentError: it is of another schema.
        StoreError: it cannot be moved.
    """
    line = damage(files)
    if not line:
        return []
    aside = f"{DAMAGED}/{RESULTS}"
    files.move(RESULTS, aside)
    return [f"{line} (now {files.address}/{aside})"]
