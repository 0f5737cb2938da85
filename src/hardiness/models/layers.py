"""Layers of a network: their outputs, and the network without its last layer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Any

from hardiness.core.errors import ModelError, UnknownNameError
from hardiness.models.determinism import differentiable_outputs
from hardiness.models.failures import foreign_errors
from hardiness.models.folding import with_the_same_tensors
from hardiness.models.original import Original

if TYPE_CHECKING:
    from torch import Tensor, nn


class StopForward(Exception):  # noqa: N818  # no error: it leaves a forward pass early
    """Everything asked for has been seen."""

    def __init__(self, features: Any = None) -> None:
        super().__init__()
        self.features = features


class Layers:
    """The layers of the original network, which one thread reads at a time.

    How often each layer runs is counted on the first pass of an input size, so that later passes end where the last
    layer asked for has run the last time.
    """

    def __init__(self, original: Original) -> None:
        self._original = original
        self._calls: dict[tuple[Any, ...], int] = {}

    def shapes(self, px: int) -> dict[str, tuple[int, ...]]:
        """The layers that put out a tensor, in the order they end, with its shape for one image, without the batch.

        Args:
            px: the side of the image.

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
            foreign_errors(original.name, f"fails on images of {px} px", original.package),
            ExitStack() as stack,
            torch.no_grad(),
        ):
            for layer, module in original.network.named_modules():
                if layer:
                    stack.callback(module.register_forward_hook(note(layer)).remove)
            original.network(original.affine(grey))
        return shapes

    def output(self, pixels: Tensor, layer: str) -> Tensor:
        """The output of one layer, as `outputs`."""
        return self.outputs(pixels, (layer,))[0]

    def outputs(self, pixels: Tensor, layers: Sequence[str]) -> tuple[Tensor, ...]:
        """The output of each layer for pixels, through torch autograd, from one pass that ends after the last of them.

        Of a layer that runs several times it is that of the last time.

        Args:
            pixels: float32 ``(N, 3, H, W)``, RGB in [0, 1].
            layers: dotted names of modules, e.g. ``"layer4.2.conv3"`` or ``"avgpool"``.

        Raises:
            ArgumentError: shape or type of the pixels is another.
            UnknownNameError: one is not there; the message offers close names.
            ModelError: the network has no gradients or fails, or a layer does not run or puts out no single tensor.
        """
        images = self._original.checked_pixels(pixels, "activations")
        return differentiable_outputs(lambda inputs: self._outputs(inputs, layers), images)

    def _outputs(self, pixels: Tensor, layers: Sequence[str]) -> tuple[Tensor, ...]:
        import torch

        names = tuple(dict.fromkeys(layers))
        key = (names, tuple(pixels.shape[2:]))
        original = self._original
        modules = {name: module for name, module in original.network.named_modules() if name}
        for layer in names:
            if layer not in modules:
                raise UnknownNameError(f"layer of {original.name}", layer, modules)
        with original.lock, original.foreign_errors(pixels):
            with _outputs_of({layer: modules[layer] for layer in names}, self._calls.get(key)) as recorded:
                original.network(original.affine(pixels))
            self._calls[key] = len(recorded)
        outputs = dict(recorded)
        for layer in names:
            if not isinstance(outputs.get(layer), torch.Tensor):
                raise ModelError(
                    f"layer {layer!r} of {original.name} puts out no tensor; choose one inside or after it"
                )
        return tuple(outputs[layer] for layer in layers)


@contextmanager
def _outputs_of(modules: Mapping[str, nn.Module], calls: int | None) -> Iterator[list[tuple[str, Any]]]:
    """Collect the outputs of modules within, and leave after so many; hooks are always removed."""
    recorded: list[tuple[str, Any]] = []

    def keep(layer: str) -> Any:
        def hook(_module: nn.Module, _inputs: Any, output: Any) -> None:
            recorded.append((layer, output))
            if len(recorded) == calls:
                raise StopForward

        return hook

    with ExitStack() as stack:
        for layer, module in modules.items():
            stack.callback(module.register_forward_hook(keep(layer)).remove)
        with suppress(StopForward):
            yield recorded


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
    """A network that returns the features that a layer of ``network`` reads, float32 ``(N, F)``; it shares all tensors.

    The features are averaged over positions, where they have any.

    Differs: SqueezeNet pools after its last convolution, so here the pooling comes first.
    """
    from torch import nn

    class HeadInput(nn.Module):
        def forward(self, features: Tensor) -> Tensor:
            raise StopForward(features)

    class NetworkWithoutHead(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = with_the_same_tensors(network)
            self.body.set_submodule(layer, HeadInput())

        def forward(self, x: Tensor) -> Tensor:
            try:
                self.body(x)
            except StopForward as reached:
                return _pooled(reached.features)
            raise AssertionError("the last layer ran a moment ago")

    return NetworkWithoutHead().eval()


def _pooled(features: Tensor) -> Tensor:
    """Features ``(N, F)`` from ``(N, F)``, ``(N, F, H, W)`` or tokens ``(N, T, F)``."""
    positions = {2: (), 3: (1,), 4: (2, 3)}[features.ndim]
    return features.mean(positions) if positions else features
