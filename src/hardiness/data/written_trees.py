"""Trees that hardiness wrote, and the manifests that list their files."""

from __future__ import annotations

import binascii
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hardiness.core.errors import DataError
from hardiness.data.listing import Paths
from hardiness.sources.files import read_regular

MANIFEST = "manifest.json"
"""The file in which a tree of our own lists its files; the published sets have none."""

MAX_MANIFEST_BYTES = 4 << 30
"""The most bytes of a manifest: ten times that of 50,000 photographs in 75 cells."""


@dataclass(frozen=True)
class WrittenTree:
    """The files of a tree that hardiness wrote, as its manifest lists them.

    Attributes:
        files: hexadecimal sha256 by cell (``"fog/3"``) and path below it.
    """

    files: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @classmethod
    def read(cls, root: Path) -> WrittenTree | None:
        """The manifest in a folder; ``None`` where there is none.

        Raises:
            DataError: the file is no manifest of ours.
        """
        path = root / MANIFEST
        if not os.path.lexists(path):
            return None
        try:
            files = json.loads(read_regular(path, MAX_MANIFEST_BYTES))["files"]
            for cell in files.values():
                for photograph, sha256 in cell.items():
                    if not isinstance(photograph, str) or len(binascii.unhexlify(sha256)) != 32:
                        raise ValueError(photograph)
            return cls(files)
        except OSError as error:
            raise DataError(f"{path} cannot be read ({error.strerror or error}); check its permissions") from None
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise DataError(
                f"{path} must be the list of files that 'hardiness make corruptions' or 'make perturbations' wrote, "
                "but is not; delete it to take the tree as it is"
            ) from None

    @property
    def photographs(self) -> set[str]:
        """Every photograph that is listed for some cell."""
        return {photograph for cell in self.files.values() for photograph in cell}

    def hashes(self, cell: str, paths: Paths) -> NDArray[np.uint8] | None:
        """uint8 (N, 32): the sha256 of each path, zeros where it is not listed; ``None`` where the cell is not."""
        listed = self.files.get(cell)
        if not listed:
            return None
        blank = "00" * 32
        joined = "".join(listed.get(path, blank) for path in paths.texts)
        return np.frombuffer(binascii.unhexlify(joined), np.uint8).reshape(len(paths), 32)
