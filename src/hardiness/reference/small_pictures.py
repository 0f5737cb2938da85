"""Test sets of small pictures that are published as arrays, as data."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True, slots=True)
class SmallPictures:
    """One test set.

    Attributes:
        name: as on the command line.
        side_px: width and height of its pictures, at which they are shown, corrupted and attacked.
        images: how many were published.
        classes: their names in the order of the labels.
        budgets: the epsilons at which its pictures are usually attacked, by threat model.
        strengths: the protocol whose severities its corruptions have, of `hardiness.reference.strengths`.
        paper: citation.
        question: what accuracy on it answers.
        clean_twin: the set whose new test set it is; empty for none.
        pickle: name of the pickled batch that holds it, which is a part of an archive; empty where there is none.
        labels: the entry of that batch with the labels.
        arrays: the beginning of the names of its two arrays, ``…_data.npy`` and ``…_labels.npy``; empty for any.
        corrupted: name of the set of the same pictures under corruptions; empty where nobody published one.
    """

    name: str
    side_px: int
    images: int
    classes: tuple[str, ...]
    budgets: Mapping[str, float]
    strengths: str
    paper: str
    question: str
    clean_twin: str = ""
    pickle: str = ""
    labels: str = ""
    arrays: str = ""
    corrupted: str = ""


@cache
def small_pictures() -> Mapping[str, SmallPictures]:
    """All of them, by name."""
    tables = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
    return {
        name: SmallPictures(name, **{**facts, "classes": tuple(facts["classes"].split())})
        for name, facts in tables.items()
    }
