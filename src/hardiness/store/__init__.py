"""Run folders: atomic writes, proofs, resume, listing; knows no metric."""

from typing import TYPE_CHECKING

from hardiness.core.doors import door

if TYPE_CHECKING:
    from hardiness.store.store import Store
else:
    __getattr__, __dir__ = door(__name__)

__all__ = [
    "Store",
]
