"""Why a rule of a policy has no number."""

from __future__ import annotations

from collections.abc import Sequence


class UnmatchedError(Exception):
    """A field of a rule that fits no run: its name, its value, and the names that there are."""

    def __init__(self, field: str, value: str, names: Sequence[str]) -> None:
        super().__init__(field)
        self.field, self.value, self.names = field, value, list(dict.fromkeys(names))


class MissingNumberError(Exception):
    """Why a number is not there, in a line."""


class NoPictureError(MissingNumberError):
    """A number is not there, and more pictures might give it."""


class UndecidableError(Exception):
    """Why no look at a part of the pictures decides a rule, in a line."""
