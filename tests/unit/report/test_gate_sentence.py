"""A gate's verdict in a sentence, which stands first on a page."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest

from hardiness.core.result import Counts, Result
from hardiness.core.run import BenchmarkIdentity, ModelIdentity, Run
from hardiness.report.format import PlainConsole, terminal_table
from hardiness.report.gate import STYLES, gate_table, gate_view
from hardiness.report.page import PageOptions, inks_of, page
from hardiness.report.sections import sections
from hardiness.results.gate import Gate, GateVerdict
from hardiness.results.policy import Rule


def gate(*outcomes: Any) -> Gate:
    rule = Rule(1, benchmark="imagenet-val", metric="top1", kind="at_least", limit=0.7)
    return Gate(tuple(GateVerdict(rule, "a", "imagenet-val", "imagenet", each, "top-1") for each in outcomes))


@pytest.mark.parametrize(
    ("outcomes", "sentence"),
    [
        (["pass"], "The gate passes: its rule holds."),
        (["pass"] * 3, "The gate passes: all 3 rules hold."),
        (["pass", "fail", "fail"], "The gate fails: of 3 rules 2 fail."),
        (["fail", "missing", "cannot tell"], "The gate fails: of 3 rules 1 fails, 1 is missing and 1 cannot be told."),
        (["pass", "missing"], "The gate lacks numbers: of 2 rules 1 is missing."),
    ],
)
def test_the_verdict_in_a_sentence(outcomes: list[str], sentence: str) -> None:
    assert gate_table(gate(*outcomes)).sentence == sentence


def test_failures_stand_first_and_the_verdict_before_the_title_of_a_page() -> None:
    table = gate_table(gate("pass", "fail", "missing"))
    assert [row[3] for row in table.table.rows] == ["fail", "missing", "pass"]
    run = Run(ModelIdentity("a"), BenchmarkIdentity("imagenet-val", "classification", "p"))
    shown = sections([Result("a", "imagenet-val", "imagenet", "p", (), Counts(9, 9, 0, 9), run, {})])
    text = page(shown, "t", inks_of(shown), PageOptions(images=False, gates=[table]))
    assert text.index(table.sentence) < text.index("<h1")
    assert text.index('id="overview"' if 'id="overview"' in text else "</header>") < text.index('id="gate"')
    assert '<tr class="fail">' in text


def test_a_terminal_has_failures_first_in_colour() -> None:
    stream = io.StringIO()
    console = PlainConsole(file=stream, width=160, force_terminal=True, color_system="standard")
    for part in terminal_table(gate_view(gate("pass", "cannot tell", "missing", "fail")), STYLES):
        console.print(part)
    verdicts = re.findall("\x1b\\[([0-9;]+)m(fail|missing|cannot tell|pass)\x1b", stream.getvalue())
    assert verdicts == [("1;31", "fail"), ("1;35", "missing"), ("33", "cannot tell"), ("32", "pass")]
