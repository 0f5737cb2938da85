"""Data sets on disk, in archives and in packages: find, check, iterate."""

from hardiness.data.conditions import CorruptedCopies, PerturbedCopies, unchanged
from hardiness.data.files import limited
from hardiness.data.root import locate

__all__ = ["CorruptedCopies", "PerturbedCopies", "limited", "locate", "unchanged"]
