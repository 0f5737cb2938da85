"""Pictures that show no object: noise, blurred noise, stripes and plain colours, of a photograph's size."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from hardiness.core.benchmark import Image
from hardiness.core.random import rng

Generator = np.random.Generator
Floats = NDArray[np.float64]
Maker = Callable[[Generator, Image], Floats]

LOW = (10.0, 15.0, 25.0, 40.0, 60.0, 85.0)
STRIPES = (4, 5, 7, 10, 15, 20)


def objectless(name: str, photograph: Image, *, seed: int = 0, id: str = "") -> Image:  # noqa: A002
    """The picture ``uint8 (H, W, 3)`` of one unit test.

    Args:
        name: one of `TESTS`.
        photograph: ``uint8 (H, W, 3)``: its size counts, and for the two with ``pixel_perm`` in their name its pixels.
        seed: of the run.
        id: of the sample; the draws depend on seed, name and id, and on nothing else.

    Source: Bitterwolf et al. (2023), arXiv:2306.00826, and its published notebook.
    Differs: draws are keyed by seed and id; blurs wrap round exactly (in the spectrum), without a cut at four
        deviations; blobs are drawn for each channel.
    """
    values = TESTS[name](rng(seed, "objectless", name, id), photograph)
    return (np.clip(values, 0.0, 1.0) * 255.0).round().astype(np.uint8)


def _one_of(random: Generator, choices: Sequence[float]) -> float:
    return choices[int(random.integers(len(choices)))]


def _blurred(values: Floats, sigma: float) -> Floats:
    """Blur the values by a Gaussian of ``sigma`` pixels that wraps round, channel by channel."""
    import scipy.fft
    import scipy.ndimage

    out = np.empty_like(values)
    for channel in range(values.shape[2]):
        spectrum = scipy.ndimage.fourier_gaussian(scipy.fft.fft2(values[..., channel]), sigma)
        out[..., channel] = scipy.fft.ifft2(spectrum).real
    return out


def _stretched(values: Floats, axes: tuple[int, ...] | None) -> Floats:
    low, high = values.min(axes, keepdims=True), values.max(axes, keepdims=True)
    return np.asarray((values - low) / (high - low))


def _low_frequencies(random: Generator, photograph: Image) -> Floats:
    return _blurred(random.random(photograph.shape), _one_of(random, LOW))


def _permuted(random: Generator, photograph: Image) -> Floats:
    return np.asarray(random.permutation(photograph.reshape(-1, 3)).reshape(photograph.shape) / 255.0)


def _permuted_and_blurred(random: Generator, photograph: Image) -> Floats:
    return _blurred(_permuted(random, photograph), _one_of(random, (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0)))


def _around_a_colour(random: Generator, photograph: Image) -> Floats:
    field = _low_frequencies(random, photograph)
    field -= field.mean(axis=(0, 1))
    reach = np.quantile(np.abs(field), 0.95, axis=(0, 1))
    return np.asarray(random.random(3) + field / reach * random.uniform(0.1, 0.3, 3))


def _blobs(random: Generator, photograph: Image) -> Floats:
    dots = (random.random(photograph.shape) < 0.7).astype(np.float64)
    blurred = _blurred(dots, _one_of(random, (1.5, 2.0, 2.5, 3.0, 3.5, 4.0)))
    return np.where(blurred < 0.75, 0.0, np.minimum(blurred, 1.0))


def _plain(photograph: Image, colour: Floats | float) -> Floats:
    return np.broadcast_to(np.asarray(colour, np.float64), photograph.shape)


def _stripes(photograph: Image, colours: Floats, upright: bool) -> Floats:
    """A stripe of each of the colours ``(N, 3)``, beside each other where ``upright``, else one below another."""
    height, width, _ = photograph.shape
    side = width if upright else height
    along = colours[np.arange(side) * len(colours) // side]
    return np.broadcast_to(along[None] if upright else along[:, None], photograph.shape)


TESTS: dict[str, Maker] = {
    "uni": lambda random, photograph: random.random(photograph.shape),
    "Rademacher": lambda random, photograph: random.integers(0, 2, photograph.shape).astype(np.float64),
    "Gaussian": lambda random, photograph: (
        0.5 + _one_of(random, (0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5)) * random.normal(size=photograph.shape)
    ),
    "pixel_perm": _permuted,
    "low_freq_pixel_perm": _permuted_and_blurred,
    "low_freq": lambda random, photograph: _stretched(_low_frequencies(random, photograph), None),
    "low_freq_channelfullscale": lambda random, photograph: _stretched(_low_frequencies(random, photograph), (0, 1)),
    "low_freq_colorrange": _around_a_colour,
    "blobs": _blobs,
    "monochrome": lambda random, photograph: _plain(photograph, random.random(3)),
    "grey": lambda random, photograph: _plain(photograph, random.random()),
    "black": lambda random, photograph: _plain(photograph, 0.0),
    "white": lambda random, photograph: _plain(photograph, 1.0),
    "tricolour": lambda random, photograph: _stripes(photograph, random.random((3, 3)), bool(random.integers(2))),
    "tricolour_primary": lambda random, photograph: _stripes(
        photograph, random.integers(0, 2, (3, 3)).astype(np.float64), bool(random.integers(2))
    ),
    "horizontal_stripes": lambda random, photograph: _stripes(
        photograph, random.random((int(_one_of(random, STRIPES)), 3)), False
    ),
    "vertical_stripes": lambda random, photograph: _stripes(
        photograph, random.random((int(_one_of(random, STRIPES)), 3)), True
    ),
}
"""Makers of the values ``float64 (H, W, 3)``, about [0, 1], of the 17 unit tests, by published name."""
