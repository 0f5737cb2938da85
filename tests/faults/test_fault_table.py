"""The faults of fault_table.py, each planted in a finished run: told by name, and put right by the same command."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.mark.slow
def test_each_planted_fault_is_told_and_put_right_and_the_page_says_so() -> None:
    script = runpy.run_path(str(HERE / "fault_table.py"))
    page = (HERE.parents[1] / "docs" / "reliability.md").read_text("utf-8")
    rows = list(script["tried"]())
    assert len(rows) == len(script["FAULTS"])
    for row in rows:
        assert row.show_kept, f"{row.planted}: show gave other numbers without a word"
        assert row.recovered, f"{row.planted}: {row.again.err}"
        assert "Traceback" not in row.shown.err + row.again.err
        if row.shown.status:
            assert len(row.shown.lines) <= 2, row.shown.err
    assert script["table"](rows) in page
