"""``evidence.html``: the evidence file as one page that prints on A4."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment
from markupsafe import Markup, escape

from hardiness.benchmarks.card import Card, MissingCard, cards
from hardiness.benchmarks.operating_limits import OPERATING_LIMIT
from hardiness.core.attack_plan import condition_text, epsilon_text
from hardiness.core.condition import Condition
from hardiness.core.fact import CheckOutcome, Fact, doubt_of
from hardiness.core.result import IN_PERCENT, Counts, Score, SlicedScore
from hardiness.report import format as formatting
from hardiness.report.evidence.changes import headline_score
from hardiness.report.evidence.record import (
    SECTIONS,
    About,
    AttackerRecord,
    CompanionRecord,
    EvidenceRecord,
    Order,
    PerturbationRecord,
    RunRecord,
)
from hardiness.report.gate import ORDER, WORDS, gate_sentence
from hardiness.report.template_environment import template_environment
from hardiness.report.words import line, text
from hardiness.results.gate import GateVerdict

NOT_STATED = "not stated"

ACROSS, STRENGTHS_ACROSS = 4, 8
"""Models, and strengths of a perturbation, beside each other in one table of a sheet of A4."""

RESULTS_MOST, LEVELS_MOST = 14, 30
"""Scores of one benchmark that are printed, and errors at single levels; the JSON has all."""

ABOUT_LABELS: Mapping[str, Mapping[str, str]] = {
    "system": {
        "name": "System",
        "version": "Version",
        "provider": "Provider",
        "intended_use": "Intended use",
        "domain": "Domain",
        "operating_conditions": "Operating conditions",
        "out_of_scope": "Out of scope",
        "model": "Model that it uses",
    },
    "data": {
        "provenance": "Provenance of the pictures",
        "collected": "Collected",
        "represents": "They stand for",
        "known_gaps": "Known gaps",
    },
    "responsible": {"name": "Responsible", "role": "Role", "organisation": "Organisation", "contact": "Contact"},
}


def evidence_page(record: EvidenceRecord, content: bytes) -> str:
    """The page of an evidence file.

    Args:
        record: the file.
        content: the bytes of its JSON, whose digest stands on every sheet.
    """
    digest = hashlib.sha256(content).hexdigest()
    blocks = {
        "evidence": record,
        "digest": digest,
        "title": title_of(record),
        "order": list(SECTIONS),
        "section_titles": SECTIONS,
        "about_rows": _about_rows(record.about),
        "results": list(_result_tables(record)),
        "groups": [(run, sliced) for run in record.runs for sliced in _headline_slices(run)],
        "perturbations": _perturbation_tables(record.perturbations),
        "attackers": [(each, _check_tables(each)) for each in record.attackers],
        "runs": _run_tables(record.runs),
        "verdict": verdict_of(record),
        "filed": filed_models(record),
        "front_blocks": list(_headline_blocks(record)),
        "front_verdicts": (verdicts := _verdicts_in_order(record)),
        "front_by_clusters": _are_by_clusters(verdicts[:FRONT_VERDICTS]),
        "caveats": list(caveats_of(record)),
        "most": {"blocks": FRONT_BLOCKS, "rows": FRONT_ROWS, "verdicts": FRONT_VERDICTS, "models": 8},
    }
    style = Markup(_asset("evidence.css") + _running_heads(record, digest))
    return _environment().get_template("evidence.html.j2").render(**blocks, style=style)


def title_of(record: EvidenceRecord) -> str:
    """The system that the file is about, or its models."""
    names = list(dict.fromkeys(model.name for model in record.models))
    more = f" and {len(names) - 2} more" if len(names) > 2 else ""
    named = " ".join(filter(None, (record.about.system.name, record.about.system.version)))
    return named or ", ".join(names[:2]) + more or "no model"


class FiledModel(NamedTuple):
    """A model that the file is about, and the outcome of its verdicts: ``"not judged"`` where it has none."""

    name: str
    outcome: str


def filed_models(record: EvidenceRecord) -> list[FiledModel]:
    """The model that the system is stated to use, else all that were measured; failures first."""
    stated = record.about.system.model
    names = [stated] if stated else list(dict.fromkeys(model.name for model in record.models))
    outcomes = {name: {each.outcome for each in _verdicts(record) if each.model == name} for name in names}
    models = [
        FiledModel(name, min(found, key=ORDER.index) if found else "not judged") for name, found in outcomes.items()
    ]
    return sorted(models, key=lambda each: (*ORDER, "not judged").index(each.outcome))


class FrontVerdict(NamedTuple):
    """The verdict that stands on the first sheet: its outcome, a sentence, and what is shown of the policy's age."""

    outcome: str
    sentence: str
    order: str


