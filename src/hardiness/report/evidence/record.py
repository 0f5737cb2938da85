"""The evidence file as typed records; its JSON form is that of their fields, and its schema follows from their types.

What is not known is ``None``, and is printed as *not stated*. Nothing here holds a clock, a host or a folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from hardiness.core.forms import json_field

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
    """

    name: str | None = None
    version: str | None = None
    provider: str | None = None
    intended_use: str | None = None
    domain: str | None = None
    operating_conditions: str | None = None
    out_of_scope: str | None = None


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
class DependenceRecord:
    """Pictures of one value of a column that are answered alike more often than chance allows.

    Attributes:
        column: of the pictures, or the stem of their file names.
        values: how many different ones there are.
        correlation: of the answers to two pictures of one value, beyond that of their classes.
        too_narrow: how many times too narrow intervals are that take every picture as drawn by itself.
    """

    column: str
    values: int
    correlation: float
    too_narrow: float


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
        dependence: columns whose pictures are answered alike.
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
    dependence: tuple[DependenceRecord, ...]
    dependence_note: str


@dataclass(frozen=True, slots=True)
class ScoreRecord:
    """One number.

    Attributes:
        metric, title: its name, and what people call it.
        condition: empty for a headline.
        part: the condition in words; empty for a headline.
        value: ``None`` where it is undefined, and then ``reason`` says why.
        unit: ``"fraction"`` and ``"ratio"`` are of 1, not of 100.
        n: pictures that it rests on.
        clusters: in how many clusters they come; 0 where each stands alone.
        interval: 95 %; ``None`` where none is defined.
        interval_method: its kinds of spread, the outermost first, each a name of ``intervals``.
        higher_is_better: the direction of improvement.
        doubt: ``"withdrawn"``, ``"not checked"`` or ``"upper bound"`` where the report on an attack does not stand by
            it.
        reason: why there is no value, or no interval.
    """

    metric: str
    title: str
    condition: Mapping[str, Any]
    part: str
    value: float | None
    unit: str
    n: int
    clusters: int
    interval: tuple[float, float] | None
    interval_method: tuple[str, ...]
    higher_is_better: bool
    doubt: str
    reason: str


@dataclass(frozen=True, slots=True)
class SliceRecord:
    """A score of the pictures with one value of a column.

    Attributes:
        value: of the column.
        n, clusters: pictures, and the clusters in which they come.
        score, interval: the number, and an interval that holds for all values at once; ``None`` where there is none.
        differs: whether it surely differs from all other pictures.
        reason: why there is no score or no interval.
    """

    value: str
    n: int
    clusters: int
    score: float | None
    interval: tuple[float, float] | None
    differs: bool
    reason: str


@dataclass(frozen=True, slots=True)
class GroupRecord:
    """One score of a run by the values of a column.

    Attributes:
        run, model, benchmark: whose.
        column: by which pictures are parted.
        metric, title, condition, unit, higher_is_better: which score.
        is_headline: whether the score is the one that stands for its benchmark.
        slices: the worst first.
        worst, worst_interval: the value with the worst score, and an interval of the worst true score of any value.
        gap, gap_interval: between best and worst.
        without_value: pictures that have no value.
    """

    run: str
    model: str
    benchmark: str
    column: str
    metric: str
    title: str
    condition: Mapping[str, Any]
    unit: str
    higher_is_better: bool
    is_headline: bool
    slices: tuple[SliceRecord, ...]
    worst: str | None
    worst_interval: tuple[float, float] | None
    gap: float | None
    gap_interval: tuple[float, float] | None
    without_value: int


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
class FailureRecord:
    """Pictures that could not be evaluated for one reason.

    Attributes:
        reason: why.
        pictures: how many.
    """

    reason: str
    pictures: int


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
        options, seed, versions: what else its rows follow from; versions are of kernels, attacks and forms of rows.
        code_sha256: over code of a person's own that makes its rows; ``None`` where all of it ships.
        complete: whether every picture was evaluated under every condition.
        images, expected, evaluated, failed: pictures; pictures times conditions.
        failures: pictures that could not be evaluated, by reason.
        conditions: how many there are.
        headline: the metric and condition that stand for the benchmark; ``None`` where none does.
        scores: headlines first.
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
    options: Mapping[str, Any]
    seed: int
    versions: Mapping[str, Any]
    code_sha256: str | None
    complete: bool
    images: int
    expected: int
    evaluated: int
    failed: int
    failures: tuple[FailureRecord, ...]
    conditions: int
    headline: tuple[str, Mapping[str, Any]] | None
    scores: tuple[ScoreRecord, ...]
    warnings: tuple[str, ...]
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
class GoalRecord:
    """One rule of a policy.

    Attributes:
        number, name: by which it is called.
        benchmark, metric, condition, model: what it is about; empty texts are of all.
        kind, limit: as written; a limit is in the metric's own unit.
        against: the baseline, without folders; empty where there is none.
        part: the part of the pictures, or the levels, that it is about; empty for all.
        cluster: over which its interval is; empty where pictures stand alone.
    """

    number: int
    name: str
    benchmark: str
    metric: str
    condition: Mapping[str, Any]
    model: str
    kind: str
    limit: float
    against: str
    part: str
    cluster: str


