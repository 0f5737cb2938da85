"""The surface in Python: what the command line calls, and what a notebook calls."""

from typing import TYPE_CHECKING

from hardiness.core import door

if TYPE_CHECKING:
    from hardiness.api.adversarial import AdversarialImages, attack
    from hardiness.api.command import Command, plan, run
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
    from hardiness.api.page import Report, claims, collect_results, publish, published_claims, report, write_report
    from hardiness.api.progress import progress_on
    from hardiness.api.verdicts import gate
    from hardiness.engine.ray import Cluster
else:
    __getattr__, __dir__ = door(__name__)

__all__ = [
    "AdversarialImages",
    "Cluster",
    "Command",
    "Report",
    "attack",
    "claims",
    "collect_results",
    "compare",
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
    "plan",
    "progress_on",
    "publish",
    "published_claims",
    "report",
    "run",
    "write_report",
]
