"""The embedded models on real photographs: exactness of every path, and the accuracy known of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from hardiness.models.catalogue import registry
from hardiness.models.classifier import Classifier
from hardiness.models.loading import load
from hardiness.reference.classes import wnids

EMBEDDED = [name for name in registry.names() if registry.get(name).source.package]
ONE_OF_EACH_KIND = [
    pytest.param(name, marks=pytest.mark.thorough) if name in ("efficientnet_lite1", "efficientnet_lite2") else name
    for name in EMBEDDED
]
PixelsOf = Callable[..., Tensor]

# Correct of 250 ImageNet photographs, and of the 99 inside packages, by plain torch in fp32; counted once.
CORRECT = {
    250: {"efficientnet_lite0": 224, "efficientnet_lite1": 219, "efficientnet_lite2": 226, "squeezenet1_1": 161},
    99: {"efficientnet_lite0": 96, "efficientnet_lite1": 96, "efficientnet_lite2": 95, "squeezenet1_1": 86},
}


@cache
def loaded(name: str) -> Classifier:
    """As it runs by default; what is compiled for its first images serves every test."""
    return load(name, device="cpu")


@pytest.mark.slow
@pytest.mark.parametrize("name", ONE_OF_EACH_KIND)
def test_every_path_is_the_plain_network(name: str, pixels_of: PixelsOf) -> None:
    classifier = loaded(name)
    view = classifier.spec.view
    pixels = pixels_of(view, 12)
    scale = 255.0 if view.range == "0..255" else 1.0
    given = pixels[:, [2, 1, 0]] if view.channel_order == "BGR" else pixels
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (view.mean, view.std))
    with torch.no_grad():
        expected = classifier._original.network((given * scale - mean) / std).numpy()
    tolerance = 1e-5 * np.abs(expected).max()
    np.testing.assert_allclose(classifier.logits(pixels), expected, atol=tolerance)
    assert classifier.runtimes.name == "openvino"
    np.testing.assert_allclose(classifier.differentiable(pixels).numpy(), expected, atol=tolerance)
    eager = load(name, device="cpu", runtime="torch")
    np.testing.assert_allclose(eager.logits(pixels), expected, atol=tolerance)


@pytest.mark.slow
@pytest.mark.parametrize("name", ONE_OF_EACH_KIND)
def test_accuracy_is_the_known_one(name: str, pixels_of: PixelsOf, photographs: list[Path]) -> None:
    """A wrong view, channel order or class order costs points here, and nowhere else so visibly."""
    assert len(photographs) in CORRECT, "the counts are those of the two known samples"
    labels = np.array([wnids().index(file.parent.name) for file in photographs])
    classifier = loaded(name)
    found = classifier.logits(pixels_of(classifier.spec.view)).argmax(1)
    assert int((found == labels).sum()) == CORRECT[len(photographs)][name]


@pytest.mark.slow
def test_bf16_keeps_the_predictions(pixels_of: PixelsOf) -> None:
    exact, near = loaded("efficientnet_lite0"), load("efficientnet_lite0", device="cpu", precision="bf16")
    pixels = pixels_of(exact.spec.view, 50)
    same = exact.logits(pixels).argmax(1) == near.logits(pixels).argmax(1)
    assert same.mean() >= 0.98
