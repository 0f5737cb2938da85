"""Sets of distortions as data: the members of a published benchmark, their groups and levels; one TOML file each."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

from hardiness.core import UnknownNameError


@dataclass(frozen=True)
class DistortionSet:
    """The members of one published set, each a registered distortion; a distortion may belong to any number of sets.

    Attributes:
        name: of the set, e.g. ``"imagenet-c"``.
        source: where the facts were published.
        members: what the headline is a mean of, in the published order.
        levels: severities or difficulties, mildest first.
        groups: members by group, where the set has groups.
        extra: further members that no headline counts.
        jpeg_quality: quality, 1 to 100, of the JPEG that each picture goes through; 0 where it goes through none.
    """

    name: str
    source: str
    members: tuple[str, ...]
    levels: tuple[int, ...]
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    extra: tuple[str, ...] = ()
    jpeg_quality: int = 0


def names() -> list[str]:
    """The names of all sets."""
    return sorted(file.name.removesuffix(".toml") for file in files(__name__).iterdir() if file.name.endswith(".toml"))


@cache
def distortion_set(name: str) -> DistortionSet:
    """The set of that name.

    Raises:
        UnknownNameError: there is none.
    """
    if name not in names():
        raise UnknownNameError("set of distortions", name, names())
    found = tomllib.loads(files(__name__).joinpath(f"{name}.toml").read_text("utf-8"))
    groups = {group: tuple(members) for group, members in found.get("groups", {}).items()}
    members = found.get("members") or [member for group in groups.values() for member in group]
    return DistortionSet(
        name=name,
        source=found["source"],
        members=tuple(members),
        levels=tuple(found["levels"]),
        groups=groups,
        extra=tuple(found.get("extra", ())),
        jpeg_quality=found.get("jpeg_quality", 0),
    )


def compared_with_first(perturbation: str) -> bool:
    """Whether each frame of a sequence is compared with its first, clean one, and not with the frame before.

    Source: Hendrycks & Dietterich (2019), the published script: so where the name contains "noise".
    """
    return "noise" in perturbation
