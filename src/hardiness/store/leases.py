"""Leases: who is at work on what, so that nobody does it twice; they save work and decide nothing."""

from __future__ import annotations

import json
import os
import platform
import time
from dataclasses import dataclass, field

from hardiness.store.files import Files

FOLDER = ".leases"

LENGTH_S = float(os.environ.get("HARDINESS_LEASE_S", "300"))
"""How long a lease holds. Work that takes longer may be begun by another too, which costs time and changes nothing."""


@dataclass(frozen=True)
class Leases:
    """The leases of one output folder.

    Attributes:
        files: of the output folder.
        length_s: how long one taken now holds.
        holder: who takes them.
        seen: when, by this process's own clock, it first saw each lease of somebody else.
    """

    files: Files
    length_s: float = LENGTH_S
    holder: str = field(default_factory=lambda: f"{platform.node()}-{os.getpid()}")
    seen: dict[tuple[str, bytes], float] = field(default_factory=dict, compare=False, repr=False)

    def take(self, name: str) -> bool:
        """Whether the lease of that name is this holder's now: nobody had it, or it had run out.

        Raises:
            StoreError: disk full or no permission.
        """
        content = json.dumps({"holder": self.holder, "until": time.time() + self.length_s}).encode()
        if self.files.create(f"{FOLDER}/{name}", content):
            return True
        if self.expires_in_s(name) > 0:
            return False
        self.files.write(f"{FOLDER}/{name}", content)
        return True

    def expires_in_s(self, name: str) -> float:
        """Seconds until a lease runs out; 0 where there is none or it cannot be read.

        However far its holder's clock is ahead, it holds no longer than its length after it was first seen here.
        """
        try:
            content = self.files.read(f"{FOLDER}/{name}") or b"{}"
            found = json.loads(content)
            left = float(found["until"]) - time.time() if found["holder"] != self.holder else 0.0
        except (TypeError, KeyError, ValueError):
            return 0.0
        now = time.monotonic()
        return min(left, self.length_s - (now - self.seen.setdefault((name, content), now)))

    def give_back(self, name: str) -> None:
        """End a lease, where it still is this holder's or has run out."""
        if self.expires_in_s(name) <= 0:
            self.files.remove(f"{FOLDER}/{name}")
