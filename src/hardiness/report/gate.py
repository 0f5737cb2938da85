"""The verdicts of a gate, for the places where merges are decided: a table, Markdown, annotations and JUnit XML."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple
from xml.etree import ElementTree

from hardiness.core.answers import mark_notes
from hardiness.core.errors import printable
from hardiness.core.fact import Fact
from hardiness.core.result import TextTable
from hardiness.core.spread import Interval
from hardiness.report.format import PERCENT_UNITS
from hardiness.report.words import line, text
from hardiness.results.gate import Gate, GateVerdict

SUMMARY_MOST = 1024 * 1024 - 1
"""Bytes of a step's summary on GitHub, which throws a longer one away."""

COMMENT_MOST = 65_535
"""Characters of a comment on GitHub."""

ANNOTATIONS_MOST = 10
"""Annotations of one kind that GitHub shows of a step."""

ORDER = ("fail", "missing", "cannot tell", "pass")
STYLES = {"fail": "bold red", "missing": "bold magenta", "cannot tell": "yellow", "pass": "green"}
"""Colours of a terminal, by outcome."""

MARKS = {"fail": "❌ fail", "missing": "🚫 missing", "cannot tell": "❔ cannot tell", "pass": "✅ pass"}
POINTS = "points"
"""Unit of the difference of two shares."""
WORDS = {
    "at_most": "at most",
    "at_least": "at least",
    "worse_by_at_most": "worse by at most",
    "equivalent_within": "equivalent within",
}

HEADS = ("rule", "model", "benchmark", "verdict", "value", "interval that decides", "limit", "n")


def gate_view(gate: Gate) -> TextTable:
    """A row for each verdict, failures first; below it what to know of those that are no pass."""
    rows = tuple(_row(each, each.outcome) for each in _failures_first(gate))
    notes = [_sentence(each) for each in _failures_first(gate) if each.outcome != "pass"]
    notes += [*map(line, gate.remarks), *mark_notes(each.model for each in gate.verdicts)]
    return TextTable(_headline(gate), HEADS, rows, named=4, notes=tuple(notes))


class GateTable(NamedTuple):
    """A gate on a page: its outcome, its verdict in a sentence, and a row for each rule."""

    outcome: str
    sentence: str
    table: TextTable


def gate_table(gate: Gate, is_of_these_rows: bool = True) -> GateTable:
    """The gate as a page shows it; where rows have come since, it says so."""
    table, sentence = gate_view(gate), gate_sentence(gate)
    if is_of_these_rows:
        return GateTable(gate.outcome, sentence, table)
    changed = "rows have changed since: run 'hardiness gate' again"
    return GateTable(
        gate.outcome, f"{sentence} Rows have changed since.", replace(table, notes=(changed, *table.notes))
    )


OUTCOMES = {
    "fail": "The gate fails",
    "missing": "The gate lacks numbers",
    "cannot tell": "The gate cannot tell",
    "pass": "The gate passes",
}


def gate_sentence(gate: Gate) -> str:
    """The verdict in a sentence: ``The gate fails: of 21 rules 2 fail and 1 cannot be told.``"""
    words = {
        "fail": ("fails", "fail"),
        "missing": ("is missing", "are missing"),
        "cannot tell": ("cannot be told",) * 2,
    }
    counts = [f"{count} {words[each][count > 1]}" for each, count in gate.counts.items() if each in words]
    total = len(gate.verdicts)
    if not counts:
        return f"{OUTCOMES[gate.outcome]}: {'its rule holds' if total == 1 else f'all {total} rules hold'}."
    *others, last = counts
    text = f"{', '.join(others)} and {last}" if others else last
    warned = ", which only warns" if gate.outcome == "cannot tell" and gate.undecided == "warn" else ""
    return f"{OUTCOMES[gate.outcome]}{warned}: of {total} rule{'' if total == 1 else 's'} {text}."


def gate_markdown(gate: Gate, most: int, *, of_bytes: bool = True) -> str:
    """The gate as Markdown: failures first, passes folded; shorter than ``most`` bytes, or characters.

    What has no room is counted in the last line.
    """

    def size(text: str) -> int:
        return len(text.encode(errors="replace")) if of_bytes else len(text)

    ordered = _failures_first(gate)
    open_ = [each for each in ordered if each.outcome != "pass"]
    passes = [each for each in ordered if each.outcome == "pass"]
    head = f"### {MARKS[gate.outcome].split()[0]} {_escaped(_headline(gate))}\n"
    room = most - size(head) - 400
    parts, omissions = [head], 0
    for rows, before, after in (
        (open_, "", ""),
        (passes, f"\n<details><summary>{len(passes)} passed</summary>\n", "\n</details>\n"),
    ):
        if not rows:
            continue
        table, count = _fitting_table(rows, room - size(before + after), size)
        parts += [before, table, after]
        room -= size(before + table + after)
        omissions += len(rows) - count
    for remark in map(line, gate.remarks):
        text = f"\n{_escaped(remark)}\n"
        if (room := room - size(text)) > 0:
            parts.append(text)
    parts += [f"\n{note}\n" for note in mark_notes(each.model for each in gate.verdicts)]
    if omissions:
        parts.append(f"\n{omissions:,} more verdicts have no room here: `hardiness gate --json` has all.\n")
    return "".join(parts)


