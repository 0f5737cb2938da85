"""Plain fp32 torch on the first images: what every runtime is compared with, and whether a network can be trusted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardiness.core import ModelError

if TYPE_CHECKING:
    from torch import Tensor

Function = Callable[["Tensor"], "Tensor"]

MOST_APART = 1e-2
"""Largest max|Δ| / max|logit| by which one image's logits may move when other images are computed with it."""


@dataclass(frozen=True)
class Reference:
    """Plain fp32 torch on the first images of one size, and which norms follow which convolutions."""

    pixels: Tensor
    logits: Tensor
    foldable: dict[str, str]


ROUNDING = 1e-6
"""The same in fp64: what rounding alone does there, even to a network that makes much of it in fp32."""


def refuse_broken(
    outputs: Function, first: Tensor, found: Tensor, name: str, in_fp64: Callable[[], Function | None] = lambda: None
) -> None:
    """Raise an error unless the logits are numbers and each image is treated on its own.

    Args:
        outputs: float32 pixels ``(n, 3, H, W)`` in main memory to logits ``(n, K)``.
        first: pixels of the first images.
        found: what ``outputs`` gave for them.
        name: the model's.
        in_fp64: makes the same function in fp64, where there is one: random weights can blow rounding up, and then
            an image's logits move with its company, which changes how they are rounded and nothing else.

    Raises:
        ModelError: no image that is finite has finite logits, or the first one's change with its company.
    """
    fine = first.isfinite().flatten(1).all(1)
    if not bool(fine.any()):
        return
    finite = found[fine].isfinite()
    if not bool(finite.all(1).any()):
        lost = int((~finite).any(0).sum())
        raise ModelError(
            f"{name} gives logits that are not finite: {lost} of {finite.shape[1]} classes are NaN or infinite in the "
            f"first {len(finite)} images; look at its weights, mean and std"
        )
    at = int((fine & found.isfinite().all(1)).int().argmax())
    apart = _apart(outputs, first, found, at)
    if not apart <= MOST_APART and not _by_rounding_alone(in_fp64(), first, at):
        raise ModelError(
            f"{name} answers otherwise for an image alone than beside others (logits differ by {apart:.0%} of the "
            "largest), so its results would depend on the batch size, or on chance: is there a batch norm without "
            "running statistics, or dropout that stays on in evaluation?"
        )


def _apart(outputs: Function, first: Tensor, found: Tensor, at: int) -> float:
    """How far one image's logits move, in units of the largest, between a batch of its own and one with others."""
    import torch

    image, before = first[at : at + 1], found[at]
    company = torch.cat([image, (1 - image).flip(3)])  # with an image that looks otherwise
    after = outputs(company if len(first) == 1 else image)[0]
    return float((after - before).abs().max() / before.abs().max().clamp(min=1e-30))


def _by_rounding_alone(exact: Function | None, first: Tensor, at: int) -> bool:
    """Whether the image's logits stay the same in fp64; not known, so no, where the network takes no fp64."""
    if exact is None:
        return False
    try:
        return _apart(exact, first, exact(first), at) <= ROUNDING
    except Exception:  # noqa: BLE001  # whatever it raises, it does not take fp64
        return False
