"""ONNX Runtime behind pixels that were normalised in float64, as NumPy does unless it is told otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hardiness.models.runtimes import runtimes
from hardiness.models.runtimes.onnx_runtime import OnnxRuntime

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

NEAR = 1e-3
"""How near to a whole number 255 times a pixel must be to be taken for a byte."""


@runtimes.add("onnxruntime_float64")
class OnnxRuntimeFloat64(OnnxRuntime):
    """Runs the file's graph on pixels that were divided by 255 and normalised in float64, and then cast to its numbers.

    A graph of integers whose input has a scale such as 2/255 rounds every pixel where two steps are equally near: there
    the last bit of float32 decides.
    """

    name = "onnxruntime_float64"
    summary = "Runs the file's graph on pixels that were normalised in float64."

    def _images(self, pixels: Tensor) -> NDArray[Any]:
        exact = 255 * pixels.double()
        whole = exact.round()
        return super()._images((whole if bool((exact - whole).abs().max() < NEAR) else exact) / 255)
