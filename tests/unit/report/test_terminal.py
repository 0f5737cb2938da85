"""Tables that are no wider than the terminal."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rich.cells import cell_len
from rich.console import Console

from hardiness.cli.show import print_overview
from hardiness.core.condition import Condition
from hardiness.core.result import Counts, Interval, Result, Score
from hardiness.core.run import BenchmarkIdentity, ModelIdentity, Run
from hardiness.report.notes import Note
from hardiness.report.sections import sections
from hardiness.report.terminal import score_tables, scorecard_tables


def result(model: str, benchmark: str = "whitebox", columns: int = 12, warning: str = "partial") -> Result:
    scores = [Score("clean_accuracy", 0.987, "fraction", 1000, Interval(0.976, 1.0))] + [
        Score("accuracy", 0.5, "fraction", 1000, Interval(0.4, 0.6), condition=Condition(epsilon=k / 255, steps=10))
        for k in range(1, columns)
    ]
    run = Run(ModelIdentity(model), BenchmarkIdentity(benchmark, "attack", "orhan2019"))
    counts = Counts(1000, 1000, 0, 1000)
    return Result(model, benchmark, "imagenet", "orhan2019", scores, counts, run, {}, warnings=(warning,), key="k")


def printed(width: int, results: list[Result], everything: bool = False) -> list[str]:
    console = Console(width=width, force_terminal=False)
    with console.capture() as captured:
        for table in (*scorecard_tables(results), *score_tables(results, everything)):
            console.print(table)
    return captured.get().splitlines()


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_no_table_is_wider_and_no_interval_is_cut(width: int) -> None:
    lines = printed(width, [result("efficientnet_lite0"), result("x" * 300)])
    assert max(map(cell_len, lines)) <= width
    assert any("97.6–100.0" in line for line in lines)
    assert not any("…" in line.split("│")[2] for line in lines if line.startswith("│"))
    assert sum("40.0–60.0" in line for line in lines) >= 2


def test_what_is_left_out_is_counted_and_shown_with_all() -> None:
    few = " ".join(printed(80, [result("a")]))
    assert "more with --all" in few
    everything = printed(80, [result("a")], everything=True)
    assert sum(line.count("40.0–60.0") for line in everything) == 12  # the overview's, and the eleven
    assert "more with --all" not in " ".join(everything)


def test_a_grid_says_what_its_rows_are() -> None:
    cells = [Score("error", 0.5, "fraction", 9, condition=Condition(corruption="fog", severity=s)) for s in (1, 2)]
    run = Run(ModelIdentity("a"), BenchmarkIdentity("imagenet-c", "corruption", "orhan2019"))
    found = Result("a", "imagenet-c", "imagenet", "orhan2019", cells, Counts(9, 9, 0, 9), run, {}, key="k")
    lines = printed(80, [found], everything=True)
    assert next(line.split()[1] for line in lines if "severity 1" in line) == "corruption"


def test_a_note_about_no_model_begins_with_its_text() -> None:
    """It began with a colon."""
    (shown,) = sections([result("a"), result("b")], figures=False)
    notes = [Note("published numbers", ()), Note("partial", ("a",)), Note("small", ("a", "b"))]
    assert replace(shown, section=replace(shown.section, notes=notes)).notes() == [
        "published numbers",
        "a: partial",
        "small",
    ]


def test_names_are_no_markup() -> None:
    lines = printed(80, [result("[red]a[/red]"), result("\x1b[31mb")])
    assert any("[red]a[/red]" in line for line in lines)
    assert not any("\x1b" in line for line in lines)


def test_a_note_that_holds_everywhere_is_said_once() -> None:
    lines = printed(120, [result("a", "blackbox", warning="demo-sized"), result("a", "whitebox", warning="demo-sized")])
    assert sum("demo-sized" in line for line in lines) == 1
    assert any("everywhere: demo-sized" in line for line in lines)


def test_notes_of_a_run_say_what_tells_results_of_one_model_apart() -> None:
    def made(crop_px: str, data: str, warning: str) -> Result:
        run = Run(
            ModelIdentity("net", options={"crop": crop_px}), BenchmarkIdentity("imagenet-val", "classification", "x")
        )
        score = Score("top1", 0.5, "fraction", 9, Interval(0.4, 0.6))
        return Result(
            "net", "imagenet-val", data, "x", [score], Counts(9, 5, 0, 5), run, {}, warnings=(warning,), key=crop_px
        )

    console = Console(width=200, force_terminal=False)
    found = [made("64", "a", "partial: 5"), made("96", "a", "partial: 5"), made("64", "b", "partial: 4")]
    with console.capture() as captured:
        print_overview(found, console)
    lines = captured.get().splitlines()
    first = "imagenet-val on a, x, net (crop=64); imagenet-val on a, x, net (crop=96): partial: 5"
    assert first in lines
    assert "imagenet-val on b, x, net: partial: 4" in lines
