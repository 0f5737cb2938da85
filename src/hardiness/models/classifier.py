"""The one wrapper around every model: pixels in [0, 1] in, logits out."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray

from hardiness.core.errors import ArgumentError, HardinessError, ModelError, RefusedModelError, UnknownNameError
from hardiness.core.model import CANVAS_224, ModelSpec
from hardiness.models.catalogue import OpaqueNetwork, PlainFunction
from hardiness.models.determinism import differentiable_fp32, differentiable_outputs, full_fp32
from hardiness.models.exactness import (
    REFERENCE_IMAGES,
    Agreement,
    Function,
    Reference,
    compare,
    refuse_broken,
    refuse_company,
    same_gradient,
)
from hardiness.models.failures import contained, foreign_errors, well_behaved
from hardiness.models.folding import NORMS, folded, with_the_same_tensors
from hardiness.models.forward_pass import observed_pass
from hardiness.models.identity import Identity
from hardiness.models.memory_layout import in_faster_layout
from hardiness.models.padding import evenly_padded
from hardiness.models.placement import ComputeSettings, activation_bytes
from hardiness.models.preprocessing import DeviceLink, InputPolicy, Normalisation, link_to
from hardiness.models.runtimes import Executable, Runtime, runtimes
from hardiness.models.runtimes.function_runtime import FunctionRuntime
from hardiness.models.runtimes.onnx_runtime import OnnxRuntime

if TYPE_CHECKING:
    from torch import Tensor, nn


_SUM_TOLERANCE = 1e-3

FEW_IMAGES = 8
"""Images that are asked whether they change each other's answers, where the runtime would not show it."""


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


@dataclass(frozen=True)
class Original:
    """A network that is never changed, and copies of it that must answer as it does.

    Attributes:
        network: in evaluation mode, on ``device``; or an ONNX file, which has no gradients.
        name: of the model, for messages.
        affine: from pixels in [0, 1] to what the network reads.
        device: a torch device.
        columns: which outputs are the classes, in order; ``None`` for all of them.
        lock: held while hooks are on the network, or a copy of it is chosen.
        references: what it gave on the first images of a size, height and width in pixels; in main memory.
        layer_bytes: what its layers put out for one image, by its side in pixels.
        refusals: why its answers cannot be used, once some pictures have shown it; others need not show it.
        largest_batches: images of a size that were given together at most and treated each on its own.
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

    @property
    def has_gradients(self) -> bool:
        """Whether it is a torch network that autograd can go through."""
        return not isinstance(self.network, OpaqueNetwork)

    @property
    def num_parameters(self) -> int:
        """Learnable ones; 0 for ONNX."""
        return sum(p.numel() for p in self.network.parameters()) if self.has_gradients else 0

    def need_gradients(self, wanted: str) -> None:
        """Raise an error unless it has gradients.

        Raises:
            ModelError: it is no torch network; the message names what was wanted.
        """
        if isinstance(self.network, OpaqueNetwork):
            raise ModelError(f"{self.name} {self.network.kind} and has no gradients, so no {wanted}; use a torch model")

    def select(self, outputs: Tensor) -> Tensor:
        """The columns of the classes, ``(N, num_classes)``."""
        return outputs if self.columns is None else outputs[:, list(self.columns)]

    def through(self, network: nn.Module) -> Callable[[Tensor], Tensor]:
        """Pixels on ``device`` to all outputs ``(N, K)`` of a copy of the network, by torch autograd."""
        return lambda pixels: logits_of(network(self.affine(pixels)), self.name, len(pixels))

    def logits(self, network: nn.Module) -> Callable[[Tensor], Tensor]:
        """As `through`, but to the columns of the classes, and with errors that name the model."""
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
        """As `plain`, by a copy of the network in fp64; it fails where the network casts to fp32 itself."""
        import torch

        network = copy.deepcopy(self.network).double()

        def outputs(pixels: Tensor) -> Tensor:
            with torch.no_grad():
                inputs = self.affine(pixels.to(self.device)).double()
                return logits_of(network(inputs), self.name, len(pixels)).cpu()

        return outputs

    def refer(self, pixels: Tensor, *, random: bool = False) -> Reference:
        """What it gives on the first images of a size, in main memory, once it has shown that it can be trusted.

        Args:
            pixels: float32 ``(N, 3, H, W)``; not looked at where images of their size have been before.
            random: it may draw at random: defences do, and whoever attacks one tells so.

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
        """Raise an error where the first batch so large changes what one of its images is answered alone.

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
        """Whether a copy gives the reference's logits, to what rounding may change."""
        import torch

        with torch.no_grad(), full_fp32(torch.device(self.device)):
            outputs = self.through(network)(reference.pixels.to(self.device))
        return compare(outputs.float().cpu(), reference.logits).exact

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """Within, a refusal is remembered; one that was raised before is raised again, as other pictures may hide why.

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
        """Within, foreign errors become one line that names the model, and a person's own file changes nothing."""
        height, width = pixels.shape[2:]
        own = self.name.startswith("py:") or isinstance(self.network, PlainFunction)
        aside = well_behaved() if own else nullcontext()
        with foreign_errors(self.name, f"fails on {len(pixels)} images of {height} x {width} px"), aside:
            yield


