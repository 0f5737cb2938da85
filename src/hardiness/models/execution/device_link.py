"""Copies between main memory and the device that computes, beside its computing."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from hardiness.core import Image, Pixels

if TYPE_CHECKING:
    from torch import Tensor


class Streams(Protocol):
    """How copies go on while a device computes."""

    def memory(self, shape: tuple[int, ...], dtype: Any) -> Tensor:
        """Main memory, not filled, that the device can copy from and to by itself."""
        ...

    def sent(self, waiting: Tensor) -> Tensor:
        """The same on the device; what this thread has computed from now on waits for the copy, nothing else does."""
        ...

    def fetched(self, outputs: Tensor) -> Tensor:
        """The same in main memory, complete."""
        ...


class OneMemory:
    """The streams of a CPU: everything lies in main memory, and there is nothing to wait for."""

    def memory(self, shape: tuple[int, ...], dtype: Any) -> Tensor:
        """As `Streams.memory`."""
        import torch

        return torch.empty(shape, dtype=dtype)

    def sent(self, waiting: Tensor) -> Tensor:
        """As `Streams.sent`."""
        return waiting

    def fetched(self, outputs: Tensor) -> Tensor:
        """As `Streams.fetched`."""
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
        """As `Streams.memory`: pinned."""
        import torch

        return torch.empty(shape, dtype=dtype, pin_memory=True)

    def sent(self, waiting: Tensor) -> Tensor:
        """As `Streams.sent`."""
        import torch

        with torch.cuda.stream(self._copies):
            there = waiting.to(self._device, non_blocking=True)
            copied = self._copies.record_event()
        computing = torch.cuda.current_stream(self._device)
        computing.wait_event(copied)
        # Else its memory could be given to the next copy before what reads it has run.
        there.record_stream(computing)
        return there

    def fetched(self, outputs: Tensor) -> Tensor:
        """As `Streams.fetched`: waits for its own copy, not for what another thread has begun since, and sleeps."""
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
        """The same values in main memory."""
        return self._streams.fetched(outputs)


@cache
def link_to(device: str) -> DeviceLink:
    """The link of this process to a device."""
    return DeviceLink(device)
