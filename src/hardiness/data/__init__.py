"""Data sets on disk, in archives and in packages: find, check, iterate."""

from hardiness.data.cells import CorruptedCopies
from hardiness.data.classes import class_name, subset, wnids
from hardiness.data.order import limited
from hardiness.data.root import locate
from hardiness.data.videos import PerturbedCopies

__all__ = ["CorruptedCopies", "PerturbedCopies", "class_name", "limited", "locate", "subset", "wnids"]
