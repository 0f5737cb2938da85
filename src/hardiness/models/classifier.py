"""The one wrapper around every model: pixels in [0, 1] in, logits out."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray

from hardiness.core import CANVAS_224, ArgumentError, ModelError, ModelSpec
from hardiness.models.chosen_runtimes import ChosenRuntimes
from hardiness.models.execution.agreement import Agreement
from hardiness.models.execution.arithmetic import differentiable_fp32, differentiable_outputs
from hardiness.models.execution.device_link import DeviceLink, link_to
from hardiness.models.execution.placement import ComputeSettings
from hardiness.models.fingerprint import Identity
from hardiness.models.gradient_networks import GradientNetworks
from hardiness.models.layers import Layers
from hardiness.models.original import Original
from hardiness.models.preprocessing import InputPolicy, Normalisation

if TYPE_CHECKING:
    from torch import Tensor, nn


@final
class Classifier:
    """An image classifier: the same three functions whatever the model; models differ by spec.

    Pixels are float32 ``(N, 3, H, W)``, RGB in [0, 1]. The original network is kept for gradients of inner layers and
    as the reference; runtimes and `differentiable` use copies made when first needed (so gradients double the memory
    of the weights). The first images of each size decide, once, whether a runtime is exact enough, and whether
    gradients may use a folded network: see `agreement` and `notes`.

    Attributes:
        spec: identity, completed by what loading has shown.
        weights_sha256, outputs_sha256, code_sha256: what changes its rows beside the spec; see `Identity`.
        num_classes, num_parameters: width of the logits; learnable numbers, 0 for ONNX.
        has_gradients: whether `differentiable` and `activations` work; without, these raise `ModelError`.
        device, precision: where and how `logits` computes.
    """

    def __init__(
        self,
        network: Any,
        spec: ModelSpec,
        placement: ComputeSettings,
        *,
        identity: Identity,
        columns: tuple[int, ...] | None = None,
        notes: tuple[str, ...] = (),
    ) -> None:
        self.spec, self._notes = spec, (*placement.notes, *notes)
        self.weights_sha256, self.outputs_sha256 = identity.weights_sha256, identity.outputs_sha256
        self.code_sha256 = identity.code_sha256
        self.device, self.precision, self.num_classes = placement.device, placement.precision, spec.num_classes
        self._original = Original(network, spec.name, Normalisation.of(spec.view), placement.device, columns)
        self.has_gradients, self.num_parameters = self._original.has_gradients, self._original.num_parameters
        self._gradients = GradientNetworks(self._original, plain=placement.plain)
        self._runtimes = ChosenRuntimes(self._original, self._gradients, placement)
        self._layers = Layers(self._original)

    def __repr__(self) -> str:
        return f"Classifier({self.spec.name!r}, device={self.device!r}, {self.precision}, runtime={self.runtime!r})"

    def logits(self, pixels: Tensor) -> NDArray[np.float32]:
        """Logits, float32 ``(N, num_classes)``, by the fastest runtime that is exact enough; no gradients.

        May be called from several threads. A row does not depend on the other rows (OpenVINO), or to about 1e-6 of
        the largest logit (torch). NaN in, or a broken network, gives NaN out: the caller decides.

        Args:
            pixels: where `link_of` leads to, or in main memory; channels-last ones are not copied.

        Raises:
            ArgumentError: shape or type is another.
            ModelError: the network fails, returns no logits or none that are finite, mixes the images of a batch, or
                the runtime asked for cannot run it exactly enough.
        """
        _check(pixels)
        if not len(pixels):
            return np.empty((0, self.num_classes), np.float32)
        with self._original.told(pixels):
            found = self._original.select(self._runtimes.at(pixels)(pixels)).numpy()
        expected = (len(pixels), self.num_classes)
        if found.shape != expected:
            raise ModelError(f"{self.spec.name} returned logits {found.shape}, expected {expected}")
        return np.ascontiguousarray(found, np.float32)

    def differentiable(self, pixels: Tensor) -> Tensor:
        """The same function through torch autograd: fp32 logits ``(N, num_classes)`` on `device`.

        First derivatives; they flow to ``pixels`` where these require them.
        """
        given = self._given(pixels, "differentiable")
        return differentiable_fp32(self._original.logits(self._gradients.at(given)), given)

    def plain_logits(self, pixels: Tensor) -> Tensor:
        """Logits ``(N, num_classes)`` on `device` by eager fp32 torch, nothing folded, without graph: what judges.

        A model without gradients (ONNX) answers through its own runtime.
        """
        import torch

        if not self.has_gradients:
            return torch.from_numpy(self.logits(pixels.detach().cpu()))
        _check(pixels)
        with self._original.told(pixels):
            return self._original.select(self._original.plain(pixels))

    def differentiable_through(self, change: Callable[[nn.Module], nn.Module]) -> Callable[[Tensor], Tensor]:
        """`differentiable` of a changed copy of the original network, e.g. with another backward pass; unchecked."""
        self._original.need_gradients("differentiable")
        logits = self._original.logits(change(self._original.network))
        return lambda pixels: differentiable_fp32(logits, self._given(pixels, "differentiable"))

    def activations(self, pixels: Tensor, layer: str) -> Tensor:
        """What ``layer`` of the original network puts out for ``pixels``, through torch autograd, on `device`.

        A layer is a dotted module name, e.g. ``"layer4.2.conv3"`` or ``"avgpool"``.

        Raises:
            UnknownNameError: there is no such layer; the message offers close names.
            ModelError: the layer does not run or puts out no single tensor.
        """
        return self.features(pixels, (layer,))[0]

    def features(self, pixels: Tensor, layers: Sequence[str]) -> tuple[Tensor, ...]:
        """`activations` of several layers from one pass, which ends after the last of them."""
        given = self._given(pixels, "activations")
        return differentiable_outputs(lambda x: self._layers(x, layers), given)

    def layers(self, px: int) -> dict[str, tuple[int, ...]]:
        """The layers that put out a tensor, in the order they end, with its shape for one image of that size."""
        return self._layers.shapes(px)

    def pooled(self, pixels: Tensor) -> Tensor:
        """What the last layer reads for ``pixels``, averaged over positions: ``(N, F)``, as `differentiable`."""
        given = self._given(pixels, "pooled features")
        return differentiable_fp32(self._gradients.headless_at(given), given)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know about how it was loaded, and about its gradients."""
        return (*self._notes, *self._gradients.notes)

    @property
    def runtime(self) -> str:
        """Name of the runtime in use; before the first `logits`, of the one that will be tried first."""
        return self._runtimes.name

    @property
    def agreement(self) -> Agreement | None:
        """The worst agreement of the runtimes in use with plain fp32 torch; ``None`` before the first `logits`."""
        return self._runtimes.agreement

    @property
    def streams(self) -> int:
        """How many calls of `logits` may usefully run at the same time."""
        return self._runtimes.streams

    def feed(self, canvas_px: int = CANVAS_224.crop_px) -> InputPolicy:
        """How a canvas of that size is fed: as it is where the network accepts it, else resized to the view's crop."""
        own = self.spec.input_px
        return InputPolicy(canvas_px, canvas_px if own is None else own)

    def activation_bytes(self, px: int) -> int:
        """Bytes that all layers put out for one image of that size, in fp32; for ONNX an estimate by image size."""
        return self._runtimes.activation_bytes(px)

    def _given(self, pixels: Tensor, wanted: str) -> Tensor:
        """Pixels on `device`, checked, for what needs gradients."""
        self._original.need_gradients(wanted)
        _check(pixels)
        return pixels.to(self.device)


def unseen(classifier: Classifier) -> Classifier:
    """The same classifier before its first image: what is tried on it decides nothing for the other."""
    other = copy.copy(classifier)
    other._gradients = classifier._gradients.anew()
    other._runtimes = classifier._runtimes.anew(other._gradients)
    return other


def link_of(classifier: Classifier) -> DeviceLink:
    """The way of images to where `Classifier.logits` wants their pixels: its device, for ONNX main memory."""
    return link_to(classifier.device if classifier.has_gradients else "cpu")


def _check(pixels: Tensor) -> None:
    import torch

    if pixels.ndim != 4 or pixels.shape[1] != 3 or pixels.dtype != torch.float32:
        raise ArgumentError(
            f"pixels must be float32 (N, 3, H, W) in [0, 1], were {str(pixels.dtype).removeprefix('torch.')} "
            f"{tuple(pixels.shape)}"
        )
