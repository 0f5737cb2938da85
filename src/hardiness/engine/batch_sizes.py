"""Images per forward pass: what was planned, what memory allows, and what is tried on a GPU."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from hardiness.engine.ensemble import Ensemble
from hardiness.models.classifier import Classifier
from hardiness.models.failures import is_out_of_memory

BATCH_SIZES = (32, 16, 8)

CPU_BATCH_BYTES = 2 * 2**30

SMALLEST, LARGEST, LARGEST_WITH_GRADIENTS = 16, 1024, 128
"""Batches that are tried on a GPU. What an attack keeps for gradients takes the memory of far larger batches, and a
unit, which is what a killed process loses, has room for one."""

RISE = 1.05
"""A batch twice as large must give this many times the images a second to be worth its memory."""

TRIES = 3
"""Batches of one size that are timed, after one that warms up."""

_TRIED_SIZES: WeakKeyDictionary[Classifier | Ensemble, dict[tuple[int, bool], int]] = WeakKeyDictionary()
"""The batch size of each model of this process that was tried, by image size and whether gradients are needed."""


@dataclass
class BatchSize:
    """Images per forward pass: what was planned, and what memory allows.

    Attributes:
        planned: when the run was begun.
        current: from now on; less than planned where a batch did not fit the accelerator's memory.
    """

    planned: int
    current: int = 0

    def __post_init__(self) -> None:
        self.current = self.current or self.planned

    def halve(self, tried: int) -> None:
        """Keep to at most half of the ``tried`` images, for the rest of the run."""
        self.current = max(1, min(self.current, tried // 2))


def automatic_batch_size(classifier: Classifier | Ensemble, input_px: int, gradients: bool = False) -> int:
    """Images per forward pass: on the CPU 32, or fewer where all their activations would exceed 2 GiB; on a GPU tried.

    The CPU's bound does not depend on the memory that is free at the moment, so that the same command makes the same
    plan. It is generous: OpenVINO holds a few images a stream whatever the batch, and torch frees layers as it goes.

    Args:
        classifier: the model, or several that are attacked as one.
        input_px: side of its images.
        gradients: whether they are wanted too, which takes more memory.
    """
    if not classifier.device.startswith("cuda"):
        per_image = classifier.activation_bytes(input_px)
        return next((size for size in BATCH_SIZES if size * per_image <= CPU_BATCH_BYTES), BATCH_SIZES[-1])
    sizes = _TRIED_SIZES.setdefault(classifier, {})
    key = (input_px, gradients or isinstance(classifier, Ensemble))
    if key not in sizes:
        sizes[key] = batch_size_by_doubling(_rate_of(classifier, *key), largest_batch(on_gpu=True, gradients=key[1]))
    return sizes[key]


def largest_batch(on_gpu: bool, gradients: bool) -> int:
    """The most images that `automatic_batch_size` ever finds."""
    if not on_gpu:
        return BATCH_SIZES[0]
    return LARGEST_WITH_GRADIENTS if gradients else LARGEST


def batch_size_by_doubling(rate: Callable[[int], float], largest: int = LARGEST) -> int:
    """The batch size after which throughput no longer rises, from 16 on.

    Args:
        rate: of a batch size the images a second; 0 where it does not fit the memory.
        largest: that is tried.
    """
    size, best = SMALLEST, rate(SMALLEST)
    while size < largest and (images_s := rate(2 * size)) >= RISE * best and images_s:
        size, best = 2 * size, images_s
    return size


def _rate_of(classifier: Classifier | Ensemble, px: int, gradients: bool) -> Callable[[int], float]:
    """A function that times batches of noise on a classifier that has seen no image: noise decides on no runtime."""
    import torch

    timed = classifier.anew() if isinstance(classifier, Classifier) else classifier
    device = torch.device(classifier.device)
    input_device = (
        device if classifier.has_gradients else torch.device("cpu")
    )  # ONNX Runtime takes images in main memory
    generator = torch.Generator().manual_seed(0)

    def once(pixels: torch.Tensor) -> None:
        if not gradients:
            assert isinstance(timed, Classifier)
            timed.logits(pixels)
            return
        inputs = pixels.requires_grad_()
        torch.autograd.grad(timed.differentiable(inputs).amax(1).sum(), inputs)

    def rate(size: int) -> float:
        try:
            pixels = torch.rand(size, 3, px, px, generator=generator).to(input_device)
            once(pixels)
            torch.cuda.synchronize(device)
            begin = time.perf_counter()
            for _ in range(TRIES):
                once(pixels)
            torch.cuda.synchronize(device)
            return TRIES * size / (time.perf_counter() - begin)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            return 0.0
        finally:
            torch.cuda.empty_cache()

    return rate