def verdict_of(record: EvidenceRecord) -> FrontVerdict:
    """The verdict of the last gate of each folder, the worst first; of none that nothing was judged.

    Where it is stated which model the system uses, it is that on this model.
    """
    gates = [each.gate for each in record.gates]
    if model := record.about.system.model:
        gates = [replace(gate, verdicts=tuple(v for v in gate.verdicts if v.model == model)) for gate in gates]
    gates = [gate for gate in gates if gate.verdicts]
    if not gates:
        return FrontVerdict("none", "Nothing is judged: no policy was asked of these rows.", "")
    worst = min((gate.outcome for gate in gates), key=ORDER.index)
    stale = [] if all(each.of_these_rows for each in record.gates) else ["Rows have changed since."]
    least = max((each.order for each in record.gates), key=list(STOOD).index)
    return FrontVerdict(worst, " ".join([*map(gate_sentence, gates), *stale]), STOOD[least])


STOOD: Mapping[Order, str] = {
    "before all rows": "The policy stood before all of these rows.",
    "before some rows": "The policy stood before a part of these rows.",
    "another policy": "The rows were computed under another policy than the one that judges them.",
    "not shown": "Nothing shows that the policy stood before these rows.",
}
"""The sentence of the first sheet on each order of policy and rows, the most that can be shown first."""


def _verdicts(record: EvidenceRecord) -> list[GateVerdict]:
    return [verdict for each in record.gates for verdict in each.gate.verdicts]


def _verdicts_in_order(record: EvidenceRecord) -> list[GateVerdict]:
    """The verdicts on the model that the system uses first, and failures first."""
    filed = record.about.system.model
    return sorted(_verdicts(record), key=lambda each: (bool(filed) and each.model != filed, ORDER.index(each.outcome)))


class HeadlineBlock(NamedTuple):
    """One benchmark on the first sheet.

    Attributes:
        heading: the benchmark, the data and the variant.
        title: what the score is called, with its direction.
        doubt: that all of its rows have; empty where they have none, or differ.
        rows: by model, that which the system uses first.
        scale: the value at the right end of the bars.
    """

    heading: str
    title: str
    doubt: str
    rows: Sequence[tuple[str, Score]]
    scale: float


FRONT_BLOCKS, FRONT_ROWS, FRONT_VERDICTS = 4, 6, 6
"""Benchmarks, models of one and verdicts that stand on the first sheet at most; the others are counted.

Where even these have no room, the sheet's style cuts them off, and not the field to sign.
"""


