"""How pictures are written as numbers: there and back, and what random numbers look like."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from hardiness.core.model import CANVAS_224
from hardiness.core.random import rng
from hardiness.imaging.codecs import decode
from hardiness.imaging.resizing import on_canvas
from hardiness.visualise.painting import COLOUR_COVARIANCE, KINDS, START_AMPLITUDE, Kind, Painting, colour_axes

MEASURED_ON = 250
"""How many ImageNet photographs HARDINESS_DATA holds: those on which the covariance was measured."""


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("decorrelate", [True, False])
@pytest.mark.parametrize("px", [16, 17])
def test_there_and_back(kind: Kind, decorrelate: bool, px: int) -> None:
    painting = Painting(kind, px, decorrelate)
    pixels = torch.from_numpy(rng(0, "pixels").uniform(0.02, 0.98, (2, 3, px, px)).astype("float32"))
    torch.testing.assert_close(painting.pixels(painting.numbers(pixels)), pixels, atol=2e-4, rtol=0)


def test_black_and_white_are_moved_to_what_numbers_can_stand_for() -> None:
    painting = Painting("fourier", 16)
    found = painting.pixels(painting.numbers(torch.tensor([0.0, 1.0])[:, None, None, None].expand(2, 3, 16, 16)))
    torch.testing.assert_close(found.mean((1, 2, 3)), torch.tensor([0.01, 0.99]), atol=1e-4, rtol=0)


@pytest.mark.parametrize("kind", KINDS)
def test_a_start_is_faint_grey_and_its_generator_s_alone(kind: Kind) -> None:
    painting = Painting(kind, 32)
    both = painting.start([rng(0, "a"), rng(0, "b")])
    assert torch.equal(both[1:], painting.start([rng(0, "b")]))
    assert not torch.equal(both[0], both[1])
    assert both.std().item() == pytest.approx(START_AMPLITUDE, rel=0.05)
    pixels = painting.pixels(both)
    assert (pixels - 0.5).abs().max() < 0.1


def test_random_fourier_numbers_have_the_spectrum_of_photographs() -> None:
    """Amplitude falls as 1 over frequency: twice the frequency has a quarter of the power."""
    px = 64
    painting = Painting("fourier", px, decorrelate=False)
    pixels = painting.pixels(painting.start([rng(0, n) for n in range(64)]))
    flat = torch.logit(pixels).numpy()
    power = (np.abs(np.fft.fft2(flat)) ** 2).mean((0, 1))
    radius = np.hypot(*np.meshgrid(np.fft.fftfreq(px), np.fft.fftfreq(px)))
    bands = [power[(radius > 0.9 * f) & (radius < 1.1 * f)].mean() for f in (0.05, 0.1, 0.2, 0.4)]
    ratios = np.array(bands[:-1]) / np.array(bands[1:])
    np.testing.assert_allclose(ratios, 4, rtol=0.25)


def test_colour_axes_give_the_covariance_back() -> None:
    axes = colour_axes().astype(np.float64)
    found = axes @ axes.T
    expected = np.array(COLOUR_COVARIANCE)
    np.testing.assert_allclose(found / found[0, 0], expected / expected[0, 0], rtol=1e-5)
    assert np.linalg.norm(axes, axis=0).max() == pytest.approx(1)
    assert (axes[:, 0] > 0).all(), "the first axis is brightness"


@pytest.mark.slow
def test_the_covariance_is_that_of_photographs(photographs: list[Path]) -> None:
    """As near as so many photographs can tell, and exactly that of those on which it was measured."""
    count = len(photographs)
    means, squares = np.empty((count, 3)), np.empty((count, 3, 3))
    for mean, square, file in zip(means, squares, photographs, strict=True):
        pixels = on_canvas(decode(file.read_bytes(), file.name), CANVAS_224).reshape(-1, 3) / 255
        mean[:], square[:] = pixels.mean(0), pixels.T @ pixels / len(pixels)

    def covariance(which: list[int]) -> np.ndarray[Any, Any]:
        mean = means[which].mean(0)
        return np.asarray(squares[which].mean(0) - np.outer(mean, mean))

    found = covariance(list(range(count)))
    without_one = np.array([covariance([i for i in range(count) if i != left_out]) for left_out in range(count)])
    error = without_one.std(0) * np.sqrt(count - 1)
    assert error.max() < 0.006, "by so many photographs it is known to a tenth"
    assert (np.abs(found - COLOUR_COVARIANCE) < 3.5 * error).all()
    axes, expected = np.linalg.eigh(found)[1], np.linalg.eigh(np.array(COLOUR_COVARIANCE))[1]
    assert np.abs((axes * expected).sum(0)).min() > 0.99, "light, blue to red, and green to magenta"
    if count == MEASURED_ON:
        np.testing.assert_allclose(found, COLOUR_COVARIANCE, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_reach_every_number_that_matters(kind: Kind, draw: Callable[..., Tensor]) -> None:
    painting = Painting(kind, 16)
    numbers = painting.start([rng(0, "a")]).requires_grad_()
    weight = draw(1, 3, 16, 16)
    (gradient,) = torch.autograd.grad((painting.pixels(numbers) * weight).sum(), numbers)
    assert (gradient != 0).float().mean() > 0.9
    step = 0.1 / gradient.norm()
    rose = (painting.pixels(numbers + step * gradient) * weight).sum() - (painting.pixels(numbers) * weight).sum()
    assert rose.item() == pytest.approx((0.1 * gradient.norm()).item(), rel=0.05)
