"""From measured unit times to a cluster: 1 to 64 workers with stragglers, kills, a slow store and cold starts.

    python bench/scale_simulation.py [--json] [--replay OUT] [--figure FILE.svg] [--workers 1,64] [--units N]

Time is virtual, what hands the units out is the real code (`virtual_cluster`) of workers that share a store. The job is
full ImageNet-C for twenty models: 3,125 units of 16 photographs under 76 conditions, each of which ends in twenty
files. A unit is priced as ``--plan`` does it (`hardiness.engine.forecast`), by the stages that docs/performance.md has
for a worker of two cores; how units differ is replayed from a run in OUT (the moments at which its records were
written) where one is given, else drawn with a spread of a tenth.

What is assumed: a request takes 30 ms in the median (a slow store: 0.5 s), with a spread of a half; a listing gives
1,000 names a request; 16 requests go at a time, and 8 files are written at a time beside the computing, as in the real
worker; a worker that is killed loses its unit.

An efficiency is the time that the work takes at least, on all workers at their own pace, over the time that it took
until the last file was there. The last table is no simulation: cores that keep a GPU of a given pace busy, by the same
stages.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from bars import at_least, sized, tell, versions
from virtual_cluster import Conditions, Outcome, simulated

MODELS, PHOTOGRAPHS, UNIT_ITEMS, CONDITIONS = 20, sized(50_000, 320), 16, 76
CORES_A_WORKER = 2
WORKERS = (1, 2, 4, 8, 16, 32, 64)[: sized(7, 2)]
EFFICIENCY_BAR = 0.85
JITTER = 0.1
"""Standard deviation of the logarithm of one unit's time."""

DECODE_MS, CORRUPT_MS, JPEG_MS, FORWARD_MS = 0.04, 0.60, 0.40, 8.6
"""Core-milliseconds a corrupted copy, EfficientNet-Lite0 in fp32 (docs/performance.md, ImageNet-C, processor A)."""

PHOTOGRAPH_MS = 1.2 + 0.3
"""Core-milliseconds to decode a photograph and to resize and crop it, where nothing is corrupted."""

COPY_MS = 1.2 + CORRUPT_MS + JPEG_MS
"""The same of a copy whose photograph is decoded for it alone, which is the worst case."""


def unit_seconds(models: int = MODELS) -> float:
    """Seconds of one unit on one worker, where pictures are made once for all its models."""
    copy_ms = DECODE_MS + CORRUPT_MS + JPEG_MS + models * FORWARD_MS
    return copy_ms / CORES_A_WORKER / 1000 * UNIT_ITEMS * CONDITIONS


USUAL = Conditions(models=MODELS)
CASES = {
    "as planned": USUAL,
    "one in ten three times as slow": replace(USUAL, stragglers=0.1),
    "killed every two hours, back after a minute": replace(USUAL, killed_every_s=7200.0),
    "a slow store: 0.5 s, one request in 11 refused": replace(USUAL, latency_s=0.5, refused=1 / 11),
    "listings that are a minute late": replace(USUAL, late_s=60.0),
    "cold starts: 90 s to load, spread over 2 minutes": replace(USUAL, load_s=90.0, spread_s=120.0),
    "all of these": replace(
        USUAL,
        stragglers=0.1,
        killed_every_s=7200.0,
        latency_s=0.5,
        refused=1 / 11,
        late_s=60.0,
        load_s=90.0,
        spread_s=120.0,
    ),
}

GPU_PACES = (500, 1000, 2000, 4000)
"""Images a second of a GPU's forward pass that cores are projected for; none was measured here."""


def replayed(out: Path) -> list[float]:
    """How much longer than their mean the units of a finished run took, in the order in which they were stored.

    A unit ends when the last of its models' files is written; the first has no beginning, and is left out.
    """
    ends: dict[str, float] = {}
    for path in out.glob("records/*/*.parquet"):
        shard = path.name.partition("-")[0]
        ends[shard] = max(ends.get(shard, 0.0), path.stat().st_mtime)
    gaps = [later - earlier for earlier, later in pairwise(sorted(ends.values()))]
    if len(gaps) < 2:
        raise SystemExit(f"--replay {out}: must hold at least three units, held {len(ends)}")
    mean = sum(gaps) / len(gaps)
    return [gap / mean for gap in gaps]


