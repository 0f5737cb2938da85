"""Why a rule of a policy has no number."""

from __future__ import annotations

from collections.abc import Sequence

from hardiness.core.codes import Missing
from hardiness.core.fact import Fact


class UnmatchedError(Exception):
    """A field of a rule that fits no run: its name, its value, and the names that there are."""

    def __init__(self, field: str, value: str, names: Sequence[str]) -> None:
        super().__init__(field)
        self.field, self.value, self.names = field, value, list(dict.fromkeys(names))


class MissingNumberError(Exception):
    """A number is not there, and why."""

    def __init__(self, why: Fact) -> None:
        super().__init__(str(why))
        self.why = why


def without_interval(why: Fact | None, of_difference: bool = False) -> MissingNumberError:
    """The error of a number, or of a difference, without an interval; ``None`` where none is defined for it."""
    return MissingNumberError(Fact(Missing.NO_INTERVAL, {"why": why, "of_difference": of_difference}))


def undefined(why: Fact | None) -> MissingNumberError:
    """The error of a number that is undefined."""
    return MissingNumberError(Fact(Missing.UNDEFINED, {"why": why}))


def missing_of_baseline(error: MissingNumberError | UnmatchedError) -> MissingNumberError:
    """The error of a baseline that lacks a number."""
    if isinstance(error, UnmatchedError):
        return MissingNumberError(
            Fact(Missing.OF_BASELINE, {"why": Fact(Missing.NO_SUCH, {"field": error.field, "value": error.value})})
        )
    return MissingNumberError(Fact(Missing.OF_BASELINE, {"why": error.why}))


class NoPictureError(MissingNumberError):
    """A number is not there, and more pictures might give it."""


class UndecidableError(Exception):
    """No look at a part of the pictures decides a rule, and why."""

    def __init__(self, why: Fact) -> None:
        super().__init__(str(why))
        self.why = why


def judged_whole(kind: str) -> UndecidableError:
    """The error of a rule of a kind that is judged on all pictures: equivalence, moves_at_most, slices or levels."""
    return UndecidableError(Fact(Missing.JUDGED_WHOLE, {"kind": kind}))


def no_mean(metric: str) -> Fact:
    """The fact that a score is no mean over pictures, which a part of them could have."""
    return Fact(Missing.NO_MEAN, {"metric": metric})
