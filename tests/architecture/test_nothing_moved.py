"""The proof that nothing moved: what differs is named with a short diff, and only moments and folders are left out."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

SCRIPT = Path(__file__).parents[1] / "nothing_moved.py"


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    return runpy.run_path(str(SCRIPT))


def test_each_item_that_is_another_gone_or_new_is_named_with_a_short_diff(script: dict[str, Any]) -> None:
    before = {
        "own | show": "a\n1.0\nb",
        "own | page": "same",
        "own | policy": "x",
        "long": "\n".join("abcdefghijklmnop"),
    }
    after = {"own | show": "a\n2.0\nb", "own | page": "same", "own | x.csv": "x", "long": "\n".join("ABCDEFGHIJKLMNOP")}
    lines = dict(script["differences"](before, after))
    assert list(lines) == ["moved: long", "gone: own | policy", "moved: own | show", "new: own | x.csv"]
    assert lines["moved: own | show"].split() == ["-1.0", "+2.0"]
    assert lines["moved: long"].splitlines()[-1].strip() == "… and 20 more lines"


def test_moments_speeds_and_the_folder_are_left_out_and_nothing_else(script: dict[str, Any]) -> None:
    def text(moment: str, speed: float, folder: str, value: float) -> str:
        session = {"started": moment, "elapsed_s": speed, "rows_per_s": speed, "host": "h", "batch_size": 8}
        content = {"sessions": [session], "scores": [{"metric": "top1", "value": value}], "out": f"{folder}/out"}
        page = (
            f"started {moment}; elapsed s {speed}; rows 6; rows per s {speed}; 12 images, {value} of them, in {folder}"
        )
        hold = script["normalised"]
        return str(hold(json.dumps(content), Path(folder)) + hold(page, Path(folder)))

    first = text("2026-11-30T08:00:00.123+00:00", 1.5, "/tmp/a", 0.75)
    assert first == text("2026-12-01T09:10:11+00:00", 22.25, "/tmp/other", 0.75)
    assert first != text("2026-11-30T08:00:00.123+00:00", 1.5, "/tmp/a", 0.76)
    for part in ('"batch_size": 8', '"host": "h"', '"value": 0.75', "rows 6", "12 images, 0.75 of them", "WORK/out"):
        assert part in first


def test_of_rows_the_columns_that_moved_are_named(script: dict[str, Any], tmp_path: Path) -> None:
    texts = []
    for number in (1, 2):
        table = pa.table({"sample": ["a", "b"], "margin": [0.5, float(number)]})
        pq.write_table(table, tmp_path / "x.parquet")
        texts.append(script["table_text"]((tmp_path / "x.parquet").read_bytes()))
    ((_, diff),) = script["differences"]({"shard": texts[0]}, {"shard": texts[1]})
    assert [line.strip().split()[0] for line in diff.splitlines()] == ["-file", "+file", "-margin", "+margin"]


def test_words_of_a_page_are_held_and_its_scripts_are_not(script: dict[str, Any]) -> None:
    page = '<title>T</title><script>var x</script><p>one <b>two</b></p><img alt="a fox" src="data:x"><td>3</td>'
    lines = script["PageText"].of(page).splitlines()
    assert lines[:2] == ["T", "one two"]
    assert lines[2].startswith("[alt: a fox] [picture ")
    assert lines[-1] == "3"


def test_a_number_is_held_alike_in_whatever_form_it_is(script: dict[str, Any]) -> None:
    score = {
        "metric": "kappa",
        "value": 0.5,
        "interval": [0.25, 0.75],
        "n": 9,
        "clusters": 0,
        "doubt": "",
        "spread": {},
    }
    flat = {"first": "a", "n": 9, "kappa": 0.5, "kappa_interval": [0.25, 0.75]}
    (line,) = script["json_numbers"](flat)
    assert line == 'first="a" kappa: value 0.5; interval [0.25, 0.75]; n 9'
    assert [*script["json_numbers"]({"first": "a", "kappa": score})] == [line]
    assert [*script["json_numbers"]({"first": "a", "kappa": {**score, "value": 0.4}})] != [line]
