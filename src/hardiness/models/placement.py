"""Placement of a network: device, precision and runtime, checked before anything is loaded."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import get_args

from hardiness.core.codes import ModelNote
from hardiness.core.errors import ArgumentError, UnknownNameError
from hardiness.core.fact import Fact
from hardiness.models.frameworks import require_torch
from hardiness.models.runtimes import Precision, runtimes
from hardiness.models.runtimes.onnx_runtime import onnx_on_gpu

CUBLAS_WORKSPACE = "CUBLAS_WORKSPACE_CONFIG"
"""Environment variable of cuBLAS; with two workspaces of 4 MB a stream matrix products are the same every time.

Source: docs.nvidia.com/cuda/cublas, results reproducibility.
"""


@dataclass(frozen=True)
class ComputeSettings:
    """The device, precision and runtimes by which a classifier computes.

    Attributes:
        device: torch's name of it.
        precision: of the arithmetic in `Classifier.logits`.
        candidates: runtimes to try, best first.
        notes: what a person should know about the choice.
        plain: eager torch with nothing folded, for logits and gradients: what ``runtime=torch`` asks for.
    """

    device: str
    precision: Precision
    candidates: tuple[str, ...]
    notes: tuple[Fact, ...] = ()
    plain: bool = False


def place(device: str, precision: str, runtime: str, *, onnx: bool) -> ComputeSettings:
    """The placement that the arguments ask for.

    Raises:
        ArgumentError: the device, precision or runtime is unknown, not there, or does not go with the others; or torch
            is not installed.
    """
    if precision not in get_args(Precision):
        raise UnknownNameError("precision", precision, get_args(Precision))
    require_torch()
    where = _device(device)
    if precision == "fp16" and where == "cpu":
        raise ArgumentError("precision fp16 needs a GPU; on a CPU use fp32 or bf16")
    if onnx and precision != "fp32":
        raise ArgumentError(f"precision {precision} is not for onnx: models, whose file fixes it; use fp32")
    notes: tuple[Fact, ...] = ()
    if onnx and where != "cpu" and not onnx_on_gpu():
        notes = (Fact(ModelNote.OTHER_DEVICE, {"asked": where, "runtime": "onnxruntime"}),)
        where = "cpu"
    if where != "cpu":  # read when cuBLAS is first used
        os.environ.setdefault(CUBLAS_WORKSPACE, ":4096:8")
    candidates = _candidates(runtime, where, onnx)
    return ComputeSettings(where, precision, candidates, notes, plain=runtime == "torch")  # type: ignore[arg-type]  # checked above


def _device(device: str) -> str:
    import torch

    kind, _, number = device.partition(":")
    if device == "auto":
        return _own_gpu() if torch.cuda.is_available() else "cpu"
    if kind not in ("cpu", "cuda") or (number and not (kind == "cuda" and number.isdecimal())):
        raise UnknownNameError("device", device, ("auto", "cpu", "cuda", "cuda:0"))
    if kind == "cuda" and int(number or 0) >= torch.cuda.device_count():
        raise ArgumentError(f"device {device!r} is not there: torch sees {torch.cuda.device_count()} GPUs; use cpu")
    return device


def _own_gpu() -> str:
    """The GPU of this process: that of its number among the processes of this machine, as torchrun gives it."""
    import torch

    rank, count = os.environ.get("LOCAL_RANK", ""), torch.cuda.device_count()
    return f"cuda:{int(rank) % count}" if rank.isdecimal() and count > 1 else "cuda"


def _candidates(runtime: str, device: str, onnx: bool) -> tuple[str, ...]:
    if runtime == "auto":
        if onnx:
            return ("onnxruntime",)
        return ("openvino", "torch") if device == "cpu" else ("torch",)
    runtimes.refuse_faulty(runtime)
    if runtime not in runtimes:
        raise UnknownNameError("runtime", runtime, ["auto", *runtimes])
    if onnx != runtime.startswith("onnxruntime"):
        raise ArgumentError(
            f"runtime {runtime!r} does not go with {'an onnx:' if onnx else 'a torch'} model; leave it at auto"
        )
    if runtime == "openvino" and device != "cpu":
        raise ArgumentError(
            f"runtime 'openvino' computes on the CPU, and device is {device!r}; set one of them to auto"
        )
    return (runtime,)
