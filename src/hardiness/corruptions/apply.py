"""Corrupting one image, or many at once."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import numpy as np

from hardiness.core import ArgumentError, Image, rng
from hardiness.corruptions.corruption import Corruption, registry

SMALLEST_PX = 32


def corrupt(image: Image, name: str, severity: int, *, seed: int = 0, id: str = "") -> Image:  # noqa: A002
    """The corrupted image, ``uint8 (H, W, 3)``, always a new array.

    Args:
        image: ``uint8 (H, W, 3)``, RGB, sides of 32 pixels or more.
        name: of a registered corruption, e.g. ``"fog"``.
        severity: 1 to 5.
        seed: of the run.
        id: of the sample, ``"<wnid>/<stem>"``; the draws depend on seed, name, severity and id, and on nothing else.

    Raises:
        ArgumentError: the image, the name or the severity is not as above.
        DataError: frost's pictures are not there.
    """
    found = registry.get(name)
    found.level(severity)
    return _corrupt(checked(image), found, severity, seed, id)


def corrupt_batch(
    images: Sequence[Image],
    name: str,
    severity: int,
    *,
    seed: int = 0,
    ids: Sequence[str],
    threads: int | None = None,
) -> list[Image]:
    """The corrupted images, in order; the same bytes as `corrupt` gives one by one.

    Args:
        images: each as in `corrupt`; sizes may differ. An array ``(N, H, W, 3)`` will do.
        name, severity, seed: as in `corrupt`.
        ids: one per image.
        threads: how many work at once; by default one for each core that this process may use.

    Raises:
        ArgumentError: as in `corrupt`, naming the image; or there are fewer or more ids than images.
        DataError: frost's pictures are not there.
    """
    found = registry.get(name)
    found.level(severity)
    if len(ids) != len(images):
        raise ArgumentError(f"ids must hold one id for each of the {len(images)} images, held {len(ids)}")
    if threads is not None and threads < 1:
        raise ArgumentError(f"threads must be at least 1, was {threads}")
    ready = [checked(image, f"image {sample!r}") for image, sample in zip(images, ids, strict=True)]
    out: list[Image | None] = [None] * len(ready)
    # One shared counter instead of a task for each image: handing out a task takes as long as a quick corruption.
    turns = iter(range(len(ready)))

    def work() -> None:
        for i in turns:
            out[i] = _corrupt(ready[i], found, severity, seed, ids[i])

    workers = min(threads or len(os.sched_getaffinity(0)), len(ready))
    if workers <= 1:
        work()
    else:
        with ThreadPoolExecutor(workers, "corrupt") as pool:
            for done in [pool.submit(work) for _ in range(workers)]:
                done.result()
    return cast(list[Image], out)


def checked(image: Image, what: str = "image") -> Image:
    """The image itself, or a copy where it is not contiguous in memory or read-only.

    Read-only arrays are another type to the compiler, and would compile every kernel a second time.

    Raises:
        ArgumentError: it is not ``uint8 (H, W, 3)`` with sides of 32 pixels or more; the message says what it was.
    """
    if not isinstance(image, np.ndarray):
        raise ArgumentError(f"{what} must be a numpy array uint8 (H, W, 3), was {type(image).__name__}")
    if image.dtype != np.uint8:
        raise ArgumentError(f"{what} must be of dtype uint8 with values 0–255, was {image.dtype}")
    if image.ndim != 3 or image.shape[2] != 3:
        raise ArgumentError(f"{what} must be of shape (H, W, 3), RGB, was {image.shape}")
    if min(image.shape[:2]) < SMALLEST_PX:
        raise ArgumentError(
            f"{what} must have sides of {SMALLEST_PX} pixels or more, was {image.shape[0]}x{image.shape[1]}"
        )
    return np.require(image, requirements=["C", "W"])


def _corrupt(image: Image, found: Corruption[Any, Any], severity: int, seed: int, sample: str) -> Image:
    level = found.level(severity)
    draws = None
    if not found.deterministic:
        draws = found.draw(rng(seed, found.name, int(severity), sample), image.shape, level)
    return found.apply(image, level, draws)
