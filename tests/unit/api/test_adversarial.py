"""``hardiness.attack``: adversarial images, and what became of each."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import hardiness
from hardiness.api.held_models import classifier_of
from hardiness.core.errors import ArgumentError
from hardiness.core.random import rng


@pytest.fixture
def images() -> np.ndarray:
    return rng(0, "images").integers(0, 256, (5, 32, 32, 3), np.uint8)


@pytest.fixture
def labels(network: Any, view: Any, images: np.ndarray) -> np.ndarray:
    """What the network answers, but for the last image, which it gets wrong."""
    network = network(classes=10).eval()
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (view.mean, view.std))
    with torch.no_grad():
        answers = network((torch.from_numpy(images).permute(0, 3, 1, 2) / 255 - mean) / std).argmax(1).numpy()
    answers[-1] = (answers[-1] + 1) % 10
    return answers


def test_what_became_of_each_image_is_what_the_network_answers(
    network: Any, view: Any, images: np.ndarray, labels: np.ndarray
) -> None:
    found = hardiness.attack(network(classes=10), images, labels, "pgd", epsilon=32 / 255, steps=20, view=view)
    assert len(found) == 5
    given = torch.from_numpy(images).permute(0, 3, 1, 2) / 255
    assert found.pixels.shape == given.shape
    assert found.pixels.dtype == torch.float32
    assert 0 <= found.pixels.min() <= found.pixels.max() <= 1
    np.testing.assert_allclose(found.distance, (found.pixels - given).abs().amax((1, 2, 3)), atol=1e-7)
    assert found.distance.max() <= 32 / 255 + 1e-6
    classifier = classifier_of(network(classes=10), view, hardiness.Placement())
    answers = classifier.differentiable(found.pixels).argmax(1).numpy()
    np.testing.assert_array_equal(found.prediction, answers)
    np.testing.assert_array_equal(found.broken, answers != labels)
    assert found.broken[:4].any(), "so large a change must break some of them"
    assert (found.step[-1], found.distance[-1]) == (0, 0), "wrong before any step: left as it is"
    assert ((found.step > 0) == found.broken)[:4].all()
    assert found.images.shape == images.shape
    assert found.images.dtype == np.uint8
    head, _, *rows = repr(found).splitlines()
    assert head == f"pgd, linf 32/255, 20 steps: {found.broken.sum()} of 5 broken"
    assert len(rows) == 5


def test_batches_change_nothing_and_pixels_do_as_well_as_images(
    network: Any, view: Any, images: np.ndarray, labels: np.ndarray
) -> None:
    def attacked(given: Any, **more: Any) -> hardiness.AdversarialImages:
        return hardiness.attack(network(classes=10), given, labels, epsilon=8 / 255, steps=5, view=view, **more)

    whole, parts = attacked(images), attacked(images, batch_size=2)
    pixels = attacked(torch.from_numpy(images).permute(0, 3, 1, 2) / 255)
    for other in (parts, pixels):
        torch.testing.assert_close(other.pixels, whole.pixels, atol=1e-6, rtol=0)
        np.testing.assert_array_equal(other.step, whole.step)


def test_targets_are_reached(network: Any, view: Any, images: np.ndarray, labels: np.ndarray) -> None:
    targets = (labels + 3) % 10
    found = hardiness.attack(
        network(classes=10), images, labels, "pgd", epsilon=1.0, steps=40, targets=targets, view=view
    )
    assert found.broken.any()
    np.testing.assert_array_equal(found.prediction == targets, found.broken)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"name": "pdg"}, "did you mean 'pgd'"),
        ({"stps": 3}, "did you mean 'steps'"),
        ({"steps": 0}, "steps must be at least 1, was 0"),
        ({"epsilon": -1}, "epsilon must be at least 0, was -1"),
        ({"epsilon": 8}, "had 8; a budget of 8 levels of 255 is written 8/255"),
        ({"norm": "l1"}, "norms linf, l2, was 'l1'"),
        ({"relative_step": 0}, "relative_step must be positive"),
        ({"labels": [0]}, "labels must be as many as images, 5; were 1"),
        ({"labels": [0, 1, 2, 3, 10]}, "labels must be from 0 to 9, were 0 to 10"),
        ({"labels": [0.5] * 5}, "labels must be whole numbers"),
        ({"images": np.zeros((5, 32, 32, 3))}, r"images must be uint8 \(H, W, 3\) of one size; image 0 was float64"),
        ({"images": np.zeros((5, 32, 30, 3), np.uint8)}, "images must be square, were 32 x 30"),
        ({"images": torch.full((5, 3, 8, 8), 2.0)}, r"in \[0, 1\]"),
        ({"images": []}, "at least one"),
        ({"targets": [1]}, "targets must be as many as images"),
        ({"labels": range(5), "targets": [1, 2, 2, 4, 0]}, "was class 2 for image 2, which is its label"),
    ],
)
def test_bad_input_is_one_line(
    network: Any, view: Any, images: np.ndarray, labels: np.ndarray, changes: dict[str, Any], says: str
) -> None:
    asked = {"images": images, "labels": labels, "epsilon": 0.1, "view": view, **changes}
    with pytest.raises(ArgumentError, match=says) as told:
        hardiness.attack(network(classes=10), **asked)
    assert "\n" not in str(told.value)
