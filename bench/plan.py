"""What `hardiness run --plan` foretells against what the run then takes, for every benchmark whose data are there.

    HARDINESS_DATA=… python bench/plan.py [--limit 250] [--longest 60] [--repetitions 3] [--only NAME] [--json]

Each side is a command of its own. A benchmark that would take longer than ``--longest`` seconds is run on fewer images,
as many as are foretold to fit; ``--longest 1e9`` runs all of ``--limit``. What is timed is what is foretold: from
loaded models to stored rows, as the run's own record has it. ``--model NAME`` takes another model. A benchmark's ratio
goes to standard error as soon as it is known. The short size runs ``imagenet-val`` alone.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from bars import SHORT, at_least, at_most, sized, tell, versions
from hardiness import list_benchmarks, load_results
from hardiness.benchmarks.options import parse
from hardiness.data.root import locate

ROOT = Path(os.environ.get("HARDINESS_DATA", "data"))
COMMAND = Path(sys.executable).parent / "hardiness"
TOLERANCE = 0.5
FACTOR = 2.0
FEWEST = 8
"""Images that a benchmark is run on at least; one that takes longer than all of ``--longest`` for them is left out."""


def option(name: str, default: str) -> str:
    """The value that follows an option on the command line."""
    return sys.argv[sys.argv.index(name) + 1] if name in sys.argv else default


def called(model: str, benchmark: str, limit: int, out: str, *more: str) -> str:
    """What one command prints."""
    arguments = [str(COMMAND), "run", "-m", model, "-b", benchmark, "--data", str(ROOT), "--limit", str(limit)]
    done = subprocess.run([*arguments, "--out", out, *more], capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):  # 1: a part of it cannot be evaluated, which is told
        raise SystemExit(f"{benchmark} ended with {done.returncode}: {done.stderr.strip()[-300:]}")
    return done.stdout


def foretold(model: str, benchmark: str, limit: int) -> dict[str, Any]:
    """The forecast of one benchmark."""
    with tempfile.TemporaryDirectory() as folder:
        (found,) = json.loads(called(model, benchmark, limit, f"{folder}/out", "--plan", "--json"))["benchmarks"]
        assert not Path(folder, "out").exists(), "a plan stores nothing"
    return dict(found)


def taken(model: str, benchmark: str, limit: int) -> tuple[float, int]:
    """Seconds from loaded models to stored rows, and what a forecast calls rows: images under a condition.

    Of sequences a run counts each frame as a row, so their image-cells are taken.
    """
    with tempfile.TemporaryDirectory() as folder:
        called(model, benchmark, limit, folder, "--quiet")
        (result,) = load_results(folder)
        (session,) = result.measured["sessions"]
        rows = result.counts.evaluated if parse(benchmark).frames > 1 else int(session["rows"])
        return float(session["elapsed_s"]), rows


def affordable(forecast: dict[str, Any], limit: int, longest: float) -> int:
    """How many of the images can be run within so many seconds."""
    return min(limit, int(limit * longest / max(forecast["seconds"], 1e-9)))


def main() -> int:
    limit, longest = int(option("--limit", str(sized(250, 8)))), float(option("--longest", "60"))
    repetitions, model = int(option("--repetitions", str(sized(3)))), option("--model", "squeezenet1_1")
    root = locate([str(ROOT)])
    bars, notes = {}, {}
    for name in list_benchmarks():
        benchmark = parse(name if name != "blackbox" else "blackbox:surrogate=efficientnet_lite0")
        if benchmark.lacks(root) or option("--only", "imagenet-val" if SHORT else name) != name:
            continue
        asked = name if name != "blackbox" else "blackbox:surrogate=efficientnet_lite0"
        first = foretold(model, asked, limit)
        images = affordable(first, limit, longest)
        if images < min(FEWEST, limit):
            notes[f"{name}: left out, {first['seconds']:.0f} s foretold"] = limit
            continue
        ratios = []
        for _ in range(repetitions):
            forecast = first if SHORT else foretold(model, asked, images)
            seconds, rows = taken(model, asked, images)
            assert rows == forecast["rows"], f"{name}: {forecast['rows']} rows foretold, {rows} computed"
            ratios.append(forecast["seconds"] / seconds)
        ratio = statistics.median(ratios)
        notes[f"{name}: images"], notes[f"{name}: foretold / taken"] = images, ratio
        print(f"{name}: {images} images, foretold / taken {ratio:.2f}", file=sys.stderr, flush=True)
        if forecast["at_most"]:
            bars[f"{name}: an upper bound"] = at_least(ratio, 1.0)
            bars[f"{name}: bound / taken"] = at_most(ratio, FACTOR)
        else:
            bars[f"{name}: |foretold / taken - 1|"] = at_most(abs(ratio - 1), TOLERANCE)
    return tell(bars, notes, versions("hardiness", "torch", "openvino"), repetitions)


if __name__ == "__main__":
    sys.exit(main())
