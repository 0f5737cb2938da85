"""Changes since an earlier evidence file: models, data, code, scores and verdicts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hardiness.core.errors import ArgumentError, StoreError
from hardiness.core.forms import from_json
from hardiness.core.result import Score
from hardiness.report.evidence.record import (
    SCHEMA,
    VERSION,
    ChangeRecord,
    ChangesRecord,
    EvidenceRecord,
    FileDigest,
    RunRecord,
    ScoreChangeRecord,
)

FILE = "evidence.json"

NOTE = (
    "Two intervals side by side are no test: whether a model became better or worse on the same pictures is asked with "
    "'hardiness compare' or with a rule of 'hardiness gate' that has 'against'."
)


@dataclass(frozen=True)
class FormerEvidence:
    """An earlier evidence file, with the digest of its bytes."""

    record: EvidenceRecord
    source: FileDigest


def read_former(path: str | Path) -> FormerEvidence:
    """An earlier evidence file.

    Args:
        path: of the file, or of its folder.

    Raises:
        ArgumentError: it cannot be read, or is no evidence file of a version that is known here.
    """
    file = Path(path) / FILE if Path(path).is_dir() else Path(path)
    try:
        content = file.read_bytes()
    except OSError as error:
        raise ArgumentError(
            f"since {path}: cannot be read ({error.strerror}); it must be the {FILE} of an earlier 'hardiness report "
            "OUT --evidence DIR', or its folder"
        ) from None
    try:
        form = json.loads(content)
    except ValueError as error:
        raise ArgumentError(f"since {path}: must be the {FILE} of an earlier report, and is no JSON: {error}") from None
    if not isinstance(form, dict) or form.get("$schema") != SCHEMA:
        raise ArgumentError(
            f"since {path}: must be the {FILE} of an earlier 'hardiness report OUT --evidence DIR', or its folder, and "
            "is another JSON"
        )
    if form.get("version") != VERSION:
        raise ArgumentError(
            f"since {path}: must be an evidence file of version {VERSION}, was of {form.get('version')!r}; make it "
            "again with this version of hardiness from the folder that it was of"
        )
    try:
        record = from_json(EvidenceRecord, form, str(file), "make it again from the folder that it was of")
    except StoreError as error:
        raise ArgumentError(f"since {error}") from None
    return FormerEvidence(record, FileDigest(file.name, hashlib.sha256(content).hexdigest()))


def changes_record(former: FormerEvidence, record: EvidenceRecord) -> ChangesRecord:
    """The changes of a record since a former one."""
    before = former.record
    scores, same = _score_changes(before, record)
    return ChangesRecord(
        since=former.source,
        since_date=before.about.date,
        since_version=before.package_version,
        models=tuple(_changes(_models(before), _models(record))),
        data=tuple(_changes(_data(before), _data(record))),
        code=tuple(_changes(_code(before), _code(record))),
        scores=tuple(scores),
        same_scores=same,
        verdicts=tuple(_changes(_verdicts(before), _verdicts(record))),
        note=NOTE,
    )


def _changes(before: Mapping[str, str], after: Mapping[str, str]) -> Iterable[ChangeRecord]:
    """A change for each thing that is another; what is new or gone as well."""
    for what in dict.fromkeys((*before, *after)):
        if what not in before:
            yield ChangeRecord(what, "new", "", after[what])
        elif what not in after:
            yield ChangeRecord(what, "gone", before[what], "")
        elif before[what] != after[what]:
            yield ChangeRecord(what, "changed", before[what], after[what])


def _models(record: EvidenceRecord) -> dict[str, str]:
    facts: dict[str, list[str]] = {}
    for model in record.models:
        parts = {
            "weights": (model.weights_sha256 or "")[:16],
            "answers": (model.answers_sha256 or "")[:16],
            "code": (model.code_sha256 or "")[:16],
            "outputs": (model.outputs_sha256 or "")[:16],
            "view": _digest(model.view) if model.view else "",
            "options": _digest(model.options) if model.options else "",
        }
        facts.setdefault(model.name, []).append(", ".join(f"{name} {text}" for name, text in parts.items() if text))
    return {name: "; ".join(texts) for name, texts in facts.items()}


def _data(record: EvidenceRecord) -> dict[str, str]:
    facts: dict[str, list[str]] = {}
    for each in record.data:
        facts.setdefault(each.name, []).append(f"{each.samples:,} pictures, fingerprint {each.fingerprint[:16]}")
    return {name: "; ".join(texts) for name, texts in facts.items()}


def _code(record: EvidenceRecord) -> dict[str, str]:
    """Versions of packages and of what rows depend on, and digests of a person's own code."""
    versions: dict[str, dict[str, None]] = {}
    for run in record.runs:
        for session in (*run.sessions, *(each for companion in run.companions for each in companion.sessions)):
            for name, version in session.packages.items():
                versions.setdefault(name, {})[version] = None
            if session.python:
                versions.setdefault("python", {})[session.python] = None
        about = f"{run.benchmark}, {run.protocol}"
        versions.setdefault(f"{about}: versions of kernels, attacks and rows", {})[_text(run.versions)] = None
        if run.code_sha256:
            versions.setdefault(f"{about}: own code", {})[run.code_sha256[:16]] = None
    return {name: ", ".join(sorted(texts)) for name, texts in sorted(versions.items())}


