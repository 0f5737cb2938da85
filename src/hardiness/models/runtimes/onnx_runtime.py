"""ONNX Runtime, for graphs in ONNX files."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hardiness.core.errors import ModelError
from hardiness.models.activation import log_probabilities, sigmoid_logits
from hardiness.models.catalogue import OnnxFile
from hardiness.models.failures import FOREIGN_ERRORS, first_line
from hardiness.models.runtimes import Executable, runtimes

if TYPE_CHECKING:
    from torch import Tensor


FLOATS = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(double)": np.float64}
"""Types of numbers in which a graph may put out logits."""

IMAGE_TYPES = {**FLOATS, "tensor(uint8)": np.uint8}
"""Types of numbers in which a graph may take images; it is fed with those of its own."""

LAYOUTS = ("nchw", "nhwc")

SECONDS_AN_IMAGE = 120.0
"""Seconds for one image after which a graph is given up: a loop in it may never end."""

_CUDA = "CUDAExecutionProvider"


def onnx_on_gpu() -> bool:
    """Whether ONNX Runtime as installed can compute on a GPU."""
    try:
        import onnxruntime
    except ModuleNotFoundError:
        return False
    return _CUDA in onnxruntime.get_available_providers()


def session(path: str, providers: Sequence[str | tuple[str, dict[str, str]]]) -> Any:
    """An ONNX Runtime session of a graph.

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
    try:
        return onnxruntime.InferenceSession(path, options, providers=list(providers))
    except _errors() as error:
        raise ModelError(f"{path} cannot be loaded by ONNX Runtime: {first_line(error)}") from None


def _errors() -> tuple[type[Exception], ...]:
    """The errors of ONNX Runtime: besides Python's one class for each status, which share no parent."""
    import onnxruntime

    state = vars(onnxruntime.capi.onnxruntime_pybind11_state)
    own = tuple(value for value in state.values() if isinstance(value, type) and issubclass(value, Exception))
    return FOREIGN_ERRORS + own


@runtimes.add("onnxruntime")
class OnnxRuntime:
    """Runs the file's graph; a graph with a fixed batch gets its batches padded to it.

    Attributes:
        in_half_precision: whether the graph takes images of 16 bits: then no two processors agree as fp32 does.
    """

    name = "onnxruntime"
    summary = "Runs the file's graph; a graph with a fixed batch gets its batches padded to it."
    streams = 1

    def __init__(self, plan: Executable) -> None:
        if not isinstance(plan.network, OnnxFile):
            raise ModelError("ONNX Runtime runs models of the form onnx:FILE")
        if plan.precision != "fp32":
            raise ModelError(f"ONNX Runtime computes in the file's own precision; fp32 is needed, not {plan.precision}")
        kind, _, number = plan.device.partition(":")
        provider = _CUDA if kind == "cuda" else "CPUExecutionProvider"
        # TF32 is on by default there, and keeps ten of the twenty-three bits of a factor.
        options = {"device_id": number or "0", "use_tf32": "0"} if kind == "cuda" else {}
        self._session = session(plan.network.path, [(provider, options)])
        if provider not in self._session.get_providers():
            raise ModelError(f"ONNX Runtime is installed without support for {plan.device}")
        graph_input = self._session.get_inputs()[0]
        self._graph = plan.network
        self._input, self._type = graph_input.name, IMAGE_TYPES[graph_input.type]
        self._output = plan.network.output or self._session.get_outputs()[0].name
        self.in_half_precision = self._type == np.float16 or plan.network.quantised
        self._batch = graph_input.shape[0] if isinstance(graph_input.shape[0], int) else None
        self._affine = plan.affine
        self._name = plan.name

    def __call__(self, pixels: Tensor) -> Tensor:
        """All outputs, float32 ``(N, outputs)`` in main memory."""
        import torch

        images = self._images(pixels)
        step = 1 if self._graph.one_by_one else self._batch or max(len(images), 1)
        rows = []
        for start in range(0, len(images), step):
            part = images[start : start + step]
            if self._graph.one_by_one:
                rows.append(self._run(np.repeat(part, self._batch or 1, axis=0))[:1])
                continue
            if len(part) < step:
                part = np.concatenate([part, np.zeros((step - len(part), *part.shape[1:]), self._type)])
            rows.append(self._run(part))
        outputs = np.concatenate(rows)[: len(images)].astype(np.float32, copy=False)
        if self._graph.sigmoid:
            outputs = sigmoid_logits(outputs, self._name, probabilities=self._graph.probabilities)
        elif self._graph.probabilities:
            outputs = self._logarithms(outputs)
        return torch.from_numpy(outputs)

    def _images(self, pixels: Tensor) -> NDArray[Any]:
        """The images in the shape, numbers and layout that the graph takes."""
        images = self._affine(self._shaped(pixels))
        if self._graph.bytes_in:
            images = images.round().clamp(0, 255)
        if self._graph.layout == "nhwc":
            images = images.permute(0, 2, 3, 1)
        return images.contiguous().numpy().astype(self._type, copy=False)

    def _shaped(self, pixels: Tensor) -> Tensor:
        """Square pixels as the height and width of a graph that takes another shape.

        Source: cubic convolution with antialiasing, as in PIL; or the centre, as torchvision crops it.
        """
        from torch.nn import functional

        size = self._graph.size
        if size is None or tuple(pixels.shape[2:]) == size or size[0] == size[1]:
            return pixels
        if self._graph.squashed:
            return functional.interpolate(pixels, size, mode="bicubic", antialias=True).clamp(0, 1)
        top, left = (round((side - fixed) / 2) for side, fixed in zip(pixels.shape[2:], size, strict=True))
        return pixels[:, :, top : top + size[0], left : left + size[1]]

    def _logarithms(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """The logarithms of probabilities, checked.

        Raises:
            ModelError: they are none.
        """
        finite = rows[np.isfinite(rows).all(1)]
        sums = finite.sum(1)
        worst = float(sums[np.abs(sums - 1).argmax()]) if len(sums) else 1.0
        # An integer softmax has steps of 1/256, which a thousand classes add up.
        if abs(worst - 1) > (0.5 if self._graph.quantised else 0.05) or (len(finite) and finite.min() < -1e-3):
            raise ModelError(
                f"{self._name} must put out probabilities, and a row sums to {worst:.3g} with values from "
                f"{finite.min():.3g} to {finite.max():.3g}; leave output=probabilities out"
            )
        return log_probabilities(rows)

    def _run(self, images: NDArray[Any]) -> NDArray[Any]:
        import onnxruntime

        options, seconds = onnxruntime.RunOptions(), SECONDS_AN_IMAGE * len(images)
        clock = threading.Timer(seconds, setattr, (options, "terminate", True))
        clock.daemon = True
        clock.start()
        try:
            rows: NDArray[Any] = self._session.run([self._output], {self._input: images}, options)[0]
        except _errors() as error:
            late = f", after the {seconds:.0f} s that are allowed" if options.terminate else ""
            raise ModelError(f"{self._name} fails in ONNX Runtime: {first_line(error)}{late}") from None
        finally:
            clock.cancel()
        if self._graph.sigmoid and rows.ndim == 1:
            rows = rows[:, None]
        if rows.ndim != 2 or len(rows) != len(images):
            raise ModelError(
                f"{self._name} must put out a row of logits for each of {len(images)} images, put out {rows.shape}"
            )
        return rows
