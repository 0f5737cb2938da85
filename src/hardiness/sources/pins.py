"""Checksums of files whose publisher states none: those of the first download, kept to compare later ones with."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from hardiness.sources.downloads import cache_folder


def pinned(name: str) -> str:
    """The checksum that a file had when it was first fetched on this machine, as ``sha256:…``; else empty."""
    found = _read().get(name)
    checksum = found.get("checksum") if isinstance(found, dict) else None
    return checksum if isinstance(checksum, str) and checksum.startswith("sha256:") else ""


def pin(name: str, checksum: str, url: str) -> None:
    """Keep the checksum of a file that was fetched for the first time."""
    known = _read()
    known[name] = {"checksum": checksum, "url": url, "seen": datetime.now(UTC).date().isoformat()}
    path = pins_file()
    temporary = path.with_name(f"{path.name}.{os.getpid()}.part")
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")
        temporary.replace(path)


def pins_file() -> Path:
    """Where they are kept."""
    return cache_folder() / "checksums.json"


def _read() -> dict[str, object]:
    try:
        found = json.loads(pins_file().read_text())
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
