"""docs/fidelity.md says of our kernels and of the packages beside them what they do now."""

from __future__ import annotations

import csv
import runpy
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pytest

from hardiness.reference.sets import SEVERITIES, distortion_set

IMAGENET_C = distortion_set("imagenet-c")

ROOT = Path(__file__).resolve().parents[2]
NAMES = (*IMAGENET_C.members, *IMAGENET_C.extra)


@pytest.fixture(scope="module")
def bench(golden_corruptions: Path, frost_pictures: Path) -> dict[str, Any]:
    """What the bench that writes the page defines; it needs the golden pictures and those of frost."""
    return runpy.run_path(str(ROOT / "bench" / "fidelity.py"))


@pytest.fixture(scope="module")
def page() -> list[list[str]]:
    """The rows of the page's data: corruption, severity, and a column a package."""
    with (ROOT / "docs" / "results" / "fidelity.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.reader(stream))[1:]


def test_what_is_said_of_imagenet_c_bar_is_fresh(golden_c_bar: Path) -> None:
    bench = runpy.run_path(str(ROOT / "bench" / "fidelity.py"))
    found = bench["bar_differences"](golden_c_bar)
    assert len({name for name, _ in found}) == 10
    written = "\n".join(bench["bar_lines"](found))
    assert written in (ROOT / "docs" / "fidelity.md").read_text("utf-8"), "run python bench/fidelity.py"


def test_our_column_is_fresh(bench: dict[str, Any], page: list[list[str]]) -> None:
    written = {(row[0], row[1]): row[2] for row in page}
    apply = bench["replayed"]()
    for name in NAMES:
        for severity in SEVERITIES:
            found = bench["cell"](bench["difference"](apply, name, severity))
            assert written[name, str(severity)] == found, f"{name} {severity}: run python bench/fidelity.py"


def test_the_column_of_small_pictures_is_fresh(
    bench: dict[str, Any], page: list[list[str]], golden_small_pictures: list[Path]
) -> None:
    found = bench["small_differences"](golden_small_pictures[0].parent, NAMES)
    written = {(row[0], int(row[1])): row[5] for row in page}
    assert {cell: bench["cell"](difference) for cell, difference in found.items()} == written, "run bench/fidelity.py"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of the packages, which are not ours
@pytest.mark.parametrize(("column", "package"), [(3, "imagecorruptions-imaug"), (4, "corrupt-tta")])
def test_the_columns_of_other_packages_are_fresh(
    bench: dict[str, Any], page: list[list[str]], column: int, package: str
) -> None:
    told = (ROOT / "docs" / "fidelity.md").read_text("utf-8")
    try:
        installed = version(package)
    except PackageNotFoundError:
        pytest.skip(f"{package} is not installed")
    assert f"{package} {installed}" in told, "the page is of another version: run python bench/fidelity.py"
    apply = bench["seeded"](package, bench["sides"]()[package])
    written = {(row[0], row[1]): row[column] for row in page}
    for name in NAMES:
        for severity in SEVERITIES:
            found = bench["cell"](bench["difference"](apply, name, severity))
            assert written[name, str(severity)] == found, f"{name} {severity}: run python bench/fidelity.py"
