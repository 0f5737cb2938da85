"""Data sets on disk, in archives and in packages: find, check, iterate."""

from typing import TYPE_CHECKING

from hardiness.core import door

if TYPE_CHECKING:
    from hardiness.data.checking import KINDS, CheckReport, Depth, Fault, check, mend, places_to_check
    from hardiness.data.conditions import CorruptedCopies, PerturbedCopies
    from hardiness.data.files import IMAGE_SUFFIXES, limited
    from hardiness.data.getting import (
        NAME,
        ArchiveOutcome,
        DataInventory,
        Manner,
        get,
        import_validation,
        inventory,
        parse,
    )
    from hardiness.data.in_python import ModelClasses, from_python
    from hardiness.data.layouts.cue_conflict import OWN_CATEGORIES
    from hardiness.data.photographs import CLASSES, MANIFEST, pictures_at
    from hardiness.data.root import OWN, absolute_arguments, as_own, embedded, locate
else:
    __getattr__, __dir__ = door(__name__)

__all__ = [
    "CLASSES",
    "IMAGE_SUFFIXES",
    "KINDS",
    "MANIFEST",
    "NAME",
    "OWN",
    "OWN_CATEGORIES",
    "ArchiveOutcome",
    "CheckReport",
    "CorruptedCopies",
    "DataInventory",
    "Depth",
    "Fault",
    "Manner",
    "ModelClasses",
    "PerturbedCopies",
    "absolute_arguments",
    "as_own",
    "check",
    "embedded",
    "from_python",
    "get",
    "import_validation",
    "inventory",
    "limited",
    "locate",
    "mend",
    "parse",
    "pictures_at",
    "places_to_check",
]