def _fitting_table(rows: Sequence[GateVerdict], room: int, size: Callable[[str], int]) -> tuple[str, int]:
    """A table of as many rows as there is room for, and how many these are."""
    lines = [f"\n| {' | '.join((*HEADS[:3], *HEADS[3:], 'note'))} |\n|{'---|' * (len(HEADS) + 1)}\n"]
    room -= size(lines[0])
    for place, each in enumerate(rows):
        cells = [*_row(each, MARKS[each.outcome]), _note(each)]
        line = f"| {' | '.join(map(_escaped, cells))} |\n"
        room -= size(line)
        if room < 0:
            return "".join(lines), place
        lines.append(line)
    return "".join(lines), len(rows)


def _escaped(text: str) -> str:
    """Text that Markdown shows as it is, in one line of a table."""
    text = printable(text.replace("\n", ", ").replace("\t", " "))
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_\[\]|~#@])", r"\\\1", text)


def annotation_lines(gate: Gate) -> list[str]:
    """Lines that GitHub shows as annotations: an error a failure and a missing number, a warning where nothing fails.

    Of more than ten of a kind, the tenth says how many more there are; passes have none.

    Source: GitHub's workflow commands; "%", line ends, and in titles ":" and ",", are written as their codes.
    """
    by_kind: dict[str, list[tuple[str, str]]] = {"error": [], "warning": []}
    for each in _failures_first(gate):
        if each.outcome != "pass":
            warns = each.outcome == "cannot tell" and gate.undecided == "warn"
            by_kind["warning" if warns else "error"].append((f"{each.outcome}: {each.metric}", _sentence(each)))
    lines = []
    for kind, entries in by_kind.items():
        if len(entries) > ANNOTATIONS_MOST:
            rest = len(entries) - ANNOTATIONS_MOST + 1
            entries = [
                *entries[: ANNOTATIONS_MOST - 1],
                (f"{rest} more", f"{rest} more rules; the summary has all"),
            ]
        lines += [f"::{kind} title={_property(title)}::{_data(text)}" for title, text in entries]
    return lines


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def junit(gate: Gate) -> str:
    """The gate as JUnit XML: a suite a benchmark, a case a verdict, its sentence as text, which GitLab shows too.

    A rule that cannot be told is a failure, or, where it only warns, skipped; what is missing is an error.
    """
    suites: dict[str, list[GateVerdict]] = {}
    for each in gate.verdicts:
        suites.setdefault(each.benchmark, []).append(each)
    root = ElementTree.Element("testsuites", _counts("hardiness gate", gate.verdicts, gate.undecided))
    for name, verdicts in suites.items():
        suite = ElementTree.SubElement(root, "testsuite", _counts(_legal(name), verdicts, gate.undecided))
        for each in verdicts:
            names = {"classname": f"{each.benchmark}.{each.model}", "name": f"rule {each.rule.number}: {each.metric}"}
            case = ElementTree.SubElement(
                suite, "testcase", {**{key: _legal(value) for key, value in names.items()}, "time": "0"}
            )
            if each.mark:
                properties = ElementTree.SubElement(case, "properties")
                ElementTree.SubElement(properties, "property", {"name": "mark", "value": each.mark})
            tag = _tag(each, gate.undecided)
            if tag:
                kind = "undecided" if each.outcome == "cannot tell" else each.outcome
                element = ElementTree.SubElement(case, tag, {"message": _legal(_sentence(each)), "type": kind})
                element.text = _legal(_sentence(each))
            else:
                ElementTree.SubElement(case, "system-out").text = _legal(_sentence(each))
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _tag(each: GateVerdict, undecided: str) -> str:
    if each.outcome == "cannot tell":
        return "skipped" if undecided == "warn" else "failure"
    return {"fail": "failure", "missing": "error", "pass": ""}[each.outcome]


def _counts(name: str, verdicts: Sequence[GateVerdict], undecided: str) -> dict[str, str]:
    tags = [_tag(each, undecided) for each in verdicts]
    plural = {"failures": "failure", "errors": "error", "skipped": "skipped"}
    counts = {key: str(tags.count(tag)) for key, tag in plural.items()}
    return {"name": name, "tests": str(len(verdicts)), **counts, "time": "0"}


