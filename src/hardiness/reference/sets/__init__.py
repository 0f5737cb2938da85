"""Sets of distortions as data: members, groups, levels and protocol of a published benchmark; one TOML file each."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from hardiness.core.benchmark import GROUPS
from hardiness.core.errors import DataError, UnknownNameError, suggestion

SEVERITIES = (1, 2, 3, 4, 5)
"""Severities of most corruptions; one may have fewer or more."""

KINDS = ("still", "moving")
NEEDED = ("kind", "question", "paper", "protocol", "about", "source", "levels")
FURTHER = (
    *("members", "groups", "extra", "stored_only", "jpeg_quality", "baseline", "beside", "line_view", "topic"),
    *("strengths", "pictures"),
)
KEYS = frozenset((*NEEDED, *FURTHER))


@dataclass(frozen=True)
class DistortionSet:
    """The members of one published set, each a registered distortion; a distortion may belong to any number of sets.

    Attributes:
        name: of the set and of its benchmark, e.g. ``"imagenet-c"``.
        kind: ``still``: a corruption gives one picture; ``moving``: a perturbation gives a sequence.
        question: what its benchmark answers, in one sentence.
        paper: citation with identifier.
        protocol: name of the published rules that its headline follows.
        about: what the benchmark does, as its help text tells it.
        source: where the facts were published.
        members: what the headline is a mean of, in the published order.
        levels: severities or difficulties, mildest first.
        groups: members by group, where the set has groups.
        extra: further members that no headline counts.
        stored_only: members that nobody can generate from the photograph alone; no distortion of that name is needed.
        jpeg_quality: quality, 1 to 100, of the JPEG that each picture goes through; 0 where it goes through none.
        beside: the set whose mean error stands beside its own, where that was run too; empty for none.
        line_view: the option ``view`` of its benchmark that shows stored pictures as models of the published line of
            accuracy saw them; empty where it has no such line.
        topic: the group of the page's overview that its benchmark stands in.
        strengths: the protocol whose severities its pictures have, of `hardiness.reference.strengths`; empty for those
            with which corruptions are registered.
        pictures: the data set of its clean photographs.
        baseline: whether its headline is a ratio to a published baseline's errors (in ``baselines.json``).
    """

    name: str
    kind: str
    question: str
    paper: str
    protocol: str
    about: str
    source: str
    members: tuple[str, ...]
    levels: tuple[int, ...]
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    extra: tuple[str, ...] = ()
    stored_only: tuple[str, ...] = ()
    jpeg_quality: int = 0
    baseline: bool = False
    beside: str = ""
    line_view: str = ""
    topic: str = "distortions"
    strengths: str = ""
    pictures: str = "imagenet"

    @property
    def published(self) -> tuple[str, ...]:
        """The members, then those that no headline counts."""
        return (*self.members, *self.extra)


def set_names(kind: str | None = None) -> list[str]:
    """The names of all sets, or of those of one kind."""
    names = sorted(file.stem for file in Path(__file__).parent.glob("*.toml"))
    return [name for name in names if kind in (None, distortion_set(name).kind)]


@cache
def distortion_set(name: str) -> DistortionSet:
    """The set of that name.

    Raises:
        UnknownNameError: there is none.
    """
    file = Path(__file__).parent.joinpath(f"{name}.toml")
    if not file.is_file():
        raise UnknownNameError("set of distortions", name, set_names())
    return read_set(file)


def read_set(file: Path) -> DistortionSet:
    """The set that a TOML file describes; it is called as the file is.

    Raises:
        DataError: something is missing or of no known kind; the message says what.
    """
    try:
        facts: dict[str, Any] = tomllib.loads(file.read_text("utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise DataError(f"{file}: must be TOML, but {error}") from None
    if unknown := sorted(facts.keys() - KEYS):
        raise DataError(f"{file}: a set of distortions has no {unknown[0]!r}{suggestion(unknown[0], sorted(KEYS))}")
    if lacking := [key for key in NEEDED if key not in facts]:
        raise DataError(f"{file}: a set of distortions must say {lacking[0]}, but does not; add it")
    if facts["kind"] not in KINDS:
        raise DataError(f"{file}: kind must be one of {', '.join(KINDS)}, was {facts['kind']!r}")
    if facts.get("topic", GROUPS[0]) not in GROUPS:
        raise DataError(f"{file}: topic must be one of {', '.join(GROUPS)}, was {facts['topic']!r}")
    groups = {group: tuple(members) for group, members in facts.pop("groups", {}).items()}
    members = tuple(facts.pop("members", ())) or tuple(member for group in groups.values() for member in group)
    if not members:
        raise DataError(f"{file}: a set of distortions must name members, or groups of them, but names none")
    lists = {key: tuple(facts.get(key, ())) for key in ("levels", "extra", "stored_only")}
    facts |= lists | {"name": file.name.removesuffix(".toml"), "members": members, "groups": groups}
    return DistortionSet(**facts)


def compared_with_first(perturbation: str) -> bool:
    """Whether each frame of a sequence is compared with its first, clean one, and not with the frame before.

    Source: Hendrycks & Dietterich (2019), the published script: so where the name contains "noise".
    """
    return "noise" in perturbation
