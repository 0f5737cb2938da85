"""Style transfer: which layers, what is near, and what a picture must not depend on."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from hardiness.core.errors import ArgumentError, ModelError
from hardiness.core.model import View
from hardiness.core.progress import Silence
from hardiness.models.classifier import Classifier
from hardiness.models.loading import load, wrap
from hardiness.visualise.likeness import gram
from hardiness.visualise.style import StyleSettings, style_layers, stylise

NAMES = ("a", "b", "c")


class _Pyramid(nn.Module):
    """Maps of 32, 16, 8 and 4 pixels for a picture of 32."""

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.stem = nn.Conv2d(3, 6, 3, padding=1)
        self.stages = nn.Sequential(*(nn.Conv2d(6, 6, 3, stride=2, padding=1) for _ in range(3)))
        self.head = nn.Linear(6, 4)
        for parameter in self.parameters():
            parameter.data = torch.randn(parameter.shape, generator=generator) * 0.3

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.stages(self.stem(x).tanh()).mean((2, 3)))


@pytest.fixture
def pyramid() -> Classifier:
    return wrap(_Pyramid(), View(36, 32), name="pyramid", device="cpu", runtime="torch")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "textures"),
    [
        ("efficientnet_lite0", ("bn1", "blocks.1", "blocks.2", "blocks.4")),
        ("torchvision:resnet18", ("relu", "layer1", "layer2", "layer3")),
    ],
)
def test_the_outermost_layer_of_each_size_is_read(name: str, textures: tuple[str, ...]) -> None:
    layers = style_layers(load(f"{name}:weights=random", device="cpu"), 224)
    assert layers.textures == textures
    assert layers.shape == textures[-1]
    assert layers.every == textures


def test_a_transformer_is_told_that_it_has_too_few_sizes() -> None:
    vit = load("timm:vit_tiny_patch16_224:weights=random", device="cpu")
    with pytest.raises(ModelError, match=r"has maps of 1 sizes, .*efficientnet_lite0"):
        style_layers(vit, 224)


@pytest.mark.slow
def test_texture_comes_and_shape_stays(pyramid: Classifier, draw: Callable[..., Tensor]) -> None:
    shapes, textures = draw(3, 3, 32, 32).sigmoid(), (3 * draw(3, 3, 32, 32, seed=1)).sigmoid()
    layers = style_layers(pyramid, 32)

    def apart(pixels: Tensor) -> tuple[float, float]:
        found, shape, texture = (pyramid.layers.outputs(each, layers.every) for each in (pixels, shapes, textures))
        grams = [
            ((gram(f) - gram(t)).square().sum() / gram(t).square().sum()).item()
            for f, t in zip(found, texture, strict=True)
        ]
        return sum(grams), ((found[-1] - shape[-1]).square().sum() / shape[-1].square().sum()).item()

    found = stylise(pyramid, shapes, textures, NAMES, StyleSettings(steps=120), Silence())
    assert found.shape == shapes.shape
    assert found.min() >= 0
    assert found.max() <= 1
    assert apart(found)[0] < 0.75 * apart(shapes)[0], "textures are nearer than the shapes' own"
    assert apart(found)[1] < 0.6 * apart(textures)[1], "and the shape is still there"
    heavy = stylise(pyramid, shapes, textures, NAMES, StyleSettings(steps=80, style=0.01), Silence())
    assert apart(heavy)[1] < apart(found)[1], "the weight trades one for the other"


def test_a_shape_in_its_own_texture_stays_as_it_is(pyramid: Classifier, draw: Callable[..., Tensor]) -> None:
    shapes = draw(1, 3, 32, 32).sigmoid()
    settings = StyleSettings(steps=20, smoothness=0.0, rate=0.01)
    found = stylise(pyramid, shapes, shapes, ("a",), settings, Silence())
    assert (found - shapes).abs().mean() < 0.02


def test_a_picture_depends_on_its_name_and_seed_and_not_on_the_batch(
    pyramid: Classifier, draw: Callable[..., Tensor]
) -> None:
    shapes, textures = draw(3, 3, 32, 32).sigmoid(), draw(3, 3, 32, 32, seed=1).sigmoid()
    settings = StyleSettings(steps=10)
    together = stylise(pyramid, shapes, textures, NAMES, settings, Silence())
    assert torch.equal(together, stylise(pyramid, shapes, textures, NAMES, settings, Silence()))
    alone = stylise(pyramid, shapes[2:], textures[2:], NAMES[2:], settings, Silence())
    torch.testing.assert_close(alone[0], together[2], atol=5e-3, rtol=0)
    other = stylise(pyramid, shapes, textures, NAMES, StyleSettings(steps=10, seed=1), Silence())
    assert not torch.equal(other, together)


def test_no_steps_are_refused() -> None:
    with pytest.raises(ArgumentError, match="steps must be at least 1, was 0"):
        StyleSettings(steps=0)