class _StopForward(Exception):  # noqa: N818  # no error: it leaves a forward pass early
    """Everything asked for has been seen."""

    def __init__(self, features: Any = None) -> None:
        super().__init__()
        self.features = features


class Layers:
    """Reads layers of the original network; one thread at a time.

    How often each layer runs is counted on the first pass of an input size, so that later passes end where the last
    layer asked for has run the last time.
    """

    def __init__(self, original: Original) -> None:
        self._original = original
        self._calls: dict[tuple[Any, ...], int] = {}

    def shapes(self, px: int) -> dict[str, tuple[int, ...]]:
        """What shape each layer puts out for one image of that size, without the batch, in the order they end.

        Raises:
            ModelError: the network fails on it, or is an ONNX file.
        """
        import torch

        self._original.need_gradients("layers")
        shapes: dict[str, tuple[int, ...]] = {}

        def note(layer: str) -> Any:
            def hook(_module: nn.Module, _inputs: Any, output: Any) -> None:
                shapes.pop(layer, None)
                if isinstance(output, torch.Tensor) and output.ndim > 1:
                    shapes[layer] = tuple(output.shape[1:])

            return hook

        original = self._original
        grey = torch.full((1, 3, px, px), 0.5, device=original.device)
        with (
            original.lock,
            foreign_errors(original.name, f"fails on images of {px} px"),
            ExitStack() as stack,
            torch.no_grad(),
        ):
            for layer, module in original.network.named_modules():
                if layer:
                    stack.callback(module.register_forward_hook(note(layer)).remove)
            original.network(original.affine(grey))
        return shapes

    def __call__(self, pixels: Tensor, layers: Sequence[str]) -> tuple[Tensor, ...]:
        """What each layer puts out, by torch autograd; a layer that runs several times, the last time.

        Raises:
            UnknownNameError: one is not there; the message offers close names.
            ModelError: the network fails, or a layer does not run or puts out no single tensor.
        """
        import torch

        wanted = tuple(dict.fromkeys(layers))
        key = (wanted, tuple(pixels.shape[2:]))
        original = self._original
        modules = {name: module for name, module in original.network.named_modules() if name}
        for layer in wanted:
            if layer not in modules:
                raise UnknownNameError(f"layer of {original.name}", layer, modules)
        with original.lock, original.foreign_errors(pixels):
            with _outputs_of({layer: modules[layer] for layer in wanted}, self._calls.get(key)) as seen:
                original.network(original.affine(pixels))
            self._calls[key] = len(seen)
        outputs = dict(seen)
        for layer in wanted:
            if not isinstance(outputs.get(layer), torch.Tensor):
                raise ModelError(
                    f"layer {layer!r} of {original.name} puts out no tensor; choose one inside or after it"
                )
        return tuple(outputs[layer] for layer in layers)


