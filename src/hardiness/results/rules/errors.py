"""Why a rule of a policy has no number."""

from __future__ import annotations

from collections.abc import Sequence

from hardiness.core.codes import Missing, RunRemark
from hardiness.core.errors import ArgumentError
from hardiness.core.fact import Fact, error_of


class UnmatchedError(Exception):
    """A field of a rule that fits no run: its name, its value, and the names that there are."""

    def __init__(self, field: str, value: str, names: Sequence[str]) -> None:
        super().__init__(field)
        self.field, self.value, self.names = field, value, list(dict.fromkeys(names))


class MissingNumberError(Exception):
    """A number is not there.

    Attributes:
        why: as a fact; of a text the fact that this error was raised.
    """

    def __init__(self, why: Fact | str) -> None:
        super().__init__(str(why))
        self.why = why if isinstance(why, Fact) else Fact(RunRemark.ERROR, {"line": why})


def without_interval(why: Fact | None, of_difference: bool = False) -> MissingNumberError:
    """The error of a number, or of a difference, without an interval; ``None`` where none is defined for it."""
    return MissingNumberError(Fact(Missing.NO_INTERVAL, {"why": why, "of_difference": of_difference}))


def undefined(why: Fact | None) -> MissingNumberError:
    """The error of a number that is undefined."""
    return MissingNumberError(Fact(Missing.UNDEFINED, {"why": why}))


def missing_of_baseline(error: MissingNumberError | UnmatchedError) -> MissingNumberError:
    """The error of a baseline that lacks a number."""
    why = error.why if isinstance(error, MissingNumberError) else error_of(ArgumentError(str(error)))
    return MissingNumberError(Fact(Missing.OF_BASELINE, {"why": why}))


class NoPictureError(MissingNumberError):
    """A number is not there, and more pictures might give it."""


class UndecidableError(Exception):
    """Why no look at a part of the pictures decides a rule, in a line."""
