"""How a session's rows were computed: the one part of a result that may differ between equal runs."""

from __future__ import annotations

import platform
import time
from dataclasses import asdict
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from hardiness.engine.request import Request
from hardiness.engine.task import Task

PACKAGES = ("hardiness", "numpy", "openvino", "pillow", "simplejpeg", "timm", "torch", "torchvision")
WINDOW_S = 2.0
STEADY = 1.3
LONG_S = 60.0


class Clock:
    """Times a session, and says once how much longer a long one will take.

    The first ``warmup`` batches (one a model) are left out, and nothing is said before two windows of two seconds have
    gone equally fast: models and kernels are compiled when they are first used.
    """

    def __init__(self, warmup: int) -> None:
        self.started = datetime.now(UTC)
        self._begin = time.perf_counter()
        self._warmup = warmup
        self._window = (0.0, 0)
        self._rate = 0.0
        self._told = False

    @property
    def elapsed_s(self) -> float:
        """Seconds since the session began."""
        return time.perf_counter() - self._begin

    def estimate(self, rows: int, remaining: int) -> float | None:
        """Seconds that ``remaining`` rows will take, told once, when the rate is steady and the run is long."""
        now, (since, done) = self.elapsed_s, self._window
        if self._warmup:
            self._warmup -= 1
            self._window = (now, 0)
            return None
        if self._told or now - since < WINDOW_S:
            self._window = (since, done + rows)
            return None
        rate, before = (done + rows) / (now - since), self._rate
        self._window, self._rate = (now, 0), rate
        if not before or max(rate / before, before / rate) > STEADY:
            return None
        self._told = True
        seconds = remaining / rate
        return seconds if seconds > LONG_S else None


def session(task: Task, clock: Clock, request: Request) -> dict[str, Any]:
    """One entry of ``measured.json``."""
    classifier = task.classifier
    return {
        "started": clock.started.isoformat(timespec="seconds"),
        "elapsed_s": round(clock.elapsed_s, 3),
        "rows": task.computed,
        "rows_per_s": round(task.computed / clock.elapsed_s, 2),
        "limit": request.limit,
        "batch_size": task.batch_size,
        "workers": request.workers,
        "device": classifier.device,
        "runtime": classifier.runtime,
        "precision": classifier.precision,
        "agreement": asdict(classifier.agreement) if classifier.agreement else None,
        "notes": list(classifier.notes),
        "host": platform.node(),
        "processor": platform.processor() or platform.machine(),
        "python": platform.python_version(),
        "packages": _packages(),
    }


@cache
def _packages() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
