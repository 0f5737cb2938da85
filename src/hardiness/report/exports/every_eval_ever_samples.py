"""``every-eval-ever-samples``: a line for each picture under each condition, as Every Eval Ever 0.3.0 has it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from typing import Any

from hardiness.benchmarks.card import card_of
from hardiness.core.attack_plan import condition_text
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError
from hardiness.core.result import Result
from hardiness.core.table import RIGHT, ImageTable
from hardiness.report.exports.every_eval_ever import SCHEMA_VERSION, evaluation_id, evaluation_name, result_id
from hardiness.report.exports.exporter import Comparisons, TablesOf, register
from hardiness.sources.files import shown

SHARES = ("top1", "error", "clean_error", "accuracy", "clean_accuracy")
"""Metrics that are means of right and wrong over pictures, by which a picture's record is found."""


@register(
    "every-eval-ever-samples",
    "Every Eval Ever 0.3.0: a line for each picture under each condition, right or wrong; of folders",
    of_rows=True,
)
def write(results: Sequence[Result], comparisons: Comparisons = (), tables: TablesOf | None = None) -> bytes:
    """Lines of JSON, one a picture and condition, with the label, the answer and whether it is right.

    The input is the picture's id, as no picture leaves the machine. Of runs whose rows have no answers, such as those
    of scores, there are none.

    Raises:
        ArgumentError: there are no rows of pictures.

    Source: `instance_level_eval.schema.json` of every-eval-ever 0.3.0.
    """
    by_model: dict[str, list[Result]] = {}
    for result in results:
        by_model.setdefault(result.name, []).append(result)
    lines = [
        f"{json.dumps(record)}\n"
        for of_model in by_model.values()
        for result in of_model
        for table in (tables(result) if tables is not None else ())
        for record in _records(result, table, evaluation_id(of_model))
    ]
    if not lines:
        raise ArgumentError("every-eval-ever-samples needs the folder of an evaluation whose rows have answers")
    return "".join(lines).encode()


def _records(result: Result, table: ImageTable, identity: str) -> Iterator[dict[str, Any]]:
    """The record of each picture under each condition of a run."""
    if "answer" not in table or table["answer"].ndim != table[RIGHT].ndim:
        return
    name = card_of(result.run).class_namer(result.run)
    model = result.run.model
    method = "the class with the largest output"
    if model.is_foreign or model.is_chat:
        method = "the answer as its file has it" if model.is_foreign else "the option that its reply names"
    places = {condition: _score_id(result, condition) for condition in table.present}
    for row, picture in enumerate(map(shown, table.ids.tolist())):
        for cell, condition in enumerate(table.present):
            right, answer = int(table[RIGHT][row, cell]), int(table["answer"][row, cell])
            if right < 0:
                continue
            label = shown(name(int(table.label[row])))
            answer_name = shown(name(answer)) if answer >= 0 else "no answer"
            text = condition_text(condition)
            raw = f"{picture}{f' under {text}' if text else ''}"
            yield {
                "schema_version": SCHEMA_VERSION,
                "evaluation_id": identity,
                "model_id": shown(result.model),
                "evaluation_name": evaluation_name(result),
                **({"evaluation_result_id": places[condition]} if places[condition] else {}),
                "sample_id": raw,
                "sample_hash": hashlib.sha256(f"{raw}{label}".encode()).hexdigest(),
                "interaction_type": "single_turn",
                "input": {"raw": raw, "reference": [label]},
                "output": {"raw": [answer_name]},
                "answer_attribution": [
                    {
                        "turn_idx": 0,
                        "source": "output.raw",
                        "extracted_value": answer_name,
                        "extraction_method": method,
                        "is_terminal": True,
                    }
                ],
                "evaluation": {"score": float(right), "is_correct": bool(right)},
                "metadata": {"picture": picture, **{key: str(value) for key, value in condition.items()}},
            }


def _score_id(result: Result, condition: Condition) -> str:
    """The identity of the score that is the mean of a condition's right or wrong answers; empty where there is none."""
    scores = (score for score in result.scores if score.metric in SHARES and score.condition == condition)
    return next((result_id(result, score) for score in scores if score.value is not None), "")
