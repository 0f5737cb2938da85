"""The evidence file as typed records; its JSON form is that of their fields, and its schema follows from their types.

Scores, verdicts, rules and facts are those of results. What is not known is ``None``, and is printed as *not stated*.
Nothing here holds a clock, a host or a folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from hardiness.core.attack_plan import Round
from hardiness.core.condition import Condition
from hardiness.core.fact import Fact
from hardiness.core.forms import json_field
from hardiness.core.result import Counts, Score, SlicedScore
from hardiness.core.spread import Interval
from hardiness.reference.evidence_clauses import ClauseSource
from hardiness.results.gate import Gate
from hardiness.statistics.dependence import Dependence

VERSION = 1
"""Version of the layout; a field that is added raises nothing, one that is removed or means something else does."""

SCHEMA = "evidence.schema.json"
"""The name of the schema's file, which lies beside the evidence and in the documentation."""

SECTIONS: Mapping[str, str] = {
    "about": "Purpose and responsibility",
    "goals": "Goals stated before",
    "verdicts": "Verdicts",
    "results": "Results",
    "groups": "Groups of pictures",
    "models": "Models",
    "data": "Data and their dependence",
    "perturbations": "Perturbations",
    "attackers": "Attackers and their checks",
    "metrics": "What numbers mean",
    "runs": "What was run",
    "changes": "Changes since the last file",
    "limits": "Limits",
    "clauses": "Clauses",
}
"""The sections of the file, in the order of the page."""


@dataclass(frozen=True, slots=True)
class FileDigest:
    """A file by its name, without its folder, and a digest of its content.

    Attributes:
        name: of the file.
        sha256: hexadecimal digits over its bytes.
    """

    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class AboutSystem:
    """The system that the models are a part of, as its maker states it.

    Attributes:
        name, version, provider: which system, and whose.
        intended_use: what it is made to do, for whom.
        domain: where it works.
        operating_conditions: what it meets there: cameras, light, compression, weather.
        out_of_scope: uses that it is not made for.
        model: which of the models it uses; all of them where nobody says so.
    """

    name: str | None = None
    version: str | None = None
    provider: str | None = None
    intended_use: str | None = None
    domain: str | None = None
    operating_conditions: str | None = None
    out_of_scope: str | None = None
    model: str | None = None


@dataclass(frozen=True, slots=True)
class AboutData:
    """The pictures, as whoever collected them states it.

    Attributes:
        provenance: where they are from, and on which terms.
        collected: when and how.
        represents: which population they stand for.
        known_gaps: what is known to be missing.
    """

    provenance: str | None = None
    collected: str | None = None
    represents: str | None = None
    known_gaps: str | None = None


@dataclass(frozen=True, slots=True)
class AboutResponsible:
    """The person who answers for the file.

    Attributes:
        name, role, organisation, contact: as the person states them.
    """

    name: str | None = None
    role: str | None = None
    organisation: str | None = None
    contact: str | None = None


@dataclass(frozen=True, slots=True)
class About:
    """Statements of a person about the system; nothing of them was measured.

    Attributes:
        source: the file that says so; ``None`` where there is none.
        reference: the number under which the file is kept.
        date: of the file, as ``2026-11-30``.
        place: where it is signed.
        system, data, responsible: see there.
    """

    source: FileDigest | None = None
    reference: str | None = None
    date: str | None = None
    place: str | None = None
    system: AboutSystem = field(default_factory=AboutSystem)
    data: AboutData = field(default_factory=AboutData)
    responsible: AboutResponsible = field(default_factory=AboutResponsible)


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """One model.

    Attributes:
        name: as results carry it.
        weights_sha256: over the names, types, shapes and bytes of all tensors; ``None`` where none were read.
        answers_sha256: over its answers, where it was run elsewhere and these were read from a file, so that nothing is
            known of its weights and view; ``None`` where it was run here.
        code_sha256: over the code that computes, or a tag that its maker gave; ``None`` where a package's name and the
            weights say it all.
        outputs_sha256: over which output means which class; ``None`` where these are the classes in their usual order.
        outputs: ``"logits"``, or what it gives instead.
        precision: of its arithmetic; ``None`` where that was done elsewhere, or by a function as it likes.
        parameters: how many it has; ``None`` where that was not counted.
        view: its preprocessing; ``None`` where it was run elsewhere, or takes files or whole pictures and resizes them
            itself.
        options: further arguments of its builder.
    """

    name: str
    weights_sha256: str | None
    answers_sha256: str | None
    code_sha256: str | None
    outputs_sha256: str | None
    outputs: str
    precision: str | None
    parameters: int | None
    view: Mapping[str, Any] | None
    options: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ColumnRecord:
    """A column of the pictures.

    Attributes:
        name, kind: its name; ``"text"``, ``"whole numbers"`` or ``"numbers"``.
        values: how many different ones there are.
        missing: pictures without one.
        counts: pictures by value, where there are few values and each has several pictures.
        range: the least and the largest number; ``None`` of text.
    """

    name: str
    kind: str
    values: int
    missing: int
    counts: Mapping[str, int] = field(default_factory=dict)
    range: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class ClusterRecord:
    """The clusters that pictures come in, over which all intervals are.

    Attributes:
        column: that says which pictures belong together.
        clusters, pictures: how many there are.
    """

    column: str
    clusters: int
    pictures: int


