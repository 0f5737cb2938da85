"""Cells of a set of corruptions: which there are, and which of them cannot be made here, and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from hardiness import distortions
from hardiness.core import Condition, DataError
from hardiness.reference import DistortionSet


def cells(members: DistortionSet, names: Sequence[str], severities: Sequence[int]) -> tuple[Condition, ...]:
    """The cells of these corruptions, without severities that one of them does not have."""
    return tuple(
        Condition(corruption=name, severity=severity)
        for name in names
        for severity in severities
        if name in members.stored_only or severity in distortions.corruptions.get(name).severities
    )


def unavailable(members: DistortionSet, wanted: Iterable[Condition]) -> dict[str, str]:
    """The corruptions among these cells that cannot be made here, each with the reason.

    Some need pictures that only some packages carry, some more than the photograph.
    """
    missing: dict[str, str] = {}
    for name in dict.fromkeys(cell["corruption"] for cell in wanted if cell):
        try:
            _require(members, name)
        except DataError as error:
            missing[name] = str(error)
    return missing


def told(missing: Mapping[str, str], headline: str) -> Iterator[str]:
    """A line for each reason, with the corruptions that it keeps from being evaluated."""
    for reason in dict.fromkeys(missing.values()):
        names = [name for name in missing if missing[name] == reason]
        are = "is" if len(names) == 1 else "are"
        yield f"{', '.join(names)} {are} not evaluated, {headline} is partial: {reason}"


def _require(members: DistortionSet, name: str) -> None:
    """Raise a `DataError` where a corruption cannot be made here."""
    if name in members.stored_only:
        raise DataError(
            f"more than the photograph is needed, so nothing is generated; extract the released files and give "
            f"--data {members.name}=PATH"
        )
    distortions.corruptions.get(name).require()