@contextmanager
def _outputs_of(modules: Mapping[str, nn.Module], calls: int | None) -> Iterator[list[tuple[str, Any]]]:
    """Collects what the modules put out within, and leaves after so many outputs; hooks are always removed."""
    seen: list[tuple[str, Any]] = []

    def keep(layer: str) -> Any:
        def hook(_module: nn.Module, _inputs: Any, output: Any) -> None:
            seen.append((layer, output))
            if len(seen) == calls:
                raise _StopForward

        return hook

    with ExitStack() as stack:
        for layer, module in modules.items():
            stack.callback(module.register_forward_hook(keep(layer)).remove)
        with suppress(_StopForward):
            yield seen


def last_layer(network: nn.Module, inputs: Tensor, name: str) -> str:
    """The name of the last linear layer or convolution that runs on normalised input.

    Args:
        network: in evaluation mode.
        inputs: normalised images.
        name: for the message.

    Raises:
        ModelError: no such layer runs.
    """
    import torch
    from torch import nn

    ran: list[str] = []

    def note(layer: str) -> Any:
        return lambda _module, _inputs, _output: ran.append(layer)

    with ExitStack() as stack, torch.no_grad():
        for layer, module in network.named_modules():
            if isinstance(module, nn.Linear | nn.Conv2d):
                stack.callback(module.register_forward_hook(note(layer)).remove)
        network(inputs)
    if not ran or not ran[-1]:
        raise ModelError(f"{name} has no linear layer or convolution at its end, so no pooled features")
    return ran[-1]


