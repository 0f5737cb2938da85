"""Pictures by optimisation for every kind of model: convolutional networks and transformers, maps and tokens."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from hardiness.models.classifier import Classifier
from hardiness.models.loading import load
from hardiness.visualise.activation import Settings, maximise
from hardiness.visualise.units import Channel, ClassUnit, LayerUnit, Neuron, Unit

SHORT = Settings(steps=2)

UNITS: dict[str, list[Unit]] = {
    "efficientnet_lite0": [Channel("blocks.2", 3), Neuron("blocks.2", (1, 14, 14))],
    "squeezenet1_1": [Channel("features.4", 2), LayerUnit("features.7")],
    "alexnet": [Channel("features.3", 1), Neuron("classifier.4", (7,))],
    "resnext50_32x4d": [Channel("layer2", 5)],
    "timm:vit_tiny_patch16_224": [Channel("blocks.5", 9), Neuron("blocks.5", (100, 9)), LayerUnit("blocks.2")],
    "timm:swin_tiny_patch4_window7_224": [Channel("layers.1", 11)],
    "torchvision:mobilenet_v3_small": [Channel("features.6", 4)],
}


@cache
def loaded(name: str) -> Classifier:
    return load(f"{name}:weights=random", device="cpu")


AGAIN = {"resnext50_32x4d", "torchvision:mobilenet_v3_small"}
"""Further convolutional networks."""


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.thorough) if name in AGAIN else name for name in UNITS]
)
def test_every_kind_of_unit_of_every_kind_of_model(name: str) -> None:
    classifier = loaded(name)
    units = [*UNITS[name], ClassUnit(1, "goldfish")]
    features = maximise(classifier, units, SHORT)
    assert [feature.unit for feature in features] == units
    side = classifier.spec.input_px or classifier.spec.view.crop_px
    for feature in features:
        assert feature.image.shape == (side, side, 3)
        assert feature.image.dtype == np.uint8
        assert np.isfinite([feature.before, feature.after]).all()
        assert feature.after != feature.before
    assert not any(module._forward_hooks for module in classifier._original.network.modules())


@pytest.mark.slow
@pytest.mark.parametrize("name", ["efficientnet_lite0", "timm:vit_tiny_patch16_224"])
def test_the_same_pictures_every_time(name: str) -> None:
    first, again = (maximise(loaded(name), UNITS[name][:1], SHORT) for _ in range(2))
    assert np.array_equal(first[0].image, again[0].image)
    assert (first[0].before, first[0].after) == (again[0].before, again[0].after)


@pytest.mark.slow
def test_a_model_with_weights_climbs() -> None:
    classifier = load("efficientnet_lite0", device="cpu")
    (feature,) = maximise(classifier, [Channel("blocks.2", 3)], Settings(steps=10))
    assert feature.after > feature.before + 5
