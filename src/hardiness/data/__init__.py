"""Data sets on disk, in archives and in packages: find, check, iterate."""

from typing import TYPE_CHECKING

from hardiness.core.doors import door

if TYPE_CHECKING:
    from hardiness.data.conditions import CorruptedCopies as CorruptedCopies
    from hardiness.data.conditions import PerturbedCopies as PerturbedCopies
    from hardiness.data.embedded_photographs import embedded
    from hardiness.data.items import limited as limited
    from hardiness.data.root import as_own as as_own
    from hardiness.data.root import locate as locate
else:
    __getattr__, __dir__ = door(__name__)

__all__ = [
    "embedded",
]
