"""What kinds of data sets there are, and how each is laid out: one module in `layouts` for each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hardiness.core import DataSet, Registry
from hardiness.data.place import Place


@dataclass(frozen=True, slots=True)
class Layout:
    """How one data set lies on disk.

    Attributes:
        expected: its place below a data root and its form, for messages, e.g. ``"imagenet-a/<wnid>/*"``; the first
            part is the folder that is looked for.
        read: reads it from a place.
    """

    expected: str
    read: Callable[[Place], DataSet]

    @property
    def folder(self) -> str:
        """Its folder below a data root."""
        return self.expected.split("/", 1)[0]


LAYOUTS: Registry[Layout] = Registry("data set", "hardiness.data.layouts", "hardiness.datasets")
"""Every data set by name."""
