"""Tables that are no wider than the terminal."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rich.cells import cell_len
from rich.console import Console

from hardiness.cli.show import print_overview
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError
from hardiness.core.fact import error_of
from hardiness.core.result import Counts, Result, Score
from hardiness.core.run import BenchmarkIdentity, DataIdentity, ModelIdentity, Run
from hardiness.report.notes import Note
from hardiness.report.sections import sections
from hardiness.report.terminal import score_tables, scorecard_tables
from hardiness.statistics.spreads.combined import TwoEnds


def result(model: str, benchmark: str = "whitebox", columns: int = 12, warning: str = "partial") -> Result:
    scores = [Score("clean_accuracy", 0.987, "fraction", 1000, TwoEnds(0.987, 0.976, 1.0))] + [
        Score("accuracy", 0.5, "fraction", 1000, TwoEnds(0.5, 0.4, 0.6), condition=Condition(epsilon=k / 255, steps=10))
        for k in range(1, columns)
    ]
    run = Run(ModelIdentity(model), BenchmarkIdentity(benchmark, "attack", "orhan2019"))
    counts = Counts(1000, 1000, 0, 1000)
    return Result(
        model,
        benchmark,
        "imagenet",
        "orhan2019",
        scores,
        counts,
        run,
        {},
        warnings=(error_of(ArgumentError(warning)),),
        key="k",
    )


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
        score = Score("top1", 0.5, "fraction", 9, TwoEnds(0.5, 0.4, 0.6))
        return Result(
            "net",
            "imagenet-val",
            data,
            "x",
            [score],
            Counts(9, 5, 0, 5),
            run,
            {},
            warnings=(error_of(ArgumentError(warning)),),
            key=crop_px,
        )

    console = Console(width=200, force_terminal=False)
    found = [made("64", "a", "partial: 5"), made("96", "a", "partial: 5"), made("64", "b", "partial: 4")]
    with console.capture() as captured:
        print_overview(found, console)
    lines = captured.get().splitlines()
    first = "imagenet-val on a, x, net (crop=64); imagenet-val on a, x, net (crop=96): partial: 5"
    assert first in lines
    assert "imagenet-val on b, x, net: partial: 4" in lines


LONG = "timm:convnext_xxlarge.clip_laion2b_soup_ft_in1k"


def test_names_that_people_type_are_whole_in_80_columns() -> None:
    lines = printed(80, [result(LONG, columns=3), result(f"{LONG} (crop_px=288)", columns=3)], everything=True)
    assert max(map(cell_len, lines)) <= 80
    tables = [at for at, line in enumerate(lines) if line.startswith("whitebox")]
    assert len(tables) > 1, "columns stand in further tables"
    for at in tables:
        assert any(line.split("│")[1].strip() == LONG for line in lines[at:] if line.startswith("│"))
    assert any("(crop_px=288)" in line for line in lines)


BENCHMARKS = [f"attack{k}" for k in range(5)]


def test_the_overview_is_one_table_in_80_columns_however_many_numbers_it_has() -> None:
    models = [f"network_of_a_name_{k} (crop_px=288)" for k in range(8)]
    results = [result(model, name) for name in BENCHMARKS for model in models]
    console = Console(width=80, force_terminal=False)
    with console.capture() as captured:
        for table in scorecard_tables(results):
            console.print(table)
    text = captured.get()
    lines = text.splitlines()
    assert max(map(cell_len, lines)) <= 80
    assert (text.count("overview"), text.count("┏"), text.count("(crop_px=288)")) == (1, 1, 40)
    assert text.count("40.0–60.0") == 40
    assert all(sum(f"network_of_a_name_{k} " in line for line in lines) == 5 for k in range(8))
    assert all(sum(name in line for line in lines) == 1 for name in BENCHMARKS)


def own(model: str, benchmark: str, recalls: dict[tuple[str, str], float]) -> Result:
    """A result of a person's own classes; recalls by class and corruption, of which the empty one is all."""
    scores = [
        Score("recall", value, "fraction", 10, TwoEnds(value, value - 0.1, value), condition=Condition(**condition))
        for (name, corruption), value in recalls.items()
        for condition in [{"class": name, **({"corruption": corruption} if corruption else {})}]
    ]
    least = min(value for (_, corruption), value in recalls.items() if not corruption)
    scores += [
        Score("top1", 0.9, "fraction", 20),
        Score("worst_class", least, "fraction", 20, TwoEnds(least, 0.1, 0.95)),
    ]
    data = DataIdentity("photos", "f", 20, classes=("cat", "dog"))
    run = Run(ModelIdentity(model), BenchmarkIdentity(benchmark, "classification", "own"), data)
    return Result(model, benchmark, "photos", "own", scores, Counts(20, 20, 0, 20), run, {}, key=model)


def test_show_names_the_worst_class_and_recalls_have_intervals() -> None:
    results = [
        own("a", "own", {("cat", ""): 0.9, ("dog", ""): 0.5}),
        own("b", "own", {("cat", ""): 1.0, ("dog", ""): 1.0}),
    ]
    text = " ".join(" ".join(printed(80, results)).split())
    assert "a: worst class: dog, 50.0 (10.0–95.0: the lowest of 2 classes, whichever it is), n = 10" in text
    assert "b: worst class: none, all have 100.0 (10.0–95.0: the lowest of 2 classes" in text
    everything = printed(80, results, everything=True)
    row = next(at for at, line in enumerate(everything) if "dog (10)" in line)
    assert ("50.0" in everything[row], "40.0–50.0" in everything[row + 1]) == (True, True)


def test_show_has_corruption_by_class_of_ones_own_classes_with_all() -> None:
    recalls = {
        ("cat", ""): 0.8,
        ("dog", ""): 0.4,
        ("cat", "clean"): 0.9,
        ("dog", "clean"): 0.95,
        ("cat", "fog"): 0.85,
        ("dog", "fog"): 0.6,
        ("cat", "zoom_blur"): 0.75,
        ("dog", "zoom_blur"): 0.2,
    }
    results = [own("a", "own-c", recalls)]
    assert not any("by class and corruption" in line for line in printed(120, results))
    lines = printed(120, results, everything=True)
    at = next(at for at, line in enumerate(lines) if "a: recall by class and corruption" in line)
    table = lines[at : at + 10]
    assert [word for line in table for word in ("clean", "zoom blur", "fog") if word in line] == [
        "clean",
        "zoom blur",
        "fog",
    ]
    dog = next(line for line in table if "dog" in line)
    assert [cell.strip() for cell in dog.split("│")[2:-1]] == ["95.0", "40.0", "20.0", "60.0"], (
        "what loses most is first"
    )
    assert any("10.0–20.0" in line for line in table)