def _legal(text: str) -> str:
    """Text without what XML cannot hold, and controls written out."""
    return re.sub("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "?", printable(text))


def _failures_first(gate: Gate) -> list[GateVerdict]:
    """The verdicts, failures first."""
    return sorted(gate.verdicts, key=lambda each: ORDER.index(each.outcome))


def _headline(gate: Gate) -> str:
    counts = ", ".join(f"{count} {each}" for each, count in gate.counts.items())
    warned = ", which only warns" if gate.outcome == "cannot tell" and gate.undecided == "warn" else ""
    return f"{gate.source}: {gate.outcome}{warned} ({counts})"


def _row(each: GateVerdict, verdict: str) -> tuple[str, ...]:
    has_interval, unit = each.value is not None and each.interval is not None, _unit(each)
    value = _number(each.value, unit) if each.value is not None else ""
    interval = f"{_ends(each.interval, unit)}\n{each.which_interval}" if has_interval and each.interval else ""
    limit = f"{WORDS[each.rule.kind]} {_number(each.rule.limit, unit)}"
    n = _n(each) if each.n else ""
    return (each.metric, _model(each), each.benchmark, verdict, value, interval, limit, n)


def _model(each: GateVerdict) -> str:
    """The model, and the weights that it had in this run and in the baseline's."""
    own, other = each.labels
    baseline = f"baseline {other}" if other else ""
    label = ", ".join(filter(None, (own, baseline)))
    return f"{each.model}\n{label}" if label else each.model


def remark_lines(remarks: Iterable[Fact]) -> list[str]:
    """Remarks on a policy as lines."""
    return [line(each) for each in remarks]


def why_missing(verdict: GateVerdict) -> str:
    """Why the number of a verdict is missing, as text; empty where it is there."""
    return text(verdict.missing)


def _note(each: GateVerdict) -> str:
    """Why a number is missing, or how many images, or clusters, more would decide."""
    if each.outcome == "missing":
        return text(each.missing)
    if each.outcome != "cannot tell":
        return ""
    units = f"clusters more by {each.cluster}" if each.clusters else "images more"
    more = f"{each.more:,} {units}{f' of {each.images_of}' if each.images_of else ''}"
    needed = (
        f"more than {more} decide with 80 % chance: the truth may lie on the limit"
        if each.at_least
        else f"about {more} decide with 80 % chance"
    )
    if each.pass_needs > (each.clusters or each.n):
        kind = "clusters" if each.clusters else "images"
        needed += f", since a pass needs {each.pass_needs:,} {kind} even where no difference is seen"
    if each.more_high is None:
        return f"{needed} (were the true value known: {each.more_low:,} or more, none if it is the limit)"
    return f"{needed} (were the true value known: {each.more_low:,} to {each.more_high:,})"


def _sentence(each: GateVerdict) -> str:
    """One verdict with its number, interval and limit."""
    about, unit = f"{each.outcome}: {each.metric} of {each.model} on {each.benchmark}", _unit(each)
    limit = f"{WORDS[each.rule.kind]} {_number(each.rule.limit, unit)}"
    if each.value is None or each.interval is None:
        return f"{about}, which must be {limit}: {text(each.missing) if each.missing else each.outcome}"
    number = f"{_number(each.value, unit)} ({_ends(each.interval, unit)}, {each.which_interval})"
    note = _note(each)
    clusters = f" clusters by {each.cluster}" if each.clusters else ""
    return f"{about} is {number}, must be {limit}, n = {_n(each)}{clusters}{f'; {note}' if note else ''}"


def _n(each: GateVerdict) -> str:
    """The number of images and, where they come in clusters, that of clusters beside it."""
    return f"{each.n:,} in {each.clusters:,}" if each.clusters else f"{each.n:,}"


def _unit(each: GateVerdict) -> str:
    """The unit of its numbers: the difference of two shares is in points, since 1 % worse than 60 % may mean 59.4 %."""
    return POINTS if each.rule.is_difference and each.unit in PERCENT_UNITS else each.unit


def _number(value: float, unit: str) -> str:
    """A value with its sign."""
    sign = "%" if unit in PERCENT_UNITS else POINTS if unit == POINTS else ""
    return f"{_digits(value, unit)} {sign}".rstrip()


def _ends(interval: Interval, unit: str) -> str:
    return f"{_digits(interval.low, unit)} … {_digits(interval.high, unit)}"


def _digits(value: float, unit: str) -> str:
    """Percent or points with two digits, of what is a share or a ratio; else four digits."""
    return f"{100 * value:.2f}" if unit in (*PERCENT_UNITS, POINTS) else f"{value:.4g}"