def caveats_of(record: EvidenceRecord) -> Iterator[str]:
    """Sentences for the first sheet that a reader must know before relying on the numbers."""
    about, runs = record.about, record.runs
    statements = {
        "intended use": about.system.intended_use,
        "domain": about.system.domain,
        "who is responsible": about.responsible.name,
        "date": about.date,
        "provenance of the pictures": about.data.provenance,
    }
    if lacking := [name for name, value in statements.items() if not value]:
        yield f"Not stated: {', '.join(lacking)}."
    partial: dict[str, dict[str, None]] = {}
    for run in runs:
        if not run.complete:
            partial.setdefault(run.benchmark, {})[_count_text(run.counts)] = None
    if partial:
        counts = ", ".join(f"{benchmark} ({'; '.join(texts)})" for benchmark, texts in partial.items())
        yield f"Not all pictures and conditions were evaluated: {counts}."
    for doubt, meaning in DOUBTS.items():
        doubted = dict.fromkeys(
            f"{each.model} under {attacker.attack}"
            for attacker in record.attackers
            for each in attacker.checks
            if doubt_of(each.findings) == doubt
        )
        if doubted:
            yield f"{meaning}: {', '.join(doubted)}."
    for data in record.data:
        for column, dependence in data.dependence.items():
            yield (
                f"Pictures of {data.name} with one {column} are answered alike: intervals are "
                f"{dependence.too_narrow:.1f} times too narrow."
            )
    absent = {
        "perturbation": record.perturbations,
        "attack": record.attackers,
        "group of pictures": [each for run in runs for each in run.slices],
    }
    if missing := [word for word, found in absent.items() if not found]:
        yield f"Nothing here is about any {' or '.join(missing)}."
    clustered = {run.key for run in runs if any(score.clusters for score in run.scores)}
    verdicts = _verdicts(record)
    if any(each.interval and not each.clusters and each.run and each.run.key in clustered for each in verdicts):
        some = "some " if any(each.clusters for each in verdicts) else ""
        reason = "their rules name no cluster" if some else "the policy names no cluster"
        yield f"Intervals of {some}verdicts take each picture for itself, as {reason}; results do not."
    if failed := sum(run.counts.failed for run in runs):
        yield f"{failed:,} pictures times conditions could not be evaluated."


def _count_text(counts: Counts) -> str:
    """How much of a run was evaluated; of levels beside a set nothing of the set was."""
    if counts.images and not counts.evaluated:
        return f"{counts.images:,} pictures at levels only"
    return f"{counts.evaluated:,} of {counts.expected:,}"


DOUBTS: Mapping[str, str] = {
    "withdrawn": "The attack may have failed, so that its numbers are withdrawn",
    "not checked": "Checks of the attack did not run, so that accuracy may fall further",
    "upper bound": "A longer attack would take more, so that its numbers are upper bounds",
}
"""The meaning of each doubt about an attack, as the beginning of a sentence."""


def _about_rows(about: About) -> list[tuple[str, str | None]]:
    rows: list[tuple[str, str | None]] = [
        (label, getattr(getattr(about, part), name))
        for part, labels in ABOUT_LABELS.items()
        for name, label in labels.items()
    ]
    return [*rows, ("Reference", about.reference), ("Date", about.date), ("Place", about.place)]


def _headline_blocks(record: EvidenceRecord) -> Iterator[HeadlineBlock]:
    for heading, runs in _by_table(record.runs).items():
        rows = [(run.model, score) for run in runs if (score := headline_score(run))]
        rows.sort(key=lambda row: row[0] != record.about.system.model)
        if not rows:
            continue
        scores = [score for _, score in rows]
        ends = [end for score in scores if score.interval for end in (score.interval.low, score.interval.high)]
        largest = max([*ends, *(score.value or 0.0 for score in scores), 0.0])
        scale = 1.0 if scores[0].unit == "fraction" else largest or 1.0
        doubts = {score.doubt for score in scores}
        by = ", intervals by clusters" if _are_by_clusters(scores) else ""
        title = f"{_score_title(runs[0], scores[0])}{by}"
        yield HeadlineBlock(heading, title, doubts.pop() if len(doubts) == 1 else "", rows, scale)


def _by_table(runs: Sequence[RunRecord]) -> dict[str, list[RunRecord]]:
    """Runs by what only runs of one table agree in, as its heading."""
    tables: dict[str, list[RunRecord]] = {}
    for run in runs:
        tables.setdefault(", ".join([f"{run.benchmark} on {run.data}", *run.variant]), []).append(run)
    return tables


def _card(run: RunRecord) -> Card:
    return cards.find(run.card) or MissingCard()


def _score_title(run: RunRecord, score: Score) -> str:
    part, direction = _card(run).named(score.condition), formatting.direction(score.higher_is_better)
    unit = ", %" if score.unit in IN_PERCENT else f", {score.unit}" if score.unit else ""
    return f"{_card(run).metric(score.metric).title}{f', {part}' if part else ''}{unit} {direction}"


