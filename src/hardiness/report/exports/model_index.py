"""``model-index``: the evaluation block of a model card on the Hugging Face hub."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hardiness.core.answers import SCORES
from hardiness.core.result import Result, Score
from hardiness.report.exports.exporter import Comparisons, register
from hardiness.report.marks import marks_in_export
from hardiness.report.sections import BenchmarkSection, sections
from hardiness.sources.files import shown as printable

TASK = ("image-classification", "Image classification")
OTHER_TASK = ("other", "A score for each picture")
"""That of a file of scores, which says nothing of what the network does."""


@register("model-index", "the model-index block of a model card on the Hugging Face hub, a document for each model")
def write(results: Sequence[Result], comparisons: Comparisons = ()) -> bytes:
    """YAML documents, one a model, each the metadata block of its card; values are percentages where scores are shares.

    Raises:
        ArgumentError: there is no score.
    """
    from huggingface_hub import EvalResult, ModelCardData

    by_model: dict[str, list[EvalResult]] = {}
    for shown in sections(results, comparisons, figures=False):
        for result in shown.results:
            for score in result.scores:
                if score.value is not None and set(score.condition) <= {"protocol"}:
                    by_model.setdefault(printable(result.name), []).append(EvalResult(**_entry(shown, result, score)))
    blocks = [ModelCardData(model_name=name, eval_results=entries).to_yaml() for name, entries in by_model.items()]
    return "".join(f"---\n{block.rstrip()}\n" for block in blocks).encode()


def _entry(shown: BenchmarkSection, result: Result, score: Score) -> dict[str, Any]:
    assert score.value is not None
    percent = score.unit in ("fraction", "ratio")
    details = {"n": score.n, "complete": result.counts.complete, "run": result.key, **dict(score.condition)}
    if score.clusters:
        details["clusters"] = score.clusters
    if marks := marks_in_export(result):
        details["marks"] = ", ".join(marks)
    if score.doubt:
        details["doubt"] = score.doubt
    if score.interval:
        scale = 100 if percent else 1
        details["interval"] = [round(scale * bound, 4) for bound in (score.interval.low, score.interval.high)]
    task_type, task_name = OTHER_TASK if result.run.model.outputs == SCORES else TASK
    return {
        "task_type": task_type,
        "task_name": task_name,
        "dataset_type": printable(result.data),
        "dataset_name": printable(shown.heading),
        "metric_type": score.metric,
        "metric_name": f"{score.metric.replace('_', ' ')}{' (%)' if percent else ''}",
        "metric_value": round(100 * score.value, 4) if percent else round(score.value, 4),
        "metric_args": details,
    }
