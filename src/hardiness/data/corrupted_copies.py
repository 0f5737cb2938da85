"""Corrupted copies of one photograph: a file for each corruption and severity, and perhaps the clean one."""

from __future__ import annotations

from dataclasses import dataclass

from hardiness.core import File, SampleError
from hardiness.sources import DiskFile


@dataclass(frozen=True, slots=True)
class CorruptedCopies:
    """The files of one photograph in a stored ImageNet-C.

    Attributes:
        root: the folder of corruptions.
        path: ``<wnid>/<file>``, the same in each cell.
        clean: the photograph itself, where ``imagenet/val`` is there too.
    """

    root: str
    path: str
    clean: File | None = None

    @property
    def name(self) -> str:
        """The photograph's name, or where its copies are."""
        return self.clean.name if self.clean else f"{self.root}/*/*/{self.path}"

    def read(self) -> bytes:
        """The bytes of the photograph itself.

        Raises:
            SampleError: it is not there or cannot be read.
        """
        if self.clean is None:
            raise SampleError(f"{self.path}: its uncorrupted photograph is not among imagenet/val")
        return self.clean.read()

    def cell(self, corruption: str, severity: int) -> File:
        """The copy of one cell; whether it is there shows when it is read."""
        return DiskFile(f"{self.root}/{corruption}/{severity}/{self.path}")