@dataclass(frozen=True, slots=True)
class DataRecord:
    """One data set.

    Attributes:
        name: as results carry it.
        fingerprint: changes whenever the data do; see the limit ``fingerprint``.
        samples, num_classes: how many pictures, and classes of their labels.
        classes: the names of one's own classes; empty where they are ImageNet's.
        columns: what is known of the pictures beyond their labels.
        column_sources: the files that this was read from.
        clusters: ``None`` where intervals take every picture as drawn by itself.
        dependence: by column, where its pictures are answered alike.
        dependence_note: what was looked at for that, in a sentence.
    """

    name: str
    fingerprint: str
    samples: int
    num_classes: int
    classes: tuple[str, ...]
    columns: tuple[ColumnRecord, ...]
    column_sources: tuple[FileDigest, ...]
    clusters: ClusterRecord | None
    dependence: Mapping[str, Dependence]
    dependence_note: str


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """One session that computed rows of a run.

    Attributes:
        started: by the clock of its machine, in UTC; proves nothing by itself.
        rows: how many it computed.
        python, packages: versions; that of hardiness among the packages.
        device, device_name, runtime, precision: where models ran, and by what; the name is ``None`` where they were run
            elsewhere.
        policy: that was named when it began; ``None`` where none was.
    """

    started: str | None
    rows: int
    python: str | None
    packages: Mapping[str, str]
    device: str | None
    device_name: str | None
    runtime: str | None
    precision: str | None
    policy: FileDigest | None


