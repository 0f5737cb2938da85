"""OpenVINO on a CPU: the fastest way to logits there, one thread per stream, small batches that stay in the cache."""

from __future__ import annotations

import functools
import logging
import math
import os
import queue
import sys
import warnings
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hardiness.core.errors import ModelError
from hardiness.core.process import usable_cores
from hardiness.models.catalogue import OnnxFile
from hardiness.models.failures import FOREIGN_ERRORS, PROCESS_STATE, first_line
from hardiness.models.logits import logits_of
from hardiness.models.preprocessing import Normalisation
from hardiness.models.runtimes import Executable, runtimes

if TYPE_CHECKING:
    from torch import Tensor, nn


_MAX_STREAMS = 16
_MAX_CHUNK = 32
_CHUNK_BYTES = 2**24
"""Activations that a chunk may have whatever it costs the cache: a call costs as much as some pictures of 32 px."""
_REPORTER = "openvino_telemetry"
_COPIES = 4
"""Copies of the weights in memory while a network is traced, frozen, converted and compiled."""


@runtimes.add("openvino")
class OpenVINORuntime:
    """The network compiled for one image size and one small, fixed number of images.

    A call is cut into chunks of that number, the last one padded, so nothing is ever compiled again and a row does
    not depend on how full its batch was. The chunks of all calls share the streams, each of which is one thread:
    that costs fewer core-seconds per image than threads working together on one chunk, and lets decoding threads in.
    """

    name = "openvino"
    summary = "The network compiled for one image size and one small, fixed number of images."
    streams = min(usable_cores(), _MAX_STREAMS)

    def __init__(self, plan: Executable) -> None:
        core = the_core()
        if isinstance(plan.network, OnnxFile):
            raise ModelError("ONNX files run in ONNX Runtime")
        if plan.device != "cpu":
            raise ModelError(f"OpenVINO runs on the CPU here, not on {plan.device}")
        if plan.precision == "fp16":
            raise ModelError("OpenVINO has no fp16 on a CPU; use bf16")
        if plan.precision == "bf16" and "BF16" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
            raise ModelError("this CPU has no bf16 instructions: torch is slower in bf16 than in fp32 by far")
        _refuse_without_memory(plan)
        self.streams = min(usable_cores(), _MAX_STREAMS)  # a task of Ray learns its cores after this class was made
        self._chunk = chunk_images(plan)
        model = _convert(plan, self._chunk)
        options = {
            # OpenVINO picks bf16 by itself where the CPU has it: always said.
            "INFERENCE_PRECISION_HINT": {"fp32": "f32", "bf16": "bf16"}[plan.precision],
            "NUM_STREAMS": str(self.streams),
            "INFERENCE_NUM_THREADS": str(usable_cores()),
            # Decoding threads share the cores; a pinned stream would wait for the one that stands on its core.
            "ENABLE_CPU_PINNING": "NO",
        }
        try:
            self._compiled = core.compile_model(model, "CPU", options)
        except RuntimeError as error:
            raise ModelError(f"OpenVINO cannot compile it: {first_line(error)}") from None
        self._shape = (self._chunk, *plan.px, 3)
        self._outputs = int(self._compiled.output(0).shape[1])
        self._idle: queue.SimpleQueue[Any] = queue.SimpleQueue()
        for _ in range(2 * self.streams):  # twice: a stream finds its next chunk waiting
            self._idle.put(self._compiled.create_infer_request())

    def __call__(self, pixels: Tensor) -> Tensor:
        """All outputs, float32 ``(N, outputs)``; channels-last pixels are read in place."""
        import torch

        images = np.ascontiguousarray(pixels.permute(0, 2, 3, 1).numpy())
        result = np.empty((len(images), self._outputs), np.float32)
        running: deque[tuple[Any, int, Any]] = deque()
        try:
            for start in range(0, len(images), self._chunk):
                request = self._request(running, result)
                chunk = self._filled(images[start : start + self._chunk])
                request.start_async([chunk], share_inputs=True)
                running.append((request, start, chunk))
        finally:
            while running:
                self._idle.put(self._collect(running, result))
        return torch.from_numpy(result)

    def _request(self, running: deque[tuple[Any, int, Any]], result: NDArray[np.float32]) -> Any:
        """An idle request. A call that holds some waits for its own oldest, never for others', so none can starve."""
        try:
            return self._idle.get_nowait()
        except queue.Empty:
            return self._collect(running, result) if running else self._idle.get()

    def _collect(self, running: deque[tuple[Any, int, Any]], result: NDArray[np.float32]) -> Any:
        request, start, _ = running.popleft()
        request.wait()
        rows = result[start : start + self._chunk]
        rows[:] = request.get_output_tensor(0).data[: len(rows)]
        return request

    def _filled(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        if len(images) == self._chunk:
            return images
        padded = np.zeros(self._shape, np.float32)
        padded[: len(images)] = images
        return padded


def free_memory() -> int | None:
    """Bytes of memory that new allocations can have, where the system says so."""
    if not os.path.exists("/proc/meminfo"):
        return None
    with open("/proc/meminfo") as lines:
        kilobytes = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
    return 1024 * int(kilobytes[0]) if kilobytes else None


def _refuse_without_memory(plan: Executable) -> None:
    """Raise `ModelError` where compiling would need more memory than is free: the system would end the process."""
    free, needed = free_memory(), _COPIES * plan.weight_bytes
    if free is not None and needed > free:
        raise ModelError(
            f"compiling needs about {needed / 2**30:.1f} GiB of memory for the copies of its weights, and "
            f"{free / 2**30:.1f} GiB are free"
        )


def chunk_images(plan: Executable) -> int:
    """The number of images that one stream computes at a time.

    Few, so that activations stay in the core's cache (2 in fp32, 4 in bf16, which is the same number of bytes: the
    best of 1 to 64 measured), but enough that reading the weights costs no more than reading the activations
    (AlexNet's weights are a hundred times its activations), and than the call itself, which small pictures show.
    """
    least = max(4 if plan.precision == "bf16" else 2, _CHUNK_BYTES // plan.activation_bytes)
    return min(max(least, math.ceil(plan.weight_bytes / plan.activation_bytes)), _MAX_CHUNK)


def _convert(plan: Executable, chunk: int) -> Any:
    import torch

    openvino = silent_openvino()

    shape, failures = (chunk, 3, *plan.px), _failures()
    try:
        # A second tracer at the same time would only want more memory.
        with PROCESS_STATE, torch.inference_mode(False), torch.no_grad(), warnings.catch_warnings(), _same_logging():
            warnings.simplefilter("ignore")  # the tracer warns about every Python number; the comparison decides
            example = torch.full((min(chunk, 2), 3, *plan.px), 0.5)
            # Traced and frozen here: OpenVINO would trace three times and keep what freezing folds.
            traced = torch.jit.trace(  # type: ignore[no-untyped-call]
                _logits_only(plan.network, plan.name), example, check_trace=False, strict=False
            )
            model = openvino.convert_model(torch.jit.freeze(traced), example_input=example, input=list(shape))
            model.reshape(list(shape))
        processor = openvino.preprocess.PrePostProcessor(model)
        processor.input().tensor().set_layout(openvino.Layout("NHWC")).set_element_type(openvino.Type.f32)
        processor.input().model().set_layout(openvino.Layout("NCHW"))
        _normalise(processor.input().preprocess(), plan.affine)
        model = processor.build()
    except failures as error:
        raise ModelError(f"OpenVINO cannot convert it: {_reason(error)}") from None
    if len(model.outputs) != 1 or model.output(0).partial_shape.is_dynamic:
        raise ModelError("OpenVINO cannot convert it: the shape of its logits is not fixed")
    return model


@contextmanager
def _same_logging() -> Iterator[None]:
    """Put logging back as it was: where it fails, the converter leaves nothing but errors to be logged."""
    root = logging.getLogger()
    level, filters, handlers = root.level, list(root.filters), list(root.handlers)
    try:
        yield
    finally:
        root.setLevel(level)
        root.filters[:], root.handlers[:] = filters, handlers


def _failures() -> tuple[type[Exception], ...]:
    frontend = silent_openvino().frontend
    return (
        *FOREIGN_ERRORS,
        frontend.GeneralFailure,
        frontend.InitializationFailure,
        frontend.NotImplementedFailure,
        frontend.OpConversionFailure,
        frontend.OpValidationFailure,
    )


def _reason(error: BaseException) -> str:
    """The operation that OpenVINO does not know, which it buries in a list under a trace of its own sources."""
    named = [line.strip()[3:] for line in str(error).splitlines() if line.strip().startswith("-- ")]
    return named[0] if named else first_line(error)


def _normalise(steps: Any, affine: Normalisation) -> None:
    steps.mean(list(affine.mean))
    steps.scale(list(affine.std))
    if affine.reverse:
        steps.reverse_channels()


def _logits_only(network: nn.Module, name: str) -> nn.Module:
    from torch import nn

    class LogitsOnly(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, pixels: Tensor) -> Tensor:
            return logits_of(self.network(pixels), name)

    return LogitsOnly().eval()


@functools.cache
def the_core() -> Any:
    """The one ``openvino.Core`` of this process, which is never let go.

    Each core's CPU plugin gives its thread another stack for signals and, when it goes, puts back the one before, which
    may be of a core that has gone earlier and is no memory any more. Python's handlers run on that stack: the next
    Ctrl-C, or the end of a process that was waited for, would then kill the program.
    """
    return silent_openvino().Core()


def silent_openvino() -> Any:
    """The module ``openvino``, which in this process reports nothing to anybody and writes no identifier.

    Its converter posts a model's operators, with an identifier that it keeps in the user's home, through the package
    ``openvino_telemetry``, and does without where that package cannot be imported; so here it cannot. Nothing outside
    the process is changed. Where somebody has imported it before, its reporter is replaced by one that does nothing.
    """
    loaded = sys.modules.get(_REPORTER)
    if loaded is None:
        sys.modules[_REPORTER] = None  # type: ignore[assignment]  # Python's own mark for what cannot be imported
    else:
        for name in ("send_event", "send_error", "send_stack_trace", "start_session", "end_session", "force_shutdown"):
            setattr(loaded.Telemetry, name, _ignore)
    import openvino

    return openvino


def _ignore(*_: Any, **__: Any) -> None:
    return None
