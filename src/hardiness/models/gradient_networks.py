"""The networks that gradients go through: folded copies, where they are exact."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardiness.core.codes import ModelNote
from hardiness.core.fact import Fact
from hardiness.models.broken_models import Function
from hardiness.models.determinism import full_fp32
from hardiness.models.exactness import Reference, same_gradient
from hardiness.models.layers import last_layer, without
from hardiness.models.original import Original
from hardiness.models.padding import evenly_padded

if TYPE_CHECKING:
    from torch import Tensor, nn


class GradientNetworks:
    """One folded copy, made when first needed, and for each input size the network that is right there.

    Attributes:
        notes: sizes at which the original runs because the copy is not exact there.
    """

    def __init__(self, original: Original, *, plain: bool) -> None:
        """With ``plain`` gradients always go through the original."""
        self._original, self._always_plain = original, plain
        self._by_size: dict[tuple[int, int], nn.Module] = {}
        self._headless: dict[tuple[int, int], nn.Module] = {}
        self.notes: tuple[Fact, ...] = ()

    def anew(self) -> GradientNetworks:
        """The networks before the first images."""
        return GradientNetworks(self._original, plain=self._always_plain)

    def at(self, pixels: Tensor, reference: Reference | None = None) -> nn.Module:
        """The network for images of this size; the first of them are compared with the original.

        Args:
            pixels: float32 ``(N, 3, H, W)``.
            reference: the original's answers to images of this size, where these are known already.

        Raises:
            ModelError: the original fails on them.
        """
        size = (pixels.shape[2], pixels.shape[3])
        with self._original.lock, self._original.foreign_errors(pixels):
            if size not in self._by_size:
                self._by_size[size] = self._choose(pixels, reference)
            return self._by_size[size]

    def headless_at(self, pixels: Tensor) -> Function:
        """From pixels of this size to the features ``(N, F)`` that the last layer of their network reads.

        Raises:
            ModelError: it has no last layer, or fails.
        """
        network, size = self.at(pixels), (pixels.shape[2], pixels.shape[3])
        with self._original.lock, self._original.foreign_errors(pixels):
            if size not in self._headless:
                image = self._original.affine(pixels[:1].detach())
                self._headless[size] = without(network, last_layer(self._original.network, image, self._original.name))
            headless = self._headless[size]
        return lambda x: headless(self._original.affine(x))

    def _choose(self, pixels: Tensor, reference: Reference | None) -> nn.Module:
        import torch

        original = self._original
        unfolded: nn.Module = original.network
        if self._always_plain:
            return unfolded
        reference = reference or original.refer(pixels, random=True)
        used = next((network for network in self._by_size.values() if network is not unfolded), None)
        network = self._folded(reference) if used is None else used
        with full_fp32(torch.device(original.device)):
            images = reference.pixels.to(original.device)
            same = original.exact(network, reference) and same_gradient(
                original.through(network), original.through(unfolded), images
            )
        if same:
            return network
        height, width = reference.pixels.shape[2:]
        self.notes += (Fact(ModelNote.PLAIN_GRADIENTS, {"height": height, "width": width}),)
        return unfolded

    def _folded(self, reference: Reference) -> nn.Module:
        """The copy; on a GPU, where nobody has measured it, convolutions stay as they are."""
        import torch

        network = self._original.folded(reference)
        return evenly_padded(network) if torch.device(self._original.device).type == "cpu" else network