def _are_by_clusters(numbers: Iterable[Score | GateVerdict | None]) -> bool:
    """Whether the intervals of scores or verdicts are by clusters, all that there are."""
    clusters = [each.clusters for each in numbers if each and each.interval]
    return bool(clusters) and all(clusters)


def _headline_slices(run: RunRecord) -> Iterable[SlicedScore]:
    """The first score by each column, which is that of the headline where there is one."""
    return {sliced.column: sliced for sliced in reversed(run.slices)}.values()


class ResultTable(NamedTuple):
    """Scores of some models on one benchmark: a row for each score, a column for each model."""

    heading: str
    models: Sequence[str]
    rows: Sequence[tuple[str, Sequence[Score | None]]]
    note: str


Place = tuple[str, Condition]
"""The metric and the condition of a score."""


def _result_tables(record: EvidenceRecord) -> Iterator[ResultTable]:
    for heading, every in _by_table(record.runs).items():
        for start in range(0, len(every), ACROSS):
            runs = every[start : start + ACROSS]
            by_run = [{(score.metric, score.condition): score for score in run.scores} for run in runs]
            first: dict[Place, Score] = {}
            for scores in by_run:
                first = {**scores, **first}
            places = list(dict.fromkeys(place for scores in by_run for place in scores))
            headlines = [place for place in places if _is_printed(place, runs)][:RESULTS_MOST]
            shown = [*headlines, *(place for place in _parts(places) if place not in headlines)]
            rows = [(_score_title(runs[0], first[place]), [scores.get(place) for scores in by_run]) for place in shown]
            counts = dict.fromkeys(f"{run.counts.images:,}" for run in runs)
            note = f"{' / '.join(counts)} pictures; protocol {runs[0].protocol}"
            more = len(places) - len(shown)
            note += f"; {more} more scores, by condition, stand in evidence.json" if more else ""
            by = " by clusters" if _are_by_clusters(score for _, scores in rows for score in scores) else ""
            yield ResultTable(heading, [run.model for run in runs], rows, f"{note}. Small print: 95 % intervals{by}.")


def _is_printed(place: Place, runs: Sequence[RunRecord]) -> bool:
    """Whether a score is of everything, or of an attack as a whole."""
    condition = place[1]
    is_of_attack = "epsilon" in condition and "protocol" not in condition
    return place in [run.headline for run in runs] or not condition or is_of_attack


def _parts(places: Sequence[Place]) -> list[Place]:
    """The first metric by corruption or perturbation alone, which a mean is over; else limits, and errors by level."""
    limits = [place for place in places if place[0] == OPERATING_LIMIT.name]
    levels = [place for place in places if place[0] == "error" and "level" in place[1]]
    quantities = [*limits, *sorted(levels, key=_by_level)[:LEVELS_MOST]]
    for key in ("corruption", "perturbation"):
        of_key = [place for place in places if list(place[1]) == [key]]
        if of_key:
            return [*(place for place in of_key if place[0] == of_key[0][0]), *quantities]
    return quantities


def _by_level(place: Place) -> tuple[str, float]:
    """The corruption and the value of a score at a level, such as 17 of ``"quality=17"``."""
    return place[1]["corruption"], float(place[1]["level"].rpartition("=")[2])


class PerturbationTable(NamedTuple):
    """Perturbations of one benchmark with the same strengths, as many as stand beside each other; rows: parameters."""

    benchmark: str
    strengths: Sequence[str]
    rows: Sequence[tuple[str, int, str, Sequence[str], str]]
    notes: Sequence[str]


