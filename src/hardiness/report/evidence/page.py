"""``evidence.html``: the evidence file as one page that prints on A4, made of its JSON and of nothing else."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment
from markupsafe import Markup, escape

from hardiness.benchmarks.operating_limits import OPERATING_LIMIT
from hardiness.core.attack_plan import condition_text
from hardiness.core.condition import Condition
from hardiness.core.spread import Interval
from hardiness.report import format as formatting
from hardiness.report.evidence.record import SECTIONS
from hardiness.report.gate import ORDER, WORDS
from hardiness.report.template_environment import template_environment

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
    },
    "data": {
        "provenance": "Provenance of the pictures",
        "collected": "Collected",
        "represents": "They stand for",
        "known_gaps": "Known gaps",
    },
    "responsible": {"name": "Responsible", "role": "Role", "organisation": "Organisation", "contact": "Contact"},
}


def evidence_page(content: bytes) -> str:
    """The page of an evidence file.

    Args:
        content: the bytes of its JSON.
    """
    evidence = json.loads(content)
    titles = {"evidence": evidence, "digest": hashlib.sha256(content).hexdigest(), "title": title_of(evidence)}
    blocks = {
        "order": list(SECTIONS),
        "section_titles": SECTIONS,
        "about_rows": _about_rows(evidence["about"]),
        "results": _result_tables(evidence),
        "groups": [each for each in evidence["groups"] if each["is_headline"]] or evidence["groups"],
        "perturbations": _perturbation_tables(evidence["perturbations"]),
        "attackers": [_attacker_block(each) for each in evidence["attackers"]],
        "runs": _run_tables(evidence["runs"]),
        "verdict": verdict_of(evidence),
        "front": _front_sheet(evidence),
        "front_rows": FRONT_ROWS,
        "goal_units": [
            {each["rule"]: each["unit"] for each in gate["verdicts"]} for gate in evidence["verdicts"]["gates"]
        ],
    }
    style = Markup(_asset("evidence.css") + _running_heads(titles["title"], evidence, titles["digest"]))
    return _environment().get_template("evidence.html.j2").render(**titles, **blocks, style=style)


def title_of(evidence: Mapping[str, Any]) -> str:
    """The system that the file is about, or its models."""
    system = evidence["about"]["system"]
    names = list(dict.fromkeys(model["name"] for model in evidence["models"]))
    more = f" and {len(names) - 2} more" if len(names) > 2 else ""
    named = " ".join(filter(None, (system["name"], system["version"])))
    return named or ", ".join(names[:2]) + more or "no model"


class FrontVerdict(NamedTuple):
    """The verdict that stands on the first sheet: its outcome, a sentence, and what is shown of the policy's age."""

    outcome: str
    sentence: str
    order: str


def verdict_of(evidence: Mapping[str, Any]) -> FrontVerdict:
    """The verdict of the last gate of each folder, the worst first; of none that nothing was judged."""
    gates = evidence["verdicts"]["gates"]
    if not gates:
        return FrontVerdict("none", "Nothing is judged: no policy was asked of these rows.", "")
    worst = min((gate["outcome"] for gate in gates), key=ORDER.index)
    stale = [] if all(gate["of_these_rows"] for gate in gates) else ["Rows have changed since."]
    sentences = [gate["sentence"] for gate in gates]
    orders = {
        "before all rows": "The policy stood before all of these rows.",
        "before some rows": "The policy stood before a part of these rows.",
        "another policy": "The rows were computed under another policy than the one that judges them.",
        "not shown": "Nothing shows that the policy stood before these rows.",
    }
    least = max((goals["order"] for goals in evidence["goals"]), key=list(orders).index)
    return FrontVerdict(worst, " ".join([*sentences, *stale]), orders[least])


class ModelHeadline(NamedTuple):
    """The score that stands for a benchmark, of one model."""

    model: str
    score: Mapping[str, Any]


