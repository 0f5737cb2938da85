"""The network as it came, which is never changed: the reference of every copy of it."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hardiness.core.errors import ArgumentError, ModelError, RefusedModelError
from hardiness.models.broken_models import Function, refuse_broken, refuse_company
from hardiness.models.catalogue import OpaqueNetwork, PlainFunction
from hardiness.models.determinism import full_fp32
from hardiness.models.exactness import REFERENCE_IMAGES, Reference, compare
from hardiness.models.failures import contained, foreign_errors, well_behaved
from hardiness.models.folding import NORMS, folded
from hardiness.models.forward_pass import observed_pass
from hardiness.models.logits import logits_of, refuse_probabilities
from hardiness.models.memory import activation_bytes
from hardiness.models.memory_layout import in_faster_layout
from hardiness.models.preprocessing import Normalisation

if TYPE_CHECKING:
    from torch import Tensor, nn


_ONNX_BYTES = 60 * 3 * 4
"""Bytes of all layers' outputs for a pixel of an ONNX model's image: an estimate, as its layers are not looked at."""


def check_pixels(pixels: Tensor) -> None:
    """Raise an error unless pixels are float32 ``(N, 3, H, W)``.

    Raises:
        ArgumentError: they are not.
    """
    import torch

    if pixels.ndim != 4 or pixels.shape[1] != 3 or pixels.dtype != torch.float32:
        raise ArgumentError(
            f"pixels must be float32 (N, 3, H, W) in [0, 1], were {str(pixels.dtype).removeprefix('torch.')} "
            f"{tuple(pixels.shape)}"
        )


@dataclass(frozen=True)
class Original:
    """A network that is never changed, and copies of it that must answer as it does.

    Attributes:
        network: in evaluation mode, on ``device``; or an ONNX file, which has no gradients.
        name: of the model, for messages.
        affine: from pixels in [0, 1] to the network's input.
        device: a torch device.
        columns: which outputs are the classes, in order; ``None`` for all of them.
        lock: held while hooks are on the network, or a copy of it is chosen.
        references: its answers to the first images of a size, height and width in pixels; in main memory.
        layer_bytes: of its layers' outputs for one image, by its side in pixels.
        refusals: why its answers cannot be used, once some pictures have shown it; others need not show it.
        largest_batches: images of a size that were given together at most and treated each on its own.
        package: the place in somebody else's package that the model is from; empty for any other.
    """

    network: Any
    name: str
    affine: Normalisation
    device: str
    columns: tuple[int, ...] | None
    lock: threading.RLock = field(default_factory=threading.RLock)
    references: dict[tuple[int, int], Reference] = field(default_factory=dict)
    layer_bytes: dict[int, int] = field(default_factory=dict)
    refusals: list[str] = field(default_factory=list)
    largest_batches: dict[tuple[int, int], int] = field(default_factory=dict)
    package: str = ""

    @property
    def has_gradients(self) -> bool:
        """Whether the network is one of torch that autograd can go through."""
        return not isinstance(self.network, OpaqueNetwork)

    @property
    def num_parameters(self) -> int:
        """The number of learnable parameters; 0 for ONNX."""
        return sum(p.numel() for p in self.network.parameters()) if self.has_gradients else 0

    def need_gradients(self, purpose: str) -> None:
        """Raise an error unless it has gradients.

        Raises:
            ModelError: it is no torch network; the message names what gradients were needed for.
        """
        if isinstance(self.network, OpaqueNetwork):
            raise ModelError(
                f"{self.name} {self.network.kind} and has no gradients, so no {purpose}; use a torch model"
            )

    def checked_pixels(self, pixels: Tensor, purpose: str) -> Tensor:
        """Pixels on ``device``, checked, for what needs gradients.

        Raises:
            ArgumentError: shape or type is another.
            ModelError: it is no torch network.
        """
        self.need_gradients(purpose)
        check_pixels(pixels)
        return pixels.to(self.device)

    def activation_bytes(self, px: int) -> int:
        """Bytes that all layers put out for one image of that size, in fp32; for ONNX an estimate by image size."""
        if not self.has_gradients:
            return _ONNX_BYTES * px**2
        with self.lock, foreign_errors(self.name, f"fails on an image of {px} px", self.package), contained():
            if px not in self.layer_bytes:
                self.layer_bytes[px] = activation_bytes(self.network, px)
            return self.layer_bytes[px]

    def select(self, outputs: Tensor) -> Tensor:
        """The columns of the classes, ``(N, num_classes)``."""
        return outputs if self.columns is None else outputs[:, list(self.columns)]

    def through(self, network: nn.Module) -> Callable[[Tensor], Tensor]:
        """Pixels on ``device`` to all outputs ``(N, K)`` of a copy of the network, by torch autograd."""
        return lambda pixels: logits_of(network(self.affine(pixels)), self.name, len(pixels))

    def logits(self, network: nn.Module) -> Callable[[Tensor], Tensor]:
        """Pixels on ``device`` to logits ``(N, num_classes)`` of a copy of the network; errors name the model."""
        outputs_of = self.through(network)

        def logits(pixels: Tensor) -> Tensor:
            with self.foreign_errors(pixels):
                return self.select(outputs_of(pixels))

        return logits

    def plain(self, pixels: Tensor) -> Tensor:
        """All outputs ``(N, K)`` on ``device`` by eager fp32 torch, nothing folded, without graph."""
        import torch

        images = pixels.detach().to(self.device)
        with torch.no_grad(), full_fp32(images.device):
            return self.through(self.network)(images).float()

    def _in_fp64(self) -> Callable[[Tensor], Tensor]:
        """Outputs by a copy of the network in fp64; it fails where the network casts to fp32 itself."""
        import torch

        network = copy.deepcopy(self.network).double()

        def outputs(pixels: Tensor) -> Tensor:
            with torch.no_grad():
                inputs = self.affine(pixels.to(self.device)).double()
                return logits_of(network(inputs), self.name, len(pixels)).cpu()

        return outputs

    def refer(self, pixels: Tensor, *, random: bool = False) -> Reference:
        """The answers to the first images of a size, in main memory, once the network has shown that it can be trusted.

        Args:
            pixels: float32 ``(N, 3, H, W)``; not looked at where images of their size have been before.
            random: it may draw at random, as defences do.

        Raises:
            ModelError: it fails, or its answers cannot be used; the message says why.
        """
        size = (pixels.shape[2], pixels.shape[3])
        first = pixels[:REFERENCE_IMAGES].detach().contiguous().cpu()

        def outputs_of(images: Tensor) -> Tensor:
            return self.plain(images).cpu()

        with self.lock, self.refusing():
            if (reference := self.references.get(size)) is not None:
                return reference
            with self.foreign_errors(first), contained():
                with observed_pass(self.network, NORMS) as observed:
                    outputs = outputs_of(first)
                refuse_probabilities(self.select(outputs), self.name)
                draws = random and not bool(outputs_of(first).equal(outputs))
                if not draws:
                    refuse_broken(outputs_of, first, outputs, self.name, self._in_fp64)
            reference = Reference(first, outputs, observed.once())
            if not draws and bool(first.isfinite().all()):
                self.references[size] = reference
        return reference

    def refuse_company(self, outputs: Function, pixels: Tensor, logits: Tensor | None = None) -> None:
        """Raise an error where the first batch so large changes the answer to one of its images.

        Args:
            outputs: float32 pixels to logits.
            pixels: the batch.
            logits: its own, where they are at hand.

        Raises:
            RefusedModelError: it does, or the model was refused before.
        """
        size = (pixels.shape[2], pixels.shape[3])
        if len(pixels) <= max(REFERENCE_IMAGES, self.largest_batches.get(size, 0)):
            return
        with self.lock, self.refusing(), self.foreign_errors(pixels), contained():
            images = pixels.detach()
            answers = outputs(images) if logits is None else logits
            refuse_company(outputs, images, answers, self.name, self._in_fp64 if self.has_gradients else _none)
        self.largest_batches[size] = len(pixels)

    def folded(self, reference: Reference, *, norms: bool = True) -> nn.Module:
        """A copy in the faster memory layout, its norms folded where that changes nothing that matters."""
        import torch

        size, device = (reference.pixels.shape[2], reference.pixels.shape[3]), torch.device(self.device)
        for pairs in (reference.foldable, {}) if norms else ():
            copied = folded(self.network, pairs)
            with full_fp32(device):
                network = in_faster_layout(copied, self.through(copied), size, device)
            if self.exact(network, reference):
                return network
        return folded(self.network, {})

    def exact(self, network: nn.Module, reference: Reference) -> bool:
        """Whether a copy gives the reference's logits, but for rounding."""
        import torch

        with torch.no_grad(), full_fp32(torch.device(self.device)):
            outputs = self.through(network)(reference.pixels.to(self.device))
        return compare(outputs.float().cpu(), reference.logits).exact

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """Remember a refusal within; one that was raised before is raised again, as other pictures may hide why.

        Raises:
            RefusedModelError: it was refused before.
        """
        if self.refusals:
            raise RefusedModelError(self.refusals[0])
        try:
            yield
        except RefusedModelError as error:
            self.refusals.append(str(error))
            raise

    @contextmanager
    def foreign_errors(self, pixels: Tensor) -> Iterator[None]:
        """Make one line of foreign errors within, with the model's name; a person's own file changes nothing."""
        height, width = pixels.shape[2:]
        own = self.name.startswith("py:") or isinstance(self.network, PlainFunction)
        aside = well_behaved() if own else nullcontext()
        what = f"fails on {len(pixels)} images of {height} x {width} px"
        with foreign_errors(self.name, what, self.package), aside:
            yield


def _none() -> None:
    """No form of the network in fp64."""
