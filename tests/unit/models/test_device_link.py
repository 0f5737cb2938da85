"""The way to a device and back, on the CPU: also with streams that do nothing until somebody waits for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch

from hardiness.models.preprocessing import CudaStreams, DeviceLink, link_to, to_pixels


@pytest.fixture
def images() -> list[np.ndarray]:
    return list(np.random.default_rng(0).integers(0, 256, (5, 7, 9, 3), dtype=np.uint8))


def test_on_a_cpu_images_arrive_as_they_are_and_channels_last(images: list[np.ndarray]) -> None:
    there = link_to("cpu").send(images)
    assert there.dtype == torch.uint8
    assert there.is_contiguous(memory_format=torch.channels_last)
    assert np.array_equal(there.permute(0, 2, 3, 1).numpy(), np.stack(images))
    outputs = torch.rand(3, 4)
    assert link_to("cpu").fetch(outputs) is outputs, "nothing is copied"


def test_a_process_has_one_link_a_device() -> None:
    assert link_to("cpu") is link_to("cpu")


class LazyStream:
    """Copies that were begun and have not happened yet."""

    def __init__(self) -> None:
        self.copies: list[Callable[[], object]] = []
        self.waited: list[LazyStream] = []

    def record_event(self) -> LazyStream:
        return self

    def wait_event(self, event: LazyStream) -> None:
        self.waited.append(event)
        event.finish()

    def finish(self) -> None:
        while self.copies:
            self.copies.pop(0)()


class LazyEvent:
    """Happens when it is waited for."""

    blocking: list[bool] = []  # noqa: RUF012

    def __init__(self, blocking: bool = False) -> None:
        self.blocking.append(blocking)

    def record(self, stream: LazyStream) -> None:
        self.stream = stream

    def synchronize(self) -> None:
        self.stream.finish()


class Machine:
    """A GPU as far as copies go: what is copied on a stream arrives when somebody waits for that stream."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.copies, self.computing, self.pinned, self.kept = LazyStream(), LazyStream(), 0, []
        self.current = self.computing
        made, empty = torch.Tensor.to, torch.empty

        @contextmanager
        def on(stream: LazyStream) -> Iterator[None]:
            self.current, before = stream, self.current
            yield
            self.current = before

        def to(given: torch.Tensor, *arguments: Any, non_blocking: bool = False, **options: Any) -> torch.Tensor:
            if not non_blocking:
                return made(given, *arguments, **options)
            there = torch.zeros_like(given)
            self.current.copies.append(lambda: there.untyped_storage().copy_(given.untyped_storage()))
            return there

        def copy(there: torch.Tensor, given: torch.Tensor, non_blocking: bool = False) -> torch.Tensor:
            self.current.copies.append(lambda: there.untyped_storage().copy_(given.untyped_storage()))
            return there

        def memory(*shape: Any, pin_memory: bool = False, **options: Any) -> torch.Tensor:
            self.pinned += pin_memory
            return empty(*shape, **options)

        patch.setattr(torch.cuda, "Stream", lambda device: self.copies)
        patch.setattr(torch.cuda, "stream", on)
        patch.setattr(torch.cuda, "current_stream", lambda device: self.computing)
        patch.setattr(torch.cuda, "Event", LazyEvent)
        patch.setattr(torch.Tensor, "to", to)
        patch.setattr(torch.Tensor, "copy_", copy)
        patch.setattr(torch.Tensor, "record_stream", lambda tensor, stream: self.kept.append(stream))
        patch.setattr(torch, "empty", memory)


def test_computing_waits_for_the_copy_of_its_own_batch(images: list[np.ndarray], monkeypatch: Any) -> None:
    expected = to_pixels(images)
    machine = Machine(monkeypatch)
    link = DeviceLink("cpu", CudaStreams("cpu"))
    found = to_pixels(images, link)
    assert machine.pinned == 1, "the device copies by itself from pinned memory alone"
    assert machine.computing.waited == [machine.copies]
    assert machine.kept == [machine.computing], "its memory is not given away while it is read"
    assert torch.equal(found, expected)


def test_logits_are_complete_when_they_are_handed_over(monkeypatch: Any) -> None:
    outputs = torch.rand(3, 4)
    Machine(monkeypatch)
    found = DeviceLink("cpu", CudaStreams("cpu")).fetch(outputs)
    assert torch.equal(found, outputs)
    assert LazyEvent.blocking[-1], "a thread that waits leaves its core to those that decode"
