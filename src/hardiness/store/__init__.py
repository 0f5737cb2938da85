"""Run folders: atomic writes, proofs, resume, listing; knows no metric."""

from typing import TYPE_CHECKING

from hardiness.core import door

if TYPE_CHECKING:
    from hardiness.store.files import (
        PARTIAL,
        WAIT_S,
        Files,
        LocalFiles,
        as_json,
        file_errors,
        in_parallel,
        parsed,
        read_json,
        refuse_links,
        refuse_special,
        write,
    )
    from hardiness.store.manifest import Manifest, alone, refuse_strangers
    from hardiness.store.memo import Stamp, Stamps
    from hardiness.store.run import RunFolder, StoredRun, by_shard, last_began
    from hardiness.store.store import Store, surveyed
    from hardiness.store.tables import Row, file_name
else:
    __getattr__, __dir__ = door(__name__)

__all__ = [
    "PARTIAL",
    "WAIT_S",
    "Files",
    "LocalFiles",
    "Manifest",
    "Row",
    "RunFolder",
    "Stamp",
    "Stamps",
    "Store",
    "StoredRun",
    "alone",
    "as_json",
    "by_shard",
    "file_errors",
    "file_name",
    "in_parallel",
    "last_began",
    "parsed",
    "read_json",
    "refuse_links",
    "refuse_special",
    "refuse_strangers",
    "surveyed",
    "write",
]
