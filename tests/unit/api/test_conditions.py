"""``conditions=``: each picture in some of the conditions of a benchmark, drawn for it."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from commands import called

import hardiness
from hardiness.api.command import Command
from hardiness.benchmarks.options import parse
from hardiness.benchmarks.suites import suite
from hardiness.core.errors import ArgumentError
from hardiness.core.request import Request
from hardiness.data.embedded_photographs import embedded
from hardiness.engine.rounds import require_drawable
from hardiness.engine.selection import conditions_by_sample

WEATHER = "imagenet-c:corruptions=fog+brightness"


def cells_of(out: Path) -> dict[str, set[int]]:
    """The stored conditions of each picture, each of which is stored once."""
    rows = Counter[tuple[str, int]]()
    for file in out.rglob("records/*/*.parquet"):
        table = pq.read_table(file, columns=["sample", "condition"]).to_pydict()
        rows.update(zip(table["sample"], table["condition"], strict=True))
    assert set(rows.values()) == {1}
    cells: dict[str, set[int]] = defaultdict(set)
    for sample, condition in rows:
        cells[sample].add(condition)
    return dict(cells)


@pytest.mark.slow
def test_each_picture_has_as_many_conditions_of_its_own_and_more_when_more_are_asked_for(
    network: Any, view: Any, root: Path, tmp_path: Path
) -> None:
    asked = {"view": view, "name": "mine", "out": tmp_path / "out", "runtime": "torch", "progress": False}
    hardiness.evaluate(network(), WEATHER, str(root), conditions=3, **asked)
    few = cells_of(tmp_path / "out")
    assert [len(conditions) for conditions in few.values()] == [3] * 6
    assert len(set(map(frozenset, few.values()))) > 1, "they are drawn for each picture"
    hardiness.evaluate(network(), WEATHER, str(root), conditions=5, **asked)
    more = cells_of(tmp_path / "out")
    assert [len(conditions) for conditions in more.values()] == [5] * 6
    assert all(few[sample] < more[sample] for sample in few)
    result = hardiness.evaluate(network(), WEATHER, str(root), **asked)
    assert [len(conditions) for conditions in cells_of(tmp_path / "out").values()] == [11] * 6, "the clean picture too"
    assert [session["asked"].get("conditions") for session in result.measured["sessions"]] == [3, 5, None]


def test_more_conditions_than_there_are_are_all() -> None:
    require_drawable(parse("imagenet-val"), 1)
    assert conditions_by_sample(["a", "b"], [0, 2], 0, 3, 4) == {"a": [0, 2], "b": [0, 2]}


def test_what_needs_all_conditions_is_refused_before_anything_is_evaluated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    words = ["-m", "squeezenet1_1", "-b", "imagenet-c", "-b", "whitebox", "--data", "embedded", "--out", str(out)]
    assert called(monkeypatch, "run", *words, "--conditions", "1") == 2
    line = capsys.readouterr().err
    assert line.startswith("hardiness: conditions does not go with whitebox, whose images need all of their conditions")
    assert "imagenet-c, " in line
    assert not out.exists()
    with pytest.raises(ArgumentError, match=r"^conditions must be at least 1, was 0$"):
        Request(conditions=0)


@pytest.mark.parametrize(("options", "conditions"), [({}, 5), ({"conditions": 3}, 3), ({"time_budget_s": 540}, None)])
def test_a_suite_draws_conditions_unless_the_command_draws_them_in_its_own_way(
    options: dict[str, Any], conditions: int | None, tmp_path: Path
) -> None:
    (tmp_path / "mine.toml").write_text('[[rows]]\nbenchmark = "imagenet-c"\nconditions = 5\n')
    command = Command(
        models=("squeezenet1_1",), suite=str(tmp_path / "mine.toml"), data=("embedded",), request=Request(**options)
    )
    ((row, _),) = command.workload().rows
    assert row.request.conditions == conditions


def test_the_demo_has_enough_photographs_in_each_condition_to_say_how_they_spread() -> None:
    row = next(each for each in suite("demo").rows if each.benchmark == "imagenet-c")
    benchmark = parse(row.benchmark)
    conditions, requested = benchmark.conditions(), set(benchmark.requested())
    indices = [index for index, condition in enumerate(conditions) if condition in requested]
    samples = [item.id for item in embedded().items]
    drawn = conditions_by_sample(samples, indices, 0, len(conditions), row.conditions)
    counts = Counter(index for chosen in drawn.values() for index in chosen)
    assert counts.keys() == set(indices)
    assert min(counts.values()) >= 5
