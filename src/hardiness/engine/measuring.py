"""How a session's rows were computed: the one part of a result that may differ between equal runs."""

from __future__ import annotations

import os
import platform
import re
from dataclasses import asdict
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from hardiness.benchmarks.options import text_of
from hardiness.core import Benchmark, Clock, Request
from hardiness.engine.plan import Task

PACKAGES = (
    "hardiness",
    "numpy",
    "onnxruntime",
    "onnxruntime-gpu",
    "open_clip_torch",
    "openvino",
    "pillow",
    "simplejpeg",
    "timm",
    "torch",
    "torchvision",
    "transformers",
)


def session(task: Task, clock: Clock, request: Request, benchmark: Benchmark) -> dict[str, Any]:
    """One entry of ``measured.json``."""
    classifier = task.classifier
    return {
        "started": clock.started.isoformat(timespec="seconds"),
        "elapsed_s": round(clock.elapsed_s, 3),
        "rows": task.computed,
        "rows_per_s": round(task.computed / clock.elapsed_s, 2),
        "limit": request.limit,
        "asked": _asked(task, request, benchmark),
        "batch_size": task.batch.current,
        "workers": request.workers,
        "device": classifier.device,
        "device_name": _device_name(classifier.device),
        "runtime": classifier.runtime,
        "precision": classifier.precision,
        "agreement": asdict(classifier.agreement) if classifier.agreement else None,
        "notes": list(classifier.notes),
        "published_as": classifier.spec.published,
        "parameters": classifier.num_parameters or None,
        "host": platform.node(),
        "processor": _processor_name(),
        "python": platform.python_version(),
        "packages": _packages(),
    }


def _asked(task: Task, request: Request, benchmark: Benchmark) -> dict[str, Any]:
    """What a command line must say to evaluate the same rows, from any folder."""
    model = task.classifier.spec.asked
    found = {
        "model": model,
        "folder": os.getcwd() if _names_a_file_here(model) else "",
        "benchmark": text_of(benchmark),
        "data": list(request.data_arguments),
        "precision_target": request.precision_target,
        "time_budget_s": request.time_budget_s,
    }
    return {name: value for name, value in found.items() if value not in ("", None)}


def _names_a_file_here(model: str) -> bool:
    """Whether a model's name or options name a file or folder by its place below the working folder."""
    parts = (part for part in re.split(r"[:=,]", model) if part and not os.path.isabs(part))
    return any(os.path.exists(part) for part in parts)


def package_version() -> str:
    """The version of hardiness that runs here."""
    return _packages().get("hardiness", "of no package")


def _processor_name() -> str:
    return platform.processor() or platform.machine()


@cache
def _device_name(device: str) -> str:
    """What a GPU, or the processor, calls itself."""
    import torch

    return torch.cuda.get_device_name(device) if device.startswith("cuda") else _processor_name()


@cache
def _packages() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
