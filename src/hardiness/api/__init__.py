"""The surface in Python: what the command line calls, and what a notebook calls."""

from hardiness.api.adversarial import Attacked, attack
from hardiness.api.command import Command, CommandOutcome, Placement, Planned, plan, run
from hardiness.api.comparison import Comparisons, compare, comparisons_of, noise
from hardiness.api.evaluation import (
    Options,
    evaluate,
    list_attacks,
    list_benchmarks,
    list_corruptions,
    list_models,
    list_perturbations,
    load_model,
    load_results,
)
from hardiness.api.page import (
    Collected,
    Report,
    WrittenPage,
    claims,
    collected,
    publish,
    published_claims,
    write_report,
)
from hardiness.api.progress import Bars, LogProgress, progress_on
from hardiness.engine.ray import Cluster

__all__ = [
    "Attacked",
    "Bars",
    "Cluster",
    "Collected",
    "Command",
    "CommandOutcome",
    "Comparisons",
    "LogProgress",
    "Options",
    "Placement",
    "Planned",
    "Report",
    "WrittenPage",
    "attack",
    "claims",
    "collected",
    "compare",
    "comparisons_of",
    "evaluate",
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
    "run",
    "write_report",
]
