"""The one crossing from images to a network's input: uint8 to pixels, to the device, to the size and scale it wants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from hardiness.core.benchmark import Image, Pixels
from hardiness.core.model import View

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class Streams(Protocol):
    """Copies to and from a device, which go on while it computes."""

    def memory(self, shape: tuple[int, ...], dtype: Any) -> Tensor:
        """Main memory, not filled, that the device can copy from and to by itself."""
        ...

    def sent(self, waiting: Tensor) -> Tensor:
        """The tensor on the device; what this thread has computed from now on waits for the copy, nothing else does."""
        ...

    def fetched(self, outputs: Tensor) -> Tensor:
        """The outputs in main memory, complete."""
        ...


class OneMemory:
    """The streams of a CPU: everything lies in main memory, and there is nothing to wait for."""

    def memory(self, shape: tuple[int, ...], dtype: Any) -> Tensor:
        import torch

        return torch.empty(shape, dtype=dtype)

    def sent(self, waiting: Tensor) -> Tensor:
        return waiting

    def fetched(self, outputs: Tensor) -> Tensor:
        return outputs


class CudaStreams:
    """Pinned memory and a stream of its own for copies to one GPU; computing stays on each thread's current stream.

    Torch keeps pinned memory that was freed until its copy has ended, so no buffer is written to too early.
    """

    def __init__(self, device: str) -> None:
        import torch

        self._device = torch.device(device)
        self._copies = torch.cuda.Stream(self._device)  # type: ignore[no-untyped-call]

    def memory(self, shape: tuple[int, ...], dtype: Any) -> Tensor:
        """Pinned memory, not filled."""
        import torch

        return torch.empty(shape, dtype=dtype, pin_memory=True)

    def sent(self, waiting: Tensor) -> Tensor:
        import torch

        with torch.cuda.stream(self._copies):
            tensor = waiting.to(self._device, non_blocking=True)
            copied = self._copies.record_event()
        computing = torch.cuda.current_stream(self._device)
        computing.wait_event(copied)
        # Else its memory could be given to the next copy before what reads it has run.
        tensor.record_stream(computing)
        return tensor

    def fetched(self, outputs: Tensor) -> Tensor:
        """The outputs in main memory; it sleeps until its own copy has ended, whatever other threads have begun."""
        import torch

        waiting = self.memory(tuple(outputs.shape), outputs.dtype)
        waiting.copy_(outputs, non_blocking=True)
        # An event of the usual kind would keep a core busy, which decoding wants.
        done = torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call]
        done.record(torch.cuda.current_stream(self._device))
        done.synchronize()
        return waiting


class DeviceLink:
    """The way of batches to a device and of logits back; safe to use from several threads.

    Images cross as uint8, which is a quarter of their pixels' bytes. One thread's batch is copied while another's is
    computed. On a CPU the same steps are taken.

    Attributes:
        device: torch's name of it.
    """

    def __init__(self, device: str, streams: Streams | None = None) -> None:
        self.device = device
        self._streams = streams or (CudaStreams(device) if device.startswith("cuda") else OneMemory())

    def send(self, images: Sequence[Image | Pixels]) -> Tensor:
        """``uint8 (N, 3, H, W)`` on the device, laid out channels-last.

        Args:
            images: N arrays ``uint8 (H, W, 3)`` of one size.
        """
        import torch

        waiting = self._streams.memory((len(images), *images[0].shape), torch.uint8)
        np.stack(images, out=waiting.numpy())
        return self._streams.sent(waiting).permute(0, 3, 1, 2)

    def fetch(self, outputs: Tensor) -> Tensor:
        """The outputs in main memory."""
        return self._streams.fetched(outputs)


@cache
def link_to(device: str) -> DeviceLink:
    """The link of this process to a device."""
    return DeviceLink(device)


def to_pixels(images: Sequence[Image | Pixels], link: DeviceLink | None = None) -> torch.Tensor:
    """A batch of images as pixels.

    Args:
        images: N arrays ``uint8 (H, W, 3)`` of one size, RGB, 0–255; those that are pixels already stay as they are.
        link: to the device that they are wanted on, which also casts them; main memory if ``None``.

    Returns:
        ``float32 (N, 3, H, W)``, RGB in [0, 1], laid out channels-last as the runtimes want it.

    Source: torchvision's ``ToTensor``, to the bit: division by 255 in float32.
    """
    import torch

    path = link or link_to("cpu")
    if any(image.dtype != np.uint8 for image in images):
        parts = [torch.from_numpy(i)[None] if i.dtype != np.uint8 else to_pixels([i]) for i in images]
        return torch.cat(parts).contiguous(memory_format=torch.channels_last).to(path.device)
    pixels = path.send(images).to(torch.float32)
    # A tensor: by a Python number a GPU multiplies with the reciprocal, which is another number.
    return pixels.div_(torch.full((), 255.0, device=pixels.device))


@dataclass(frozen=True, slots=True)
class Normalisation:
    """A view's numbers per RGB channel of pixels in [0, 1]: ``(pixel - mean) / std``, then perhaps reversed."""

    mean: tuple[float, ...]
    std: tuple[float, ...]
    reverse: bool

    @classmethod
    def from_view(cls, view: View) -> Normalisation:
        """The normalisation of a view, whose mean and std are in the model's own range and channel order."""
        full = 255.0 if view.range == "0..255" else 1.0
        reverse = view.channel_order == "BGR"
        step = -1 if reverse else 1
        return cls(
            mean=tuple(value / full for value in view.mean[::step]),
            std=tuple(value / full for value in view.std[::step]),
            reverse=reverse,
        )

    def __call__(self, pixels: Tensor) -> Tensor:
        """Network input for RGB ``pixels (N, 3, H, W)`` in [0, 1], differentiable, same memory layout."""
        mean = _channels(self.mean, pixels.dtype, pixels.device)
        normalised = (pixels - mean) / _channels(self.std, pixels.dtype, pixels.device)
        return normalised.flip(1) if self.reverse else normalised


@dataclass(frozen=True, slots=True)
class InputPolicy:
    """How a fixed canvas is fed to a network: as it is, or resized to the network's own size.

    Attributes:
        canvas_px: side of the canvas.
        input_px: side of what the network sees.
    """

    canvas_px: int
    input_px: int

    @property
    def resized(self) -> bool:
        """Whether the canvas is not fed as it is."""
        return self.canvas_px != self.input_px

    def __str__(self) -> str:
        return (
            f"{self.canvas_px} px, bicubic to {self.input_px} px" if self.resized else f"{self.canvas_px} px as it is"
        )

    def __call__(self, pixels: Tensor) -> Tensor:
        """Pixels ``(N, 3, input_px, input_px)`` in [0, 1] from canvas pixels; differentiable.

        Source: cubic convolution with antialiasing, as in PIL (``torch.nn.functional.interpolate``).
        """
        from torch.nn import functional

        if not self.resized:
            return pixels
        size = (self.input_px, self.input_px)
        return functional.interpolate(pixels, size, mode="bicubic", antialias=True).clamp(0, 1)


@cache
def _channels(values: tuple[float, ...], dtype: Any, device: Any) -> Tensor:
    """A number a channel, ``(1, 3, 1, 1)``; copied to a device once, since the copy waits for all that it computes."""
    import torch

    with torch.inference_mode(False):  # gradients may go by them later
        return torch.tensor(values, dtype=dtype, device=device).view(1, 3, 1, 1)
