"""Published parts of ImageNet's validation set, which benchmarks take by an option."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from hardiness.core.benchmark import DataSet
from hardiness.core.errors import DataError, UnknownNameError
from hardiness.reference import robustbench

SUBSETS = (robustbench.SUBSET,)

HELP = "robustbench: the leaderboard's 5,000 images; all if empty"


def check_subset(benchmark: str, subset: str) -> None:
    """Raise an error unless it is empty or the name of a subset.

    Raises:
        UnknownNameError: it is neither.
    """
    if subset and subset not in SUBSETS:
        raise UnknownNameError(f"subset of {benchmark}", subset, SUBSETS)


def part_of(data: DataSet, subset: str) -> DataSet:
    """The images of a data set that a subset names, as a data set of another fingerprint; all of it without a name.

    Raises:
        DataError: it holds none of them.
    """
    if not subset:
        return data
    stems = robustbench.stems()
    items = tuple(item for item in data.items if item.id.rpartition("/")[2] in stems)
    if not items:
        raise DataError(
            f"subset={subset} names {robustbench.SIZE:,} of ImageNet's validation images, as ILSVRC2012_val_00015253, "
            f"and {data.location} holds none of them; leave subset out, or give the validation set"
        )
    fingerprint = hashlib.sha256(f"{data.fingerprint} {subset}".encode()).hexdigest()
    return replace(data, items=items, fingerprint=fingerprint, released=robustbench.SIZE)
