"""docs/small_pictures.md says of real networks and of published answers what is measured now."""

from __future__ import annotations

import csv
import runpy
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
ERRORS_OF_A_LOOP = {("resnet20", "first 500"): 45, ("resnet20", "JPEG copies"): 1897}
"""Counted elsewhere, by a plain loop over the same pictures."""


@pytest.fixture(scope="module")
def bench() -> dict[str, Any]:
    """What the bench that writes the page's data defines."""
    return runpy.run_path(str(ROOT / "bench" / "cifar.py"))


def rows_of(name: str) -> list[dict[str, str]]:
    with (ROOT / "docs" / "results" / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_a_real_network_errs_as_a_plain_loop_says(
    bench: dict[str, Any], small_pictures_data: Path, tmp_path: Path
) -> None:
    found = bench["network_rows"](small_pictures_data, tmp_path, ["resnet20"])
    assert {(row["network"], row["pictures"]): row["errors"] for row in found} == ERRORS_OF_A_LOOP
    written = [row for row in rows_of("cifar.csv") if row["network"] == "resnet20"]
    assert [{name: str(value) for name, value in row.items()} for row in found] == written, "run bench/cifar.py"


@pytest.mark.slow
def test_the_table_of_published_answers_is_fresh(bench: dict[str, Any], small_pictures_data: Path) -> None:
    assert bench["answer_rows"](small_pictures_data / "predictions_of_15.npz") == rows_of("cifar_answers.csv")


def test_published_errors_lie_in_the_intervals_of_the_first_500(bench: dict[str, Any]) -> None:
    """The published ones are of all 10,000; those of the JPEG copies are of other pictures, and lie apart."""
    rows = {(row["network"], row["pictures"]): row for row in rows_of("cifar.csv")}
    for network, published in bench["PUBLISHED"].items():
        row = rows[network, "first 500"]
        assert float(row["low"]) < published < float(row["high"])
        assert float(rows[network, "JPEG copies"]["low"]) > published
