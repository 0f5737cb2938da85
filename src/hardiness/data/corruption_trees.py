"""The layout of ImageNet-C: a folder for each corruption, in it one for each severity, in it class folders."""

from __future__ import annotations

from hardiness.core import Condition
from hardiness.data.condition_trees import ConditionTrees
from hardiness.data.corrupted_copies import CorruptedCopies
from hardiness.data.layout import Layout
from hardiness.data.tree import IMAGE_SUFFIXES

SEVERITIES = frozenset("123456789")


def corruption_tree(name: str) -> Layout:
    """The layout of a data set that is laid out as ImageNet-C, under its own name."""
    form = "<corruption>/<severity>/<wnid>/*"
    return Layout(f"{name}/{form}", ConditionTrees(name, form, 2, _condition, IMAGE_SUFFIXES, CorruptedCopies).read)


def _condition(folder: str) -> Condition | None:
    corruption, _, severity = folder.partition("/")
    return Condition(corruption=corruption, severity=int(severity)) if severity in SEVERITIES else None