def times(units: int, replay: Sequence[float] | None) -> list[float]:
    """Seconds of each unit."""
    chance = random.Random(0)
    spread = replay or [chance.lognormvariate(-JITTER * JITTER / 2, JITTER) for _ in range(units)]
    drawn = [chance.choice(spread) for _ in range(units)] if replay else spread
    return [unit_seconds() * factor for factor in drawn]


def table(found: dict[tuple[str, int], Outcome]) -> None:
    """Every case, on standard error: standard output may carry JSON."""
    print(f"{'':49}{'':>4}{'hours':>8}{'efficiency':>12}{'twice':>7}{'requests':>10}{'all ended':>11}", file=sys.stderr)
    for (case, workers), outcome in found.items():
        print(
            f"{case:49}{workers:4}{outcome.seconds / 3600:8.2f}{outcome.efficiency:12.1%}"
            f"{outcome.twice:7}{outcome.requests:10,}{outcome.last_s / 3600:9.2f} h",
            file=sys.stderr,
        )


def figure(found: dict[tuple[str, int], Outcome], path: Path) -> None:
    """Efficiency against the number of workers, a line a case."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.hashsalt": "hardiness", "font.size": 9})
    from matplotlib import pyplot

    counts = sorted({workers for _, workers in found})
    canvas, axes = pyplot.subplots(figsize=(5.2, 3.4), layout="constrained")
    for case in CASES:
        efficiencies = [found[case, workers].efficiency for workers in counts]
        axes.plot(counts, efficiencies, marker="o", markersize=3, label=case)
    axes.axhline(EFFICIENCY_BAR, color="0.6", linewidth=0.8, linestyle="--")
    axes.set_xscale("log", base=2)
    axes.set_xticks(counts, labels=map(str, counts))
    axes.set(xlabel="workers of two cores", ylabel="efficiency", ylim=(0.6, 1.01))
    axes.legend(frameon=False, fontsize=7, loc="lower left")
    canvas.savefig(path, metadata={"Date": None})


def cores_for(pace: float, ms: float) -> float:
    """Cores that make so many pictures a second."""
    return pace * ms / 1000


def main() -> int:
    given = dict(zip(sys.argv[1:], [*sys.argv[2:], ""], strict=True))
    replay = replayed(Path(given["--replay"])) if "--replay" in given else None
    units = int(given.get("--units", 0)) or -(-PHOTOGRAPHS // UNIT_ITEMS)
    counts = [int(text) for text in given["--workers"].split(",")] if "--workers" in given else list(WORKERS)
    seconds = times(units, replay)
    found = {(case, n): simulated(seconds, n, conditions) for case, conditions in CASES.items() for n in counts}
    table(found)
    if "--figure" in given:
        figure(found, Path(given["--figure"]))
    most = max(counts)
    bars = {
        f"{most} workers, {case}: efficiency": at_least(found[case, most].efficiency, EFFICIENCY_BAR) for case in CASES
    }
    notes: dict[str, Any] = {"units": units, "seconds a unit, from stages": unit_seconds(), "models": MODELS}
    for pace in GPU_PACES:
        notes[f"cores a GPU of {pace:,} images/s, photographs"] = cores_for(pace, PHOTOGRAPH_MS)
        notes[f"cores a GPU of {pace:,} images/s, copies, one model"] = cores_for(pace, COPY_MS)
        notes[f"cores a GPU of {pace:,} images/s, copies, 20 models"] = cores_for(
            pace, (DECODE_MS + CORRUPT_MS + JPEG_MS) / MODELS
        )
    return tell(bars, notes, versions("hardiness"), 1)


if __name__ == "__main__":
    sys.exit(main())
