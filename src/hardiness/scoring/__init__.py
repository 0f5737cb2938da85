"""Records to scores: pure functions, found by name."""

from hardiness.scoring.calibration import aurra, rms_calibration_error
from hardiness.scoring.comparison import beside_clean, difference_interval
from hardiness.scoring.consistency import Consistency, error_consistency, pairwise
from hardiness.scoring.cue_conflict import PROTOCOLS, Answers, answers
from hardiness.scoring.inspectors import findings
from hardiness.scoring.intervals import bootstrap, disjoint, wilson, within
from hardiness.scoring.scorers import Context, Scorer, baselines, reductions, registry
from hardiness.scoring.transfer import with_transfers

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
