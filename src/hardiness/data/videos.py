"""Perturbed copies of one photograph: a video for each perturbation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hardiness.core import Condition, File, SampleError
from hardiness.data.cell import Cell
from hardiness.data.corrupted_copies import copy_of
from hardiness.sources.files import shown


@dataclass(frozen=True, slots=True)
class PerturbedCopies:
    """The videos of one photograph in a stored ImageNet-P.

    Attributes:
        root: the folder of perturbations, or the tars.
        path: ``<wnid>/<file>``, the same in each of them.
        cells: the videos of all photographs by folder of the perturbation.
    """

    root: str
    path: str
    cells: Mapping[str, Cell] = field(repr=False, compare=False)

    @property
    def name(self) -> str:
        """Where its videos are."""
        return shown(f"{self.root}/*/{self.path}")

    def read(self) -> bytes:
        """Raise an error: there is no photograph among the videos.

        Raises:
            SampleError: always.
        """
        raise SampleError(f"{self.name}: must be read as a video of one perturbation; there is no photograph")

    def video(self, folder: str) -> File:
        """The video in one folder of perturbations; whether it is there shows when it is read."""
        return copy_of(self.root, self.path, self.cells, folder)

    def of(self, condition: Condition) -> File | None:
        """The video of a condition."""
        return self.video("_".join(str(value) for value in condition.values()))
