"""The only source of random numbers: a generator for each (seed, purpose, sample), never a global one."""

from __future__ import annotations

import hashlib
import os

import numpy as np


def rng(seed: int, *key: str | int | float) -> np.random.Generator:
    """A generator that depends on nothing but its arguments.

    The same arguments give the same draws whatever the batch size, order, worker count, executor or device,
    because every sample has a generator of its own: ``rng(0, "gaussian_noise", 3, "n01440764/photo_1")``.

    Args:
        seed: the run's seed.
        key: what the draws are for (kernel name, level) and for which sample (``"<wnid>/<stem>"``). ``1`` and
            ``"1"`` are different keys.

    Returns:
        A fresh `numpy.random.Generator` on PCG64.

    Source: NEP 19 (numpy Generator); keys are hashed with BLAKE2b so that similar ids give unrelated streams.
    """
    text = "\x1f".join(repr(part) for part in (seed, *key))
    digest = hashlib.blake2b(text.encode(), digest_size=16).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest, "little")))


_MOST: list[int] = []
"""What `use_cores` was told last; empty where it was not."""


def usable_cores() -> int:
    """The number of cores that this process may run on; where the system does not say, the number that it has."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min([cores, *_MOST])


def use_cores(most: int) -> None:
    """From now on at most so many cores count as usable, where another process was promised the others."""
    _MOST[:] = [most]
