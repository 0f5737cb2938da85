"""Corrupted copies of one photograph: a file for each corruption and severity, and perhaps the clean one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hardiness.core import Condition, File, SampleError
from hardiness.data.cell import Cell
from hardiness.sources import DiskFile
from hardiness.sources.files import shown


@dataclass(frozen=True, slots=True)
class CorruptedCopies:
    """The files of one photograph in a stored ImageNet-C.

    Attributes:
        root: the folder of corruptions, or the tars.
        path: ``<wnid>/<file>``, the same in each cell.
        cells: the copies of all photographs by ``<corruption>/<severity>``.
        clean: the photograph itself, where ``imagenet/val`` is there too.
        form: the folder of a cell.
    """

    root: str
    path: str
    cells: Mapping[str, Cell] = field(repr=False, compare=False)
    clean: File | None = None
    form: str = "{corruption}/{severity}"

    @property
    def name(self) -> str:
        """The photograph's name, or where its copies are."""
        return self.clean.name if self.clean else shown(f"{self.root}/*/*/{self.path}")

    def read(self) -> bytes:
        """The bytes of the photograph itself.

        Raises:
            SampleError: it is not there or cannot be read.
        """
        if self.clean is None:
            raise SampleError(f"{shown(self.path)}: its uncorrupted photograph is not among imagenet/val")
        return self.clean.read()

    def cell(self, corruption: str, severity: int) -> File:
        """The copy of one cell; whether it is there shows when it is read."""
        return copy_of(self.root, self.path, self.cells, self.form.format(corruption=corruption, severity=severity))

    def of(self, condition: Condition) -> File | None:
        """The file that a condition is read from; ``None`` for a clean photograph that is not there."""
        return self.cell(condition["corruption"], condition["severity"]) if condition else self.clean


def copy_of(root: str, path: str, cells: Mapping[str, Cell], cell: str) -> File:
    """The copy of a photograph in one cell; one that is not there says so when it is read."""
    found = cells[cell].file(path) if cell in cells else None
    return found or DiskFile(f"{root}/{cell}/{path}")
