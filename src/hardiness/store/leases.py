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
    """

    files: Files
    length_s: float = LENGTH_S
    holder: str = field(default_factory=lambda: f"{platform.node()}-{os.getpid()}")

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
        """Seconds until a lease runs out, never more than its length; 0 where there is none or it cannot be read."""
        try:
            found = json.loads(self.files.read(f"{FOLDER}/{name}") or b"{}")
            return min(float(found["until"]) - time.time(), self.length_s) if found["holder"] != self.holder else 0.0
        except (TypeError, KeyError, ValueError):
            return 0.0

    def give_back(self, name: str) -> None:
        """End a lease, where it still is this holder's or has run out."""
        if self.expires_in_s(name) <= 0:
            self.files.remove(f"{FOLDER}/{name}")