class HeadlineBlock(NamedTuple):
    """One benchmark on the first sheet.

    Attributes:
        heading: the benchmark, the data and the variant.
        title: what the score is called, with its direction.
        doubt: that all of its rows have; empty where they have none, or differ.
        rows: by model.
        scale: the value at the right end of the bars.
    """

    heading: str
    title: str
    doubt: str
    rows: Sequence[ModelHeadline]
    scale: float

    @property
    def lines(self) -> float:
        """Lines that it takes on the first sheet."""
        doubtful = 0 if self.doubt else sum(bool(row.score["doubt"]) for row in self.rows[:FRONT_ROWS])
        names = sum(_line_count(row.model, NARROW // 2) for row in self.rows[:FRONT_ROWS])
        more = len(self.rows) > FRONT_ROWS
        return 0.6 + _line_count(f"{self.heading} {self.title} {self.doubt}", NARROW) + names + doubtful + more


FRONT_LINES = 31
"""Lines that the first sheet has for statements, headlines, verdicts and caveats, beside what it always holds."""

STATEMENT_MOST = 240
"""Characters of a statement there; section 1 has all of it."""

FRONT_VERDICTS, FRONT_ROWS = 8, 6
"""Verdicts, failures first, and models of one benchmark that stand there at most; the others are counted."""

NARROW, WIDE = 44, 105
"""Characters of a line of half a sheet, and of a whole one."""


class FrontSheet(NamedTuple):
    """The parts of the first sheet that vary in length, cut so that all of it fits.

    Attributes:
        headlines, more_headlines: benchmarks, and how many others there are.
        verdicts, more_verdicts: failures first, and how many others there are.
        caveats: sentences.
    """

    headlines: Sequence[HeadlineBlock]
    more_headlines: int
    verdicts: Sequence[Mapping[str, Any]]
    more_verdicts: int
    caveats: Sequence[str]

    @property
    def by_clusters(self) -> bool:
        """Whether the intervals of its verdicts are by clusters."""
        return _are_by_clusters(self.verdicts)


def _front_sheet(evidence: Mapping[str, Any]) -> FrontSheet:
    caveats, every = list(caveats_of(evidence)), _headline_blocks(evidence)
    verdicts = [each for gate in evidence["verdicts"]["gates"] for each in gate["verdicts"]]
    ordered = sorted(verdicts, key=lambda each: ORDER.index(each["outcome"]))
    title = _brief(title_of(evidence))
    heads = 2 * (_line_count(title, 42) - 1) + 1.4 * (_line_count(verdict_of(evidence).sentence, 56) - 1)
    room = FRONT_LINES - heads - sum(_line_count(caveat, WIDE) for caveat in caveats)
    blocks: list[HeadlineBlock] = []
    right = 0.0
    for block in every:
        if blocks and right + block.lines > room - (6 if ordered else 0):
            break
        blocks.append(block)
        right += block.lines
    room -= max(right, _statement_lines(evidence))
    count = max(1, min(FRONT_VERDICTS, int((room - 3) / 1.25)))
    return FrontSheet(blocks, len(every) - len(blocks), ordered[:count], len(ordered[count:]), caveats)


def _brief(text: str | None) -> str:
    """The beginning of a statement that is too long for the first sheet."""
    return f"{text[:STATEMENT_MOST].rstrip()} …" if text and len(text) > STATEMENT_MOST else text or ""


def _line_count(text: str, characters: int) -> int:
    return 1 + (len(text) - 1) // characters


def _statement_lines(evidence: Mapping[str, Any]) -> float:
    """Lines of the left half of the first sheet."""
    system, about = evidence["about"]["system"], evidence["about"]
    texts = [system["intended_use"], system["domain"], system["provider"], about["responsible"]["name"], about["date"]]
    names = [*(f"{each['name']} {'0' * 10}" for each in evidence["models"][:FRONT_ROWS])]
    names += [f"{each['name']}, 000 pictures {'0' * 10}" for each in evidence["data"][:FRONT_ROWS]]
    return 2 + 1.15 * sum(_line_count(_brief(text) or NOT_STATED, NARROW * 3 // 4) for text in (*texts, *names))


def caveats_of(evidence: Mapping[str, Any]) -> Iterator[str]:
    """Sentences for the first sheet that a reader must know before relying on the numbers."""
    about, runs = evidence["about"], evidence["runs"]
    statements = {
        "intended use": about["system"]["intended_use"],
        "domain": about["system"]["domain"],
        "who is responsible": about["responsible"]["name"],
        "date": about["date"],
        "provenance of the pictures": about["data"]["provenance"],
    }
    if lacking := [name for name, value in statements.items() if not value]:
        yield f"Not stated: {', '.join(lacking)}."
    partial: dict[str, dict[str, None]] = {}
    for entry in runs:
        if not entry["complete"]:
            partial.setdefault(entry["benchmark"], {})[_count_text(entry)] = None
    if partial:
        counts = ", ".join(f"{benchmark} ({'; '.join(texts)})" for benchmark, texts in partial.items())
        yield f"Not all pictures and conditions were evaluated: {counts}."
    for doubt, meaning in DOUBTS.items():
        doubted = dict.fromkeys(
            f"{each['model']} under {attacker['attack']}"
            for attacker in evidence["attackers"]
            for each in attacker["checks"]
            if each["doubt"] == doubt
        )
        if doubted:
            yield f"{meaning}: {', '.join(doubted)}."
    for data in evidence["data"]:
        for each in data["dependence"]:
            yield (
                f"Pictures of {data['name']} with one {each['column']} are answered alike: intervals are "
                f"{each['too_narrow']:.1f} times too narrow."
            )
    absent = {"perturbations": "perturbation", "attackers": "attack", "groups": "group of pictures"}
    missing = [word for name, word in absent.items() if not evidence[name]]
    if missing:
        yield f"Nothing here is about any {' or '.join(missing)}."
    clustered = {entry["key"] for entry in runs if any(score["clusters"] for score in entry["scores"])}
    verdicts = [each for gate in evidence["verdicts"]["gates"] for each in gate["verdicts"]]
    if any(each["interval"] and not each["clusters"] and each["run"] in clustered for each in verdicts):
        some = "some " if any(each["clusters"] for each in verdicts) else ""
        reason = "their rules name no cluster" if some else "the policy names no cluster"
        yield f"Intervals of {some}verdicts take each picture for itself, as {reason}; results do not."
    failed = sum(entry["failed"] for entry in runs)
    if failed:
        yield f"{failed:,} pictures times conditions could not be evaluated."


def _count_text(entry: Mapping[str, Any]) -> str:
    """How much of a run was evaluated; of levels beside a set nothing of the set was."""
    if entry["images"] and not entry["evaluated"]:
        return f"{entry['images']:,} pictures at levels only"
    return f"{entry['evaluated']:,} of {entry['expected']:,}"


DOUBTS: Mapping[str, str] = {
    "withdrawn": "The attack may have failed, so that its numbers are withdrawn",
    "not checked": "Checks of the attack did not run, so that accuracy may fall further",
    "upper bound": "A longer attack would take more, so that its numbers are upper bounds",
}
"""The meaning of each doubt about an attack, as the beginning of a sentence."""


def _about_rows(about: Mapping[str, Any]) -> list[tuple[str, str | None]]:
    rows: list[tuple[str, str | None]] = [
        (label, about[part][name]) for part, labels in ABOUT_LABELS.items() for name, label in labels.items()
    ]
    return [*rows, ("Reference", about["reference"]), ("Date", about["date"]), ("Place", about["place"])]


def _headline_blocks(evidence: Mapping[str, Any]) -> list[HeadlineBlock]:
    blocks = []
    for heading, runs in _by_table(evidence["runs"]).items():
        rows = [ModelHeadline(entry["model"], score) for entry in runs if (score := _headline(entry))]
        if rows:
            first = rows[0].score
            ends = [value for row in rows for value in (row.score["value"], *(row.score["interval"] or ())) if value]
            scale = 1.0 if first["unit"] == "fraction" else max([*ends, 0.0]) or 1.0
            doubts = {row.score["doubt"] for row in rows}
            doubt = doubts.pop() if len(doubts) == 1 else ""
            by = ", intervals by clusters" if _are_by_clusters(row.score for row in rows) else ""
            blocks.append(HeadlineBlock(heading, f"{_score_title(first)}{by}", doubt, rows, scale))
    return blocks


def _by_table(runs: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """Runs by what only runs of one table agree in, as its heading."""
    tables: dict[str, list[Mapping[str, Any]]] = {}
    for entry in runs:
        heading = ", ".join([f"{entry['benchmark']} on {entry['data']}", *entry["variant"]])
        tables.setdefault(heading, []).append(entry)
    return tables


def _headline(entry: Mapping[str, Any]) -> Mapping[str, Any] | None:
    place = tuple(entry["headline"]) if entry["headline"] else None
    return next((score for score in entry["scores"] if (score["metric"], score["condition"]) == place), None)


def _score_title(score: Mapping[str, Any]) -> str:
    direction, part = formatting.direction(score["higher_is_better"]), score["part"]
    unit = {"fraction": ", %", "ratio": ", %"}.get(score["unit"], f", {score['unit']}" if score["unit"] else "")
    return f"{score['title']}{f', {part}' if part else ''}{unit} {direction}"


def _are_by_clusters(numbers: Iterable[Mapping[str, Any] | None]) -> bool:
    """Whether the intervals of scores or verdicts are by clusters, all that there are."""
    clusters = [each["clusters"] for each in numbers if each and each["interval"]]
    return bool(clusters) and all(clusters)


class ResultTable(NamedTuple):
    """Scores of some models on one benchmark: a row for each score, a column for each model."""

    heading: str
    models: Sequence[str]
    rows: Sequence[tuple[str, Sequence[Mapping[str, Any] | None]]]
    note: str


def _result_tables(evidence: Mapping[str, Any]) -> list[ResultTable]:
    tables = []
    for heading, every in _by_table(evidence["runs"]).items():
        for start in range(0, len(every), ACROSS):
            runs = every[start : start + ACROSS]
            by_run = [{_place(score): score for score in entry["scores"]} for entry in runs]
            places = dict.fromkeys(place for scores in by_run for place in scores)
            headlines = [place for place in places if _is_printed(place, runs)][:RESULTS_MOST]
            parts = _parts(list(places))
            shown = [*headlines, *(place for place in parts if place not in headlines)]
            rows = [
                (
                    _score_title(next(scores[place] for scores in by_run if place in scores)),
                    [s.get(place) for s in by_run],
                )
                for place in shown
            ]
            counts = dict.fromkeys(f"{entry['images']:,}" for entry in runs)
            note = f"{' / '.join(counts)} pictures; protocol {runs[0]['protocol']}"
            more = len(places) - len(shown)
            note += f"; {more} more scores, by condition, stand in evidence.json" if more else ""
            by = " by clusters" if _are_by_clusters(score for _, scores in rows for score in scores) else ""
            note += f". Small print: 95 % intervals{by}."
            tables.append(ResultTable(heading, [entry["model"] for entry in runs], rows, note))
    return tables


def _place(score: Mapping[str, Any]) -> tuple[str, str]:
    return score["metric"], json.dumps(score["condition"], sort_keys=True)


def _is_printed(place: tuple[str, str], runs: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a score is of everything, or of an attack as a whole."""
    metric, condition = place[0], json.loads(place[1])
    headlines = [tuple(entry["headline"]) for entry in runs if entry["headline"]]
    return (metric, condition) in headlines or not condition or ("epsilon" in condition and "protocol" not in condition)


def _parts(places: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """The first metric by corruption or perturbation alone, which a mean is over; else limits, and errors by level."""
    limits = [place for place in places if place[0] == OPERATING_LIMIT.name]
    levels = [place for place in places if place[0] == "error" and "level" in json.loads(place[1])]
    quantities = [*limits, *sorted(levels, key=_by_level)[:LEVELS_MOST]]
    for key in ("corruption", "perturbation"):
        of_key = [place for place in places if list(json.loads(place[1])) == [key]]
        if of_key:
            return [*(place for place in of_key if place[0] == of_key[0][0]), *quantities]
    return quantities


def _by_level(place: tuple[str, str]) -> tuple[str, float]:
    """The corruption and the value of a score at a level, such as 17 of ``"quality=17"``."""
    condition = json.loads(place[1])
    return condition["corruption"], float(condition["level"].rpartition("=")[2])


class PerturbationTable(NamedTuple):
    """Perturbations of one benchmark with the same strengths, as many as stand beside each other; rows: parameters."""

    benchmark: str
    strengths: Sequence[str]
    rows: Sequence[tuple[str, int, str, Sequence[str], str]]
    notes: Sequence[str]


def _perturbation_tables(perturbations: Sequence[Mapping[str, Any]]) -> list[PerturbationTable]:
    by_strengths: dict[tuple[str, tuple[str, ...]], list[Mapping[str, Any]]] = {}
    for each in perturbations:
        strengths = tuple(level["strength"] for level in each["levels"])
        by_strengths.setdefault((each["benchmark"], strengths), []).append(each)
    tables = []
    for (benchmark, strengths), alike in by_strengths.items():
        notes: dict[str, list[str]] = {}
        for each in alike:
            if each["note"]:
                notes.setdefault(each["note"], []).append(each["name"])
        lines = [f"{', '.join(names)}: {note}" for note, names in notes.items()]
        for start in range(0, len(strengths) or 1, STRENGTHS_ACROSS):
            beside = strengths[start : start + STRENGTHS_ACROSS]
            rows = [row for each in alike for row in _parameter_rows(each, beside)]
            tables.append(PerturbationTable(benchmark, beside, rows, lines))
    return tables


def _parameter_rows(
    perturbation: Mapping[str, Any], strengths: Sequence[str]
) -> Iterator[tuple[str, int, str, Sequence[str], str]]:
    """Name, rows that it stands beside, parameter with its unit, its values by strength, and a summary."""
    values: dict[str, dict[str, str]] = {}
    for level in (level for level in perturbation["levels"] if level["strength"] in strengths):
        for each in level["parameters"]:
            unit = f", {each['unit']}" if each["unit"] else ""
            values.setdefault(f"{each['name'].replace('_', ' ')}{unit}", {})[level["strength"]] = _plain(each["value"])
    name, summary = perturbation["name"].replace("_", " "), perturbation["summary"]
    if not values:
        yield name, 1, "", ["" for _ in strengths], summary
    for place, (parameter, by_strength) in enumerate(values.items()):
        cells = [by_strength.get(strength, "") for strength in strengths]
        yield name, 0 if place else len(values), parameter, cells, summary


def _plain(value: Any) -> str:
    return f"{value:g}" if isinstance(value, int | float) and not isinstance(value, bool) else str(value)


def _attacker_block(attacker: Mapping[str, Any]) -> dict[str, Any]:
    """An attacker with its checks as a table: a row for each check, a column for each model."""
    checks = attacker["checks"]
    names = dict.fromkeys(check["code"] for each in checks for check in each["checks"])
    rows = []
    for name in names:
        states = []
        for each in checks:
            check = next((check for check in each["checks"] if check["code"] == name), None)
            states.append(
                "" if check is None else "not run" if not check["ran"] else "raised" if check["raised"] else "passed"
            )
        rows.append((name, states))
    tables = [
        (checks[start : start + ACROSS], [(name, states[start : start + ACROSS]) for name, states in rows])
        for start in range(0, len(checks), ACROSS)
    ]
    return {**attacker, "tables": tables}


def _run_tables(runs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The runs of each table with what they have in common: commands, versions, sessions and warnings, each once."""
    tables = []
    for heading, alike in _by_table(runs).items():
        stored = [each for entry in alike for each in (entry, *entry["companions"])]
        sessions = [session for each in stored for session in each["sessions"]]
        packages: dict[str, dict[str, None]] = {}
        for session in sessions:
            for name, version in {**session["packages"], "python": session["python"]}.items():
                if version:
                    packages.setdefault(name, {})[version] = None
        warnings: dict[str, list[str]] = {}
        for entry in alike:
            for warning in entry["warnings"]:
                warnings.setdefault(warning, []).append(entry["model"])
        started = sorted(session["started"] for session in sessions if session["started"])
        devices = dict.fromkeys(
            " ".join(
                dict.fromkeys(filter(None, (each["device"], each["device_name"], each["runtime"], each["precision"])))
            )
            for each in sessions
        )
        tables.append(
            {
                "heading": heading,
                "runs": alike,
                "commands": list(dict.fromkeys(command for each in stored for command in each["commands"])),
                "packages": ", ".join(f"{name} {' / '.join(versions)}" for name, versions in sorted(packages.items())),
                "devices": "; ".join(devices),
                "started": f"{started[0][:16]} to {started[-1][:16]}".replace("T", " ") if started else "",
                "versions": " / ".join(dict.fromkeys(_pairs(entry["versions"]) for entry in alike)),
                "options": " / ".join(dict.fromkeys(_pairs(entry["options"]) for entry in alike)),
                "warnings": [
                    text if len(models) == len(alike) else f"{', '.join(models)}: {text}"
                    for text, models in warnings.items()
                ],
                "codes": list(dict.fromkeys(entry["code_sha256"] for entry in alike if entry["code_sha256"])),
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


def _running_heads(title: str, evidence: Mapping[str, Any], digest: str) -> str:
    """The rules of what stands above and below each sheet."""
    about = evidence["about"]
    texts = {
        "top-left": f"Evidence: {formatting.shortened(title, 60)}",
        "top-right": about["reference"] or "",
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
        "brief": _brief,
        "number": lambda value, unit: NOT_STATED if value is None else formatting.number(value, unit),
        "ends": lambda ends, unit: formatting.interval(Interval(*ends), unit) if ends else "",
        "short": lambda digest: digest[:16] if digest else None,
        "breakable": _breakable,
        "flat": _flat,
        "pairs": _pairs,
        "limit_word": lambda kind: WORDS.get(kind, kind),
        "condition": lambda condition: condition_text(Condition(**condition), ", "),
    }
    environment.globals["bar"] = _bar
    return environment


LONG_NAME = 40
"""Characters of a name beyond which it may be broken anywhere."""


def _breakable(text: str) -> Markup:
    """A text that may be broken after an underscore, a slash or a sign; a very long one anywhere."""
    name = Markup("").join(
        escape(part) + Markup("<wbr>") if part[-1:] in "_/:=+" else escape(part) for part in _pieces(text)
    )
    return Markup('<span class="long">{}</span>').format(name) if len(text) > LONG_NAME else name


def _pieces(text: str) -> list[str]:
    pieces = [""]
    for character in text:
        pieces[-1] += character
        if character in "_/:=+":
            pieces.append("")
    return pieces if pieces[-1] else pieces[:-1]


def _bar(score: Mapping[str, Any], scale: float) -> Markup:
    """A value with its interval as a bar, from 0 to the scale."""
    if score["value"] is None:
        return Markup("")
    low, high = score["interval"] or (score["value"], score["value"])
    start, end, value = (100 * min(max(each / scale, 0.0), 1.0) for each in (low, high, score["value"]))
    return Markup(
        '<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="axis" x="0" y="3.6" width="100" height=".8"/><rect x="{start:.2f}" y="2" '
        f'width="{max(end - start, 0.4):.2f}" height="4"/><rect class="value" x="{max(value - 0.5, 0):.2f}" y="0" '
        'width="1" height="8"/></svg>'
    )


def _asset(name: str) -> str:
    return Path(__file__).parents[1].joinpath("templates", name).read_text("utf-8")
