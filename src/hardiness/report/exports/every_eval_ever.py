"""``every-eval-ever``: results in the form of Every Eval Ever 0.3.0, a line of JSON for each model."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from importlib.metadata import version
from typing import Any

from hardiness.benchmarks.card import card_of
from hardiness.core.errors import ArgumentError
from hardiness.core.result import Metric, Result, Score
from hardiness.report.exports.exporter import Comparisons, register
from hardiness.report.marks import marks_in_export
from hardiness.report.stated_models import precision_of, view_of, weights_of
from hardiness.report.words import text
from hardiness.sources.files import shown

SCHEMA_VERSION = "0.3.0"

NOT_STATED = "not stated"

CONFIDENCE = 0.95

UNITS: Mapping[str, str] = {"fraction": "proportion"}
"""The form's word for a unit, where it has one."""


@register("every-eval-ever", "Every Eval Ever 0.3.0: scores with their uncertainty, a line of JSON for each model")
def write(results: Sequence[Result], comparisons: Comparisons = ()) -> bytes:
    """Lines of JSON, one a model, each an aggregate record: every score that has a value, with n and its interval.

    Nothing is made up for what the form asks and nobody stated: who evaluated, and whether weights are open.

    Raises:
        ArgumentError: there is no score.

    Source: `eval.schema.json` of every-eval-ever 0.3.0 (arXiv:2606.14516).
    """
    by_model: dict[str, list[Result]] = {}
    for result in results:
        if not result.measured.get("published"):
            by_model.setdefault(result.name, []).append(result)
    records = [aggregate_record(of_model) for of_model in by_model.values()]
    if not any(record["evaluation_results"] for record in records):
        raise ArgumentError("every-eval-ever needs a score of a run, and there is none")
    return "".join(f"{json.dumps(record)}\n" for record in records).encode()


def aggregate_record(results: Sequence[Result]) -> dict[str, Any]:
    """The record of one model's results."""
    began = [when for result in results for when in times(result)]
    return {
        "schema_version": SCHEMA_VERSION,
        "evaluation_id": evaluation_id(results),
        **({"evaluation_timestamp": min(began).isoformat()} if began else {}),
        "retrieved_timestamp": epoch(results),
        "source_metadata": {
            "source_name": "hardiness",
            "source_type": "evaluation_run",
            "source_organization_name": NOT_STATED,
            "evaluator_relationship": "other",
        },
        "eval_library": {"name": "hardiness", "version": version("hardiness")},
        "model_info": _model_info(results),
        "evaluation_results": [entry for result in results for entry in _entries(result)],
    }


def evaluation_id(results: Sequence[Result]) -> str:
    """The identity of one model's record."""
    return f"hardiness/{shown(results[0].name)}/{epoch(results)}"


def times(result: Result) -> Iterator[datetime]:
    """When each session of a run began."""
    for session in result.measured.get("sessions", ()):
        if session.get("started"):
            yield datetime.fromisoformat(session["started"])


def epoch(results: Sequence[Result]) -> str:
    """The second at which the last session of some runs began: no clock is read, and equal rows give equal records."""
    began = [when for result in results for when in times(result)]
    return f"{max(began).timestamp():.0f}" if began else NOT_STATED


def _model_info(results: Sequence[Result]) -> dict[str, Any]:
    identity, first = results[0].run.model, results[0]
    view = view_of(first.run)
    details = {
        "weights_sha256": weights_of(identity),
        "answers_sha256": identity.weights_sha256 if identity.is_foreign else "",
        "tag_sha256" if "tag" in identity.options else "code_sha256": identity.code_sha256,
        "outputs": identity.outputs or "logits",
        "precision": precision_of(first.run),
        "view": json.dumps(view) if view else "",
    }
    deployment = "unknown" if identity.is_foreign or identity.is_chat else "self_deployed"
    return {
        "name": shown(first.name),
        "id": shown(first.model),
        "additional_details": {
            "deployment_type": deployment,
            "model_availability": "unknown",
            **{name: value for name, value in details.items() if value},
        },
    }


def _entries(result: Result) -> Iterator[dict[str, Any]]:
    card = card_of(result.run)
    for score in result.scores:
        if score.value is not None and math.isfinite(score.value):
            yield _entry(result, score, card.metric(score.metric))


def result_id(result: Result, score: Score) -> str:
    """The identity of one score, which records of pictures point to."""
    condition = ",".join(f"{key}={value}" for key, value in score.condition.items())
    return f"{result.key}/{score.metric}{f'/{condition}' if condition else ''}"


def evaluation_name(result: Result) -> str:
    """The benchmark, data and protocol of a score, as text."""
    return f"{result.benchmark} on {shown(result.data)} ({result.protocol})"


def _entry(result: Result, score: Score, metric: Metric) -> dict[str, Any]:
    low, high = (_bound(end) for end in metric.range)
    details = {
        "complete": "yes" if result.counts.complete else "no",
        "evaluated": f"{result.counts.evaluated} of {result.counts.expected}",
        **({"marks": ", ".join(marks)} if (marks := marks_in_export(result)) else {}),
        **({"doubt": score.doubt} if score.doubt else {}),
        **({"no_interval": text(score.lack)} if score.value is not None and score.lack else {}),
        **({"clusters": str(score.clusters)} if score.clusters else {}),
    }
    return {
        "evaluation_result_id": result_id(result, score),
        "evaluation_name": evaluation_name(result),
        "source_data": {
            "dataset_name": shown(result.data),
            "source_type": "other",
            "additional_details": {
                "fingerprint": result.run.data.fingerprint,
                "pictures": str(result.run.data.samples),
                "seed": str(result.run.seed),
            },
        },
        "metric_config": {
            "evaluation_description": metric.explanation,
            "metric_id": score.metric,
            "metric_name": metric.title,
            "metric_unit": UNITS.get(score.unit, score.unit),
            "metric_parameters": dict(score.condition),
            "lower_is_better": not score.higher_is_better,
            "score_type": "continuous",
            "min_score": low,
            "max_score": high,
        },
        "score_details": {
            "score": score.value,
            "details": details,
            "uncertainty": {**_standard_error(score), **_interval(score), "num_samples": score.n},
        },
    }


def _bound(end: float) -> float | str:
    return end if math.isfinite(end) else "Infinity" if end > 0 else "-Infinity"


def _standard_error(score: Score) -> dict[str, Any]:
    """The standard error that the interval of a score was made of, where there is one."""
    error = score.spread.error if score.spread else None
    return {} if error is None else {"standard_error": {"value": error}}


def _interval(score: Score) -> dict[str, Any]:
    if score.spread is None or score.interval is None:
        return {}
    low, high = score.interval.low, score.interval.high
    if not all(map(math.isfinite, (low, high))):
        return {}
    ends = {"lower": low, "upper": high, "confidence_level": CONFIDENCE}
    return {"confidence_interval": {**ends, "method": score.spread.kind}}
