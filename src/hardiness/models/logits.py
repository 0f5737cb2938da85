"""Logits in the outputs of a network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hardiness.core.errors import ModelError, RefusedModelError

if TYPE_CHECKING:
    from torch import Tensor


_SUM_TOLERANCE = 1e-3


def logits_of(output: Any, name: str, images: int | None = None) -> Tensor:
    """The logits in a tensor, a tuple or list that begins with them, a mapping or an object that has ``logits``.

    Raises:
        ModelError: there are none, or they are no real numbers of shape ``(N, K)``, N being ``images`` where given.
    """
    import torch

    logits = output
    if isinstance(output, Mapping):
        logits = output.get("logits")
    elif hasattr(output, "logits"):
        logits = output.logits
    elif isinstance(output, tuple | list) and output:
        logits = output[0]
    if not isinstance(logits, torch.Tensor):
        raise ModelError(f"{name} must return logits (a tensor, or an output with them), returned {_described(output)}")
    if logits.ndim != 2:
        raise ModelError(f"{name} must return logits of shape (images, classes), returned {tuple(logits.shape)}")
    if not logits.is_floating_point():
        kind = str(logits.dtype).removeprefix("torch.")
        raise ModelError(f"{name} must return logits as floating-point numbers, returned {kind}")
    if images is not None and logits.shape[0] != images:
        raise ModelError(f"{name} must return a row of logits for each of {images} images, returned {logits.shape[0]}")
    return logits


def refuse_probabilities(logits: Tensor, name: str) -> None:
    """Raise an error where a model puts out probabilities instead of logits.

    Raises:
        RefusedModelError: every row is non-negative and sums to 1.
    """
    if logits.shape[1] < 2 or not len(logits):
        return
    off = (logits.sum(1) - 1).abs().max().item()
    if logits.min().item() >= 0 and off < _SUM_TOLERANCE:
        raise RefusedModelError(
            f"{name} returns probabilities (rows sum to 1), and logits are needed; leave out its last softmax, "
            "or return their logarithm (an onnx: or py: function may say output=probabilities)"
        )


def _described(output: Any) -> str:
    if isinstance(output, Mapping):
        return f"a mapping with keys {', '.join(map(str, list(output)[:5]))}"
    return f"a {type(output).__name__}"
