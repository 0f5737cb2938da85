"""docs/small_pictures.md says of real networks and of published answers what is measured now."""

from __future__ import annotations

import csv
import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

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


@pytest.fixture(scope="module")
def attack_bench() -> dict[str, Any]:
    """What the bench that attacks networks of 32 px defines."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "bench")
        return runpy.run_path(str(ROOT / "bench" / "cifar_attacks.py"))


@pytest.fixture(scope="module")
def mask_bench() -> dict[str, Any]:
    """What the bench that hides gradients defines."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "bench")
        return runpy.run_path(str(ROOT / "bench" / "masks.py"))


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


def test_attacks_leave_what_torchattacks_leaves(attack_bench: dict[str, Any]) -> None:
    rows = rows_of("cifar_attacks.csv")
    assert {row["attack"] for row in rows} == set(attack_bench["OURS"])
    for row in rows:
        ours, theirs, both = (int(row[side]) for side in ("ours", "torchattacks", "both"))
        assert both <= min(ours, theirs) <= int(row["pictures"])
        assert ours - both <= attack_bench["NOISE"], "torchattacks breaks pictures that we leave"
    survives = {(row["network"], row["norm"], row["attack"]): int(row["ours"]) for row in rows}
    for (network, norm, _), left in survives.items():
        assert 0 < survives[network, norm, "AutoAttack"] <= left


@pytest.mark.slow
def test_pgd_leaves_what_the_page_says(attack_bench: dict[str, Any], small_pictures_data: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    name = attack_bench["RESNET"]
    network = attack_bench["resnet20"](small_pictures_data, tmp_path)
    with np.load(small_pictures_data / "test_first_500.npz") as first:
        pixels = torch.from_numpy(first["x"]).permute(0, 3, 1, 2).float() / 255
        labels = torch.from_numpy(first["y"]).long()
    (found,) = attack_bench["rows_of"](name, network, pixels, labels, ["PGD"], ["l2"])
    (written,) = (
        row
        for row in rows_of("cifar_attacks.csv")
        if (row["network"], row["norm"], row["attack"]) == (name, "l2", "PGD")
    )
    assert found["pictures"] == int(written["pictures"]) == 100
    for side in ("ours", "torchattacks", "both"):
        assert abs(found[side] - int(written[side])) <= attack_bench["NOISE"], "run bench/cifar_attacks.py"


@pytest.mark.slow
def test_masks_on_resnet_20_are_named_and_their_numbers_not_believed(
    mask_bench: dict[str, Any], small_pictures_data: Path
) -> None:
    victim = mask_bench["cifar_victim"]("R")
    assert victim.rows[0].image.shape == (32, 32, 3)
    names, verdict = mask_bench["row"](mask_bench["NO_MASK"], [victim])["R"]
    assert (names - mask_bench["LONGER"], verdict) == (set(), "not robust")
    for mask in ("rounded", "noise", "wrong_sign", "saturated"):
        found = mask_bench["row"](mask, [victim])
        assert mask_bench["named"](mask, found) == 1, (mask, found)