@dataclass(frozen=True, slots=True)
class GoalsRecord:
    """A policy, and what is shown of when it was stated.

    Attributes:
        policy: that judged.
        policy_sha256: over its file, or its text.
        order: of all runs that it judges, the least that is shown of one.
        statement: the same in sentences.
        runs: by run.
        rules: as far as verdicts name them.
    """

    policy: str
    policy_sha256: str
    order: Order
    statement: str
    runs: tuple[OrderRecord, ...]
    rules: tuple[GoalRecord, ...]


@dataclass(frozen=True, slots=True)
class VerdictRecord:
    """The verdict of one rule on one run.

    Attributes:
        rule: its number.
        name: what was judged, as the rule calls it.
        run, model, benchmark: what was judged.
        outcome: ``"pass"``, ``"fail"``, ``"cannot tell"`` or ``"missing"``.
        kind, limit, unit: what it had to be.
        value, interval: of the number, or of its difference to the baseline's; ``None`` where it is missing.
        interval_name: which interval decides.
        n, clusters: what it rests on.
        reason: why it is missing; empty otherwise.
    """

    rule: int
    name: str
    run: str | None
    model: str
    benchmark: str
    outcome: Literal["pass", "fail", "cannot tell", "missing"]
    kind: str
    limit: float
    unit: str
    value: float | None
    interval: tuple[float, float] | None
    interval_name: str
    n: int
    clusters: int
    reason: str


