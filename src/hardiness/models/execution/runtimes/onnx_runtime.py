"""ONNX Runtime, for graphs in ONNX files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hardiness.core import ModelError
from hardiness.models.catalogue import OnnxFile
from hardiness.models.execution.runtimes import Plan, runtimes
from hardiness.models.failures import FOREIGN_ERRORS, first_line

if TYPE_CHECKING:
    from torch import Tensor


def session(path: str, providers: list[str]) -> Any:
    """An ONNX Runtime session with one output, reading images ``(N, 3, H, W)``.

    Raises:
        ModelError: onnxruntime is absent, or the file cannot be loaded.
    """
    try:
        import onnxruntime
    except ModuleNotFoundError:
        raise ModelError("onnx: models need onnxruntime; pip install 'hardiness[onnx]'") from None
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    # Waiting threads would take the cores from those that decode.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    errors: tuple[type[Exception], ...] = FOREIGN_ERRORS + _own_errors(onnxruntime.capi.onnxruntime_pybind11_state)
    try:
        return onnxruntime.InferenceSession(path, options, providers=providers)
    except errors as error:
        raise ModelError(f"{path} cannot be loaded by ONNX Runtime: {first_line(error)}") from None


def _own_errors(state: Any) -> tuple[type[Exception], ...]:
    """ONNX Runtime's own errors, one class for each status, which share no parent but Exception."""
    return tuple(each for each in vars(state).values() if isinstance(each, type) and issubclass(each, Exception))


@runtimes.add("onnxruntime")
class OnnxRuntime:
    """Runs the file's graph; a graph with a fixed batch gets its batches padded to it."""

    name = "onnxruntime"
    streams = 1

    def __init__(self, plan: Plan) -> None:
        if not isinstance(plan.network, OnnxFile):
            raise ModelError("ONNX Runtime runs models of the form onnx:FILE")
        if plan.precision != "fp32":
            raise ModelError(f"ONNX Runtime computes in the file's own precision; fp32 is needed, not {plan.precision}")
        provider = "CUDAExecutionProvider" if plan.device.startswith("cuda") else "CPUExecutionProvider"
        self._session = session(plan.network.path, [provider])
        if provider not in self._session.get_providers():
            raise ModelError(f"ONNX Runtime is installed without support for {plan.device}")
        self._input = self._session.get_inputs()[0].name
        batch = self._session.get_inputs()[0].shape[0]
        self._batch = batch if isinstance(batch, int) else None
        self._affine = plan.affine

    def __call__(self, pixels: Tensor) -> Tensor:
        """All outputs, float32 ``(N, outputs)`` in main memory."""
        import torch

        images = self._affine(pixels).contiguous().numpy()
        step = self._batch or max(len(images), 1)
        rows = []
        for start in range(0, len(images), step):
            part = images[start : start + step]
            if len(part) < step:
                part = np.concatenate([part, np.zeros((step - len(part), *part.shape[1:]), np.float32)])
            rows.append(self._session.run(None, {self._input: part})[0])
        return torch.from_numpy(np.concatenate(rows)[: len(images)].astype(np.float32, copy=False))
