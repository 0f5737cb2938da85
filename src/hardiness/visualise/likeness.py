"""How alike pictures are in a layer, and how rough they are: terms of an objective beside activations."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor
from hardiness.visualise.units import channel_axis


def similarity(outputs: Tensor, group: int) -> Tensor:
    """How alike the pictures of each group of ``group`` are in a layer, ``(N / group,)``, in [-1, 1]; differentiable.

    The mean cosine, over pairs of pictures of one group, of the Gram matrices of their channels.

    Args:
        outputs: ``(N, …)``, what the layer puts out; groups stand together.
        group: pictures of one unit, at least 2.

    Source: Olah, Mordvintsev & Schubert 2017, doi:10.23915/distill.00007, section "Diversity"; Gram matrices as in
        Gatys et al. 2015, arXiv:1505.07376.
    """
    from torch.nn import functional

    directions = functional.normalize(gram(outputs).flatten(1), dim=1)
    grams = directions.view(-1, group, directions.shape[1])
    cosines = grams @ grams.transpose(1, 2)
    others: Tensor = cosines.sum((1, 2)) - cosines.diagonal(dim1=1, dim2=2).sum(1)
    return others / (group * (group - 1))


def gram(outputs: Tensor) -> Tensor:
    """Products of channels, averaged over positions, ``(N, C, C)``, of a layer's outputs ``(N, …)``; differentiable."""
    axis = 1 + channel_axis(outputs.shape[1:])
    channels = outputs.unsqueeze(2) if outputs.ndim == 2 else outputs.movedim(axis, 1).flatten(2)
    products: Tensor = channels @ channels.transpose(1, 2)
    return products / channels.shape[2]


def roughness(pixels: Tensor) -> Tensor:
    """The mean distance between neighbouring pixels, ``(N,)``, of ``pixels (N, 3, H, W)``; differentiable."""
    across, down = pixels.diff(dim=3), pixels.diff(dim=2)
    return across.abs().mean((1, 2, 3)) + down.abs().mean((1, 2, 3))