def _perturbation_tables(perturbations: Sequence[PerturbationRecord]) -> list[PerturbationTable]:
    by_strengths: dict[tuple[str, tuple[str, ...]], list[PerturbationRecord]] = {}
    for each in perturbations:
        by_strengths.setdefault((each.benchmark, tuple(each.levels)), []).append(each)
    tables = []
    for (benchmark, strengths), alike in by_strengths.items():
        notes: dict[str, list[str]] = {}
        for each in alike:
            if each.note:
                notes.setdefault(each.note, []).append(each.name)
        lines = [f"{', '.join(names)}: {note}" for note, names in notes.items()]
        for start in range(0, len(strengths) or 1, STRENGTHS_ACROSS):
            beside = strengths[start : start + STRENGTHS_ACROSS]
            rows = [row for each in alike for row in _parameter_rows(each, beside)]
            tables.append(PerturbationTable(benchmark, beside, rows, lines))
    return tables


def _parameter_rows(
    perturbation: PerturbationRecord, strengths: Sequence[str]
) -> Iterator[tuple[str, int, str, Sequence[str], str]]:
    """Name, rows that it stands beside, parameter with its unit, its values by strength, and a summary."""
    values: dict[str, dict[str, str]] = {}
    for strength in strengths:
        for each in perturbation.levels[strength]:
            unit = f", {each.unit}" if each.unit else ""
            values.setdefault(f"{each.name.replace('_', ' ')}{unit}", {})[strength] = _plain(each.value)
    name, summary = perturbation.name.replace("_", " "), perturbation.summary
    if not values:
        yield name, 1, "", ["" for _ in strengths], summary
    for place, (parameter, by_strength) in enumerate(values.items()):
        cells = [by_strength.get(strength, "") for strength in strengths]
        yield name, 0 if place else len(values), parameter, cells, summary


def _plain(value: Any) -> str:
    return f"{value:g}" if isinstance(value, int | float) and not isinstance(value, bool) else str(value)


STATES = {
    CheckOutcome.CLEAR: "passed",
    CheckOutcome.RAISED: "raised",
    CheckOutcome.CANNOT_TELL: "cannot tell",
    CheckOutcome.NOT_RUN: "not run",
}
"""By the outcome of a check of an attack, the word for it."""


class CheckTable(NamedTuple):
    """The checks of an attack on some models: a row for each check, a column for each model, and verdicts by model."""

    models: Sequence[str]
    rows: Sequence[tuple[str, Sequence[str]]]
    verdicts: Sequence[tuple[str, Fact]]


def _check_tables(attacker: AttackerRecord) -> Iterator[CheckTable]:
    codes = dict.fromkeys(fact.code for each in attacker.checks for fact in each.findings if fact.trust is None)
    for start in range(0, len(attacker.checks), ACROSS):
        beside = attacker.checks[start : start + ACROSS]
        states = [{fact.code: STATES[fact.outcome] for fact in each.findings if fact.outcome} for each in beside]
        yield CheckTable(
            [each.model for each in beside],
            [(code, [found.get(code, "") for found in states]) for code in codes],
            [(each.model, fact) for each in beside for fact in each.findings if fact.trust is not None],
        )


def _run_tables(runs: Sequence[RunRecord]) -> list[dict[str, Any]]:
    """The runs of each table with what they have in common: commands, versions, sessions and warnings, each once."""
    tables = []
    for heading, alike in _by_table(runs).items():
        stored: list[RunRecord | CompanionRecord] = [*alike, *(each for run in alike for each in run.companions)]
        sessions = [session for each in stored for session in each.sessions]
        packages: dict[str, dict[str, None]] = {}
        for session in sessions:
            for name, version in {**session.packages, "python": session.python}.items():
                if version:
                    packages.setdefault(name, {})[version] = None
        warnings: dict[str, list[str]] = {}
        for run in alike:
            for warning in map(text, run.warnings):
                warnings.setdefault(warning, []).append(run.model)
        started = sorted(session.started for session in sessions if session.started)
        devices = dict.fromkeys(
            " ".join(dict.fromkeys(filter(None, (each.device, each.device_name, each.runtime, each.precision))))
            for each in sessions
        )
        tables.append(
            {
                "heading": heading,
                "runs": alike,
                "commands": list(dict.fromkeys(command for each in stored for command in each.commands)),
                "packages": ", ".join(f"{name} {' / '.join(versions)}" for name, versions in sorted(packages.items())),
                "devices": "; ".join(devices),
                "started": f"{started[0][:16]} to {started[-1][:16]}".replace("T", " ") if started else "",
                "versions": " / ".join(dict.fromkeys(_pairs(run.versions) for run in alike)),
                "options": " / ".join(dict.fromkeys(_pairs(run.options) for run in alike)),
                "warnings": [
                    warning if len(models) == len(alike) else f"{', '.join(models)}: {warning}"
                    for warning, models in warnings.items()
                ],
                "codes": list(dict.fromkeys(run.code_sha256 for run in alike if run.code_sha256)),
            }
        )
    return tables


