"""Records to scores: pure functions, found by name."""

from hardiness.metrics.calibration import aurra, rms_calibration_error
from hardiness.metrics.comparison import beside_clean, difference_interval
from hardiness.metrics.consistency import Consistency, error_consistency, pairwise
from hardiness.metrics.cue_conflict import PROTOCOLS, Answers, answers
from hardiness.metrics.inspectors import findings
from hardiness.metrics.intervals import bootstrap, disjoint, wilson, within
from hardiness.metrics.scorers import Context, Scorer, baselines, reductions, registry
from hardiness.metrics.transfer import with_transfers

__all__ = [
    "PROTOCOLS",
    "Answers",
    "Consistency",
    "Context",
    "Scorer",
    "answers",
    "aurra",
    "baselines",
    "beside_clean",
    "bootstrap",
    "difference_interval",
    "disjoint",
    "error_consistency",
    "findings",
    "pairwise",
    "reductions",
    "registry",
    "rms_calibration_error",
    "wilson",
    "with_transfers",
    "within",
]
