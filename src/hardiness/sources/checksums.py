"""Checksums of bytes as they come."""

from __future__ import annotations

import hashlib
from pathlib import Path

from hardiness.core.errors import DataError

ALGORITHMS = ("sha256", "md5")

_PIECE_BYTES = 1 << 20


class Checksum:
    """Takes the checksum of bytes in their order; also their sha256 where none was given to compare with.

    Args:
        expected: ``sha256:…`` (perhaps its first digits only) or ``md5:…``; empty to compare with nothing.

    Raises:
        DataError: it is of another form.
    """

    def __init__(self, expected: str) -> None:
        kind, _, digits = expected.rpartition(":")
        self.kind, self.digits = kind or "sha256", digits.lower()
        if self.kind not in ALGORITHMS:
            raise DataError(f"a checksum must begin with sha256: or md5:, was {expected!r}")
        self.restart()

    def restart(self) -> None:
        """Forget all bytes."""
        self._digest = hashlib.new(self.kind, usedforsecurity=self.kind != "md5")

    def update(self, piece: bytes) -> None:
        """Take further bytes."""
        self._digest.update(piece)

    def add_file(self, file: Path) -> None:
        """Take the bytes of a file."""
        with file.open("rb") as stream:
            while piece := stream.read(_PIECE_BYTES):
                self._digest.update(piece)

    @property
    def digest(self) -> str:
        """The checksum of the bytes, as ``sha256:…``."""
        return f"{self.kind}:{self._digest.hexdigest()}"

    @property
    def fits(self) -> bool:
        """Whether the bytes have the expected checksum."""
        return self._digest.hexdigest().startswith(self.digits)
