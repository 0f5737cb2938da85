"""Interval ends, n and headlines of the scores on real data, by the command line: what a rebuilding must not move.

    python tests/reference/score_ends.py DATA            compares with score_ends.json, and says what moved
    python tests/reference/score_ends.py DATA --write    writes that file anew: only where a number was meant to change

The file was written by commit f2dda58, and anew where intervals were meant to reach further (docs/statistics.md,
populations on which intervals failed): of so few images nearly all scores have fewer than fifteen errors. Ends moved
out, but for some of Brier scores and relative corruption errors, whose method is another.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

GOLDEN = Path(__file__).with_suffix(".json")
RUNS = (
    (64, ("imagenet-val", "cue-conflict")),
    (6, ("imagenet-c:extra=true",)),
    (2, ("imagenet-p",)),
    (8, ("whitebox:epsilons=0.01+0.06", "blackbox:surrogate=squeezenet1_1,epsilons=0.06")),
)
"""How many images of which benchmarks."""
UNDER_ATTACK = ("whitebox", "blackbox")
WIDTH_SHARE = 0.05
"""How far an end may move, as a share of the interval's width."""


def command(*arguments: str) -> str:
    """What ``hardiness ARGUMENTS`` prints."""
    done = subprocess.run([sys.executable, "-m", "hardiness.cli", *arguments], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"hardiness {' '.join(arguments)} ended with {done.returncode}: {done.stderr.strip()[-500:]}")
    return done.stdout


def computed(data: str) -> dict[str, Any]:
    """``scores``, ``[value, low, high, n]`` by model, benchmark, metric and condition; ``headlines`` by benchmark."""
    scores: dict[str, list[float | None]] = {}
    headlines: dict[str, list[str]] = {}
    for limit, benchmarks in RUNS:
        with tempfile.TemporaryDirectory() as out:
            asked = [part for each in benchmarks for part in ("-b", each)]
            models = ["-m", "efficientnet_lite0", "-m", "squeezenet1_1"]
            command("run", *models, *asked, "--data", data, "--limit", str(limit), "--out", out, "--quiet")
            for result in json.loads((Path(out) / "results.json").read_text())["results"]:
                for score in result["scores"]:
                    condition = json.dumps(score["condition"], sort_keys=True)
                    key = f"{result['model']} | {result['benchmark']} | {score['metric']} | {condition}"
                    scores[key] = [score["value"], *(score["interval"] or (None, None)), score["n"]]
            headlines |= _headings(command("export", out, "--format", "markdown"))
    return {"scores": scores, "headlines": headlines}


def _headings(markdown: str) -> dict[str, list[str]]:
    """The columns of the table below each heading of a benchmark, which hold headlines alone."""
    found, heading = {}, ""
    for line in markdown.splitlines():
        if line.startswith("## "):
            heading = line.removeprefix("## ").split(" on ")[0]
        elif line.startswith("| model |") and heading != "Overview":
            found[heading] = [cell.strip() for cell in line.strip("| ").split("|")][1:-1]
    return found


def _text(result: dict[str, Any]) -> str:
    """JSON with a line a score, of nine digits."""
    rows = {
        key: [float(f"{number:.9g}") if isinstance(number, float) else number for number in row]
        for key, row in sorted(result["scores"].items())
    }
    scores = ",\n".join(f"{json.dumps(key)}: {json.dumps(row)}" for key, row in rows.items())
    headlines = json.dumps(result["headlines"], sort_keys=True, ensure_ascii=False)
    return f'{{"headlines": {headlines},\n"scores": {{\n{scores}\n}}}}\n'


def moved(then: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """A line for each score that is gone, each n and headline that is another, each end that moved too far."""
    lines = [
        f"headlines of {name}: {now['headlines'].get(name)}, were {heads}"
        for name, heads in then["headlines"].items()
        if now["headlines"].get(name) != heads
    ]
    for key, before in then["scores"].items():
        after = now["scores"].get(key)
        if after is None:
            lines.append(f"gone: {key}")
        elif before[3] != after[3]:
            lines.append(f"{key}: n {after[3]}, was {before[3]}")
        elif (before[1] is None) != (after[1] is None):
            lines.append(f"{key}: interval {after[1:3]}, was {before[1:3]}")
        elif key.split(" | ")[1] in UNDER_ATTACK and abs(after[0] - before[0]) > 1e-4:
            continue  # rounding differs by processor, and under attack it moves an image over the boundary
        elif before[1] is not None:
            width = before[2] - before[1]
            if max(abs(after[1] - before[1]), abs(after[2] - before[2])) > WIDTH_SHARE * width + 1e-9:
                lines.append(
                    f"{key}: interval {after[1]:.4g} to {after[2]:.4g}, was {before[1]:.4g} to {before[2]:.4g}"
                )
    return lines


if __name__ == "__main__":
    result = computed(sys.argv[1])
    if "--write" in sys.argv:
        GOLDEN.write_text(_text(result))
        print(f"{len(result['scores'])} scores written")
    else:
        lines = moved(json.loads(GOLDEN.read_text()), result)
        print("\n".join(lines) or "no interval, n or headline moved")
        sys.exit(bool(lines))
