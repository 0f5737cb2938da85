"""Run keys, atomic writes, resume, listing; knows no metric."""

from hardiness.store.run import StoredRun
from hardiness.store.shards import Row
from hardiness.store.store import Store, run_key

__all__ = ["Row", "Store", "StoredRun", "run_key"]
