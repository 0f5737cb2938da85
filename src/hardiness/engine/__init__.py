"""Evaluation: what is missing is computed, unit by unit, and stored."""

from typing import TYPE_CHECKING

from hardiness.core import door

if TYPE_CHECKING:
    from hardiness.engine.attack import run_round, suspect_of
    from hardiness.engine.batch import RoundOutcome, Victims
    from hardiness.engine.compiling import compiling_ahead
    from hardiness.engine.cross_checks import Suspect
    from hardiness.engine.evaluation import (
        EvaluationOutcome,
        Variation,
        evaluate,
        evaluate_shared,
        evaluate_until_decided,
        evaluate_within,
        prepared,
        variations,
    )
    from hardiness.engine.forecast import MOST_UNBOUNDED, Forecast, forecast_evaluation, require_bounded_calls
    from hardiness.engine.pictures import PictureSource
    from hardiness.engine.predictions import pictures_of, read_predictions
    from hardiness.engine.ray import Cluster, Errand, Evaluation, on_ray
    from hardiness.engine.rounds import Deadline, rehearse, require_reachable
else:
    __getattr__, __dir__ = door(__name__)

__all__ = [
    "MOST_UNBOUNDED",
    "Cluster",
    "Deadline",
    "Errand",
    "Evaluation",
    "EvaluationOutcome",
    "Forecast",
    "PictureSource",
    "RoundOutcome",
    "Suspect",
    "Variation",
    "Victims",
    "compiling_ahead",
    "evaluate",
    "evaluate_shared",
    "evaluate_until_decided",
    "evaluate_within",
    "forecast_evaluation",
    "on_ray",
    "pictures_of",
    "prepared",
    "read_predictions",
    "rehearse",
    "require_bounded_calls",
    "require_reachable",
    "run_round",
    "suspect_of",
    "variations",
]
