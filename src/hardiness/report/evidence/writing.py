"""The evidence file made of results and verdicts, and its bytes: the one place that writes them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version

from hardiness.core.errors import ArgumentError, suggestion
from hardiness.core.fact import Fact
from hardiness.core.result import Result
from hardiness.report.evidence.attackers import attackers_of
from hardiness.report.evidence.changes import FormerEvidence, changes_record
from hardiness.report.evidence.clauses import clauses_record
from hardiness.report.evidence.definitions import intervals_of, metrics_of
from hardiness.report.evidence.limits import limits_of
from hardiness.report.evidence.perturbations import perturbations_of
from hardiness.report.evidence.portable import portable_form
from hardiness.report.evidence.record import SCHEMA, VERSION, About, EvidenceRecord
from hardiness.report.evidence.tested import PictureFacts, data_of, models_of, runs_of
from hardiness.report.evidence.verdicts import NO_GOALS, comparisons_of_headlines, gate_record
from hardiness.report.sections import sections
from hardiness.report.words import line, with_texts
from hardiness.results.comparison import BenchmarkComparison
from hardiness.results.gate import Gate
from hardiness.store.writing import as_json

PACKAGE = "hardiness"

STATEMENT = (
    "Measurements on pictures, made of the rows that were stored when they were taken, and statements of the person "
    "who is named. It is no certificate and no claim of conformity. What was neither measured nor stated is "
    "printed as not stated."
)


@dataclass(frozen=True)
class FolderVerdicts:
    """The last gate of one output folder.

    Attributes:
        gate: as it was kept.
        of_these_rows: whether rows are still those that were judged.
        results: of that folder.
    """

    gate: Gate
    of_these_rows: bool
    results: Sequence[Result]


@dataclass(frozen=True)
class EvidenceSources:
    """Everything that an evidence file is made of.

    Attributes:
        results: sorted by benchmark and data.
        comparisons: of their models on the same images.
        verdicts: the last gate of each folder.
        pictures: facts about the pictures of runs, by their keys.
        about: statements of a person.
        former: an earlier file; ``None`` where none is named.
        problems: what of the folders could not be read.
    """

    results: Sequence[Result]
    comparisons: Sequence[BenchmarkComparison] = ()
    verdicts: Sequence[FolderVerdicts] = ()
    pictures: Mapping[str, PictureFacts] = field(default_factory=dict)
    about: About = field(default_factory=About)
    former: FormerEvidence | None = None
    problems: Sequence[Fact] = ()


def evidence_record(sources: EvidenceSources) -> EvidenceRecord:
    """The evidence file, without folders of the machine; equal sources give equal files.

    Raises:
        ArgumentError: the model that the system is said to use is none of these.
    """
    shown = sections(sources.results, sources.comparisons, figures=False)
    results = [result for section in shown for result in section.results]
    if (named := sources.about.system.model) and named not in (names := {result.name for result in results}):
        raise ArgumentError(f"about: [system]: no model {named!r} was evaluated{suggestion(named, sorted(names))}")
    record = EvidenceRecord(
        schema_file=SCHEMA,
        version=VERSION,
        package=PACKAGE,
        package_version=version(PACKAGE),
        statement=STATEMENT,
        about=sources.about,
        gates=tuple(
            gate_record(each.gate, each.of_these_rows, each.results, sources.pictures) for each in sources.verdicts
        ),
        goals_note="" if sources.verdicts else NO_GOALS,
        comparisons=comparisons_of_headlines(shown),
        models=models_of(results),
        data=data_of(results, sources.pictures),
        runs=runs_of(shown, sources.pictures),
        perturbations=perturbations_of(shown),
        attackers=attackers_of(shown),
        metrics=metrics_of(shown),
        intervals=intervals_of(results),
        changes=None,
        limits=limits_of(results, [verdict for each in sources.verdicts for verdict in each.gate.verdicts]),
        clauses=clauses_record(()),
        problems=tuple(map(line, sources.problems)),
    )
    record = replace(record, **{name: portable_form(getattr(record, name), VALUES) for name in MEASURED})
    if sources.former is not None:
        record = replace(record, changes=changes_record(sources.former, record))
    return replace(record, clauses=clauses_record(frozenset(filled_sections(record))))


def filled_sections(record: EvidenceRecord) -> Iterator[str]:
    """The names of the sections that say something.

    The first one does where purpose, domain, person and date are stated, perturbations where a number behind one is
    known.
    """
    about = record.about
    is_filled = {
        "about": all((about.system.intended_use, about.system.domain, about.responsible.name, about.date)),
        "goals": bool(record.gates),
        "verdicts": bool(record.gates or record.comparisons),
        "results": any(score.value is not None for run in record.runs for score in run.scores),
        "groups": any(run.slices for run in record.runs),
        "models": bool(record.models),
        "data": bool(record.data),
        "perturbations": any(any(each.levels.values()) for each in record.perturbations),
        "attackers": bool(record.attackers),
        "metrics": any(metric.definition for metric in record.metrics),
        "runs": bool(record.runs),
        "changes": record.changes is not None,
        "limits": bool(record.limits),
    }
    return (name for name, filled in is_filled.items() if filled)


MEASURED = ("gates", "comparisons", "models", "runs", "attackers", "problems")
"""Fields whose texts may name folders of the machine: names of models, commands, facts and messages."""

VALUES = ("condition", "where", "headline", "slice", "slices", "column", "statement", "note", "unit", "spread", "value")
"""Fields of theirs that hold values of the data, or texts of our own."""


def evidence_json(record: EvidenceRecord) -> bytes:
    """The bytes of the evidence file: JSON, indented, its fields in the order of the record, facts with their texts."""
    return as_json(with_texts(record))
