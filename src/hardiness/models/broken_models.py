"""Models whose answers cannot be used: they are no numbers, or depend on other images of the batch."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from hardiness.core.errors import RefusedModelError

if TYPE_CHECKING:
    from torch import Tensor


Function = Callable[["Tensor"], "Tensor"]

MOST_APART = 1e-2
"""Largest max|Δ| / max|logit| by which one image's logits may move when other images are computed with it."""

ROUNDING = 1e-6
"""Largest such difference in fp64: all that rounding does there, even in a network that makes much of it in fp32."""


def refuse_broken(
    outputs: Function, first: Tensor, logits: Tensor, name: str, in_fp64: Callable[[], Function | None] = lambda: None
) -> None:
    """Raise an error unless the logits are numbers and each image is treated on its own.

    Args:
        outputs: float32 pixels ``(n, 3, H, W)`` in main memory to logits ``(n, K)``.
        first: pixels of the first images.
        logits: the outputs for them.
        name: the model's.
        in_fp64: makes the same function in fp64, where there is one: random weights can blow rounding up, and then
            an image's logits move with its company, which changes how they are rounded and nothing else.

    Raises:
        RefusedModelError: no image that is finite has finite logits, or the first one's change with its company.
    """
    finite_images = first.isfinite().flatten(1).all(1)
    if not bool(finite_images.any()):
        return
    finite = logits[finite_images].isfinite()
    if not bool(finite.all(1).any()):
        lost = int((~finite).any(0).sum())
        raise RefusedModelError(
            f"{name} gives logits that are not finite: {lost} of {finite.shape[1]} classes are NaN or infinite in the "
            f"first {len(finite)} images; look at its weights, mean and std"
        )
    place = int((finite_images & logits.isfinite().all(1)).int().argmax())
    apart = _apart(outputs, first, logits, place)
    if not apart <= MOST_APART and not _by_rounding_alone(in_fp64(), first, place):
        raise RefusedModelError(
            f"{name} answers otherwise for an image alone than beside others (logits differ by {apart:.0%} of the "
            "largest), so its results would depend on the batch size, or on chance: is there a batch norm without "
            "running statistics, or dropout that stays on in evaluation?"
        )


REPEATS = 3
"""Further passes of an image by which chance is told from company, also one that shows in every third pass."""


def refuse_company(
    outputs: Function, pixels: Tensor, logits: Tensor, name: str, in_fp64: Callable[[], Function | None] = lambda: None
) -> None:
    """Raise an error where a whole batch changes what an image is answered alone, as `refuse_broken` does of few.

    A network may treat small batches picture by picture, and large ones by statistics of their own.

    Args:
        outputs, name, in_fp64: as there; a network that draws at random is let through, as others tell of it.
        pixels: a batch, as large as batches have been so far.
        logits: the outputs for it.

    Raises:
        RefusedModelError: the logits of its first image that has finite ones are others without company.
    """
    finite_images = pixels.isfinite().flatten(1).all(1).cpu() & logits.isfinite().all(1).cpu()
    if not bool(finite_images.any()):
        return
    place = int(finite_images.int().argmax())
    image = pixels[place : place + 1]

    def apart(beside: Tensor, alone: Tensor) -> float:
        return float((beside[place] - alone[0]).abs().max() / beside[place].abs().max().clamp(min=1e-30))

    alone = outputs(image)
    if apart(logits, alone) <= MOST_APART or any(not bool(outputs(image).equal(alone)) for _ in range(REPEATS)):
        return
    exact = in_fp64()
    with suppress(Exception):  # whatever it raises, it does not take fp64
        if exact is not None and apart(exact(pixels), exact(image)) <= ROUNDING:
            return
    raise RefusedModelError(
        f"{name} answers otherwise for an image alone than in a batch of {len(pixels)}, so its results would depend on "
        "the batch size: does it use statistics of its batch?"
    )


def _apart(outputs: Function, first: Tensor, logits: Tensor, place: int) -> float:
    """The change of one image's logits, in units of the largest, between a batch of its own and one with others."""
    import torch

    image, before = first[place : place + 1], logits[place]
    company = torch.cat([image, (1 - image).flip(3)])  # with an image that looks otherwise
    after = outputs(company if len(first) == 1 else image)[0]
    return float((after - before).abs().max() / before.abs().max().clamp(min=1e-30))


def _by_rounding_alone(exact: Function | None, first: Tensor, place: int) -> bool:
    """Whether the image's logits stay the same in fp64; not known, so no, where the network takes no fp64."""
    if exact is None:
        return False
    try:
        return _apart(exact, first, exact(first), place) <= ROUNDING
    except Exception:  # noqa: BLE001  # whatever it raises, it does not take fp64
        return False
