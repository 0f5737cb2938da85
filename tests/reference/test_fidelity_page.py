"""docs/fidelity.md says of our kernels what they do now."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from hardiness.distortions import SEVERITIES
from hardiness.reference import IMAGENET_C

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.usefixtures("golden_corruptions", "frost_pictures")
def test_our_column_is_fresh() -> None:
    bench = runpy.run_path(str(ROOT / "bench" / "fidelity.py"))
    rows = [
        [column.strip() for column in line.strip("|").split("|")]
        for line in (ROOT / "docs" / "fidelity.md").read_text().splitlines()
        if line.startswith("|")
    ]
    written = {(row[0], row[1]): row[2] for row in rows[2:]}
    apply = bench["replayed"]()
    for name in (*IMAGENET_C.members, *IMAGENET_C.extra):
        for severity in SEVERITIES:
            found = bench["cell"](bench["difference"](apply, name, severity))
            assert written[name, str(severity)] == found, f"{name} {severity}: run python bench/fidelity.py"
