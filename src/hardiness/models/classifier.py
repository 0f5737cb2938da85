"""The one wrapper around every model: pixels in [0, 1] in, logits out."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray

from hardiness.core.errors import HardinessError, ModelError
from hardiness.core.fact import Fact
from hardiness.core.model import CANVAS_224, ModelSpec
from hardiness.models.catalogue import OpaqueNetwork, package_of
from hardiness.models.chosen_runtimes import ChosenRuntimes
from hardiness.models.determinism import differentiable_fp32
from hardiness.models.gradient_networks import GradientNetworks
from hardiness.models.identity import Identity
from hardiness.models.layers import Layers
from hardiness.models.original import Original, check_pixels
from hardiness.models.placement import ComputeSettings
from hardiness.models.preprocessing import DeviceLink, InputPolicy, Normalisation, link_to

if TYPE_CHECKING:
    from torch import Tensor, nn


FEW_IMAGES = 8
"""The number of images by which a batch is tested for company that changes answers, where a runtime hides it."""


@final
class Classifier:
    """An image classifier: the same three functions whatever the model; models differ by spec.

    Pixels are float32 ``(N, 3, H, W)``, RGB in [0, 1]. The original network is kept for gradients of inner layers and
    as the reference; runtimes and `differentiable` use copies made when first needed (so gradients double the memory
    of the weights). The first images of each size decide, once, whether a runtime is exact enough, and whether
    gradients may use a folded network: see `runtimes` and `notes`.

    Attributes:
        spec: identity, completed by what loading has shown.
        weights_sha256, outputs_sha256, code_sha256: its identity beside the spec; see `Identity`.
        num_classes, num_parameters: width of the logits; learnable numbers, 0 for ONNX.
        outputs: ``"probabilities"`` where `logits` are their logarithms, empty where they are logits.
        has_gradients: whether `differentiable` and ``layers.outputs`` work; without, these raise `ModelError`.
        device, precision: where and how `logits` computes.
        runtimes: those of `logits`, and their agreement with plain fp32 torch.
        layers: those of the original network: their shapes and outputs.
    """

    def __init__(
        self,
        network: Any,
        spec: ModelSpec,
        placement: ComputeSettings,
        *,
        identity: Identity,
        columns: tuple[int, ...] | None = None,
        notes: Iterable[Fact] = (),
        outputs: str = "",
    ) -> None:
        self.outputs = outputs
        self.spec, self._notes = spec, (*placement.notes, *notes)
        self.weights_sha256, self.outputs_sha256 = identity.weights_sha256, identity.outputs_sha256
        self.code_sha256 = identity.code_sha256
        self.device, self.precision, self.num_classes = placement.device, placement.precision, spec.num_classes
        affine = Normalisation.from_view(spec.view)
        self._original = Original(network, spec.name, affine, placement.device, columns, package=package_of(spec))
        self.has_gradients, self.num_parameters = self._original.has_gradients, self._original.num_parameters
        self._gradients = GradientNetworks(self._original, plain=placement.plain)
        self.runtimes = ChosenRuntimes(self._original, self._gradients, placement)
        self.layers = Layers(self._original)
        self._loader: Callable[[], Classifier] | None = None

    def __repr__(self) -> str:
        return (
            f"Classifier({self.spec.name!r}, device={self.device!r}, {self.precision}, runtime={self.runtimes.name!r})"
        )

    def logits(self, pixels: Tensor) -> NDArray[np.float32]:
        """Logits, float32 ``(N, num_classes)``, by the fastest runtime that is exact enough; no gradients.

        May be called from several threads. A row does not depend on the other rows (OpenVINO), or to about 1e-6 of
        the largest logit (torch). NaN in, or a broken network, gives NaN out: the caller decides.

        Args:
            pixels: where `link` leads to, or in main memory; channels-last ones are not copied.

        Raises:
            ArgumentError: shape or type is another.
            ModelError: the network fails, returns no logits or none that are finite, mixes the images of a batch, or
                the runtime asked for cannot run it exactly enough.
        """
        check_pixels(pixels)
        if not len(pixels):
            return np.empty((0, self.num_classes), np.float32)
        with self._original.foreign_errors(pixels):
            outputs_of = self.runtimes.at(pixels)
            outputs = outputs_of(pixels)
        logits = self._original.select(outputs).numpy()
        expected = (len(pixels), self.num_classes)
        if logits.shape != expected:
            raise ModelError(f"{self.spec.name} returned logits {logits.shape}, expected {expected}")
        if self.has_gradients and getattr(outputs_of, "name", "torch") != "torch":
            # Such a runtime may treat each image on its own where the network does not.
            few = pixels[:FEW_IMAGES]
            self._original.refuse_company(self._original.plain, few)
        self._original.refuse_company(outputs_of, pixels, outputs)
        return np.ascontiguousarray(logits, np.float32)

    def differentiable(self, pixels: Tensor) -> Tensor:
        """Logits through torch autograd, fp32 ``(N, num_classes)`` on `device`.

        First derivatives; they flow to ``pixels`` where these require them.
        """
        original = self._original
        pixels = original.checked_pixels(pixels, "differentiable")
        logits = differentiable_fp32(original.logits(self._gradients.at(pixels)), pixels)
        original.refuse_company(lambda images: original.select(original.plain(images)), pixels, logits.detach())
        return logits

    def plain_logits(self, pixels: Tensor) -> Tensor:
        """Logits ``(N, num_classes)`` on `device` by eager fp32 torch, nothing folded, without graph: what judges.

        A model without gradients (ONNX) answers through its own runtime.
        """
        import torch

        if not self.has_gradients:
            return torch.from_numpy(self.logits(pixels.detach().cpu()))
        check_pixels(pixels)
        with self._original.foreign_errors(pixels):
            outputs = self._original.plain(pixels)
        self._original.refuse_company(self._original.plain, pixels, outputs)
        return self._original.select(outputs)

    def differentiable_through(self, change: Callable[[nn.Module], nn.Module]) -> Callable[[Tensor], Tensor]:
        """`differentiable` of a changed copy of the original network, e.g. with another backward pass; unchecked."""
        self._original.need_gradients("differentiable")
        logits = self._original.logits(change(self._original.network))
        return lambda pixels: differentiable_fp32(logits, self._original.checked_pixels(pixels, "differentiable"))

    def pooled(self, pixels: Tensor) -> Tensor:
        """The features that the last layer reads, averaged over positions: ``(N, F)``, as `differentiable`."""
        pixels = self._original.checked_pixels(pixels, "pooled features")
        return differentiable_fp32(self._gradients.headless_at(pixels), pixels)

    @property
    def notes(self) -> tuple[Fact, ...]:
        """Notes on how it was loaded, and on its gradients."""
        return (*self._notes, *self._gradients.notes)

    @property
    def why_no_gradients(self) -> str:
        """The reason why it has no gradients, in words; empty where it has them."""
        network = self._original.network
        return f"it {network.kind}" if isinstance(network, OpaqueNetwork) else ""

    def feed(self, canvas_px: int = CANVAS_224.crop_px) -> InputPolicy:
        """The policy for a canvas of that size: as it is where the network takes it, else the view's crop."""
        own = self.spec.input_px
        return InputPolicy(canvas_px, canvas_px if own is None else own)

    @property
    def link(self) -> DeviceLink:
        """The way of images to where `logits` wants their pixels: its device, for ONNX main memory."""
        return link_to(self.device if self.has_gradients else "cpu")

    def activation_bytes(self, px: int) -> int:
        """Bytes that all layers put out for one image of that size, in fp32; for ONNX an estimate by image size."""
        return self._original.activation_bytes(px)

    def load_afresh_by(self, loader: Callable[[], Classifier]) -> Classifier:
        """The classifier itself, which makes copies that have seen no image by this loader; see `afresh`."""
        self._loader = loader
        return self

    def afresh(self) -> Classifier | None:
        """A copy that has seen no image and shares no memory with this one; ``None`` where none can be had.

        A model that is known by its name is loaded again, code of one's own included; of a module that was handed over
        there is the copy that was made then, while nothing that it shares with the module has changed. A plain
        function cannot be copied.
        """
        if self._loader is None:
            return None
        try:
            other = self._loader()
        except HardinessError:
            return None
        same = (self.weights_sha256, self.code_sha256) == (other.weights_sha256, other.code_sha256)
        return other if same else None

    def anew(self) -> Classifier:
        """A copy as it was before its first image: the runtime that is chosen for the copy is chosen for it alone."""
        other = copy.copy(self)
        other._gradients = self._gradients.anew()
        other.runtimes = self.runtimes.anew(other._gradients)
        return other
