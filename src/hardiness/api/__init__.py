"""The surface in Python: what the command line calls, and what a notebook calls."""

from hardiness.api.adversarial import Attacked, attack
from hardiness.api.claim_verdicts import claims, published_claims
from hardiness.api.classifiers import load_model
from hardiness.api.command import Command, CommandOutcome, run
from hardiness.api.comparison import Comparisons, compare
from hardiness.api.evaluation import Options, evaluate
from hardiness.api.folder_comparisons import comparisons_of
from hardiness.api.listings import list_attacks, list_benchmarks, list_corruptions, list_models, list_perturbations
from hardiness.api.page import Collected, Report, WrittenPage, collected, publish, write_report
from hardiness.api.placement import Placement
from hardiness.api.planning import Planned, plan
from hardiness.api.progress import Bars, LogProgress, progress_on
from hardiness.api.protocol_noise import noise
from hardiness.api.stored import load_results
from hardiness.engine.executors.ray_cluster import Cluster

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
