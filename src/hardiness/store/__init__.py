"""Run folders: atomic writes, proofs, resume, listing; knows no metric."""

from hardiness.store.files import WAIT_S
from hardiness.store.leases import Leases
from hardiness.store.run import Stamps, StoredRun, Survey
from hardiness.store.store import Store, surveyed
from hardiness.store.tables import Row

__all__ = ["WAIT_S", "Leases", "Row", "Stamps", "Store", "StoredRun", "Survey", "surveyed"]
