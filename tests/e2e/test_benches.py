"""Every bench runs, in its short size, and prints one JSON object.

A bench takes minutes, so that a fault in its last lines is not seen before figures are wanted: one ended in a
``TypeError``, as a bar's ``holds`` was a boolean of numpy's, which JSON does not know. Those that take long are stopped
after some seconds; ``HARDINESS_BENCH=short pytest tests/e2e/test_benches.py`` runs them to their ends too.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest

BENCH = Path(__file__).resolve().parents[2] / "bench"

NO_BENCHES = {
    "fidelity": "writes docs/fidelity.md, which tests/reference/test_fidelity_page.py holds against its functions",
    "imagenet_c_reference": "writes a table of docs/results.md, from hours of published functions",
    "imagenet_p_results": "writes a table of docs/results.md, from four models on all sequences",
    "tiny_clip": "writes the folder of a model",
}
"""Scripts that measure no speed, and what they do."""

NAMES = sorted(each.stem for each in BENCH.glob("*.py") if "\ndef main(" in each.read_text("utf-8"))
GOLDEN = {"c_bar", "corruptions", "imagenet_c"}
"""Those that first see whether pictures are the published ones."""

LONG = {
    "attacks",
    "blackbox",
    "earlier",
    "imagenet_c",
    "imagenet_p",
    "overhead",
    "pipeline",
    "plan",
    "visualise",
    "zoo",
}
"""Those that take ten seconds and more: five minutes of a processor together."""

LONG_S = 7.0
"""Seconds that these have to show a fault: what they import takes up to five."""

TO_THE_END = os.environ.get("HARDINESS_BENCH") == "short"

RIVALS = {"earlier": "f2dda58", "scoring": "62324c2"}
"""Those whose other side is an earlier commit."""

TOO_FEW = {"the same work: bf16 predictions equal to fp32"}
"""What is the same on many pictures, and need not be on a few."""


def refuse(constant: str) -> NoReturn:
    raise AssertionError(f"{constant} is no JSON")


def test_what_is_no_bench_is_there() -> None:
    assert set(NO_BENCHES) <= set(NAMES)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in NO_BENCHES])
def test_a_bench_prints_json(
    name: str,
    data_root: Path,
    request: pytest.FixtureRequest,
) -> None:
    known = subprocess.run(["git", "cat-file", "-e", f"{RIVALS.get(name, 'HEAD')}^{{commit}}"], cwd=BENCH, check=False)
    if name in RIVALS and known.returncode:
        pytest.skip(f"a checkout without its history lacks {RIVALS[name]}")
    if name in GOLDEN:
        request.getfixturevalue("golden_corruptions")
        request.getfixturevalue("golden_c_bar")
    environment = {**os.environ, "HARDINESS_BENCH": "short", "HARDINESS_DATA": str(data_root)}
    command = [sys.executable, BENCH / f"{name}.py", "--json"]
    # From nothing: in a fork of a warm process what a bench starts itself would start otherwise.
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as bench:
        try:
            out, err = bench.communicate(timeout=LONG_S if name in LONG and not TO_THE_END else 300)
        except subprocess.TimeoutExpired:
            os.killpg(bench.pid, signal.SIGINT)  # what it checked out or started goes with it
            bench.communicate(timeout=60)
            assert name in LONG, "it must end"
            return
    assert bench.returncode in (0, 1), err
    assert out, err
    found = json.loads(out, parse_constant=refuse)
    assert found["machine"].keys() == {"processor", "cores", "system"}
    assert found["notes"]["HARDINESS_BENCH"].startswith("short")
    for title, bar in found["bars"].items():
        assert type(bar["holds"]) is bool, title
        assert {type(bar["value"]), type(bar["bar"])} <= {int, float}, title
        assert bar["holds"] or not title.startswith("the same work") or title in TOO_FEW, (title, bar)
