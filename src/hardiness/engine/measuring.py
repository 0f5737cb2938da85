"""How a session's rows were computed: the one part of a result that may differ between equal runs."""

from __future__ import annotations

import platform
from dataclasses import asdict
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from hardiness.core import Clock, Request
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


def session(task: Task, clock: Clock, request: Request) -> dict[str, Any]:
    """One entry of ``measured.json``."""
    classifier = task.classifier
    return {
        "started": clock.started.isoformat(timespec="seconds"),
        "elapsed_s": round(clock.elapsed_s, 3),
        "rows": task.computed,
        "rows_per_s": round(task.computed / clock.elapsed_s, 2),
        "limit": request.limit,
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
