"""Pictures written as numbers that an optimiser changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor


Kind = Literal["fourier", "pixels"]

KINDS: tuple[Kind, ...] = get_args(Kind)

COLOUR_COVARIANCE = (
    (0.069803, 0.061261, 0.054359),
    (0.061261, 0.065756, 0.061563),
    (0.054359, 0.061563, 0.073303),
)
"""Covariance of the R, G and B values, in [0, 1], of ordinary photographs.

Source: measured on 250 ImageNet photographs, one a class, on the 224-pixel canvas: 12.5 million pixels.
"""

START_AMPLITUDE = 0.01
"""Standard deviation of the numbers before the first step."""


@dataclass(frozen=True)
class Painting:
    """A way of writing pictures of one size as numbers.

    Attributes:
        kind: ``"fourier"``: coefficients scaled by 1 over their frequency, so that a step changes all scales alike, as
            in photographs. ``"pixels"``: every pixel by itself.
        px: side of the pictures.
        decorrelate: whether the three numbers of a place stand for brightness, blue–orange and green–magenta, each as
            strong as in photographs, and not for red, green and blue.

    Source: Olah, Mordvintsev & Schubert 2017, Feature Visualization, doi:10.23915/distill.00007, section
        "Preconditioning and Parameterization".
    """

    kind: Kind
    px: int
    decorrelate: bool = True

    def start(self, generators: Sequence[np.random.Generator]) -> Tensor:
        """The numbers of one faint random picture for each generator, float32 ``(N, …)``."""
        import torch

        shape = (3, self.px, self.px // 2 + 1, 2) if self.kind == "fourier" else (3, self.px, self.px)
        normals = np.stack([generator.standard_normal(shape, np.float32) for generator in generators])
        numbers: Tensor = torch.from_numpy(START_AMPLITUDE * normals)
        return numbers

    def pixels(self, numbers: Tensor) -> Tensor:
        """The pictures, float32 ``(N, 3, px, px)``, RGB in [0, 1], on the device of the numbers; differentiable."""
        import torch

        if self.kind == "fourier":
            gain = torch.from_numpy(self._gain()).to(numbers)[None, None, :, :, None]
            spectrum = torch.view_as_complex((numbers * gain).contiguous())
            flat = torch.fft.irfft2(spectrum, s=(self.px, self.px), norm="ortho")
        else:
            flat = numbers
        if self.decorrelate:
            flat = torch.einsum("rc,nchw->nrhw", torch.from_numpy(colour_axes()).to(numbers), flat)
        pictures: Tensor = flat.sigmoid()
        return pictures

    def numbers(self, pixels: Tensor) -> Tensor:
        """The numbers that stand for given pictures ``(N, 3, px, px)``: the inverse of `pixels`.

        Values nearer than 0.01 to 0 or 1, which no number stands for, are moved there.
        """
        import torch

        flat = torch.logit(pixels.clamp(0.01, 0.99))
        if self.decorrelate:
            axes = torch.linalg.inv(torch.from_numpy(colour_axes()).to(pixels))
            flat = torch.einsum("rc,nchw->nrhw", axes, flat)
        if self.kind == "pixels":
            return flat.contiguous()
        spectrum = torch.fft.rfft2(flat, norm="ortho")
        gain = torch.from_numpy(self._gain()).to(pixels)[None, None, :, :, None]
        return (torch.view_as_real(spectrum) / gain).contiguous()

    def _gain(self) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
        """The factor of each coefficient; the lowest frequency counts as that of one period a side."""
        rows, columns = np.fft.fftfreq(self.px), np.fft.rfftfreq(self.px)
        frequency = np.hypot(rows[:, None], columns[None, :])
        gain: np.ndarray[tuple[int, int], np.dtype[np.float32]] = (0.25 / np.maximum(frequency, 1 / self.px)).astype(
            np.float32
        )
        return gain


def colour_axes() -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """The colours of photographs as columns, float32 ``(3, 3)``: brightest axis first, of length at most 1.

    Unit normal numbers, times this matrix, have `COLOUR_COVARIANCE` up to one factor.
    """
    variance, axes = np.linalg.eigh(np.array(COLOUR_COVARIANCE))
    scaled = (axes * np.sqrt(variance))[:, ::-1]
    signs = np.sign(scaled[np.abs(scaled).argmax(axis=0), range(3)])  # eigh leaves them open
    colours: np.ndarray[tuple[int, int], np.dtype[np.float32]] = (
        scaled * signs / np.linalg.norm(scaled, axis=0).max()
    ).astype(np.float32)
    return colours
