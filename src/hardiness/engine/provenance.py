"""How rows were computed: the sessions that a run keeps beside them."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from hardiness.benchmarks.options import text_of
from hardiness.core.benchmark import Benchmark
from hardiness.core.fact import lines_of
from hardiness.core.forms import json_form
from hardiness.core.progress import Clock
from hardiness.core.request import Request
from hardiness.engine.tasks import Task
from hardiness.engine.worker import Worker
from hardiness.store.run import StoredRun

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
    """What a session keeps in ``measured``."""
    classifier = task.classifier
    return {
        "started": clock.started.isoformat(timespec="milliseconds"),
        "elapsed_s": round(clock.elapsed_s, 3),
        "rows": task.computed,
        "rows_per_s": round(task.computed / clock.elapsed_s, 2),
        "limit": request.limit,
        "asked": _command_parts(task, request, benchmark),
        "batch_size": task.batch.current,
        "workers": request.workers,
        "device": classifier.device,
        "device_name": _device_name(classifier.device),
        "runtime": classifier.runtimes.name,
        "precision": classifier.precision,
        "agreement": json_form(classifier.runtimes.agreement),
        "notes": json_form(classifier.notes),
        "published_as": classifier.spec.published,
        "parameters": classifier.num_parameters or None,
        "host": platform.node(),
        "processor": _processor_name(),
        "python": platform.python_version(),
        "packages": _packages(),
        **({"policy": json_form(request.stated)} if request.stated else {}),
        **({"refused": lines_of([task.error])[0]} if task.error and task.refused else {}),
    }


def _command_parts(task: Task, request: Request, benchmark: Benchmark) -> dict[str, Any]:
    """The parts of a command line that evaluates the same rows, from any folder."""
    model, benchmark_text = task.classifier.spec.asked, text_of(benchmark)
    parts = {
        "model": model,
        "folder": os.getcwd() if any(map(_names_a_file_here, (model, benchmark_text))) else "",
        "benchmark": benchmark_text,
        "data": list(request.data_arguments),
        "predictions": request.predictions_file,
        "conditions": request.conditions,
        "precision_target": request.precision_target,
        "time_budget_s": request.time_budget_s,
        "until_decided": request.until_decided,
    }
    return {name: value for name, value in parts.items() if value not in ("", None)}


def _names_a_file_here(text: str) -> bool:
    """Whether a model or benchmark, with its options, names a file or folder by its place below the working folder."""
    parts = (part for part in re.split(r"[:=,+]", text) if part and not os.path.isabs(part))
    return any(os.path.exists(part) for part in parts)


def package_version() -> str:
    """The version of hardiness that runs here."""
    return _packages().get("hardiness", "of no package")


def _processor_name() -> str:
    return platform.processor() or platform.machine()


@cache
def _device_name(device: str) -> str:
    """The name that a GPU, or the processor, gives itself."""
    import torch

    return torch.cuda.get_device_name(device) if device.startswith("cuda") else _processor_name()


@cache
def _packages() -> dict[str, str]:
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions


def keep_session(task: Task, clock: Clock, request: Request, benchmark: Benchmark) -> None:
    """Keep how rows were computed so far, where there are some, or that the network was refused."""
    if task.computed or task.refused:
        task.session_file = task.stored.add_measured(session(task, clock, request, benchmark), task.session_file)


def keep_beginning(
    task: Task, clock: Clock, request: Request, benchmark: Benchmark, stored: Sequence[StoredRun]
) -> None:
    """Keep that a session asks for a run, where another one of its names was asked for later than it.

    Of several runs of one name the one that was asked for last is meant: also where all of it is stored already, and
    where the session is killed.

    Args:
        task: of the run.
        clock, request, benchmark: of the session.
        stored: the runs of the folder.
    """
    names = task.stored.run.model.name, task.stored.run.benchmark.name
    others = [
        run.last_began()
        for run in stored
        if run.key != task.stored.key and (run.run.model.name, run.run.benchmark.name) == names
    ]
    if not others:
        return
    own = task.stored.last_began()
    if own is None or any(other is not None and other >= own for other in others):
        task.session_file = task.stored.add_measured(session(task, clock, request, benchmark))


def keep_measured(workers: Sequence[Worker]) -> None:
    """Keep how this session's rows were computed."""
    for worker in workers:
        for task in worker.tasks:
            keep_session(task, worker.clock, worker.request, worker.benchmark)
