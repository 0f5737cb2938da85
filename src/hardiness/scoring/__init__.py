"""Records to image tables, scores, comparisons and results: pure functions of what is stored."""

from hardiness.scoring.calibration import aurra, rms_calibration_error
from hardiness.scoring.card import Baseline, Card, registry
from hardiness.scoring.comparisons.consistency import consistency
from hardiness.scoring.comparisons.drop_from_clean import beside_clean, difference_interval
from hardiness.scoring.comparisons.human_likeness import human_likeness
from hardiness.scoring.comparisons.transfers import with_transfers
from hardiness.scoring.intervals import bootstrap, disjoint, wilson, within
from hardiness.scoring.kappa import Consistency, error_consistency, pairwise
from hardiness.scoring.results import rebuild, results

__all__ = [
    "Baseline",
    "Card",
    "Consistency",
    "aurra",
    "beside_clean",
    "bootstrap",
    "consistency",
    "difference_interval",
    "disjoint",
    "error_consistency",
    "human_likeness",
    "pairwise",
    "rebuild",
    "registry",
    "results",
    "rms_calibration_error",
    "wilson",
    "with_transfers",
    "within",
]
