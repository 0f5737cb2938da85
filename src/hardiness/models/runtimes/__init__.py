"""Runtimes, which execute networks: one file each, found by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

from hardiness.core.registry import Registry, callable_thing
from hardiness.models.preprocessing import Normalisation

if TYPE_CHECKING:
    from torch import Tensor


Precision = Literal["fp32", "bf16", "fp16"]


@dataclass(frozen=True)
class Executable:
    """The network that a runtime is to execute, and how.

    Attributes:
        name: the model's, for messages.
        network: original torch module in evaluation mode, or an `OnnxFile`.
        folded: makes the folded, channels-last torch module (of the runtime's own when ``own`` is true).
        affine: from pixels in [0, 1] to the network's input.
        device: torch's name of the device.
        precision: of the arithmetic.
        px: height and width of the images.
        activation_bytes: fp32 bytes that the layers put out per image.
        weight_bytes: fp32 bytes of the parameters.
        plain: whether ``network`` itself is to run, as it stands: neither folded nor in another memory layout.
    """

    name: str
    network: Any
    folded: Callable[[bool], Any]
    affine: Normalisation
    device: str
    precision: Precision
    px: tuple[int, int]
    activation_bytes: int
    weight_bytes: int
    plain: bool = False


class Runtime(Protocol):
    """An executable network, made from a plan; safe to call from several threads."""

    name: str
    streams: int
    """The number of calls that may usefully run at the same time."""

    def __init__(self, plan: Executable) -> None: ...

    def __call__(self, pixels: Tensor) -> Tensor:
        """All outputs, float32 ``(N, outputs)`` in main memory, for float32 pixels ``(N, 3, H, W)`` in [0, 1]."""
        ...


runtimes: Registry[type[Runtime]] = Registry(
    "runtime", "hardiness.models.runtimes", "hardiness.runtimes", callable_thing
)
"""Classes of runtimes; making one from a plan that it cannot execute raises `ModelError` with the reason."""