def without(network: nn.Module, layer: str) -> nn.Module:
    """A network that returns what a layer of ``network`` reads, float32 ``(N, F)``; it shares all tensors.

    What the layer reads is averaged over positions, which does nothing where it has none.

    Differs: SqueezeNet pools after its last convolution, so here the pooling comes first.
    """
    from torch import nn

    class HeadInput(nn.Module):
        def forward(self, features: Tensor) -> Tensor:
            raise _StopForward(features)

    class NetworkWithoutHead(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = with_the_same_tensors(network)
            self.body.set_submodule(layer, HeadInput())

        def forward(self, x: Tensor) -> Tensor:
            try:
                self.body(x)
            except _StopForward as reached:
                return _pooled(reached.features)
            raise AssertionError("the last layer ran a moment ago")

    return NetworkWithoutHead().eval()


def _pooled(features: Tensor) -> Tensor:
    """Features ``(N, F)`` from ``(N, F)``, ``(N, F, H, W)`` or tokens ``(N, T, F)``."""
    positions = {2: (), 3: (1,), 4: (2, 3)}[features.ndim]
    return features.mean(positions) if positions else features


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
        self.notes: tuple[str, ...] = ()

    def anew(self) -> GradientNetworks:
        """The same before the first images."""
        return GradientNetworks(self._original, plain=self._always_plain)

    def at(self, pixels: Tensor, reference: Reference | None = None) -> nn.Module:
        """The network for images of this size; the first of them are compared with the original.

        Args:
            pixels: float32 ``(N, 3, H, W)``.
            reference: what the original gives on images of this size, where that is known already.

        Raises:
            ModelError: the original fails on them.
        """
        size = (pixels.shape[2], pixels.shape[3])
        with self._original.lock, self._original.foreign_errors(pixels):
            if size not in self._by_size:
                self._by_size[size] = self._chosen(pixels, reference)
            return self._by_size[size]

    def headless_at(self, pixels: Tensor) -> Function:
        """From pixels of this size to what the last layer of their network reads, ``(N, F)``.

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

    def _chosen(self, pixels: Tensor, reference: Reference | None) -> nn.Module:
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
        px = "x".join(map(str, reference.pixels.shape[2:]))
        self.notes += (f"at {px} gradients go through the plain network: the folded one is not exact enough there",)
        return unfolded

    def _folded(self, reference: Reference) -> nn.Module:
        """The copy; on a GPU, where nobody has measured it, convolutions stay as they are."""
        import torch

        network = self._original.folded(reference)
        return evenly_padded(network) if torch.device(self._original.device).type == "cpu" else network


_ONNX_BYTES = 60 * 3 * 4
"""Of all layers' outputs, for a pixel of an ONNX model's image: an estimate, since its layers are not looked at."""


class ChosenRuntimes:
    """A runtime for each input size, chosen on the first images of that size."""

    def __init__(self, original: Original, gradients: GradientNetworks, placement: ComputeSettings) -> None:
        self._original, self._gradients, self._placement = original, gradients, placement
        self._by_size: dict[tuple[int, int], Runtime] = {}
        self._agreements: list[Agreement] = []

    def anew(self, gradients: GradientNetworks) -> ChosenRuntimes:
        """The same before the first images."""
        return ChosenRuntimes(self._original, gradients, self._placement)

    @property
    def name(self) -> str:
        """Those in use; before the first images, the one that will be tried first."""
        used = {runtime.name for runtime in self._by_size.values()}
        return "+".join(sorted(used)) if used else self._placement.candidates[0]

    @property
    def agreement(self) -> Agreement | None:
        """The worst agreement of those in use with plain fp32 torch; ``None`` before the first images."""
        return max(self._agreements, key=lambda a: (a.fallback is not None, a.max_error), default=None)

    @property
    def streams(self) -> int:
        """How many calls may usefully run at the same time."""
        used = self._by_size.values() or (runtimes.get(self._placement.candidates[0]),)
        return max(runtime.streams for runtime in used)

    def at(self, pixels: Tensor) -> Function:
        """From pixels of this size, in main memory, to all outputs ``(N, K)``, in main memory.

        Raises:
            ModelError: no runtime can run the model as asked, or its answers cannot be used.
        """
        size = (pixels.shape[2], pixels.shape[3])
        runtime = self._by_size.get(size)
        if runtime is None and self._original.has_gradients and not _any_finite(pixels[:REFERENCE_IMAGES]):
            return lambda images: self._original.plain(images).cpu()  # nothing to choose a runtime by
        if runtime is None:
            with self._original.lock, self._original.refusing():
                if size not in self._by_size:
                    self._by_size[size] = self._choose(pixels, size)
                runtime = self._by_size[size]
        return runtime

    def activation_bytes(self, px: int) -> int:
        """Bytes that all layers put out for one image of that size, in fp32; for ONNX an estimate by image size."""
        original = self._original
        if not original.has_gradients:
            return _ONNX_BYTES * px**2
        with original.lock, foreign_errors(original.name, f"fails on an image of {px} px"), contained():
            if px not in original.layer_bytes:
                original.layer_bytes[px] = activation_bytes(original.network, px)
            return original.layer_bytes[px]

    def _choose(self, pixels: Tensor, size: tuple[int, int]) -> Runtime:
        """The first candidate that runs and, in fp32, agrees with the reference."""
        if isinstance(self._original.network, PlainFunction):
            return self._choose_function(pixels[:REFERENCE_IMAGES], size)
        if not self._original.has_gradients:
            return self._choose_for_onnx(pixels[:REFERENCE_IMAGES], size)
        original, fp32 = self._original, self._placement.precision == "fp32"
        reference = original.refer(pixels)
        plan = self._plan(size, reference)
        reasons: list[str] = []
        for name in self._placement.candidates:
            try:
                with original.foreign_errors(pixels):
                    runtime = runtimes.get(name)(plan)
                outputs = self._tried(runtime, reference.pixels)
            except ModelError as error:
                reasons.append(f"{name}: {error}")
                continue
            refuse_probabilities(original.select(outputs), original.name)
            agreement = compare(outputs, reference.logits)
            if not fp32 or agreement.exact:
                self._agreements.append(replace(agreement, fallback="; ".join(reasons) or None))
                return runtime
            reasons.append(f"{name} is not exact enough: {agreement}")
        if "torch" in self._placement.candidates and fp32:
            runtime = runtimes.get("torch")(replace(plan, plain=True))  # the reference itself
            agreement = compare(runtime(reference.pixels), reference.logits)
            self._agreements.append(replace(agreement, fallback=f"{'; '.join(reasons)}; so the plain network runs"))
            return runtime
        raise ModelError(f"{original.name} cannot run as asked: {'; '.join(reasons)}")

    def _choose_function(self, first: Tensor, size: tuple[int, int]) -> Runtime:
        """The function itself, once it has answered for the first images as it must."""
        original = self._original
        runtime = FunctionRuntime(self._plan(size, None))
        expected = self._tried(runtime, first)
        refuse_broken(runtime, first, expected, original.name)
        if not original.network.outputs:
            refuse_probabilities(original.select(expected), original.name)
        self._agreements.append(Agreement(0.0, 1.0, 0))  # it is its own reference
        return runtime

    def _choose_for_onnx(self, first: Tensor, size: tuple[int, int]) -> Runtime:
        """ONNX Runtime on a GPU where it agrees there with itself on the CPU, else on the CPU."""
        original, plan = self._original, self._plan(size, None)
        try:
            on_cpu = OnnxRuntime(replace(plan, device="cpu"))
            expected = self._tried(on_cpu, first)
        except ModelError as error:
            raise ModelError(f"{original.name} cannot run as asked: onnxruntime: {error}") from None
        refuse_broken(on_cpu, first, expected, original.name)
        refuse_probabilities(original.select(expected), original.name)
        if plan.device == "cpu":
            self._agreements.append(Agreement(0.0, 1.0, 0))  # it is its own reference
            return on_cpu
        try:
            on_gpu = OnnxRuntime(plan)
            agreement = compare(self._tried(on_gpu, first), expected)
            if agreement.exact or on_cpu.in_half_precision:
                self._agreements.append(agreement)
                return on_gpu
            reason = f"onnxruntime on {plan.device} is not exact enough: {agreement}"
        except ModelError as error:
            agreement, reason = Agreement(0.0, 1.0, len(first)), f"onnxruntime on {plan.device}: {error}"
        self._agreements.append(replace(agreement, fallback=f"{reason}; so it runs on the CPU"))
        return on_cpu

    def _tried(self, runtime: Runtime, first: Tensor) -> Tensor:
        with self._original.foreign_errors(first):
            return runtime(first)

    def _plan(self, size: tuple[int, int], reference: Reference | None) -> Executable:
        original = self._original

        def make_folded(own: bool) -> nn.Module:
            assert reference is not None
            if own:
                return original.folded(reference, norms=not self._placement.plain)
            return self._gradients.at(reference.pixels, reference)

        return Executable(
            name=original.name,
            network=original.network,
            folded=make_folded,
            affine=original.affine,
            device=self._placement.device,
            precision=self._placement.precision,
            px=size,
            activation_bytes=self.activation_bytes(max(size)),
            weight_bytes=4 * original.num_parameters,
        )


def _none() -> None:
    """No form of the network in fp64."""


def _any_finite(pixels: Tensor) -> bool:
    return bool(pixels.isfinite().flatten(1).all(1).any())


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
        outputs: ``"probabilities"`` where `logits` are their logarithms, empty where they are logits.
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
        outputs: str = "",
    ) -> None:
        self.outputs = outputs
        self.spec, self._notes = spec, (*placement.notes, *notes)
        self.weights_sha256, self.outputs_sha256 = identity.weights_sha256, identity.outputs_sha256
        self.code_sha256 = identity.code_sha256
        self.device, self.precision, self.num_classes = placement.device, placement.precision, spec.num_classes
        self._original = Original(network, spec.name, Normalisation.from_view(spec.view), placement.device, columns)
        self.has_gradients, self.num_parameters = self._original.has_gradients, self._original.num_parameters
        self._gradients = GradientNetworks(self._original, plain=placement.plain)
        self._runtimes = ChosenRuntimes(self._original, self._gradients, placement)
        self._layers = Layers(self._original)
        self._loader: Callable[[], Classifier] | None = None

    def __repr__(self) -> str:
        return f"Classifier({self.spec.name!r}, device={self.device!r}, {self.precision}, runtime={self.runtime!r})"

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
        _check(pixels)
        if not len(pixels):
            return np.empty((0, self.num_classes), np.float32)
        with self._original.foreign_errors(pixels):
            outputs_of = self._runtimes.at(pixels)
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
        """The same function through torch autograd: fp32 logits ``(N, num_classes)`` on `device`.

        First derivatives; they flow to ``pixels`` where these require them.
        """
        pixels, original = self._checked_pixels(pixels, "differentiable"), self._original
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
        _check(pixels)
        with self._original.foreign_errors(pixels):
            outputs = self._original.plain(pixels)
        self._original.refuse_company(self._original.plain, pixels, outputs)
        return self._original.select(outputs)

    def differentiable_through(self, change: Callable[[nn.Module], nn.Module]) -> Callable[[Tensor], Tensor]:
        """`differentiable` of a changed copy of the original network, e.g. with another backward pass; unchecked."""
        self._original.need_gradients("differentiable")
        logits = self._original.logits(change(self._original.network))
        return lambda pixels: differentiable_fp32(logits, self._checked_pixels(pixels, "differentiable"))

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
        pixels = self._checked_pixels(pixels, "activations")
        return differentiable_outputs(lambda x: self._layers(x, layers), pixels)

    def layers(self, px: int) -> dict[str, tuple[int, ...]]:
        """The layers that put out a tensor, in the order they end, with its shape for one image of that size."""
        return self._layers.shapes(px)

    def pooled(self, pixels: Tensor) -> Tensor:
        """What the last layer reads for ``pixels``, averaged over positions: ``(N, F)``, as `differentiable`."""
        pixels = self._checked_pixels(pixels, "pooled features")
        return differentiable_fp32(self._gradients.headless_at(pixels), pixels)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know about how it was loaded, and about its gradients."""
        return (*self._notes, *self._gradients.notes)

    @property
    def why_no_gradients(self) -> str:
        """Why it has none, in words; empty where it has."""
        network = self._original.network
        return f"it {network.kind}" if isinstance(network, OpaqueNetwork) else ""

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

    @property
    def link(self) -> DeviceLink:
        """The way of images to where `logits` wants their pixels: its device, for ONNX main memory."""
        return link_to(self.device if self.has_gradients else "cpu")

    def activation_bytes(self, px: int) -> int:
        """Bytes that all layers put out for one image of that size, in fp32; for ONNX an estimate by image size."""
        return self._runtimes.activation_bytes(px)

    def _checked_pixels(self, pixels: Tensor, wanted: str) -> Tensor:
        """Pixels on `device`, checked, for what needs gradients."""
        self._original.need_gradients(wanted)
        _check(pixels)
        return pixels.to(self.device)

    def load_afresh_by(self, loader: Callable[[], Classifier]) -> Classifier:
        """The classifier itself, which from now on knows how a copy that has seen no image is had; see `afresh`."""
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
        other._runtimes = self._runtimes.anew(other._gradients)
        return other


def _check(pixels: Tensor) -> None:
    import torch

    if pixels.ndim != 4 or pixels.shape[1] != 3 or pixels.dtype != torch.float32:
        raise ArgumentError(
            f"pixels must be float32 (N, 3, H, W) in [0, 1], were {str(pixels.dtype).removeprefix('torch.')} "
            f"{tuple(pixels.shape)}"
        )