def _pairs(values: Mapping[str, Any]) -> str:
    texts = [f"{name} {_flat(value)}" for name, value in values.items() if value not in (None, "", [], {}, False)]
    return ", ".join(texts) or "none"


def _flat(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_flat(item)}" for name, item in value.items())
    if isinstance(value, list):
        return " / ".join(map(_flat, value))
    return _plain(value)


def _running_heads(record: EvidenceRecord, digest: str) -> str:
    """The rules of what stands above and below each sheet."""
    texts = {
        "top-left": f"Evidence: {formatting.shortened(title_of(record), 60)}",
        "top-right": record.about.reference or "",
        "bottom-left": f"evidence.json, sha256 {digest[:16]}…",
        "bottom-center": "no claim of conformity",
    }
    boxes = " ".join(f"@{place} {{ content: {_css_text(text)}; }}" for place, text in texts.items())
    return f'@page {{ {boxes} @bottom-right {{ content: counter(page) " / " counter(pages); }} }}\n'


def _css_text(text: str) -> str:
    """A text as CSS has it: what could end it, or the style, is written as its code."""
    return '"' + "".join(c if c.isalnum() or c in " .,:;-_()…" else f"\\{ord(c):06x}" for c in text) + '"'


@cache
def _environment() -> Environment:
    environment = template_environment()
    environment.filters |= {
        "stated": lambda value: Markup('<i class="unstated">not stated</i>') if value in (None, "") else escape(value),
        "number": lambda value, unit: NOT_STATED if value is None else formatting.number(value, unit),
        "ends": lambda interval, unit: formatting.interval(interval, unit) if interval else "",
        "said": text,
        "line": line,
        "judged": gate_sentence,
        "short": lambda digest: digest[:16] if digest else None,
        "breakable": _breakable,
        "epsilon": epsilon_text,
        "flat": _flat,
        "pairs": _pairs,
        "limit_word": lambda kind: WORDS.get(kind, kind),
        "condition": lambda condition: condition_text(condition, ", "),
    }
    environment.globals["bar"] = _bar
    return environment


LONG_NAME = 40
"""Characters of a name beyond which it may be broken anywhere."""


def _breakable(text: str) -> Markup:
    """A text that may be broken after an underscore, a slash or a sign; a very long one anywhere."""
    name = Markup(re.sub(r"([_/:=+])", r"\1<wbr>", str(escape(text))))  # of what is escaped none of these is a part
    return Markup('<span class="long">{}</span>').format(name) if len(text) > LONG_NAME else name


def _bar(score: Score, scale: float) -> Markup:
    """A value with its interval as a bar, from 0 to the scale."""
    if score.value is None:
        return Markup("")
    low, high = (score.interval.low, score.interval.high) if score.interval else (score.value, score.value)
    start, end, value = (100 * min(max(each / scale, 0.0), 1.0) for each in (low, high, score.value))
    return Markup(
        '<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="axis" x="0" y="3.6" width="100" height=".8"/><rect x="{start:.2f}" y="2" '
        f'width="{max(end - start, 0.4):.2f}" height="4"/><rect class="value" x="{max(value - 0.5, 0):.2f}" y="0" '
        'width="1" height="8"/></svg>'
    )


def _asset(name: str) -> str:
    return Path(__file__).parents[1].joinpath("templates", name).read_text("utf-8")
