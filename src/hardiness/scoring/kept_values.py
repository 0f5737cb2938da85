"""What was computed of a run's rows, as JSON values kept beside its shards."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from hardiness.core import StoreError
from hardiness.store import StoredRun
from hardiness.store.files import parsed

FOLDER = "scored"
"""``<run>/scored/``: may be deleted at any time; it is then computed again."""

SCORES = f"{FOLDER}/scores.json"


class KeptValues:
    """Values by name, each computed once and read from then on.

    Args:
        stored: the run that they are of.
        digest: of everything that they follow from; values under another one are not taken.
        trusted: take them whatever they follow from, and keep nothing: for cards that are not installed here.
        anew: take nothing that was kept.
    """

    def __init__(self, stored: StoredRun, digest: str, *, trusted: bool = False, anew: bool = False) -> None:
        self._stored, self._digest, self._trusted = stored, digest, trusted
        self._known: dict[str, Any] = {} if anew else self._read()
        self._changed = False

    def value(self, name: str, of: str, compute: Callable[[], Any]) -> Any:
        """The value of that name, which follows from the run's rows and from what ``of`` is the digest of."""
        kept = self._known.get(name)
        if kept is None or kept["of"] != of:
            kept = {"of": of, "value": json.loads(json.dumps(compute()))}
            self._known[name] = kept
            self._changed = True
        return kept["value"]

    def last(self, name: str) -> Any:
        """The value that was kept under that name, whatever it follows from; ``None`` where none was."""
        return self._known.get(name, {}).get("value")

    def save(self) -> None:
        """Keep what was computed, where the folder can be written."""
        if not self._changed or self._trusted:
            return
        with suppress(StoreError):
            kept = {"digest": self._digest, "check": digest_of(self._known), "known": self._known}
            content = json.dumps(kept) + "\n"
            self._stored.keep(SCORES, content.encode())
            self._changed = False

    def _read(self) -> dict[str, Any]:
        """What was kept; nothing where it is absent, follows from something else, or cannot be read."""
        with suppress(StoreError):
            found = parsed(self._stored.content(SCORES), f"{self._stored.place}/{SCORES}")
            if not isinstance(found, dict) or found.get("check") != digest_of(found.get("known")):
                return {}
            if self._trusted or found.get("digest") == self._digest:
                return dict(found["known"])
        return {}


def digest_of(value: Any) -> str:
    """16 hexadecimal digits over a JSON value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]
