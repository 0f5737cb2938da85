"""What goes to the decoding threads, and what comes back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hardiness.core import Expansion, Item, Unreadable

Pictures = Sequence[Expansion | Unreadable]
"""What one item was expanded to."""


@dataclass(frozen=True)
class Job:
    """One item to decode, the conditions that some model misses, and whether it ends its shard."""

    shard: int
    item: Item
    conditions: tuple[int, ...]
    ends_shard: bool
