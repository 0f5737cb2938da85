"""The one wrapper around every model: pixels in [0, 1] in, logits out."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray

from hardiness.core import CANVAS_224, ArgumentError, ModelError, ModelSpec
from hardiness.models.catalogue import OnnxFile
from hardiness.models.execution.agreement import REFERENCE_IMAGES, Agreement, compare, same_gradient
from hardiness.models.execution.arithmetic import differentiable_outputs, differentiable_rows, full_fp32
from hardiness.models.execution.folding import NORMS, folded
from hardiness.models.execution.memory import activation_bytes
from hardiness.models.execution.placement import Placement
from hardiness.models.execution.reference import Function, Reference, refuse_broken
from hardiness.models.execution.runtimes import Plan, Runtime, runtimes
from hardiness.models.execution.watching import watching
from hardiness.models.failures import contained, told, well_behaved
from hardiness.models.fingerprint import Identity
from hardiness.models.layers import Layers, last_layer, without
from hardiness.models.outputs import logits_of, refuse_probabilities
from hardiness.models.preprocessing import Affine, InputPolicy

if TYPE_CHECKING:
    from torch import Tensor, nn


@final
class Classifier:
    """An image classifier: the same three functions whatever the model; models differ by spec.

    The original network is kept for gradients of inner layers and as the reference; runtimes and `differentiable`
    use copies made when first needed (so gradients double the memory of the weights). The first images of each size
    decide, once, whether a runtime is exact enough, and whether gradients may use a folded network: see `agreement`
    and `notes`.

    Attributes:
        spec: identity, completed by what loading has shown.
        weights_sha256, outputs_sha256, code_sha256: what changes its rows beside the spec; see `Identity`.
        num_classes: width of the logits.
        num_parameters: learnable ones; 0 for ONNX.
        has_gradients: whether `differentiable` and `activations` work.
        device, precision: where and how `logits` computes.
        notes: what a person should know about how it was loaded.
    """

    def __init__(
        self,
        network: Any,
        spec: ModelSpec,
        placement: Placement,
        *,
        identity: Identity,
        columns: tuple[int, ...] | None = None,
        notes: tuple[str, ...] = (),
    ) -> None:
        self.spec, self.notes = spec, (*placement.notes, *notes)
        self.weights_sha256, self.outputs_sha256 = identity.weights_sha256, identity.outputs_sha256
        self.code_sha256 = identity.code_sha256
        self.device, self.precision = placement.device, placement.precision
        self.has_gradients = not isinstance(network, OnnxFile)
        self.num_classes = spec.num_classes
        self._network: Any = network
        self.num_parameters = sum(p.numel() for p in self._network.parameters()) if self.has_gradients else 0
        self._columns = list(columns) if columns is not None else None
        self._placement = placement
        self._affine = Affine.of(spec.view)
        self._lock = threading.RLock()
        self._runtimes: dict[tuple[int, int], Runtime] = {}
        self._agreements: list[Agreement] = []
        self._gradient_networks: dict[tuple[int, int], nn.Module] = {}
        self._headless: dict[tuple[int, int], nn.Module] = {}
        self._layers = Layers(network, spec.name)

    def __repr__(self) -> str:
        return f"Classifier({self.spec.name!r}, device={self.device!r}, {self.precision}, runtime={self.runtime!r})"

    def logits(self, pixels: Tensor) -> NDArray[np.float32]:
        """Logits, float32 ``(N, num_classes)``, by the fastest runtime that is exact enough; no gradients.

        May be called from several threads. A row does not depend on the other rows (OpenVINO), or to about 1e-6 of
        the largest logit (torch). NaN in, or a broken network, gives NaN out: the caller decides.

        Args:
            pixels: float32 ``(N, 3, H, W)``, RGB in [0, 1], in main memory; channels-last ones are not copied.

        Raises:
            ArgumentError: shape or type is another.
            ModelError: the network fails, returns no logits or none that are finite, mixes the images of a batch, or
                the runtime asked for cannot run it exactly enough.
        """
        _check(pixels)
        if not len(pixels):
            return np.empty((0, self.num_classes), np.float32)
        with self._told(pixels):
            found = self._ready(pixels)(pixels).numpy()
        kept = found if self._columns is None else found[:, self._columns]
        if kept.shape != (len(pixels), self.num_classes):
            raise ModelError(
                f"{self.spec.name} returned logits {kept.shape}, expected {(len(pixels), self.num_classes)}"
            )
        return np.ascontiguousarray(kept, np.float32)

    def differentiable(self, pixels: Tensor) -> Tensor:
        """The same function through torch autograd: fp32 logits ``(N, num_classes)`` on `device`.

        First derivatives, by one backward pass.

        Args:
            pixels: float32 ``(N, 3, H, W)``, RGB in [0, 1]; gradients flow to it where it requires them.

        Raises:
            ModelError: the model has no gradients (ONNX), or fails.
        """
        self._need_gradients("differentiable")
        _check(pixels)
        given = pixels.to(self.device)
        network = self._network_for_gradients(given)

        def run(x: Tensor) -> Tensor:
            with self._told(x):
                return self._select(logits_of(network(self._affine(x)), self.spec.name, len(x)))

        return differentiable_rows(run, given)

    def plain_logits(self, pixels: Tensor) -> Tensor:
        """Logits ``(N, num_classes)`` on `device` by eager fp32 torch, nothing folded, without graph: what judges.

        A model without gradients (ONNX) answers through its own runtime.

        Args:
            pixels: float32 ``(N, 3, H, W)``, RGB in [0, 1].
        """
        import torch

        if not self.has_gradients:
            return torch.from_numpy(self.logits(pixels.detach().cpu()))
        _check(pixels)
        given = pixels.detach().to(self.device)
        with torch.no_grad(), full_fp32(given.device), self._told(given):
            outputs = logits_of(self._network(self._affine(given)), self.spec.name, len(given))
        return self._select(outputs).float()

    def differentiable_through(self, change: Callable[[nn.Module], nn.Module]) -> Callable[[Tensor], Tensor]:
        """`differentiable` of a changed copy of the original network, e.g. with another backward pass; unchecked.

        Raises:
            ModelError: the model has no gradients (ONNX).
        """
        self._need_gradients("differentiable")
        network = change(self._network)

        def logits(pixels: Tensor) -> Tensor:
            _check(pixels)
            return differentiable_rows(lambda x: self._select(self._run(network)(x)), pixels.to(self.device))

        return logits

    def activations(self, pixels: Tensor, layer: str) -> Tensor:
        """What ``layer`` of the original network puts out for ``pixels``, through torch autograd, on `device`.

        A layer is a dotted module name, e.g. ``"layer4.2.conv3"`` or ``"avgpool"``; pixels as for `differentiable`.

        Raises:
            UnknownNameError: there is no such layer; the message offers close names.
            ModelError: the model has no gradients (ONNX), or the layer does not run or puts out no single tensor.
        """
        (found,) = self.features(pixels, (layer,))
        return found

    def layers(self, px: int) -> dict[str, tuple[int, ...]]:
        """The layers that put out a tensor, in the order they end, with its shape for one image of that size."""
        self._need_gradients("layers")
        with self._lock, told(self.spec.name, f"fails on images of {px} px"):
            return self._layers.shapes(self._affine, px)

    def features(self, pixels: Tensor, layers: Sequence[str]) -> tuple[Tensor, ...]:
        """`activations` of several layers from one pass, which ends after the last of them."""
        self._need_gradients("activations")
        _check(pixels)
        self._layers.check(layers)

        def run(x: Tensor) -> tuple[Tensor, ...]:
            with self._lock, self._told(x):
                return self._layers(self._affine(x), layers)

        return differentiable_outputs(run, pixels.to(self.device))

    def pooled(self, pixels: Tensor) -> Tensor:
        """What the last layer reads for ``pixels``, averaged over positions: ``(N, F)``, as `differentiable`.

        Raises:
            ModelError: the model has no gradients (ONNX), or no last layer.
        """
        self._need_gradients("pooled features")
        _check(pixels)
        given = pixels.to(self.device)
        network = self._network_for_gradients(given)
        size = (given.shape[2], given.shape[3])
        with self._lock, self._told(given):
            if size not in self._headless:
                last = last_layer(self._network, self._affine(given[:1].detach()), self.spec.name)
                self._headless[size] = without(network, last)
        headless = self._headless[size]
        return differentiable_rows(lambda x: headless(self._affine(x)), given)

    @property
    def runtime(self) -> str:
        """Name of the runtime in use; before the first `logits`, of the one that will be tried first."""
        used = {runtime.name for runtime in self._runtimes.values()}
        return "+".join(sorted(used)) if used else self._placement.candidates[0]

    @property
    def agreement(self) -> Agreement | None:
        """The worst agreement of the runtimes in use with plain fp32 torch; ``None`` before the first `logits`."""
        return max(self._agreements, key=lambda a: (a.fallback is not None, a.max_error), default=None)

    @property
    def streams(self) -> int:
        """How many calls of `logits` may usefully run at the same time."""
        used = self._runtimes.values() or (runtimes.get(self._placement.candidates[0]),)
        return max(runtime.streams for runtime in used)

    def feed(self, canvas_px: int = CANVAS_224.crop_px) -> InputPolicy:
        """How a canvas of that size is fed: as it is where the network accepts it, else resized to the view's crop."""
        own = self.spec.input_px
        return InputPolicy(canvas_px, canvas_px if own is None else own)

    def activation_bytes(self, px: int) -> int:
        """Bytes that all layers put out for one image of that size, in fp32; for ONNX an estimate by image size."""
        with self._lock, told(self.spec.name, f"fails on an image of {px} px"):
            return activation_bytes(self._network, px) if self.has_gradients else 60 * 3 * px * px * 4

    def _need_gradients(self, wanted: str) -> None:
        if not self.has_gradients:
            raise ModelError(
                f"{self.spec.name} runs in ONNX Runtime and has no gradients, so no {wanted}; use a torch model"
            )

    def _select(self, outputs: Tensor) -> Tensor:
        return outputs if self._columns is None else outputs[:, self._columns]

    @contextmanager
    def _told(self, pixels: Tensor) -> Iterator[None]:
        """Within, foreign errors become one line that names the model, and a person's own file changes nothing."""
        height, width = pixels.shape[2:]
        aside = well_behaved() if self.spec.name.startswith("py:") else nullcontext()
        with told(self.spec.name, f"fails on {len(pixels)} images of {height} x {width} px"), aside:
            yield

    def _ready(self, pixels: Tensor) -> Function:
        size = (pixels.shape[2], pixels.shape[3])
        runtime = self._runtimes.get(size)
        if runtime is None and self.has_gradients and not pixels[:REFERENCE_IMAGES].isfinite().flatten(1).all(1).any():
            return self._plain  # nothing to choose a runtime by
        if runtime is None:
            with self._lock:
                if size not in self._runtimes:
                    self._runtimes[size] = self._choose(pixels, size)
                runtime = self._runtimes[size]
        return runtime

    def _choose(self, pixels: Tensor, size: tuple[int, int]) -> Runtime:
        """The first candidate that runs and, in fp32, agrees with the reference."""
        reference = self._refer(pixels) if self.has_gradients else None  # ONNX Runtime is its own reference
        plan = self._plan(size, reference)
        reasons: list[str] = []
        for name in self._placement.candidates:
            try:
                runtime = runtimes.get(name)(plan)
                with self._told(pixels):
                    found = runtime(reference.pixels if reference else pixels[:REFERENCE_IMAGES])
                if reference is None:
                    refuse_broken(runtime, pixels[:REFERENCE_IMAGES], found, self.spec.name)
            except ModelError as error:
                reasons.append(f"{name}: {error}")
                continue
            refuse_probabilities(self._select(found), self.spec.name)
            agreement = compare(found, reference.logits) if reference else Agreement(0.0, 1.0, 0)
            if self.precision != "fp32" or agreement.exact or reference is None:
                self._agreements.append(replace(agreement, fallback="; ".join(reasons) or None))
                return runtime
            reasons.append(f"{name} is not exact enough: {agreement}")
        if reference and "torch" in self._placement.candidates and self.precision == "fp32":
            runtime = runtimes.get("torch")(replace(plan, plain=True))  # the reference itself
            agreement = compare(runtime(reference.pixels), reference.logits)
            self._agreements.append(replace(agreement, fallback=f"{'; '.join(reasons)}; so the plain network runs"))
            return runtime
        raise ModelError(f"{self.spec.name} cannot run as asked: {'; '.join(reasons)}")

    def _plan(self, size: tuple[int, int], reference: Reference | None) -> Plan:
        def make_folded(own: bool) -> nn.Module:
            assert reference is not None
            return self._folded(reference) if own else self._network_for_gradients(reference.pixels, reference)

        return Plan(
            name=self.spec.name,
            network=self._network,
            folded=make_folded,
            affine=self._affine,
            device=self.device,
            precision=self.precision,
            px=size,
            activation_bytes=self.activation_bytes(max(size)),
            weight_bytes=4 * self.num_parameters,
        )

    def _refer(self, pixels: Tensor, *, random: bool = False) -> Reference:
        """What the plain network gives on the first images, once it has shown that it can be trusted.

        With ``random`` a network may draw at random: defences do, and whoever attacks one tells so.
        """
        first = pixels[:REFERENCE_IMAGES].detach().contiguous().cpu()
        with self._told(first), contained():
            with watching(self._network, NORMS) as watch:
                outputs = self._plain(first)
            refuse_probabilities(self._select(outputs), self.spec.name)
            if not random or bool(self._plain(first).equal(outputs)):
                refuse_broken(self._plain, first, outputs, self.spec.name)
        return Reference(first, outputs, watch.once())

    def _plain(self, pixels: Tensor) -> Tensor:
        """All outputs by plain eager torch, fp32, nothing folded, in main memory."""
        import torch

        device = torch.device(self.device)
        with torch.no_grad(), full_fp32(device):
            outputs = self._network(self._affine(pixels.to(device)))
            return logits_of(outputs, self.spec.name, len(pixels)).float().cpu()

    def _network_for_gradients(self, pixels: Tensor, reference: Reference | None = None) -> nn.Module:
        """The network that gradients of images of this size go through; compared with the plain one once a size."""
        size = (pixels.shape[2], pixels.shape[3])
        with self._lock:
            if size not in self._gradient_networks:
                self._gradient_networks[size] = self._chosen(pixels, reference)
            return self._gradient_networks[size]

    def _chosen(self, pixels: Tensor, reference: Reference | None) -> nn.Module:
        import torch

        if self._placement.plain:
            plain: nn.Module = self._network
            return plain
        found = reference or self._refer(pixels, random=True)
        used = next(iter(self._gradient_networks.values()), None)
        network = self._folded(found) if used is None or used is self._network else used
        with full_fp32(torch.device(self.device)):
            given, original = found.pixels.to(self.device), self._run(self._network)
            if self._exact(network, found) and same_gradient(self._run(network), original, given):
                return network
        px = "x".join(map(str, found.pixels.shape[2:]))
        note = f"at {px} gradients go through the plain network: the folded one is not exact enough there"
        self.notes = (*self.notes, note)
        unfolded: nn.Module = self._network
        return unfolded

    def _run(self, network: nn.Module) -> Callable[[Tensor], Tensor]:
        return lambda given: logits_of(network(self._affine(given)), self.spec.name, len(given))

    def _folded(self, reference: Reference) -> nn.Module:
        """A copy in channels-last memory, its norms folded where that changes nothing that matters."""
        import torch

        for pairs in () if self._placement.plain else (reference.foldable, {}):
            network = folded(self._network, pairs).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
            if self._exact(network, reference):
                return network  # type: ignore[no-any-return]
        return folded(self._network, {})

    def _exact(self, network: nn.Module, reference: Reference) -> bool:
        import torch

        device = torch.device(self.device)
        with torch.no_grad(), full_fp32(device):
            outputs = logits_of(network(self._affine(reference.pixels.to(device))), self.spec.name)
        return compare(outputs.float().cpu(), reference.logits).exact


def _check(pixels: Tensor) -> None:
    import torch

    if pixels.ndim != 4 or pixels.shape[1] != 3 or pixels.dtype != torch.float32:
        raise ArgumentError(
            f"pixels must be float32 (N, 3, H, W) in [0, 1], were {str(pixels.dtype).removeprefix('torch.')} "
            f"{tuple(pixels.shape)}"
        )
