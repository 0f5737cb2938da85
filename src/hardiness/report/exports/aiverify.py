"""``aiverify``: accuracy under corruptions as test results of AI Verify's toolkit, a line of JSON for each run."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any
from urllib.parse import quote

from hardiness.benchmarks.level_parameters import parameters_of_result
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError
from hardiness.core.forms import json_form
from hardiness.core.result import Result, Score
from hardiness.distortions.apply import corruptions
from hardiness.report.evidence.portable import portable_form
from hardiness.report.exports.exporter import Comparisons, register

GID = "hardiness"
"""The plug-in that the results are of, which is none of AI Verify's own."""

CLEAN = "severity0"


@register("aiverify", "test results of AI Verify's toolkit: accuracy under each corruption and severity, a line a run")
def write(results: Sequence[Result], comparisons: Comparisons = ()) -> bytes:
    """Lines of JSON, one a run of corruptions: an envelope, and as output the accuracy at each severity.

    The output follows the schema of AI Verify's image corruptions; ``severity0`` is of undisturbed pictures, a level is
    named by its quantity, and no sample picture is shown. Start and duration are those of the stored sessions.

    Raises:
        ArgumentError: no run is of corruptions, or none says when it was made.

    Source: `output.schema.json` of aiverify-blur-corruptions 2.2.1; TestResult of aiverify-test-engine 2.2.1.
    """
    lines = [f"{json.dumps(each)}\n" for result in results if (each := _test_result(result)) is not None]
    if not lines:
        raise ArgumentError(
            "aiverify needs a stored run of corruptions, such as imagenet-c or own-c, and there is none; other results "
            "have no form in it"
        )
    return "".join(lines).encode()


def _test_result(result: Result) -> dict[str, Any] | None:
    """The test result of a run; ``None`` where it is of no corruption, or was not computed by a session."""
    sessions = [session for session in result.measured.get("sessions", ()) if session.get("started")]
    output = [_corruption_entry(result, name) for name in _names(result)]
    if not output or not sessions:
        return None
    began = min(datetime.fromisoformat(session["started"]) for session in sessions)
    return {
        "gid": GID,
        "cid": re.sub(r"[^a-zA-Z0-9._-]", "-", result.benchmark),
        "version": version("hardiness"),
        "startTime": began.astimezone(UTC).isoformat(),
        "timeTaken": round(sum(float(session.get("elapsed_s", 0.0)) for session in sessions), 4),
        "testArguments": {
            "testDataset": f"urn:hardiness:data:{quote(result.data, safe='')}:{result.run.data.fingerprint}",
            "mode": "upload",
            "modelType": "classification",
            "algorithmArgs": {
                "set_seed": result.run.seed,
                "corruptions": _names(result),
                "protocol": result.protocol,
                "options": portable_form(json_form(result.run.benchmark.options)),
                "run": result.key,
                "complete": result.counts.complete,
            },
            "modelFile": f"urn:hardiness:model:{quote(result.name, safe='')}:{result.run.model.weights_sha256}",
        },
        "output": {"results": output},
    }


def _names(result: Result) -> list[str]:
    """The corruptions of which errors are there, in their order."""
    return list(dict.fromkeys(str(score.condition["corruption"]) for score in _errors(result)))


def _errors(result: Result) -> list[Score]:
    """The errors under each corruption at each strength."""
    return [
        score
        for score in result.scores
        if score.metric == "error" and score.value is not None and set(score.condition) in STRENGTHS
    ]


STRENGTHS = ({"corruption", "severity"}, {"corruption", "level"})
"""Keys of the conditions that name one strength of one corruption."""


def _corruption_entry(result: Result, name: str) -> dict[str, Any]:
    scores = {_severity(score.condition): score for score in _errors(result) if score.condition["corruption"] == name}
    parameters = parameters_of_result(result)
    clean = next((s.value for s in result.scores if s.metric == "clean_error" and s.value is not None), None)
    entry = corruptions.find(name)
    return {
        "corruption_group": entry.group if entry is not None else "not stated",
        "corruption_function": name,
        "parameter": {
            **({} if clean is None else {CLEAN: {}}),
            **{
                place: {each.name: each.value for each in parameters[score.condition].parameters}
                if score.condition in parameters
                else {}
                for place, score in scores.items()
            },
        },
        "accuracy": {
            **({} if clean is None else {CLEAN: 1 - clean}),
            **{place: 1 - score.value for place, score in scores.items() if score.value is not None},
        },
        "display_info": {},
    }


def _severity(condition: Condition) -> str:
    """The name of a strength: ``severity3``, or ``severity quality=17`` of a level."""
    return f"severity{condition['severity']}" if "severity" in condition else f"severity {condition['level']}"
