"""Perturbed copies of one photograph: a video for each perturbation."""

from __future__ import annotations

from dataclasses import dataclass

from hardiness.core import File, SampleError
from hardiness.sources import DiskFile


@dataclass(frozen=True, slots=True)
class PerturbedCopies:
    """The videos of one photograph in a stored ImageNet-P.

    Attributes:
        root: the folder of perturbations.
        path: ``<wnid>/<file>``, the same in each of them.
    """

    root: str
    path: str

    @property
    def name(self) -> str:
        """Where its videos are."""
        return f"{self.root}/*/{self.path}"

    def read(self) -> bytes:
        """Raise an error: there is no photograph among the videos.

        Raises:
            SampleError: always.
        """
        raise SampleError(f"{self.name}: must be read as a video of one perturbation; there is no photograph")

    def video(self, folder: str) -> File:
        """The video in one folder of perturbations; whether it is there shows when it is read."""
        return DiskFile(f"{self.root}/{folder}/{self.path}")
