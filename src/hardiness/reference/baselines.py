"""What published ratios divide by, read from ``baselines.json``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def baseline(benchmark: str) -> Mapping[str, Any] | None:
    """The published baseline of a benchmark, as it stands in the file with its sources; ``None`` where it has none."""
    found: dict[str, Any] = json.loads(files("hardiness.reference").joinpath("baselines.json").read_text())
    entry: Mapping[str, Any] | None = found.get(benchmark)
    return entry
