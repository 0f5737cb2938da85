"""How robust is this image classifier? Published protocols, fast, with an interval on every number."""

from __future__ import annotations

import importlib
from importlib.metadata import version
from typing import Any

from hardiness.core import Condition, Result, Score, View

__version__ = version("hardiness")

_LAZY = {
    "Classifier": "hardiness.models",
    "Placement": "hardiness.api",
    "Request": "hardiness.core",
    "corrupt": "hardiness.distortions",
    "evaluate": "hardiness.api",
    "load_model": "hardiness.api",
    "load_results": "hardiness.api",
    "perturb": "hardiness.distortions",
}
"""Names that would load a framework or a compiler; they are imported when first used."""

__all__ = [
    "Classifier",
    "Condition",
    "Placement",
    "Request",
    "Result",
    "Score",
    "View",
    "corrupt",
    "evaluate",
    "load_model",
    "load_results",
    "perturb",
]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'hardiness' has no attribute {name!r}")
    return getattr(importlib.import_module(_LAZY[name]), name)
