"""Data sets on disk, in archives and in packages: find, check, iterate."""

from hardiness.data.changes import unchanged
from hardiness.data.corrupted_copies import CorruptedCopies
from hardiness.data.order import limited
from hardiness.data.root import locate
from hardiness.data.videos import PerturbedCopies

__all__ = ["CorruptedCopies", "PerturbedCopies", "limited", "locate", "unchanged"]
