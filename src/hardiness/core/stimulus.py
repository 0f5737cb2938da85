"""The name of a cue-conflict stimulus: what its shape shows, and where its texture was taken from."""

from __future__ import annotations

import re
from typing import NamedTuple

_CATEGORY = r"[^\W\d_](?:[\w ]*[^\W\d])?"
_NAME = re.compile(rf"({_CATEGORY})(\d+)-({_CATEGORY})(\d+)")


class Stimulus(NamedTuple):
    """``<shape><n>-<texture><n>``: two categories, and which picture of each.

    A category begins with a letter and ends with a letter or an underscore; letters, digits, underscores and spaces
    may stand between.

    Source: the file names of Geirhos et al. (2019), arXiv:1811.12231.
    """

    shape: str
    shape_number: int
    texture: str
    texture_number: int

    @classmethod
    def parse(cls, stem: str) -> Stimulus | None:
        """The stimulus of that name, without suffix; ``None`` where the name breaks the rule."""
        found = _NAME.fullmatch(stem)
        if found is None:
            return None
        shape, first, texture, second = found.groups()
        return cls(shape, int(first), texture, int(second))

    @property
    def in_conflict(self) -> bool:
        """Whether shape and texture are of different categories."""
        return self.shape != self.texture

    def __str__(self) -> str:
        return f"{self.shape}{self.shape_number}-{self.texture}{self.texture_number}"
