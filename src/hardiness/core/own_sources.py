"""The sources of this package that a computed number may follow from."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parents[1]

SHOW = frozenset(("report", "cli", "api"))
"""Packages that show numbers and compute none."""

LIBRARIES = ("numpy", "scipy")

SUFFIXES = frozenset((".py", ".toml", ".json", ".csv", ".txt"))


@cache
def sources_digest() -> str:
    """16 hexadecimal digits over all sources and data of this package that compute numbers, and numpy and scipy.

    What is computed from stored rows is kept under it, so that a change of any of them computes it again.
    """
    digest = hashlib.sha256()
    for library in LIBRARIES:  # by its file, as importlib.metadata takes longer to load than all of this
        spec = find_spec(library)
        assert spec is not None
        assert spec.origin
        digest.update(Path(spec.origin).with_name("version.py").read_bytes())
    for path in sorted(ROOT.rglob("*")):
        place = path.relative_to(ROOT)
        if path.suffix in SUFFIXES and place.parts[0] not in SHOW:
            digest.update(place.as_posix().encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]
