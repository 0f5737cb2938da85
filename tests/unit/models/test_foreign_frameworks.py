"""A network of Keras as a model, and MAITE's protocols, each against the installed package."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hardiness.core.model import View
from hardiness.models.loading import load, wrap
from hardiness.models.preprocessing import to_pixels

VIEW = View(36, 32)
KERAS = """
import os

os.environ["KERAS_BACKEND"] = "torch"
import keras

keras.utils.set_random_seed(0)
network = keras.Sequential([
    keras.Input((32, 32, 3)),
    keras.layers.Rescaling(1 / 127.5, offset=-1),
    keras.layers.Conv2D(8, 4, strides=4, activation="relu"),
    keras.layers.GlobalAveragePooling2D(),
    keras.layers.Dense(7, activation="softmax"),
])


def classify(images):
    return network.predict_on_batch(images)
"""


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), dtype=np.uint8)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning", "ignore::FutureWarning")
def test_a_network_of_keras(images: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "torch")  # without it Keras looks for TensorFlow
    pytest.importorskip("keras")
    (tmp_path / "keras_model.py").write_text(KERAS)
    classifier = load(f"py:{tmp_path}/keras_model.py:classify:resize_px=36,crop_px=32", device="cpu")
    assert (classifier.outputs, classifier.num_classes) == ("probabilities", 7)
    module = sys.modules["hardiness_user_keras_model"]
    expected: Callable[..., Any] = module.classify
    np.testing.assert_allclose(classifier.logits(to_pixels(list(images))), np.log(expected(images)), atol=1e-4)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning", "ignore::FutureWarning")
def test_what_maite_calls_a_model_is_one(images: np.ndarray) -> None:
    protocols = pytest.importorskip("maite.protocols.image_classification")

    class Model:
        metadata = {"id": "seven", "index2label": {0: "dark", 1: "bright"}}  # noqa: RUF012

        def __call__(self, batch: Any) -> list[np.ndarray]:
            return [np.array([1 - each.mean() / 255, each.mean() / 255], np.float32) for each in batch]

    model = Model()
    assert isinstance(model, protocols.Model)
    classifier = wrap(model, VIEW, name="mine")
    assert (classifier.outputs, classifier.spec.class_names) == ("probabilities", ("dark", "bright"))
    bright = images.mean((1, 2, 3)) / 255
    np.testing.assert_allclose(
        np.exp(classifier.logits(to_pixels(list(images)))), np.stack([1 - bright, bright], 1), atol=1e-5
    )