@dataclass(frozen=True, slots=True)
class GateRecord:
    """The last verdicts that were asked for.

    Attributes:
        policy, policy_sha256: by which.
        outcome: the one that goes before all others.
        sentence: in words.
        of_these_rows: whether rows are still those that were judged.
        undecided: whether *cannot tell* fails or only warns.
        verdicts: in the order of the rules.
        remarks: what to know of them.
    """

    policy: str
    policy_sha256: str
    outcome: Literal["pass", "fail", "cannot tell", "missing"]
    sentence: str
    of_these_rows: bool
    undecided: str
    verdicts: tuple[VerdictRecord, ...]
    remarks: tuple[str, ...]


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
        reason: why there is no interval.
    """

    first: str
    second: str
    difference: float | None
    interval: tuple[float, float] | None
    p: float | None
    told_apart: bool
    method: str
    reason: str


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
class VerdictsRecord:
    """The verdicts.

    Attributes:
        gates: of each folder the last one that was asked; none where none was.
        comparisons: of the scores that stand for benchmarks.
    """

    gates: tuple[GateRecord, ...]
    comparisons: tuple[ComparisonRecord, ...]


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
class LevelRecord:
    """One strength of a perturbation.

    Attributes:
        strength: a severity, a level or another condition, as results name it.
        parameters: the numbers behind it; none where they are not known here.
    """

    strength: str
    parameters: tuple[ParameterRecord, ...]


@dataclass(frozen=True, slots=True)
class PerturbationRecord:
    """A perturbation of pictures.

    Attributes:
        benchmark, name: which.
        kind: ``"corruption"``, ``"perturbation"`` or the key of the condition.
        summary: what it does; empty where its code is not here.
        version: of its code; ``None`` where that is not here.
        levels: by strength.
        note: what else its pictures went through, or what is not known of it; empty where neither is to be said.
    """

    benchmark: str
    name: str
    kind: str
    summary: str
    version: int | None
    levels: tuple[LevelRecord, ...]
    note: str


@dataclass(frozen=True, slots=True)
class CheckRecord:
    """One check of an attack.

    Attributes:
        code: which.
        arguments: what it saw.
        text: the same in words.
        raised: whether it found something.
        ran: whether it had something to look at; one that did not has passed nothing.
    """

    code: str
    arguments: dict[str, Any]
    text: str
    raised: bool
    ran: bool


@dataclass(frozen=True, slots=True)
class ChecksRecord:
    """The checks of an attack on one model.

    Attributes:
        run, model: whose.
        verdict: the sentence that sums them up; empty where there is none.
        doubt: ``"withdrawn"``, ``"not checked"``, ``"upper bound"`` or empty.
        checks: all others.
    """

    run: str
    model: str
    verdict: str
    doubt: str
    checks: tuple[CheckRecord, ...]


@dataclass(frozen=True, slots=True)
class BudgetRecord:
    """The budget of one round of an attack.

    Attributes:
        threat: what bounds the change of a picture.
        epsilon, epsilon_text, unit: the bound, as people write it, and what it counts.
        steps: at which the outcome is judged.
        restarts: how often it begins anew.
        targeted: whether it must reach a chosen class.
        options: further options of the attack.
    """

    threat: str
    epsilon: float
    epsilon_text: str
    unit: str
    steps: tuple[int, ...]
    restarts: int
    targeted: bool
    options: Mapping[str, Any]


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
    budgets: tuple[BudgetRecord, ...]
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
class IntervalRecord:
    """A kind of spread, by which intervals are made.

    Attributes:
        name: as scores carry it.
        definition: what it is.
        source: where the method is from; empty where it is our own.
    """

    name: str
    definition: str
    source: str


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
        model, benchmark, data, metric, title, condition, unit: which.
        before, before_interval, after, after_interval: ``None`` where there is none.
        same_run: whether both are of one run's key, so that only what is stored of it can differ.
    """

    model: str
    benchmark: str
    data: str
    metric: str
    title: str
    condition: Mapping[str, Any]
    unit: str
    before: float | None
    before_interval: tuple[float, float] | None
    after: float | None
    after_interval: tuple[float, float] | None
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
class LimitRecord:
    """A limit that applies to these results.

    Attributes:
        id, text: which, and what it says.
    """

    id: str
    text: str


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
class ClauseSourceRecord:
    """A text that clauses are of.

    Attributes:
        id, title, where: short name, full name and address.
        read: what of it was read for each of its rows.
        note: what else to know of it; empty for nothing.
    """

    id: str
    title: str
    where: str
    read: str
    note: str


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
    sources: tuple[ClauseSourceRecord, ...]
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
        goals: of each policy that was asked.
        goals_note: what is to be known where there is none.
        verdicts: what is decided.
        models, data: what was tested, on what.
        runs: with all scores.
        groups: scores by group of pictures.
        perturbations, attackers: what pictures were changed by.
        metrics, intervals: what numbers mean.
        changes: since an earlier file; ``None`` where none was named.
        limits: that apply.
        clauses: where they find their answers.
        problems: what of the folders could not be read.
    """

    schema_file: str = field(metadata=json_field("$schema"))
    version: int
    package: str
    package_version: str
    statement: str
    about: About
    goals: tuple[GoalsRecord, ...]
    goals_note: str
    verdicts: VerdictsRecord
    models: tuple[ModelRecord, ...]
    data: tuple[DataRecord, ...]
    runs: tuple[RunRecord, ...]
    groups: tuple[GroupRecord, ...]
    perturbations: tuple[PerturbationRecord, ...]
    attackers: tuple[AttackerRecord, ...]
    metrics: tuple[MetricRecord, ...]
    intervals: tuple[IntervalRecord, ...]
    changes: ChangesRecord | None
    limits: tuple[LimitRecord, ...]
    clauses: ClausesRecord
    problems: tuple[str, ...]