def _verdicts(record: EvidenceRecord) -> dict[str, str]:
    """Policies and outcomes; what several folders or data sets have under one name stands side by side."""
    facts: dict[str, list[str]] = {}
    for gate in (each.gate for each in record.gates):
        facts.setdefault(f"policy {gate.source}", []).append(f"sha256 {gate.policy_sha256[:16]}")
        for each in gate.verdicts:
            what = f"rule {each.rule.number}, {each.metric}: {each.model} on {each.benchmark}"
            facts.setdefault(what, []).append(each.outcome)
    return {what: "; ".join(texts) for what, texts in facts.items()}


def _score_changes(before: EvidenceRecord, after: EvidenceRecord) -> tuple[list[ScoreChangeRecord], int]:
    """The headlines that changed, came or went, and how many are the same."""
    old, new = _headlines(before.runs), _headlines(after.runs)
    titles = {metric.name: metric.title for metric in (*before.metrics, *after.metrics)}
    changes, same = [], 0
    for place in dict.fromkeys((*old, *new)):
        (one, first), (other, second) = old.get(place, (None, None)), new.get(place, (None, None))
        if first and second and (first.value, first.interval) == (second.value, second.interval):
            same += 1
            continue
        score, run = second or first, other or one
        assert score is not None
        assert run is not None
        changes.append(
            ScoreChangeRecord(
                model=run.model,
                benchmark=run.benchmark,
                data=run.data,
                title=titles[score.metric],
                before=first,
                after=second,
                same_run=one is not None and other is not None and one.key == other.key,
            )
        )
    return changes, same


def _headlines(runs: Iterable[RunRecord]) -> dict[tuple[Any, ...], tuple[RunRecord, Score]]:
    """The score that stands for each run, by what it is of; of several runs that differ in their weights the last."""
    headlines = {}
    for run in runs:
        score = headline_score(run)
        if score is not None:
            place = (
                run.model,
                run.benchmark,
                run.data,
                run.protocol,
                run.variant,
                score.metric,
                score.condition,
            )
            headlines[place] = run, score
    return headlines


def headline_score(run: RunRecord) -> Score | None:
    """The score of a run that stands for its benchmark; ``None`` where it has none."""
    return next((each for each in run.scores if (each.metric, each.condition) == run.headline), None)


def _text(form: Any) -> str:
    return json.dumps(form, sort_keys=True)


def _digest(form: Any) -> str:
    return hashlib.sha256(_text(form).encode()).hexdigest()[:8]
