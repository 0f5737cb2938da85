"""How robust is this image classifier? Published protocols, fast, with an interval on every number."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hardiness.api.adversarial import AdversarialImages, attack
    from hardiness.api.comparison import compare, noise
    from hardiness.api.evaluation import (
        evaluate,
        list_attacks,
        list_benchmarks,
        list_corruptions,
        list_models,
        list_perturbations,
        load_model,
        load_results,
    )
    from hardiness.api.page import claims, report
    from hardiness.api.verdicts import gate
    from hardiness.core.model import View
    from hardiness.core.result import Result, Score
    from hardiness.core.run import Condition, Placement, Request
    from hardiness.distortions.apply import corrupt, perturb
    from hardiness.distortions.transform import Corrupt
    from hardiness.models.classifier import Classifier

    __version__: str

_LAZY = {
    "AdversarialImages": "hardiness.api",
    "Classifier": "hardiness.models",
    "Condition": "hardiness.core",
    "Corrupt": "hardiness.distortions",
    "Placement": "hardiness.core",
    "Request": "hardiness.core",
    "Result": "hardiness.core",
    "Score": "hardiness.core",
    "View": "hardiness.core",
    "attack": "hardiness.api",
    "claims": "hardiness.api",
    "compare": "hardiness.api",
    "corrupt": "hardiness.distortions",
    "evaluate": "hardiness.api",
    "gate": "hardiness.api",
    "list_attacks": "hardiness.api",
    "list_benchmarks": "hardiness.api",
    "list_corruptions": "hardiness.api",
    "list_models": "hardiness.api",
    "list_perturbations": "hardiness.api",
    "load_model": "hardiness.api",
    "load_results": "hardiness.api",
    "noise": "hardiness.api",
    "perturb": "hardiness.distortions",
    "report": "hardiness.api",
}
"""Where each name is; its module is imported when it is first used, as some take long."""

__all__ = [
    "AdversarialImages",
    "Classifier",
    "Condition",
    "Corrupt",
    "Placement",
    "Request",
    "Result",
    "Score",
    "View",
    "attack",
    "claims",
    "compare",
    "corrupt",
    "evaluate",
    "gate",
    "list_attacks",
    "list_benchmarks",
    "list_corruptions",
    "list_models",
    "list_perturbations",
    "load_model",
    "load_results",
    "noise",
    "perturb",
    "report",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return importlib.import_module("importlib.metadata").version("hardiness")
    if name not in _LAZY:
        raise AttributeError(f"module 'hardiness' has no attribute {name!r}")
    return getattr(importlib.import_module(_LAZY[name]), name)


def __dir__() -> list[str]:
    return sorted({*__all__, "__version__"})


class _Package(ModuleType):
    """This package: what it calls ``report`` is the function, and not the room of that name."""

    @property
    def report(self) -> Any:
        return __getattr__("report")

    @report.setter
    def report(self, room: ModuleType) -> None:
        """Importing the room would put it in the function's place; ``from hardiness.report import`` needs it not."""


sys.modules[__name__].__class__ = _Package
