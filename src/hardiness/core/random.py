"""The only source of random numbers: a generator for each (seed, purpose, sample), never a global one."""

from __future__ import annotations

import hashlib

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