@dataclass(frozen=True, slots=True)
class CompanionRecord:
    """A stored run whose rows stand with those of another: a single level of a corruption, or photographs beside sets.

    Attributes:
        key: as of any run.
        part: its conditions in words, or its data.
        commands, sessions: as of any run.
    """

    key: str
    part: str
    commands: tuple[str, ...]
    sessions: tuple[SessionRecord, ...]


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One model on one benchmark.

    Attributes:
        key: changes whenever anything that changes rows does.
        parts: keys of the stored runs, where it is of several.
        model, benchmark, data, protocol, variant: what met what, under which rules.
        card: the name of the code that scored it, which knows how its scores are called.
        options, seed, versions: what else its rows follow from; versions are of kernels, attacks and forms of rows.
        code_sha256: over code of a person's own that makes its rows; ``None`` where all of it ships.
        complete: whether every picture was evaluated under every condition.
        counts: of pictures, and of pictures times conditions.
        failures: pictures that could not be evaluated, by reason.
        conditions: how many there are.
        headline: the metric and condition that stand for the benchmark; ``None`` where none does.
        scores: headlines first, as results.json has them.
        slices: scores by group of pictures, as there; of each column that of the headline first.
        warnings: what to know before trusting them.
        commands: that make the same rows, without the folders of the machine; none where a program did, or answers were
            read from a file.
        sessions: in the order in which they began.
        companions: the other stored runs whose rows stand behind its scores.
    """

    key: str
    parts: tuple[str, ...]
    model: str
    benchmark: str
    data: str
    protocol: str
    variant: tuple[str, ...]
    card: str
    options: Mapping[str, Any]
    seed: int
    versions: Mapping[str, Any]
    code_sha256: str | None
    complete: bool
    counts: Counts
    failures: Mapping[str, int]
    conditions: int
    headline: tuple[str, Condition] | None
    scores: tuple[Score, ...]
    slices: tuple[SlicedScore, ...]
    warnings: tuple[Fact, ...]
    commands: tuple[str, ...]
    sessions: tuple[SessionRecord, ...]
    companions: tuple[CompanionRecord, ...] = ()


Order = Literal["before all rows", "before some rows", "another policy", "not shown"]
"""Whether a policy is shown to have stood before the rows that it judges."""


@dataclass(frozen=True, slots=True)
class OrderRecord:
    """The proof, for one run, that a policy stood before its rows.

    Attributes:
        run, model, benchmark: which.
        order: what is shown.
        sessions: that computed rows, those of its companions among them.
        with_policy: how many of them began with the digest of the policy that judges.
        other_policies: digests of other policies with which sessions began.
    """

    run: str
    model: str
    benchmark: str
    order: Order
    sessions: int
    with_policy: int
    other_policies: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GateRecord:
    """The last gate of one folder, and what is shown of when its policy was stated.

    Attributes:
        gate: its verdicts with their rules, as gate.json has them.
        of_these_rows: whether rows are still those that were judged.
        order: of all runs that it judges, the least that is shown of one.
        statement: the same in sentences.
        runs: by run.
    """

    gate: Gate
    of_these_rows: bool
    order: Order
    statement: str
    runs: tuple[OrderRecord, ...]


@dataclass(frozen=True, slots=True)
class PairRecord:
    """Two models by one score.

    Attributes:
        first, second: which.
        difference: the first less the second; ``None`` where it is undefined.
        interval: at the level at which all pairs of the comparison hold together; ``None`` where there is none.
        p: of *no difference*, adjusted likewise.
        told_apart: whether they surely differ, by more than what the protocol itself moves.
        method: how interval and p were found.
        lack: why there is no interval.
    """

    first: str
    second: str
    difference: float | None
    interval: Interval | None = field(metadata=json_field(as_list=True))
    p: float | None
    told_apart: bool
    method: str
    lack: Fact | None


@dataclass(frozen=True, slots=True)
class ComparisonRecord:
    """Models beside each other, by one score.

    Attributes:
        benchmark, data, protocol, variant: on what.
        metric, title, condition, part, unit, higher_is_better: which score; the part is its condition in words.
        n, clusters: pictures that all share, and the clusters in which they come.
        pairs: of every two.
    """

    benchmark: str
    data: str
    protocol: str
    variant: tuple[str, ...]
    metric: str
    title: str
    condition: Mapping[str, Any]
    part: str
    unit: str
    higher_is_better: bool
    n: int
    clusters: int
    pairs: tuple[PairRecord, ...]


@dataclass(frozen=True, slots=True)
class ParameterRecord:
    """A number that a perturbation was made with.

    Attributes:
        name, value: as its code has them.
        unit: empty where it has none, or nobody says it.
    """

    name: str
    value: Any
    unit: str


@dataclass(frozen=True, slots=True)
class PerturbationRecord:
    """A perturbation of pictures.

    Attributes:
        benchmark, name: which.
        kind: ``"corruption"``, ``"perturbation"`` or the key of the condition.
        summary: what it does; empty where its code is not here.
        version: of its code; ``None`` where that is not here.
        levels: by strength, a severity, a level or another condition, the numbers behind it; none where they are not
            known here.
        note: what else its pictures went through, or what is not known of it; empty where neither is to be said.
    """

    benchmark: str
    name: str
    kind: str
    summary: str
    version: int | None
    levels: Mapping[str, tuple[ParameterRecord, ...]]
    note: str


@dataclass(frozen=True, slots=True)
class ChecksRecord:
    """The checks of an attack on one model.

    Attributes:
        run, model: whose.
        findings: the checks, and the verdict that sums them up.
    """

    run: str
    model: str
    findings: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class AttackerRecord:
    """An attacker, in the terms of NIST AI 100-2.

    Attributes:
        terms: whose terms these are.
        benchmark, data, attack, version: which attack; the version is ``None`` where its code is not here.
        summary: what it does; empty where its code is not here.
        surrogate: the model that is attacked in place of the tested one; ``None`` where that one is attacked itself.
        surrogate_sha256: over its weights, as of a model; ``None`` where it is attacked itself.
        stage: when the attack takes place.
        goal, capability, knowledge: the attacker's.
        sees: what the attack uses of the model that it is run on.
        budgets: by round.
        units: by norm, what its epsilon counts; empty where nobody says it.
        checks: by model.
        terms_read: what was read of the text whose terms these are.
    """

    terms: str
    benchmark: str
    data: str
    attack: str
    version: int | None
    summary: str
    surrogate: str | None
    surrogate_sha256: str | None
    stage: str
    goal: str
    capability: str
    knowledge: str
    sees: str
    budgets: tuple[Round, ...]
    units: Mapping[str, str]
    checks: tuple[ChecksRecord, ...]
    terms_read: str = ""


@dataclass(frozen=True, slots=True)
class MetricRecord:
    """The meaning of a metric.

    Attributes:
        name, title, unit: as scores carry them.
        higher_is_better: the direction of improvement.
        range: the least and the largest value; an end is ``None`` where there is none.
        definition: what it is; empty where nobody says it.
        benchmarks: whose scores it is.
    """

    name: str
    title: str
    unit: str
    higher_is_better: bool
    range: tuple[float | None, float | None]
    definition: str
    benchmarks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ChangeRecord:
    """One thing that is another than in the former file.

    Attributes:
        what: what it is of, in words.
        kind: ``"new"``, ``"gone"`` or ``"changed"``.
        before, after: as text; empty where there is none.
    """

    what: str
    kind: Literal["new", "gone", "changed"]
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class ScoreChangeRecord:
    """A headline that both files have, or one of them.

    Attributes:
        model, benchmark, data, title: which.
        before, after: ``None`` where there is none.
        same_run: whether both are of one run's key, so that only what is stored of it can differ.
    """

    model: str
    benchmark: str
    data: str
    title: str
    before: Score | None
    after: Score | None
    same_run: bool


@dataclass(frozen=True, slots=True)
class ChangesRecord:
    """The changes since an earlier evidence file.

    Attributes:
        since: that file.
        since_date, since_version: its date, as stated there, and the version that wrote it.
        models, data, code, verdicts: what changed of these.
        scores: headlines that changed, came or went.
        same_scores: headlines that are the same.
        note: how to read the scores.
    """

    since: FileDigest
    since_date: str | None
    since_version: str
    models: tuple[ChangeRecord, ...]
    data: tuple[ChangeRecord, ...]
    code: tuple[ChangeRecord, ...]
    scores: tuple[ScoreChangeRecord, ...]
    same_scores: int
    verdicts: tuple[ChangeRecord, ...]
    note: str


@dataclass(frozen=True, slots=True)
class ClauseRecord:
    """A clause, and where this file speaks to it.

    Attributes:
        source, clause, asks: which, and what it asks, in our own words.
        answer: ``"yes"`` where all its sections are filled and nothing is known to lack, ``"in part"``, or ``"no"``.
        answered_in: sections of this file that speak to it.
        empty_here: sections that would, and say nothing or too little in this file.
        lacks: what it asks that no such file has; empty where nothing is known to lack.
        read: what of its text was read for this row.
    """

    source: str
    clause: str
    asks: str
    answer: Literal["yes", "in part", "no"]
    answered_in: tuple[str, ...]
    empty_here: tuple[str, ...]
    lacks: str
    read: str = ""


@dataclass(frozen=True, slots=True)
class ClausesRecord:
    """The table of clauses.

    Attributes:
        version: of the table.
        statement: that goes with it: it is no claim of conformity.
        sources: the texts.
        clauses: in the order of the table.
    """

    version: str
    statement: str
    sources: tuple[ClauseSource, ...]
    clauses: tuple[ClauseRecord, ...]


@dataclass(frozen=True, slots=True)
class EvidenceRecord:
    """Everything that the evidence file says.

    Attributes:
        schema_file: the schema that it follows.
        version: of its layout.
        package, package_version: what wrote it.
        statement: what the file is, and what it is not.
        about: what a person states.
        gates: of each folder the last one that was asked.
        goals_note: what is to be known where there is none.
        comparisons: of the scores that stand for benchmarks.
        models, data: what was tested, on what.
        runs: with all scores, and those by group of pictures.
        perturbations, attackers: what pictures were changed by.
        metrics: what numbers mean.
        intervals: by kind of spread, what it is, and where it is from; an empty source is our own.
        changes: since an earlier file; ``None`` where none was named.
        limits: that apply, by their ids.
        clauses: where they find their answers.
        problems: what of the folders could not be read.
    """

    schema_file: str = field(metadata=json_field("$schema"))
    version: int
    package: str
    package_version: str
    statement: str
    about: About
    gates: tuple[GateRecord, ...]
    goals_note: str
    comparisons: tuple[ComparisonRecord, ...]
    models: tuple[ModelRecord, ...]
    data: tuple[DataRecord, ...]
    runs: tuple[RunRecord, ...]
    perturbations: tuple[PerturbationRecord, ...]
    attackers: tuple[AttackerRecord, ...]
    metrics: tuple[MetricRecord, ...]
    intervals: Mapping[str, tuple[str, str]]
    changes: ChangesRecord | None
    limits: Mapping[str, str]
    clauses: ClausesRecord
    problems: tuple[str, ...]
