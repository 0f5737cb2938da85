"""``hf:FOLDER`` on tiny transformers saved to disk."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from hardiness.core import ArgumentError, ModelError, View, rng
from hardiness.models import load, resolve
from hardiness.reference import class_name, wnids

Noise = Callable[..., Tensor]
VIT = {
    "do_resize": True,
    "size": {"height": 32, "width": 32},
    "resample": 3,
    "image_mean": [0.4] * 3,
    "image_std": [0.3] * 3,
}
IMAGENET = [class_name(index) for index in range(1000)]


@pytest.fixture
def saved(tmp_path: Path) -> Callable[..., str]:
    """Saves a tiny ViT or ResNet with these labels and this processor file; gives the folder."""
    import transformers

    def save(labels: list[str], kind: str = "vit", processor: dict[str, Any] | None = None) -> str:
        names = dict(enumerate(labels))
        if kind == "vit":
            config: Any = transformers.ViTConfig(
                hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
                image_size=32, patch_size=16, id2label=names,
            )  # fmt: skip
            network: Any = transformers.ViTForImageClassification
        else:
            config = transformers.ResNetConfig(
                embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic", id2label=names
            )
            network = transformers.ResNetForImageClassification
        with torch.random.fork_rng(devices=[]):
            network(config).save_pretrained(tmp_path)
        (tmp_path / "preprocessor_config.json").write_text(json.dumps(VIT if processor is None else processor))
        return f"hf:{tmp_path}"

    return save


def _plain(name: str, pixels: Tensor, view: View) -> np.ndarray[Any, Any]:
    import transformers

    network = transformers.AutoModelForImageClassification.from_pretrained(name.removeprefix("hf:")).eval()
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (view.mean, view.std))
    with torch.no_grad():
        found: np.ndarray[Any, Any] = network((pixels - mean) / std).logits.numpy()
    return found


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["vit", "resnet"])
@pytest.mark.parametrize("runtime", ["torch", "openvino"])
def test_own_classes_are_kept(saved: Callable[..., str], noise: Noise, kind: str, runtime: str) -> None:
    name = saved(["rose", "tulip", "daisy"], kind)
    classifier = load(name, device="cpu", runtime=runtime)
    assert classifier.spec.class_names == ("rose", "tulip", "daisy")
    assert classifier.spec.view == View(32, 32, "bicubic", "squash", (0.4,) * 3, (0.3,) * 3)
    assert classifier.spec.input_px == (32 if kind == "vit" else None)
    expected = _plain(name, noise(3), classifier.spec.view)
    np.testing.assert_allclose(classifier.logits(noise(3)), expected, atol=1e-5 * np.abs(expected).max())


@pytest.mark.slow
def test_imagenet_labels_are_put_in_wnid_order(saved: Callable[..., str], noise: Noise) -> None:
    shuffled = rng(0, "labels").permutation(1000)
    named = [wnids()[position] for position in shuffled]
    name = saved(named)
    classifier = load(name, device="cpu")
    assert (classifier.num_classes, classifier.spec.class_names) == (1000, None)
    expected = _plain(name, noise(2), classifier.spec.view)
    found = classifier.logits(noise(2))
    np.testing.assert_allclose(found[:, shuffled], expected, atol=1e-5 * np.abs(expected).max())
    np.testing.assert_allclose(classifier.differentiable(noise(2)).numpy(), found, atol=1e-5 * np.abs(expected).max())


@pytest.mark.slow
def test_a_background_class_is_dropped(saved: Callable[..., str], noise: Noise) -> None:
    name = saved(["background", *IMAGENET], "resnet")
    classifier = load(name, device="cpu", runtime="torch")
    expected = _plain(name, noise(2), classifier.spec.view)
    assert classifier.num_classes == 1000
    np.testing.assert_allclose(classifier.logits(noise(2)), expected[:, 1:], atol=1e-5 * np.abs(expected).max())


@pytest.mark.slow
def test_labels_without_names_are_refused_unless_the_order_is_stated(saved: Callable[..., str]) -> None:
    name = saved([f"LABEL_{n}" for n in range(1000)])
    with pytest.raises(ModelError, match=r"1000 classes without names .'LABEL_0', ….*class_order=wnid"):
        resolve(name)
    assert load(f"{name}:class_order=wnid", device="cpu").spec.class_names is None
    assert load(f"{name}:class_order=own", device="cpu").spec.class_names is not None


@pytest.mark.slow
def test_one_wrong_label_is_refused(saved: Callable[..., str]) -> None:
    name = saved(["sea monster", *IMAGENET[1:]])
    with pytest.raises(ModelError, match="'sea monster' is the name of no ImageNet class"):
        resolve(name)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("processor", "view"),
    [
        (
            {
                "size": {"shortest_edge": 40},
                "crop_size": {"height": 32, "width": 32},
                "do_center_crop": True,
                "resample": 2,
            },
            View(40, 32, "bilinear", mean=(0.5,) * 3, std=(0.5,) * 3),
        ),
        (
            {"size": {"shortest_edge": 224}, "crop_pct": 0.875, "resample": 3},
            View(256, 224, "bicubic", mean=(0.5,) * 3, std=(0.5,) * 3),
        ),
        (
            {"size": {"shortest_edge": 384}, "crop_pct": 0.875, "resample": 3},
            View(384, 384, "bicubic", "squash", mean=(0.5,) * 3, std=(0.5,) * 3),
        ),
        (
            {"size": 32, "do_normalize": False, "do_rescale": False, "resample": 2},
            View(32, 32, "bilinear", mean=(0.0,) * 3, std=(1.0,) * 3, range="0..255"),
        ),
    ],
)
def test_processor_files_become_views(saved: Callable[..., str], processor: dict[str, Any], view: View) -> None:
    assert resolve(saved(["a", "b"], processor=processor)).view == view


@pytest.mark.slow
def test_a_view_that_is_not_square_is_refused(saved: Callable[..., str]) -> None:
    with pytest.raises(ArgumentError, match="a square is needed"):
        resolve(saved(["a", "b"], processor={"size": {"height": 32, "width": 64}}))


@pytest.mark.slow
def test_preprocessing_is_never_guessed(saved: Callable[..., str]) -> None:
    name = saved(["a", "b"])
    (Path(name.removeprefix("hf:")) / "preprocessor_config.json").unlink()
    with pytest.raises(ArgumentError, match=r"no preprocessor_config\.json; state its preprocessing with resize_px=…"):
        resolve(name)
    spec = resolve(f"{name}:resize_px=40,crop_px=32,mean=0.1,std=0.2")
    assert (spec.view.crop_px, spec.view.std) == (32, (0.2,) * 3)


@pytest.mark.slow
def test_a_checkpoint_that_lacks_tensors_is_refused(saved: Callable[..., str]) -> None:
    from safetensors.torch import load_file, save_file

    name = saved(["a", "b"])
    file = Path(name.removeprefix("hf:")) / "model.safetensors"
    state = load_file(file)
    del state["classifier.weight"]
    save_file(state, file, metadata={"format": "pt"})
    with pytest.raises(ModelError, match=r"lacks 1 tensors \(classifier\.weight\)"):
        load(name, device="cpu")


@pytest.mark.slow
def test_a_folder_without_a_model_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="must be a model's folder"):
        resolve(f"hf:{tmp_path}")


@pytest.mark.slow
def test_random_weights(saved: Callable[..., str], noise: Noise) -> None:
    name = saved(["a", "b", "c"])
    first, second = (load(f"{name}:weights=random", device="cpu") for _ in range(2))
    assert first.weights_sha256 == second.weights_sha256 != load(name, device="cpu").weights_sha256
    assert np.isfinite(first.logits(noise(2))).all()
