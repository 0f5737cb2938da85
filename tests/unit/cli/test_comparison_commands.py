"""``power``, ``claims`` and ``compare`` as a person calls them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from commands import called


def test_power_as_a_table_and_as_json(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    assert called(monkeypatch, "compare", "--power", "--difference", "0.01", "--baseline-error", "0.2") == 0
    assert "12,327" in capsys.readouterr().out
    arguments = ["compare", "--power", "--difference", "0.001", "--baseline-error", "0.2", "--correlation", "0.5"]
    assert called(monkeypatch, *arguments, "--json") == 0
    (row,) = json.loads(capsys.readouterr().out)["rows"]
    assert row["paired"] < row["unpaired"]
    assert called(monkeypatch, *arguments) == 0
    assert "50,000 validation photographs are too few" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("difference", "error", "says"),
    [
        ("1", "0.2", "difference must be in (-1, 1) and not 0, a share (0.01 is one point), was 1"),
        ("0.01", "20", "baseline-error must be in (0, 1), a share (0.2 is 20 %), was 20"),
    ],
)
def test_power_in_points_is_answered_with_the_unit(
    difference: str, error: str, says: str, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    assert called(monkeypatch, "compare", "--power", "--difference", difference, "--baseline-error", error) == 2
    assert capsys.readouterr().err == f"hardiness: {says}\n"


def test_power_leaves_out_usual_correlations_that_cannot_be_and_refuses_given_ones(
    monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    unequal = ["compare", "--power", "--difference", "0.05", "--baseline-error", "0.1"]
    assert called(monkeypatch, *unequal) == 0
    assert " 0.7 " not in capsys.readouterr().out
    assert called(monkeypatch, *unequal, "--correlation", "0.7") == 2
    told = capsys.readouterr().err
    assert told.startswith("hardiness: correlation must be between")
    assert told.count("\n") == 1


def test_claims_on_the_published_numbers(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    assert called(monkeypatch, "show", "--claims", "--published") == 0
    assert capsys.readouterr().out.count(" holds ") == 6
    assert called(monkeypatch, "show", "--claims", "--published", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert {claim["verdict"] for claim in found["claims"].values()} == {"holds"}
    assert "github:eminorhan" in found["numbers"]["resnext101_32x8d"]["mfr"]["source"]


@pytest.mark.parametrize(
    "arguments", [["show", "--claims"], ["show", "--claims", "OUT", "--published"], ["compare", "OUT"]]
)
def test_what_is_missing_is_one_line(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    assert called(monkeypatch, *(str(tmp_path) if each == "OUT" else each for each in arguments)) == 2
    told = capsys.readouterr().err
    assert told.startswith("hardiness: ")
    assert told.count("\n") == 1
