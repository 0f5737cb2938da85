"""Corrupting one image or many at once, and turning one photograph into a sequence of frames."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import numpy as np

from hardiness.core import ArgumentError, Image, rng, usable_cores
from hardiness.distortions.corruption import Corruption, corruptions
from hardiness.distortions.perturbation import SIDE_PX, SequenceSource, perturbations
from hardiness.imaging.resize import Size, centre

SMALLEST_PX = 32


def corrupt(image: Image, name: str, severity: int, *, seed: int = 0, id: str = "") -> Image:  # noqa: A002
    """The corrupted image, ``uint8 (H, W, 3)``, always a new array.

    Args:
        image: ``uint8 (H, W, 3)``, RGB, sides of 32 pixels or more.
        name: of a registered corruption, e.g. ``"fog"``.
        severity: 1 (mildest) to 5, or to as many as the corruption has.
        seed: of the run.
        id: of the sample, ``"<wnid>/<stem>"``; the draws depend on seed, name, severity and id, and on nothing else.

    Raises:
        ArgumentError: the image, the name or the severity is not as above.
        DataError: frost's pictures are not there.
    """
    found = corruptions.get(name)
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
    found = corruptions.get(name)
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

    workers = min(threads or usable_cores(), len(ready))
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


def perturb(image: Image, name: str, *, difficulty: int = 1, seed: int = 0, id: str = "") -> Iterator[Image]:  # noqa: A002
    """The frames of one sequence, each ``uint8 (224, 224, 3)`` and made when it is asked for.

    Args:
        image: ``uint8 (H, W, 3)``, RGB: the photograph resized to a shorter side of 256 pixels, before its crop; any
            image with sides of 224 or more will do.
        name: of a registered perturbation, e.g. ``"rotate"``.
        difficulty: 1; noises have 2 and 3 too.
        seed: of the run.
        id: of the sample, ``"<wnid>/<stem>"``; the draws depend on seed, name, difficulty and id, and on nothing else.

    Raises:
        ArgumentError: the image, the name or the difficulty is not as above.
    """
    found = perturbations.get(name)
    level = found.level(difficulty)
    source = source_of(image)
    draws = None if found.deterministic else found.draw(rng(seed, found.name, int(difficulty), id), level)
    return found.apply(source, level, draws)


def source_of(image: Image) -> SequenceSource:
    """The image with its central crop.

    Raises:
        ArgumentError: it is not ``uint8 (H, W, 3)`` with sides of 224 pixels or more; the message says what it was.
    """
    if not isinstance(image, np.ndarray):
        raise ArgumentError(f"image must be a numpy array uint8 (H, W, 3), was {type(image).__name__}")
    if image.dtype != np.uint8:
        raise ArgumentError(f"image must be of dtype uint8 with values 0–255, was {image.dtype}")
    if image.ndim != 3 or image.shape[2] != 3:
        raise ArgumentError(f"image must be of shape (H, W, 3), RGB, was {image.shape}")
    if min(image.shape[:2]) < SIDE_PX:
        raise ArgumentError(f"image must have sides of {SIDE_PX} pixels or more, was {image.shape[0]}x{image.shape[1]}")
    # One memory layout, hence one compiled variant of each kernel.
    whole = np.require(image, requirements=["C", "W"])
    window = centre(Size(*image.shape[:2]), SIDE_PX)
    crop = whole[window.top : window.top + SIDE_PX, window.left : window.left + SIDE_PX].copy()
    return SequenceSource(whole, window, crop)
