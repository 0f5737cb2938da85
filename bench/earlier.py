"""Whole commands of this tree against an earlier revision's, in turns: what a user of either waits for.

    HARDINESS_DATA=… python bench/earlier.py [--revision f2dda58] [--images 6] [--repetitions 3] [--json]

Each command is a process of its own, from its start to its end, on the same photographs, after one call of each side
that is not timed (it compiles what the revision compiles). Before a ratio is printed both sides have the same
scores. Bars: no command takes longer than before. The short size compares one run and one look,
each without the first call.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from bars import SHORT, alternating, at_most, sized, tell, versions
from checkouts import SOURCES, CommandCall, call, revision

MODEL = "efficientnet_lite0"
WORK = {
    "imagenet-val": ("imagenet-val", 4),
    "imagenet-c, severity 3": ("imagenet-c:severities=3", 1),
    "imagenet-p, two sequences": ("imagenet-p:perturbations=gaussian_noise+brightness", 1),
    "white box, 5 steps": ("whitebox:epsilons=0.004,steps=5,cross_checks=false", 1),
}
"""Each command's benchmark, and how many times as many photographs as the slowest has."""
RUNS, LOOKS = list(WORK)[: sized(4)], ("--help", "show", "report")[: sized(3)]
SHOWN = RUNS[sized(1, 0)]
"""Whose folder is looked at."""
NOISE = 1.1
"""How much longer than before a command may seem to take on a machine that others use too."""
TOLERANCE = 1e-9


def scores(sources: Path, out: Path) -> dict[str, float | None]:
    """Every score that ``show --json`` prints, by benchmark, metric, condition."""
    return {
        f"{result['benchmark']} {score['metric']} {sorted(score['condition'].items())}": score["value"]
        for result in json.loads(call(sources, "show", out, "--json").out)
        for score in result["scores"]
    }


def check_equal(sides: dict[str, Path], folder: Path, work: str) -> int:
    """How many scores both revisions give, each of its own rows; leaves where one differs or is gone."""
    before, now = (scores(sides[side], folder / side / work) for side in ("before", "now"))
    differing = [key for key, value in before.items() if abs((value or 0) - (now.get(key) or 0)) > TOLERANCE]
    if differing:
        raise SystemExit(f"{work}: the scores of both differ in {differing[:3]}")
    return len(before)


def measured(
    folder: Path, data: Path, sources: dict[str, Path], images: int, repetitions: int
) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """The bars and notes."""
    bars: dict[str, dict[str, Any]] = {}
    notes: dict[str, Any] = {"images of the slowest": images}

    def compared(title: str, take: dict[str, Any]) -> None:
        for side in () if SHORT else take.values():  # compiles kernels and modules
            side()
        seen: dict[str, CommandCall] = {}

        def seconds(name: str) -> float:
            seen[name] = take[name]()
            return seen[name].seconds

        before, now = alternating(repetitions, lambda: seconds("before"), lambda: seconds("now"))
        bars[f"{title}: time over before"] = at_most(now / before, NOISE)
        notes[f"{title}: before, s"], notes[f"{title}: now, s"] = before, now
        notes[f"{title}: peak before, MB"], notes[f"{title}: peak now, MB"] = (
            seen["before"].peak_mb,
            seen["now"].peak_mb,
        )

    def run(side: str, work: str) -> CommandCall:
        benchmark, times = WORK[work]
        out = folder / side / work
        shutil.rmtree(out, ignore_errors=True)
        given = ("-m", MODEL, "-b", benchmark, "--data", data, "--limit", str(images * times), "--out", out)
        return call(sources[side], "run", *given, "--quiet")

    def look(side: str, command: str) -> CommandCall:
        if command == "--help":
            return call(sources[side], command)
        return call(sources[side], command, folder / side / SHOWN)

    for work in RUNS:
        compared(f"run {work}", {side: lambda side=side, work=work: run(side, work) for side in sources})
        notes[f"run {work}: scores compared"] = check_equal(sources, folder, work)
    for command in LOOKS:
        compared(command, {side: lambda side=side, command=command: look(side, command) for side in sources})
    return bars, notes


def main() -> int:
    """Print the figures; 0 where every bar holds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--revision", default="f2dda58")
    parser.add_argument("--images", type=int, default=sized(6, 2))
    parser.add_argument("--repetitions", type=int, default=sized(3))
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    data = Path(os.environ["HARDINESS_DATA"])
    with tempfile.TemporaryDirectory() as folder, revision(options.revision) as before:
        sources = {"before": before, "now": SOURCES}
        bars, notes = measured(Path(folder), data, sources, options.images, options.repetitions)
    notes["revision"] = options.revision
    return tell(bars, notes, versions("torch", "openvino", "numpy"), options.repetitions)


if __name__ == "__main__":
    sys.exit(main())
