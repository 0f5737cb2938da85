"""How robust is this image classifier? Published protocols, fast, with an interval on every number."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hardiness.api.adversarial import AdversarialImages, attack
    from hardiness.api.comparison import compare
    from hardiness.api.evaluation import Options, evaluate
    from hardiness.api.evidence import write_evidence
    from hardiness.api.exports import bibtex, export
    from hardiness.api.held_models import load_model
    from hardiness.api.held_scores import HeldScores
    from hardiness.api.labels import score, score_ratio, score_values
    from hardiness.api.listings import (
        list_attacks,
        list_benchmarks,
        list_corruptions,
        list_models,
        list_perturbations,
    )
    from hardiness.api.observers import people
    from hardiness.api.page import write_report
    from hardiness.api.paper_claims import claims, published_claims
    from hardiness.api.protocol_noise import noise
    from hardiness.api.stored import load_results
    from hardiness.api.verdicts import gate
    from hardiness.core.condition import Condition
    from hardiness.core.model import View
    from hardiness.core.request import Placement, Request, Share
    from hardiness.core.result import Result, Score
    from hardiness.distortions.apply import corrupt, perturb
    from hardiness.distortions.transform import Corrupt
    from hardiness.engine.ray_cluster import Cluster
    from hardiness.models.classifier import Classifier

    __version__: str
else:

    def __getattr__(name: str) -> Any:
        if name == "__version__":
            return importlib.import_module("importlib.metadata").version("hardiness")
        return _loader()(name)


@cache
def _loader() -> Callable[[str], Any]:
    """The function that imports a name; made when the first is used, so that the command hears signals by then."""
    load, _ = importlib.import_module("hardiness.core.doors").door(__name__)
    return load  # type: ignore[no-any-return]


__all__ = [
    "AdversarialImages",
    "Classifier",
    "Cluster",
    "Condition",
    "Corrupt",
    "HeldScores",
    "Options",
    "Placement",
    "Request",
    "Result",
    "Score",
    "Share",
    "View",
    "attack",
    "bibtex",
    "claims",
    "compare",
    "corrupt",
    "evaluate",
    "export",
    "gate",
    "list_attacks",
    "list_benchmarks",
    "list_corruptions",
    "list_models",
    "list_perturbations",
    "load_model",
    "load_results",
    "noise",
    "people",
    "perturb",
    "published_claims",
    "score",
    "score_ratio",
    "score_values",
    "write_evidence",
    "write_report",
]


def __dir__() -> list[str]:
    return sorted({*__all__, "__version__"})
