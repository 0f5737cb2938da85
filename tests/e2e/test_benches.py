"""Every bench runs to its end in its short size, prints one JSON object, and ends as its bars say.

A bench takes minutes, so that a fault in its last lines is not seen before figures are wanted: one ended in a
``TypeError``, as a bar's ``holds`` was a boolean of numpy's, which JSON does not know.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest
import torch

BENCH = Path(__file__).resolve().parents[2] / "bench"

NO_BENCHES = {
    "cifar": "writes tables of docs/small_pictures.md, which tests/reference/test_cifar_page.py holds against it",
    "cifar_attacks": "writes a table of docs/small_pictures.md, which tests/reference/test_cifar_page.py holds to it",
    "fidelity": "writes docs/fidelity.md, which tests/reference/test_fidelity_page.py holds against its functions",
    "imagenet_c_reference": "writes a table of docs/results.md, from hours of published functions",
    "imagenet_p_results": "writes a table of docs/results.md, from four models on all sequences",
    "tiny_clip": "writes the folder of a model",
}
"""Scripts that measure no speed, and what they do."""

NAMES = sorted(each.stem for each in BENCH.glob("*.py") if "\ndef main(" in each.read_text("utf-8"))
GOLDEN = {"c_bar", "corruptions", "imagenet_c"}
"""Those that first see whether pictures are the published ones."""

LONGEST_S = 300.0
"""Seconds after which a bench in its short size hangs: the longest takes half a minute of a processor."""

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
    found = json_of(ended(BENCH / f"{name}.py", {"HARDINESS_DATA": str(data_root)}))
    assert found["machine"].keys() == {"processor", "cores", "system"}
    assert found["notes"]["HARDINESS_BENCH"].startswith("short")
    for title, bar in found["bars"].items():
        assert type(bar["holds"]) is bool, title
        assert {type(bar["value"]), type(bar["bar"])} <= {int, float}, title
        assert bar["holds"] or not title.startswith("the same work") or title in TOO_FEW, (title, bar)


def ended(script: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """A bench in its short size, from nothing: in a fork of a warm process what it starts would start otherwise."""
    command = [sys.executable, script, "--json"]
    environment = {**os.environ, "HARDINESS_BENCH": "short", **environment}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as bench:
        try:
            out, err = bench.communicate(timeout=LONGEST_S)
        except subprocess.TimeoutExpired:
            os.killpg(bench.pid, signal.SIGINT)  # what it checked out or started goes with it
            bench.communicate(timeout=60)
            raise
    return subprocess.CompletedProcess(command, bench.returncode, out, err)


def json_of(bench: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """The JSON object that a bench printed, where it ended as its bars say: 0 if all hold, else 1, without an error."""
    assert "Traceback (most recent call last)" not in bench.stderr, bench.stderr
    assert bench.stdout, bench.stderr
    found: dict[str, Any] = json.loads(bench.stdout, parse_constant=refuse)
    assert bench.returncode == (0 if all(bar["holds"] for bar in found["bars"].values()) else 1), bench.stderr
    return found


@pytest.mark.parametrize("faster", ["channels-last", "contiguous"])
def test_the_loop_on_a_gpu_has_the_faster_memory_layout(faster: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(BENCH)
    gpu = importlib.import_module("gpu")
    for module in ("gpu", "bars"):
        monkeypatch.delitem(sys.modules, module)
    replaced = {
        "bare_rate": lambda _network, layout, *_others, **_defaults: 200.0 if layout == faster else 100.0,
        "ours": lambda *_: (100.0, 1.0),
        "bare_network": lambda _: torch.nn.Identity(),
        "compiled": lambda network: network,
        "automatic_batch_size": lambda *_: 8,
        "many": lambda *_: None,
    }
    for name, function in replaced.items():
        monkeypatch.setattr(gpu, name, function)
    classifier = SimpleNamespace(feed=lambda: SimpleNamespace(input_px=224))
    bars, notes = gpu.measured("net", classifier, None, {})
    assert {bar["value"] for bar in bars.values()} == {0.5}, "ours against the faster loop"
    assert (notes["net, bare loop, channels-last, images/s"], notes["net, bare loop, contiguous, images/s"]) == (
        (200, 100) if faster == "channels-last" else (100, 200)
    )


@pytest.mark.parametrize(
    ("end", "is_sound"),
    [
        ("sys.exit(tell({}, {}, {}, 1))", True),
        ("sys.exit(tell({'a': at_least(1, 2)}, {}, {}, 1))", True),
        ("tell({}, {}, {}, 1) + 'a'", False),
        ("tell({'a': {**at_least(1, 2), 'holds': None + 1}}, {}, {}, 1)", False),
        ("tell({}, {'a': object()}, {}, 1)", False),
        ("sys.exit(tell({}, {}, {}, 1) or 2)", False),
        ("sys.exit(0)", False),
    ],
)
def test_a_bench_with_a_fault_at_its_end_is_seen(end: str, is_sound: bool, tmp_path: Path) -> None:
    """A ``TypeError`` there was unseen in ten of nineteen, which were interrupted before it and counted as passed."""
    (tmp_path / "faulty.py").write_text(f"import sys\nfrom bars import at_least, tell\n{end}\n")
    bench = ended(tmp_path / "faulty.py", {"PYTHONPATH": os.pathsep.join([str(BENCH), *sys.path])})
    if is_sound:
        assert json_of(bench)["notes"]["HARDINESS_BENCH"].startswith("short")
    else:
        with pytest.raises(AssertionError):
            json_of(bench)
