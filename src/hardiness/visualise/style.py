"""Style transfer: pictures with the shape of one photograph and the texture of another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hardiness.core.bounds import MOST_STEPS, require_within
from hardiness.core.errors import ModelError
from hardiness.core.options import option
from hardiness.core.progress import Listener
from hardiness.core.random import rng
from hardiness.models.classifier import Classifier
from hardiness.visualise.activation import MOST_WEIGHT
from hardiness.visualise.likeness import gram, roughness
from hardiness.visualise.painting import Painting

if TYPE_CHECKING:
    from torch import Tensor


COARSEST = 18
"""Maps whose side is less than this part of the picture's are left out: they hold objects, not textures."""


@dataclass(frozen=True, slots=True)
class StyleSettings:
    """How pictures are made.

    Attributes:
        steps: of the optimiser, Adam.
        rate: its step size.
        style: weight of the texture; that of the shape is 1.
        smoothness: weight of differences of neighbouring pixels.
        jitter_px: largest random shift of both pictures before each step, so that no grid of the network shows.
        seed: keys every draw.
    """

    steps: int = option("Steps of the optimiser.", 150)
    rate: float = 0.05
    style: float = option("Of the texture; the shape's is 1.", 20.0, name="--texture-weight", metavar="W")
    smoothness: float = 0.3
    jitter_px: int = 16
    seed: int = option("Keys every draw.", 0)

    def __post_init__(self) -> None:
        require_within("steps", self.steps, 1, MOST_STEPS)
        require_within("texture-weight", self.style, 0, MOST_WEIGHT)


@dataclass(frozen=True, slots=True)
class StyleLayers:
    """Which layers are read.

    Attributes:
        textures: layers whose Gram matrices are matched, finest first.
        shape: the layer whose outputs are kept.
    """

    textures: tuple[str, ...]
    shape: str

    @property
    def every(self) -> tuple[str, ...]:
        """Every layer that is read, once."""
        return tuple(dict.fromkeys((*self.textures, self.shape)))


def style_layers(classifier: Classifier, px: int) -> StyleLayers:
    """The last layer of the outermost module of every size of map, down to a sixteenth of the picture.

    For EfficientNet-Lite these are the stem and the stages of stride 4, 8 and 16; the shape is kept in the last.

    Raises:
        ModelError: there are fewer than three sizes, as in transformers, or no gradients.
    """
    best: dict[int, str] = {}
    for layer, shape in classifier.layers.shapes(px).items():
        if len(shape) != 3 or shape[1] != shape[2] or not px <= COARSEST * shape[1] < COARSEST * px:
            continue
        if shape[1] not in best or layer.count(".") <= best[shape[1]].count("."):
            best[shape[1]] = layer
    if len(best) < 3:
        raise ModelError(
            f"{classifier.spec.name} has maps of {len(best)} sizes, and textures need 3 or more; "
            "use a convolutional network, e.g. --model efficientnet_lite0"
        )
    textures = tuple(best[side] for side in sorted(best, reverse=True))
    return StyleLayers(textures, textures[-1])


def stylise(
    classifier: Classifier,
    shapes: Tensor,
    textures: Tensor,
    names: Sequence[str],
    settings: StyleSettings,
    listener: Listener,
) -> Tensor:
    """Pictures with the shapes of some and the textures of others, float32 ``(N, 3, px, px)`` in [0, 1].

    The outputs of one layer are kept as those of the shape, and the Gram matrices of several made those of the
    texture; each distance is relative to what is aimed at, so that no layer outweighs another. It begins at the shape.

    Args:
        classifier: whose layers are read.
        shapes: pixels ``(N, 3, px, px)``.
        textures: pixels of the same size.
        names: one a pair; with the seed they key its draws, so that a picture does not depend on its batch (beyond
            rounding).
        settings: how.
        listener: listener of progress, in steps of a picture.

    Raises:
        ModelError: the network has too few sizes of maps, or no gradients.

    Source: Gatys, Ecker & Bethge 2016, Image style transfer using convolutional neural networks, equations 1-7.
    Differs: Fourier coefficients are optimised in place of pixels, by Adam in place of L-BFGS, under random shifts.
    """
    import torch

    layers = style_layers(classifier, shapes.shape[-1])
    aim = _Aim(classifier, layers, shapes.to(classifier.device), textures.to(classifier.device))
    painting = Painting("fourier", shapes.shape[-1])
    numbers = painting.numbers(aim.shapes).requires_grad_()
    adam = torch.optim.Adam([numbers], settings.rate)
    for step in range(settings.steps):
        draws = [rng(settings.seed, "stylise", name, step) for name in names]
        shifts = [draw.integers(-settings.jitter_px, settings.jitter_px + 1, 2) for draw in draws]
        pixels = painting.pixels(numbers)
        shape, texture = aim.distances(pixels, shifts)
        cost = shape + settings.style * texture + settings.smoothness * roughness(pixels)
        (numbers.grad,) = torch.autograd.grad(cost.sum(), numbers)
        adam.step()
        listener.advance(len(names))
    with torch.no_grad():
        return painting.pixels(numbers)


class _Aim:
    """The shapes and textures that the pictures of a batch should come to have."""

    def __init__(self, classifier: Classifier, layers: StyleLayers, shapes: Tensor, textures: Tensor) -> None:
        import torch

        self.shapes = shapes
        self._classifier, self._layers = classifier, layers
        with torch.no_grad():
            outputs = classifier.layers.outputs(_channels_last(textures), layers.textures)
            self._grams = [gram(output) for output in outputs]

    def distances(
        self, pixels: Tensor, shifts: Sequence[np.ndarray[tuple[int], np.dtype[np.int64]]]
    ) -> tuple[Tensor, Tensor]:
        """How far each picture is from its shape and from its texture, ``(N,)`` each, 1 being all of it."""
        import torch

        with torch.no_grad():
            (shape_aim,) = self._classifier.layers.outputs(
                _channels_last(_shift(self.shapes, shifts)), (self._layers.shape,)
            )
        outputs = dict(
            zip(
                self._layers.every,
                self._classifier.layers.outputs(_channels_last(_shift(pixels, shifts)), self._layers.every),
                strict=True,
            )
        )
        shape = _relative_distance(outputs[self._layers.shape], shape_aim)
        textures = [
            _relative_distance(gram(outputs[layer]), aim)
            for layer, aim in zip(self._layers.textures, self._grams, strict=True)
        ]
        return shape, torch.stack(textures).mean(0)


def _relative_distance(outputs: Tensor, aim: Tensor) -> Tensor:
    """Squared distance to the aim over its squared length, ``(N,)``."""
    distance, length = (outputs - aim).square().flatten(1).sum(1), aim.square().flatten(1).sum(1)
    result: Tensor = distance / length.clamp(min=1e-12)
    return result


def _shift(pixels: Tensor, shifts: Sequence[np.ndarray[tuple[int], np.dtype[np.int64]]]) -> Tensor:
    """Each picture moved round by its own rows and columns."""
    import torch

    rolled = [
        torch.roll(picture, (int(shift[0]), int(shift[1])), (1, 2))
        for picture, shift in zip(pixels, shifts, strict=True)
    ]
    return torch.stack(rolled)


def _channels_last(pixels: Tensor) -> Tensor:
    """The tensor in channels-last layout, in which convolutions on a CPU take half the time."""
    import torch

    return pixels.contiguous(memory_format=torch.channels_last)
