"""The order of layers, as one forward pass shows it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor, nn

SAME_CONVOLUTION = "timm.layers.conv2d_same.Conv2dSame"

CONVOLUTIONS = frozenset(("torch.nn.modules.conv.Conv2d", SAME_CONVOLUTION))
"""Layers whose output is linear in their stored kernel; weight-standardised and other clever ones are left alone."""


@dataclass
class PassObservation:
    """Observations of one forward pass.

    Attributes:
        pairs: which reader took its input straight from which convolution, by name.
        shapes: of what each convolution read, last.
        calls: how often each reader and convolution ran.
    """

    pairs: dict[str, str] = field(default_factory=dict)
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    calls: dict[str, int] = field(default_factory=dict)

    def once(self) -> dict[str, str]:
        """The convolution of each reader, by name, where both ran exactly once."""
        return {reader: conv for reader, conv in self.pairs.items() if self.calls[reader] == 1 == self.calls[conv]}


@contextmanager
def observed_pass(network: nn.Module, readers: frozenset[str]) -> Iterator[PassObservation]:
    """Observe one forward pass of ``network`` without gradients.

    Args:
        network: anything; its convolutions are those of `CONVOLUTIONS`.
        readers: full names of the classes of layers that are looked for behind them.
    """
    observed = PassObservation()
    last: list[tuple[str, Tensor, int]] = []

    def reads(name: str) -> Any:
        def hook(_module: nn.Module, inputs: tuple[Any, ...]) -> None:
            observed.calls[name] = observed.calls.get(name, 0) + 1
            if last and inputs and inputs[0] is last[0][1] and changes(inputs[0]) == last[0][2]:
                observed.pairs[name] = last[0][0]
            last.clear()

        return hook

    def convolves(name: str) -> Any:
        def hook(_module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
            observed.calls[name] = observed.calls.get(name, 0) + 1
            observed.shapes[name] = tuple(inputs[0].shape)
            last[:] = [(name, output, changes(output))]

        return hook

    with ExitStack() as stack:
        for name, module in network.named_modules():
            kind = kind_of(module)
            if kind in readers:
                stack.callback(module.register_forward_pre_hook(reads(name)).remove)
            elif kind in CONVOLUTIONS:
                stack.callback(module.register_forward_hook(convolves(name)).remove)
        yield observed


def kind_of(module: nn.Module) -> str:
    """Full name of the module's class, which needs no import of its package."""
    return f"{type(module).__module__}.{type(module).__qualname__}"


def changes(output: Tensor) -> int:
    """The number of writes to a tensor in place: with a shortcut added to it, it is no layer's output any more."""
    return 0 if output.is_inference() else output._version
