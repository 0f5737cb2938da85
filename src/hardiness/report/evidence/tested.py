"""Models, data and runs of an evidence file, from results."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hardiness.benchmarks.card import card_of, variant_of
from hardiness.core.forms import json_form
from hardiness.core.result import Result
from hardiness.core.run import Run
from hardiness.report.commands import commands_of
from hardiness.report.evidence.portable import portable
from hardiness.report.evidence.record import (
    ClusterRecord,
    ColumnRecord,
    CompanionRecord,
    DataRecord,
    FileDigest,
    ModelRecord,
    RunRecord,
    SessionRecord,
)
from hardiness.report.sections import BenchmarkSection
from hardiness.report.stated_models import precision_of, view_of, weights_of
from hardiness.results.dependence import NOT_LOOKED_FOR
from hardiness.results.slices import headline_slices
from hardiness.statistics.dependence import Dependence


@dataclass(frozen=True)
class PictureFacts:
    """Facts about the pictures of a run that its result does not carry.

    Attributes:
        columns: what is known of them beyond their labels.
        sources: the files that this was read from.
        dependence: columns whose pictures are answered alike, by name.
        dependence_note: what was looked at for that.
        companions: the stored runs whose rows stand with its own, without their scores.
    """

    columns: tuple[ColumnRecord, ...]
    sources: tuple[FileDigest, ...]
    dependence: Mapping[str, Dependence]
    dependence_note: str
    companions: tuple[Result, ...] = ()


def sessions_behind(result: Result, facts: Mapping[str, PictureFacts]) -> list[Mapping[str, Any]]:
    """The sessions that computed rows of a result: of its run, and of those whose rows stand with its own."""
    every = [result, *(facts[result.key].companions if result.key in facts else ())]
    return [session for each in every for session in each.measured.get("sessions", ()) if session.get("rows")]


def models_of(results: Iterable[Result]) -> tuple[ModelRecord, ...]:
    """Each model once, in the order of the results."""
    records: dict[str, ModelRecord] = {}
    for result in results:
        identity = result.run.model
        sessions = result.measured.get("sessions", ())
        record = ModelRecord(
            name=result.name,
            weights_sha256=weights_of(identity),
            answers_sha256=identity.weights_sha256 or None if identity.is_foreign else None,
            code_sha256=identity.code_sha256 or None,
            outputs_sha256=identity.outputs_sha256 or None,
            outputs=identity.outputs or "logits",
            precision=precision_of(result.run),
            parameters=next((each["parameters"] for each in sessions if each.get("parameters")), None),
            view=view_of(result.run),
            options=json_form(identity.options),
        )
        records.setdefault(repr((record.name, identity.weights_sha256, record.code_sha256, record.view)), record)
    return tuple(records.values())


def data_of(results: Sequence[Result], facts: Mapping[str, PictureFacts]) -> tuple[DataRecord, ...]:
    """Each data set once, in the order of the results.

    Args:
        results: which.
        facts: about their pictures, by run.
    """
    by_data: dict[tuple[str, str], list[Result]] = {}
    for result in results:
        by_data.setdefault((result.data, result.run.data.fingerprint), []).append(result)
    return tuple(_data_record(alike, facts) for alike in by_data.values())


def _data_record(results: Sequence[Result], facts: Mapping[str, PictureFacts]) -> DataRecord:
    """One data set, by the results that are on it: of columns the richest, of dependence the worst."""
    identity = results[0].run.data
    of_runs = [facts[result.key] for result in results if result.key in facts]
    richest = max(of_runs, key=lambda each: len(each.columns), default=PictureFacts((), (), {}, NOT_LOOKED_FOR))
    worst: dict[str, Dependence] = {}
    for each in of_runs:
        for name, dependence in each.dependence.items():
            if name not in worst or worst[name].too_narrow < dependence.too_narrow:
                worst[name] = dependence
    clusters = next((result.clusters for result in results if result.clusters), None)
    notes = dict.fromkeys(each.dependence_note for each in of_runs)
    return DataRecord(
        name=identity.name,
        fingerprint=identity.fingerprint,
        samples=identity.samples,
        num_classes=identity.num_classes,
        classes=tuple(identity.classes),
        columns=richest.columns,
        column_sources=richest.sources,
        clusters=ClusterRecord(clusters.column, clusters.clusters, clusters.pictures) if clusters else None,
        dependence=worst,
        dependence_note="; ".join(notes) or NOT_LOOKED_FOR,
    )


def runs_of(shown: Sequence[BenchmarkSection], facts: Mapping[str, PictureFacts]) -> tuple[RunRecord, ...]:
    """Each run with all of its scores, in the order of the sections.

    Args:
        shown: the sections.
        facts: about the runs, by key.
    """
    every = [result for section in shown for result in section.results]
    return tuple(
        _run_record(section, result, every, facts[result.key].companions if result.key in facts else ())
        for section in shown
        for result in section.results
    )


def _run_record(
    section: BenchmarkSection, result: Result, every: Sequence[Result], companions: Sequence[Result]
) -> RunRecord:
    run, headline = result.run, section.section.headline
    headlines = list(headline_slices(result))
    return RunRecord(
        key=result.key,
        parts=tuple(result.parts),
        model=result.name,
        benchmark=result.benchmark,
        data=result.data,
        protocol=result.protocol,
        variant=variant_of(run),
        card=run.benchmark.card,
        options=json_form(run.benchmark.options),
        seed=run.seed,
        versions=json_form(run.versions),
        code_sha256=run.benchmark.code_sha256 or None,
        complete=result.counts.complete,
        counts=result.counts,
        failures=dict(sorted(Counter(portable(failure.reason) for failure in result.failures).items())),
        conditions=len(run.conditions),
        headline=(headline.metric, headline.condition) if headline else None,
        scores=tuple(result.scores),
        slices=tuple(sorted(result.slices, key=lambda each: each not in headlines)),
        warnings=tuple(result.warnings),
        commands=() if run.model.is_foreign else tuple(commands_of(result, every)),
        sessions=_session_records(result),
        companions=tuple(map(_companion_record, companions)),
    )


def _companion_record(result: Result) -> CompanionRecord:
    card, conditions = card_of(result.run), result.run.conditions
    part = card.named(conditions[0]) if len(conditions) == 1 and conditions[0] else result.data
    return CompanionRecord(result.key, part, tuple(commands_of(result)), _session_records(result))


def _session_records(result: Result) -> tuple[SessionRecord, ...]:
    return tuple(_session_record(each, result.run) for each in result.measured.get("sessions", ()))


def _session_record(session: Mapping[str, Any], run: Run) -> SessionRecord:
    policy = session.get("policy")
    return SessionRecord(
        started=session.get("started"),
        rows=int(session.get("rows", 0)),
        python=session.get("python"),
        packages=dict(sorted(session.get("packages", {}).items())),
        device=session.get("device"),
        device_name=None if run.model.is_foreign else session.get("device_name"),  # of who read its file
        runtime=session.get("runtime"),
        precision=session.get("precision") if precision_of(run) else None,
        policy=FileDigest(policy["name"], policy["sha256"]) if policy else None,
    )
