"""Run folders: atomic writes, proofs, resume, listing; knows no metric."""

from hardiness.store.leases import Leases
from hardiness.store.lock import WAIT_S
from hardiness.store.opening import Survey
from hardiness.store.run import StoredRun
from hardiness.store.run_folder import Stamps
from hardiness.store.shards import Row
from hardiness.store.store import Store, surveyed

__all__ = ["WAIT_S", "Leases", "Row", "Stamps", "Store", "StoredRun", "Survey", "surveyed"]
