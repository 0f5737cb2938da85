"""A plain function of a person's own, for models that are no network of torch's: one call at a time, with a clock."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hardiness.core.errors import ModelError
from hardiness.models.activation import log_probabilities, sigmoid_logits
from hardiness.models.catalogue import PlainFunction
from hardiness.models.failures import contained
from hardiness.models.runtimes import Executable, runtimes

if TYPE_CHECKING:
    from torch import Tensor

SUM_TOLERANCE = 0.05
"""Largest distance from 1 of the sum of a row of probabilities."""


def rows_of(answer: Any, name: str, images: int, may_be_one: bool = False) -> NDArray[np.float32]:
    """A function's answer as float32 ``(N, K)``.

    Args:
        answer: what it returned.
        name: of the model, for messages.
        images: N.
        may_be_one: whether one number for each image, ``(N,)``, is a row of one.

    Raises:
        ModelError: it is of another shape or kind.
    """
    if isinstance(answer, list) and answer and hasattr(answer[0], "detach"):
        answer = [row.numpy() for row in answer]
    try:
        rows = np.asarray(answer)
    except (TypeError, ValueError) as error:
        raise ModelError(f"{name} must return an array (images, classes), and returned none: {error}") from error
    if may_be_one and rows.ndim == 1:
        rows = rows[:, None]
    if rows.ndim != 2 or not (np.issubdtype(rows.dtype, np.floating) or np.issubdtype(rows.dtype, np.integer)):
        raise ModelError(f"{name} must return numbers of shape (images, classes), returned {rows.dtype} {rows.shape}")
    if len(rows) != images:
        raise ModelError(f"{name} must return a row for each of {images} images, returned {len(rows)}")
    return rows.astype(np.float32)


def are_probabilities(rows: NDArray[np.float32]) -> bool:
    """Whether every row is of shares that sum to 1."""
    return bool(rows.shape[1] > 1 and len(rows) and (rows >= 0).all() and (np.abs(rows.sum(1) - 1) < 1e-3).all())


def are_percentages(rows: NDArray[np.float32]) -> bool:
    """Whether every row is of probabilities in percent: none is negative, and they sum to about 100."""
    sums = rows.sum(1) / 100
    return bool(rows.shape[1] > 1 and len(rows) and (rows >= 0).all() and (np.abs(sums - 1) < SUM_TOLERANCE).all())


def are_shares(rows: NDArray[np.floating[Any]]) -> bool:
    """Whether all numbers are from 0 to 1, as those behind a sigmoid are."""
    return bool(rows.size and (rows >= 0).all() and (rows <= 1).all())


def logarithms(rows: NDArray[np.float32], name: str) -> NDArray[np.float32]:
    """The logarithms of probabilities, checked.

    Raises:
        ModelError: they are none.
    """
    finite = rows[np.isfinite(rows).all(1)]
    sums = finite.sum(1)
    if len(sums) and (np.abs(sums - 1).max() > SUM_TOLERANCE or finite.min() < -1e-3):
        worst = float(sums[np.abs(sums - 1).argmax()])
        raise ModelError(
            f"{name} must return probabilities, as it did before, and a row sums to {worst:.3g} with values from "
            f"{finite.min():.3g} to {finite.max():.3g}; output=logits or output=probabilities says what they are"
        )
    return log_probabilities(rows)


@runtimes.add("function")
class FunctionRuntime:
    """The runtime of plain functions."""

    name = "function"
    summary = "Calls the function with what it takes: bytes (N, H, W, 3), or normalised numbers (N, 3, H, W)."
    streams = 1

    def __init__(self, plan: Executable) -> None:
        if not isinstance(plan.network, PlainFunction):
            raise ModelError("the runtime 'function' calls plain functions; leave it at auto")
        if plan.precision != "fp32":
            raise ModelError(f"a plain function computes as it does; precision must be fp32, was {plan.precision}")
        self._network, self._affine, self._name = plan.network, plan.affine, plan.name

    def __call__(self, pixels: Tensor) -> Tensor:
        """All outputs, float32 ``(N, outputs)`` in main memory."""
        import torch

        rows = answer_of(self._network, self._name, pixels, self._affine)
        return torch.from_numpy(logits_of_rows(self._network, self._name, rows))


def logits_of_rows(network: PlainFunction, name: str, rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """The logits ``(N, K)`` behind a function's answers, or what stands in their place.

    Raises:
        ModelError: answers that are said to be probabilities are none.
    """
    are_probabilities = network.outputs == "probabilities"
    if network.sigmoid:
        return sigmoid_logits(rows, name, probabilities=are_probabilities)
    return logarithms(rows, name) if are_probabilities else rows


def answer_of(network: PlainFunction, name: str, pixels: Tensor, affine: Callable[[Tensor], Tensor]) -> Any:
    """A function's answer for pixels ``(N, 3, H, W)`` in [0, 1], float32 ``(N, K)``.

    Raises:
        ModelError: it does not answer in time, or not with such rows.
    """
    import torch

    if network.bytes_in:
        images: Any = (pixels * 255).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).contiguous().numpy()
        return rows_of_call(network, name, images, len(pixels))
    with torch.no_grad():
        return rows_of_call(network, name, affine(pixels).contiguous(), len(pixels))


def rows_of_call(network: PlainFunction, name: str, batch: Any, images: int) -> NDArray[np.float32]:
    """A function's answer to a batch of so many images, float32 ``(N, K)``.

    Raises:
        ModelError: it does not answer in time, or not with such rows.
    """
    try:
        answer = network.answer(batch)
    except ModelError as error:
        raise ModelError(f"{name} {error}") from None
    return rows_of(answer, name, images, may_be_one=network.sigmoid)


def first_answer(network: PlainFunction, name: str, pixels: Tensor, affine: Callable[[Tensor], Tensor]) -> Any:
    """A function's first answer, as `answer_of`; the process is as before, whatever the function did to it."""
    with contained():
        return answer_of(network, name, pixels, affine)
