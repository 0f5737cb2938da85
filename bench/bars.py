"""What every bench shares: its size, a table of its figures against their bars, or one JSON object."""

from __future__ import annotations

import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import numpy as np

from hardiness.cli.doctor import cpu_flags

SHORT = os.environ.get("HARDINESS_BENCH") == "short"
"""Whether all code of a bench is run once, on as little as that takes: it shows that the bench works, and no more."""


def sized(usual: int, short: int = 1) -> int:
    """How many of something a bench takes: as usual, or in its short size."""
    return short if SHORT else usual


def machine() -> dict[str, Any]:
    """Processor, cores and system that the figures were measured on."""
    model = platform.processor()
    if os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo") as lines:
            model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), model)
    return {"processor": model, "cores": len(os.sched_getaffinity(0)), "system": platform.system()}


def versions(*packages: str) -> dict[str, str]:
    """Installed versions."""
    return {"python": platform.python_version(), **{package: version(package) for package in packages}}


def precisions() -> tuple[str, ...]:
    """``fp32``, and ``bf16`` where the processor computes it in hardware: elsewhere it is slower."""
    return ("fp32", "bf16") if {"amx_bf16", "avx512_bf16"} & cpu_flags() else ("fp32",)


def alternating(repetitions: int, *sides: Callable[[], float]) -> list[float]:
    """The median of each side's figure, the sides taking turns so that a drifting machine favours none."""
    figures: list[list[float]] = [[] for _ in sides]
    for _ in range(repetitions):
        for side, found in zip(sides, figures, strict=True):
            found.append(side())
    return [statistics.median(found) for found in figures]


def product_ms() -> float:
    """Milliseconds of one product of two 512 x 512 float32 matrices: what this machine's cores can do at this moment.

    Times are held as so many products, so that a bar says the same on every machine.
    """
    matrix = np.random.default_rng(0).random((512, 512), np.float32)
    taken = []
    for _ in range(sized(50, 3)):
        begin = time.perf_counter()
        matrix @ matrix
        taken.append(time.perf_counter() - begin)
    return 1000 * statistics.median(taken)


def at_least(value: float, bar: float) -> dict[str, Any]:
    """A figure that must reach its bar."""
    return {"value": value, "bar": bar, "holds": bool(value >= bar)}


def at_most(value: float, bar: float) -> dict[str, Any]:
    """A figure that must stay at or below its bar."""
    return {"value": value, "bar": bar, "holds": bool(value <= bar)}


def tell(bars: dict[str, dict[str, Any]], notes: dict[str, Any], packages: dict[str, str], repetitions: int) -> int:
    """Print everything; 0 where every bar holds, else 1."""
    if SHORT:
        notes = {"HARDINESS_BENCH": "short: no figure says anything", **notes}
    found = {
        "bars": bars,
        "notes": notes,
        "machine": machine(),
        "versions": packages,
        "repetitions": repetitions,
    }
    if "--json" in sys.argv:
        print(json.dumps(found, indent=1, default=float))  # numpy's numbers too
    else:
        print(
            f"{found['machine']['processor']}, {found['machine']['cores']} cores; "
            + ", ".join(f"{k} {v}" for k, v in packages.items())
        )
        for name, value in notes.items():
            print(f"  {name:58} {value:12,.3f}" if isinstance(value, float) else f"  {name:58} {value!s:>12}")
        for name, bar in bars.items():
            print(f"{'holds' if bar['holds'] else 'FAILS'} {name:58} {bar['value']:12,.3f}   bar {bar['bar']:,.3f}")
    return 0 if all(bar["holds"] for bar in bars.values()) else 1
