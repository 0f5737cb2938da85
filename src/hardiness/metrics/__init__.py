"""Records to scores: pure functions, found by name."""

from hardiness.metrics.calibration import aurra, rms_calibration_error
from hardiness.metrics.comparison import beside_clean, difference_interval
from hardiness.metrics.corruption import as_baseline
from hardiness.metrics.intervals import bootstrap, disjoint, wilson, within
from hardiness.metrics.scorers import Context, Scorer, registry

__all__ = [
    "Context",
    "Scorer",
    "as_baseline",
    "aurra",
    "beside_clean",
    "bootstrap",
    "difference_interval",
    "disjoint",
    "registry",
    "rms_calibration_error",
    "wilson",
    "within",
]
