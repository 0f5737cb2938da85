"""Metrics: functions of the rows of one run, or of two; intervals, comparisons and verdicts follow from them."""

from typing import TYPE_CHECKING

from hardiness.core.doors import door

if TYPE_CHECKING:
    from hardiness.metrics.declaration import PairMetric, RunMetric, metric, pair_metric, pair_registry, registry
    from hardiness.metrics.scoring import Outcome, OutcomeOfPart, Scoring, WeightedCells
else:
    __getattr__, __dir__ = door(__name__)

__all__ = [
    "Outcome",
    "OutcomeOfPart",
    "PairMetric",
    "RunMetric",
    "Scoring",
    "WeightedCells",
    "metric",
    "pair_metric",
    "pair_registry",
    "registry",
]
