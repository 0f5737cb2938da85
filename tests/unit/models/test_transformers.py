"""``hf:FOLDER`` on tiny transformers saved to disk."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from hardiness.core.errors import ArgumentError, ModelError
from hardiness.core.model import View
from hardiness.core.random import rng
from hardiness.imaging.resizing import on_canvas
from hardiness.models.loading import load
from hardiness.models.naming import resolve
from hardiness.models.preprocessing import Normalisation, to_pixels
from hardiness.models.processors import view_of
from hardiness.reference.classes import class_name, wnids

Noise = Callable[..., Tensor]
pytestmark = pytest.mark.slow  # it loads transformers

IMAGENET = [class_name(index) for index in range(1000)]


def _plain(name: str, pixels: Tensor, view: View) -> np.ndarray[Any, Any]:
    import transformers

    network = transformers.AutoModelForImageClassification.from_pretrained(name.removeprefix("hf:")).eval()
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (view.mean, view.std))
    with torch.no_grad():
        found: np.ndarray[Any, Any] = network((pixels - mean) / std).logits.numpy()
    return found


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


def test_a_background_class_is_dropped(saved: Callable[..., str], noise: Noise) -> None:
    name = saved(["background", *IMAGENET], "resnet")
    classifier = load(name, device="cpu", runtime="torch")
    expected = _plain(name, noise(2), classifier.spec.view)
    assert classifier.num_classes == 1000
    np.testing.assert_allclose(classifier.logits(noise(2)), expected[:, 1:], atol=1e-5 * np.abs(expected).max())


def test_labels_without_names_are_refused_unless_the_order_is_stated(saved: Callable[..., str]) -> None:
    name = saved([f"LABEL_{n}" for n in range(1000)])
    with pytest.raises(ModelError, match=r"1000 classes without names .'LABEL_0', ….*class_order=wnid"):
        resolve(name)
    assert load(f"{name}:class_order=wnid", device="cpu").spec.class_names is None
    assert load(f"{name}:class_order=own", device="cpu").spec.class_names is not None


def test_one_wrong_label_is_refused(saved: Callable[..., str]) -> None:
    name = saved(["sea monster", *IMAGENET[1:]])
    with pytest.raises(ModelError, match="'sea monster' is the name of no ImageNet class"):
        resolve(name)


OPENAI = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
USUAL = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
HALF = (0.5,) * 3, (0.5,) * 3
PROCESSORS = [
    ("Beit", {}, View(224, 224, "bicubic", "squash", *HALF)),
    ("Bit", {}, View(224, 224, "bicubic", "center_floor", *OPENAI)),
    ("Bit", {"size": {"shortest_edge": 40}, "crop_size": 32}, View(40, 32, "bicubic", "center_floor", *OPENAI)),
    ("CLIP", {}, View(224, 224, "bicubic", "center_floor", *OPENAI)),
    ("CLIP", {"size": 225, "crop_size": 224}, View(225, 224, "bicubic", "center_floor", *OPENAI)),
    ("ConvNext", {"size": {"shortest_edge": 224}}, View(256, 224, "bicubic", "center_floor", *HALF)),
    ("ConvNext", {"size": {"shortest_edge": 224}, "crop_pct": 0.95}, View(235, 224, "bicubic", "center_floor", *HALF)),
    ("ConvNext", {}, View(384, 384, "bicubic", "squash", *HALF)),
    ("DeiT", {}, View(256, 224, "bicubic", "squash", *HALF)),
    ("EfficientNet", {"include_top": False}, View(346, 346, "bicubic", "squash", *HALF)),
    ("EfficientNet", {}, View(346, 346, "bicubic", "squash", (0.5,) * 3, (0.25,) * 3)),
    ("EfficientNet", {"rescale_offset": True}, View(346, 346, "bicubic", "squash", (1.5,) * 3, (0.25,) * 3)),
    ("Levit", {}, View(256, 224, "bicubic", "center_floor", *USUAL)),
    ("Levit", {"size": {"shortest_edge": 192}, "crop_size": 192}, View(219, 192, "bicubic", "center_floor", *USUAL)),
    ("MobileNetV1", {}, View(256, 224, "bilinear", "center_floor", *HALF)),
    ("MobileNetV2", {}, View(256, 224, "bilinear", "center_floor", *HALF)),
    (
        "MobileViT",
        {"size": {"shortest_edge": 288}, "resample": 2},
        View(288, 256, "bilinear", "center_floor", (0.0,) * 3, (1.0,) * 3, "BGR"),
    ),
    ("PoolFormer", {}, View(248, 224, "bicubic", "center_floor", *USUAL)),
    ("Pvt", {}, View(224, 224, "bicubic", "squash", *USUAL)),
    ("Segformer", {}, View(512, 512, "bilinear", "squash", *USUAL)),
    ("Siglip", {}, View(224, 224, "bicubic", "squash", *HALF)),
    ("ViT", {}, View(224, 224, "bilinear", "squash", *HALF)),
    ("ViT", {"do_normalize": False}, View(224, 224, "bilinear", "squash", (0.0,) * 3, (1.0,) * 3)),
    (
        "ViT",
        {"do_rescale": False, "do_normalize": False, "resample": 0},
        View(224, 224, "nearest", "squash", (0.0,) * 3, (1.0,) * 3, range="0..255"),
    ),
    ("ViT", {"rescale_factor": 1 / 127.5}, View(224, 224, "bilinear", "squash", (0.25,) * 3, (0.25,) * 3)),
]


@pytest.mark.parametrize(("kind", "changes", "view"), PROCESSORS)
def test_processors_become_views(
    saved: Callable[..., str], photographs: list[Path], kind: str, changes: dict[str, Any], view: View
) -> None:
    import transformers
    from PIL import Image

    name = saved(["a", "b"], processor={"image_processor_type": f"{kind}ImageProcessor", **changes})
    found = resolve(name).view
    assert replace(found, mean=view.mean, std=view.std) == view
    np.testing.assert_allclose((found.mean, found.std), (view.mean, view.std), rtol=1e-12)
    processor = getattr(transformers, f"{kind}ImageProcessorPil")(**changes)
    for file in photographs[:4]:
        image = Image.open(file).convert("RGB")
        expected = processor(image, return_tensors="np")["pixel_values"][0]
        pixels = to_pixels([on_canvas(np.asarray(image), found.canvas)])
        np.testing.assert_allclose(
            Normalisation.from_view(found)(pixels)[0].numpy(), expected, atol=1e-5 * max(1, np.abs(expected).max())
        )


def test_every_processor_of_a_classifier_is_followed_or_refused() -> None:
    import transformers
    from transformers.models.auto.image_processing_auto import IMAGE_PROCESSOR_MAPPING_NAMES
    from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES

    kinds = set()
    for family in MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES:
        processors = IMAGE_PROCESSOR_MAPPING_NAMES.get(family) or {}
        if "pil" in processors and family != "timm_wrapper":
            kinds.add(processors["pil"])
    followed, refused = set(), set()
    for kind in sorted(kinds):
        try:
            view_of(getattr(transformers, kind)(), kind)
        except ArgumentError:
            refused.add(kind.removesuffix("ImageProcessorPil"))
        else:
            followed.add(kind.removesuffix("ImageProcessorPil"))
    assert followed >= {kind for kind, _, _ in PROCESSORS} - {"MobileViT"}
    assert refused >= {"Donut", "ImageGPT", "Perceiver", "Siglip2", "TextNet"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"size": {"height": 32, "width": 64}}, "a square is needed"),
        ({"size": 10**9}, "its size must be whole numbers from 1 to 8,192"),
        ({"size": 0}, "its size must be whole numbers"),
        ({"size": "large"}, "cannot be"),
        ({"resample": 99}, "resample"),
        ({"image_mean": [0.5, 0.5]}, "image_mean must be three numbers"),
        ({"image_mean": "NaN"}, "image_mean must be three numbers"),
        ({"image_std": [0.5, 0.5, 0]}, "std must be positive"),
        ({"image_mean": [float("nan")] * 3}, "mean must be finite"),
        ({"rescale_factor": 1e30}, "rescale_factor"),
        ({"do_resize": False}, "it does not resize"),
        ({"do_pad": True, "pad_size": {"height": 300, "width": 300}}, "makes .3, 300, 300."),
    ],
)
def test_odd_processor_files_are_told(saved: Callable[..., str], changes: dict[str, Any], said: str) -> None:
    name = saved(["a", "b"], processor={"image_processor_type": "ViTImageProcessor", **changes})
    with pytest.raises(ArgumentError, match=said) as caught:
        resolve(name)
    assert "\n" not in str(caught.value)
    assert name in str(caught.value)
    spec = resolve(f"{name}:resize_px=40,crop_px=32,mean=0.1,std=0.2")
    assert spec.view.crop_px == 32


@pytest.mark.parametrize("text", ["", "[]", "{", "null", '{"size": 1e400}'])
def test_a_processor_file_that_is_none_is_told(saved: Callable[..., str], text: str) -> None:
    name = saved(["a", "b"])
    (Path(name.removeprefix("hf:")) / "preprocessor_config.json").write_text(text)
    with pytest.raises(ArgumentError, match="preprocess"):
        resolve(name)


@pytest.mark.parametrize("kind", ["config", "processor"])
def test_code_beside_a_model_does_not_run(
    saved: Callable[..., str], monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    name = saved(["a", "b"])
    folder = Path(name.removeprefix("hf:"))
    (folder / "evil.py").write_text(f"open({str(folder / 'ran')!r}, 'w')\nclass Evil: pass\n")
    file = folder / ("config.json" if kind == "config" else "preprocessor_config.json")
    stored = json.loads(file.read_text())
    stored["auto_map"] = {
        "AutoConfig": "evil.Evil",
        "AutoImageProcessor": "evil.Evil",
        "AutoModelForImageClassification": "evil.Evil",
    }
    stored[{"config": "model_type", "processor": "image_processor_type"}[kind]] = "evil"
    file.write_text(json.dumps(stored))
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n" * 9))
    with pytest.raises((ModelError, ArgumentError), match=r"not run|cannot be read"):
        load(name, device="cpu")
    assert not (folder / "ran").exists()


def test_a_pickle_is_read_as_tensors_alone(saved: Callable[..., str]) -> None:
    name = saved(["a", "b"])
    folder = Path(name.removeprefix("hf:"))

    class Evil:
        def __reduce__(self) -> Any:
            return open, (str(folder / "ran"), "w")

    (folder / "model.safetensors").unlink()
    torch.save({"classifier.weight": Evil()}, folder / "pytorch_model.bin")
    with pytest.raises(ModelError, match="cannot be loaded") as caught:
        load(name, device="cpu")
    assert "\n" not in str(caught.value)
    assert not (folder / "ran").exists()


@pytest.mark.parametrize(
    "changes", [{"hidden_size": 10**12}, {"num_hidden_layers": 10**9}, {"hidden_size": 10**6, "num_hidden_layers": 9}]
)
def test_sizes_of_no_model_are_told(saved: Callable[..., str], changes: dict[str, int]) -> None:
    name = saved(["a", "b"])
    file = Path(name.removeprefix("hf:")) / "config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))
    with pytest.raises(ModelError) as caught:
        load(f"{name}:weights=random", device="cpu")
    assert "\n" not in str(caught.value)


def test_preprocessing_is_never_guessed(saved: Callable[..., str]) -> None:
    name = saved(["a", "b"])
    (Path(name.removeprefix("hf:")) / "preprocessor_config.json").unlink()
    with pytest.raises(ArgumentError, match=r"no preprocessor_config\.json; state its preprocessing with resize_px=…"):
        resolve(name)
    spec = resolve(f"{name}:resize_px=40,crop_px=32,mean=0.1,std=0.2")
    assert (spec.view.crop_px, spec.view.std) == (32, (0.2,) * 3)


def test_a_checkpoint_that_lacks_tensors_is_refused(saved: Callable[..., str]) -> None:
    from safetensors.torch import load_file, save_file

    name = saved(["a", "b"])
    file = Path(name.removeprefix("hf:")) / "model.safetensors"
    state = load_file(file)
    del state["classifier.weight"]
    save_file(state, file, metadata={"format": "pt"})
    with pytest.raises(ModelError, match=r"lacks 1 tensors \(classifier\.weight\)"):
        load(name, device="cpu")


def test_a_folder_without_a_model_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="must be a model's folder"):
        resolve(f"hf:{tmp_path}")


def test_random_weights(saved: Callable[..., str], noise: Noise) -> None:
    name = saved(["a", "b", "c"])
    first, second = (load(f"{name}:weights=random", device="cpu") for _ in range(2))
    assert first.weights_sha256 == second.weights_sha256 != load(name, device="cpu").weights_sha256
    assert np.isfinite(first.logits(noise(2))).all()


def test_a_dinov2_with_a_linear_head(tmp_path: Path, photographs: list[Path]) -> None:
    import transformers
    from PIL import Image

    config = transformers.Dinov2Config(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, image_size=28, patch_size=14,
        id2label=dict(enumerate(IMAGENET)),
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        network = transformers.Dinov2ForImageClassification(config).eval()
    network.save_pretrained(tmp_path)
    # The processor of facebook/dinov2-*-imagenet1k-1-layer, at a smaller size.
    processor = transformers.BitImageProcessorPil(
        size={"shortest_edge": 32}, crop_size={"height": 28, "width": 28}, resample=3,
        image_mean=[0.485, 0.456, 0.406], image_std=[0.229, 0.224, 0.225],
    )  # fmt: skip
    processor.save_pretrained(tmp_path)
    classifier = load(f"hf:{tmp_path}", device="cpu")
    view = classifier.spec.view
    assert view == View(32, 28, "bicubic", "center_floor")
    assert (classifier.num_classes, classifier.spec.class_names, classifier.outputs_sha256) == (1000, None, "")
    images = [Image.open(file).convert("RGB") for file in photographs[:3]]
    with torch.no_grad():
        expected = network(**processor(images, return_tensors="pt")).logits.numpy()
    found = classifier.logits(to_pixels([on_canvas(np.asarray(image), view.canvas) for image in images]))
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())


def test_a_dinov2_of_another_size_than_its_pictures_is_fed_its_pictures(
    tmp_path: Path, photographs: list[Path]
) -> None:
    """As facebook/dinov2-*-imagenet1k-1-layer: positions of 518 px, a processor that makes 224."""
    import transformers
    from PIL import Image

    config = transformers.Dinov2Config(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, image_size=56, patch_size=14,
        id2label=dict(enumerate(IMAGENET)),
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        network = transformers.Dinov2ForImageClassification(config).eval()
    network.save_pretrained(tmp_path)
    processor = transformers.BitImageProcessorPil(size={"shortest_edge": 32}, crop_size=28)
    processor.save_pretrained(tmp_path)
    classifier = load(f"hf:{tmp_path}", device="cpu")
    assert classifier.spec.input_px is None
    assert not classifier.feed(28).resized
    image = Image.open(photographs[0]).convert("RGB")
    with torch.no_grad():
        expected = network(**processor([image], return_tensors="pt")).logits.numpy()
    found = classifier.logits(
        classifier.feed(28)(to_pixels([on_canvas(np.asarray(image), classifier.spec.view.canvas)]))
    )
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())


DINO = {"hidden_size": 16, "num_hidden_layers": 5, "num_attention_heads": 2, "image_size": 28}


@pytest.mark.parametrize("layers", [1, 4])
@pytest.mark.parametrize("kind", ["Dinov2", "Dinov2WithRegisters", "DINOv3ViT"])
def test_a_head_of_the_hub_reads_what_it_was_trained_on(tmp_path: Path, noise: Noise, kind: str, layers: int) -> None:
    import transformers

    settings = {
        **DINO,
        "patch_size": 14,
        **({"num_register_tokens": 4, "intermediate_size": 32} if kind == "DINOv3ViT" else {}),
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        backbone = getattr(transformers, f"{kind}Model")(getattr(transformers, f"{kind}Config")(**settings)).eval()
        for parameter in backbone.parameters():
            parameter.data.normal_(0, 0.3)
        head = torch.nn.Linear((layers + 1) * 16, 1000)
    backbone.save_pretrained(tmp_path / "backbone")
    torch.save(head.state_dict(), tmp_path / "head.pth")
    by_hand = "resize_px=32,crop_px=28,mean=0.5,std=0.5"
    name = f"hf-dino:{tmp_path / 'backbone'}:head={tmp_path / 'head.pth'},{by_hand}"
    classifier = load(name, device="cpu")
    assert (classifier.num_classes, classifier.spec.class_names) == (1000, None)
    outputs: list[torch.Tensor] = []
    blocks = backbone.encoder.layer if hasattr(backbone, "encoder") else backbone.model.layer
    for block in blocks[-layers:]:
        block.register_forward_hook(lambda _, __, found: outputs.append(found))
    norm = backbone.layernorm if hasattr(backbone, "layernorm") else backbone.norm
    pixels = noise(2, 28)
    with torch.no_grad():
        last = backbone(pixel_values=(pixels - 0.5) / 0.5).last_hidden_state
        patches = last[:, -4:]  # two by two of 14 px, after the class token and the registers
        normed = [norm(each) for each in outputs]
        torch.testing.assert_close(normed[-1], last)
        expected = head(torch.cat([*(each[:, 0] for each in normed), patches.mean(1)], 1)).numpy()
    np.testing.assert_allclose(classifier.logits(pixels), expected, atol=1e-5 * np.abs(expected).max())


def test_what_is_no_dino_or_has_no_head_is_told(saved: Callable[..., str], tmp_path: Path) -> None:
    import transformers

    with pytest.raises(ModelError, match="must be of type dinov2, dinov2_with_registers, dinov3_vit, was a vit"):
        resolve(saved(["a", "b"]).replace("hf:", "hf-dino:") + ":head=x.pth")
    with torch.random.fork_rng(devices=[]):
        transformers.Dinov2Model(transformers.Dinov2Config(**DINO, patch_size=14)).save_pretrained(tmp_path)
    transformers.BitImageProcessorPil(size={"shortest_edge": 32}, crop_size=28).save_pretrained(tmp_path)
    with pytest.raises(ArgumentError, match=r"needs its linear head: .*:head=FILE\.pth"):
        resolve(f"hf-dino:{tmp_path}")
    torch.save(torch.nn.Linear(30, 1000).state_dict(), tmp_path / "head.pth")
    with pytest.raises(ModelError, match=r"must take 2 or 5 times 16 numbers, as .* puts out, takes 30"):
        load(f"hf-dino:{tmp_path}:head={tmp_path / 'head.pth'}", device="cpu")
    assert load(f"hf-dino:{tmp_path}:weights=random", device="cpu").spec.view.crop_px == 28
