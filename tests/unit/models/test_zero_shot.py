"""Zero-shot models from tiny random configurations, against their libraries' own loops."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize

from hardiness.core.errors import ArgumentError, ModelError, UnknownNameError
from hardiness.core.model import View
from hardiness.models import zero_shot
from hardiness.models.loading import load
from hardiness.models.naming import resolve
from hardiness.models.preprocessing import Normalisation
from hardiness.models.zero_shot import TextTower, wording_of
from hardiness.reference.classes import subset
from hardiness.reference.wordings import Wording, wording
from hardiness.report.words import text
from hardiness.store.local_files import LocalFiles

pytestmark = pytest.mark.slow  # it loads transformers

Noise = Callable[..., Tensor]
TEMPLATES = ["a photo of a {}.", "ART of the {}, (drawn)."]
PX = 32


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HARDINESS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "text"


@pytest.fixture
def protocol(tmp_path: Path) -> str:
    file = tmp_path / "words.json"
    file.write_text(json.dumps({"templates": TEMPLATES}))
    return str(file)


def _tokeniser(folder: Path, context: int) -> None:
    """A tokeniser of single bytes."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {each: index for index, each in enumerate(["<s>", "<e>", *letters])}
    tokeniser = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokeniser.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokeniser.post_processor = processors.TemplateProcessing(
        single="<s> $A <e>", special_tokens=[("<s>", 0), ("<e>", 1)]
    )
    PreTrainedTokenizerFast(
        tokenizer_object=tokeniser, bos_token="<s>", eos_token="<e>", pad_token="<e>", model_max_length=context
    ).save_pretrained(folder)


def _saved(folder: Path, kind: str) -> str:
    """A tiny random CLIP or SigLIP; gives its folder."""
    import transformers

    small = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
    text = {
        **small,
        "vocab_size": 300,
        "max_position_embeddings": 64,
        "bos_token_id": 0,
        "eos_token_id": 1,
        "pad_token_id": 1,
    }
    vision = {**small, "image_size": PX, "patch_size": 8}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        if kind == "clip":
            config: Any = transformers.CLIPConfig(text_config=text, vision_config=vision, projection_dim=12)
            network: Any = transformers.CLIPModel(config)
        else:
            config = transformers.SiglipConfig(text_config={**text, "projection_size": 16}, vision_config=vision)
            network = transformers.SiglipModel(config)
        for parameter in network.parameters():  # away from the tiny values that they start with
            parameter.data.normal_(0, 0.3)
        network.logit_scale.data.fill_(2.0)
    network.save_pretrained(folder)
    size = {"size": {"shortest_edge": PX}, "crop_size": PX} if kind == "clip" else {"size": {"height": PX, "width": PX}}
    processor = {"clip": "CLIPImageProcessor", "siglip": "SiglipImageProcessor"}[kind]
    (folder / "preprocessor_config.json").write_text(json.dumps({"image_processor_type": processor, **size}))
    _tokeniser(folder, 64)
    return str(folder)


def _own_loop(folder: str, kind: str, pixels: Tensor) -> np.ndarray[Any, Any]:
    """transformers' own logits per image, template by template, for the first 30 classes."""
    import transformers

    model = transformers.AutoModel.from_pretrained(folder).eval()
    tokeniser = transformers.AutoTokenizer.from_pretrained(folder)
    names = wording("openai80").names[:30]
    with torch.no_grad():
        images = normalize(model.get_image_features(pixel_values=pixels).pooler_output, dim=-1)
        total = torch.zeros(len(names), images.shape[1])
        for template in TEMPLATES:
            sentences = [template.format(name) for name in names]
            sentences = [each.lower() for each in sentences] if kind == "siglip" else sentences
            given = tokeniser(sentences, padding="max_length", max_length=64, truncation=True, return_tensors="pt")
            mask = {"attention_mask": given["attention_mask"]} if kind == "clip" else {}
            total += normalize(model.get_text_features(input_ids=given["input_ids"], **mask).pooler_output, dim=-1)
        logits = images @ normalize(total, dim=-1).T * model.logit_scale.exp()
        found: np.ndarray[Any, Any] = (logits + (model.logit_bias if kind == "siglip" else 0)).numpy()
    return found


@pytest.mark.parametrize("kind", ["clip", "siglip"])
def test_logits_equal_transformers_own_loop(tmp_path: Path, noise: Noise, protocol: str, kind: str) -> None:
    folder = _saved(tmp_path / "model", kind)
    classifier = load(f"hf-{kind}:{folder}:protocol={protocol}", device="cpu")
    assert (classifier.num_classes, classifier.spec.class_names, classifier.outputs_sha256) == (1000, None, "")
    expected = _own_loop(folder, kind, Normalisation.from_view(classifier.spec.view)(noise(3, PX)))
    found = classifier.logits(noise(3, PX))
    np.testing.assert_allclose(found[:, :30], expected, atol=1e-5 * np.abs(expected).max())
    options = dict(classifier.spec.options)
    assert (options["context"], options["protocol"], options["text_precision"]) == (64, protocol, "fp32")
    assert options["logit_scale"] == pytest.approx(np.exp(2.0), rel=1e-6)
    assert classifier.spec.view == View(
        PX,
        PX,
        "bicubic",
        "center_floor" if kind == "clip" else "squash",
        classifier.spec.view.mean,
        classifier.spec.view.std,
    )


def test_what_a_siglip_needs_is_not_optional(tmp_path: Path, noise: Noise, protocol: str) -> None:
    folder = _saved(tmp_path / "model", "siglip")
    found = load(f"hf-siglip:{folder}:protocol={protocol}", device="cpu", runtime="torch").logits(noise(1, PX))
    import transformers

    model = transformers.AutoModel.from_pretrained(folder).eval()
    tokeniser = transformers.AutoTokenizer.from_pretrained(folder)
    sentences = [each.format("tench") for each in TEMPLATES]
    lowered = [each.lower() for each in sentences]
    to_64 = {"padding": "max_length", "max_length": 64, "truncation": True}

    def logit(given: Any) -> float:
        with torch.no_grad():
            text = normalize(model.get_text_features(input_ids=given["input_ids"]).pooler_output, dim=-1).mean(0)
            image = model.get_image_features(pixel_values=(noise(1, PX) - 0.5) / 0.5).pooler_output
            cosine = normalize(image, dim=-1) @ normalize(text, dim=-1)
            return float((cosine * model.logit_scale.exp() + model.logit_bias)[0])

    assert logit(tokeniser(lowered, return_tensors="pt", **to_64)) == pytest.approx(found[0, 0], abs=1e-4)
    short = tokeniser(lowered, padding=True, return_tensors="pt")
    assert abs(logit(short) - found[0, 0]) > 1e-3, "padding to 64 tokens changes the answer"
    cased = tokeniser(sentences, return_tensors="pt", **to_64)
    assert abs(logit(cased) - found[0, 0]) > 1e-3, "upper case changes the answer"


def test_embedding_200_names_is_restricting_1000_logits(tmp_path: Path) -> None:
    draws = torch.nn.EmbeddingBag(300, 8)

    def tokens(sentences: Any) -> Tensor:
        return torch.tensor([[ord(letter) % 300 for letter in each.ljust(120)[:120]] for each in sentences])

    tower = TextTower(draws, tokens, draws, "letters")
    words = Wording(wording("simple7").names, tuple(TEMPLATES))
    kept = list(subset("imagenet-a"))
    few = Wording(tuple(words.names[index] for index in kept), words.templates)
    torch.testing.assert_close(tower.class_weights(few), tower.class_weights(words)[:, kept])


@pytest.fixture
def tiny_open_clip(tmp_path: Path) -> str:
    """The name of a tiny random architecture of open_clip and a checkpoint of it."""
    open_clip = pytest.importorskip("open_clip")
    name = "tiny-zero-shot"
    config = {
        "embed_dim": 12,
        "vision_cfg": {"image_size": PX, "layers": 2, "width": 16, "head_width": 8, "patch_size": 8},
        "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 2},
    }
    (tmp_path / f"{name}.json").write_text(json.dumps(config))
    open_clip.add_model_config(tmp_path / f"{name}.json")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        network = open_clip.create_model(name)
        for parameter in network.parameters():
            parameter.data.normal_(0, 0.3)
        network.logit_scale.data.fill_(2.0)
    torch.save(network.state_dict(), tmp_path / "tiny.pt")
    return f"{name}/{tmp_path / 'tiny.pt'}"


def test_logits_equal_open_clip_s_own_loop(tiny_open_clip: str, noise: Noise, protocol: str, cache: Path) -> None:
    import open_clip

    classifier = load(f"openclip:{tiny_open_clip}:protocol={protocol}", device="cpu")
    found = classifier.logits(noise(3, PX))
    name, _, file = tiny_open_clip.partition("/")
    model, _, transform = open_clip.create_model_and_transforms(name, file)
    names = wording("openai80").names[:30]
    tokeniser = open_clip.get_tokenizer(name)
    weights = open_clip.build_zero_shot_classifier(model.eval(), tokeniser, names, TEMPLATES)
    with torch.no_grad():
        image = model.encode_image(Normalisation.from_view(classifier.spec.view)(noise(3, PX)), normalize=True)
        expected = (model.logit_scale.exp() * image @ weights).numpy()
    np.testing.assert_allclose(found[:, :30], expected, atol=1e-5 * np.abs(expected).max())
    steps = {type(step).__name__: step for step in transform.transforms}
    assert (steps["Normalize"].mean, steps["Normalize"].std) == (classifier.spec.view.mean, classifier.spec.view.std)
    assert steps["Resize"].size == classifier.spec.view.resize_px
    assert steps["CenterCrop"].size == (PX, PX)
    assert len(list(cache.glob("*.npy"))) == 1


def test_text_is_embedded_once_for_the_same_words_and_weights(
    tiny_open_clip: str, protocol: str, cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    first = load(f"openclip:{tiny_open_clip}:protocol={protocol}", device="cpu").weights_sha256
    calls: list[int] = []
    embedded = zero_shot.TextTower._embedded
    monkeypatch.setattr(zero_shot.TextTower, "_embedded", lambda *given: calls.append(1) or embedded(*given))
    assert load(f"openclip:{tiny_open_clip}:protocol={protocol}", device="cpu").weights_sha256 == first
    assert not calls
    (file,) = cache.glob("*.npy")
    file.write_bytes(file.read_bytes()[:50])
    assert load(f"openclip:{tiny_open_clip}:protocol={protocol}", device="cpu").weights_sha256 == first
    assert len(calls) == 1, "a damaged cache is no answer"
    other = tmp_path / "other.json"
    other.write_text(json.dumps({"templates": TEMPLATES[:1]}))
    found = load(f"openclip:{tiny_open_clip}:protocol={other}", device="cpu")
    assert found.weights_sha256 != first
    assert len(calls) == 2


def test_what_was_embedded_is_kept_in_the_output_folder_whose_word_counts_on_every_machine(
    tiny_open_clip: str, protocol: str, cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    out, name = LocalFiles(tmp_path / "out"), f"openclip:{tiny_open_clip}:protocol={protocol}"
    first = load(name, device="cpu", files=out).weights_sha256
    (kept,) = (tmp_path / "out" / "text").glob("*.npy")
    weights = np.load(kept)
    np.save(kept, np.nextafter(weights, 2, dtype=np.float32))  # as the processor of another machine rounds
    shutil.rmtree(cache)
    with monkeypatch.context() as patch:
        patch.setattr(zero_shot.TextTower, "_embedded", None)
        there = load(name, device="cpu", files=out).weights_sha256
    assert there != first
    assert not cache.exists(), "the machine was not asked"
    assert load(name, device="cpu", files=out).weights_sha256 == there
    kept.write_bytes(b"damaged")
    assert load(name, device="cpu", files=out).weights_sha256 == first
    np.testing.assert_array_equal(np.load(kept), weights)


def test_sentences_are_embedded_on_the_device_of_the_model(
    tiny_open_clip: str, protocol: str, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = SimpleNamespace(moved=[])

    class Network(torch.nn.Module):
        def to(self, device: str) -> Network:
            text.moved.append(("tower", device))
            return self

    class Tokens:
        def to(self, device: str) -> Tokens:
            text.moved.append(("sentences", device))
            return self

    network = Network()
    tower = zero_shot.TextTower(network, lambda _: Tokens(), lambda _: torch.ones(2, 3), "a tokeniser")
    words = Wording(("cat",), ("a {}", "the {}"))
    found = tower._embedded(words, "cuda:1")  # stands in for it: nothing of these is a tensor
    assert found.shape == (3, 1)
    assert text.moved == [("tower", "cuda:1"), ("sentences", "cuda:1"), ("tower", "cpu")]


def test_random_weights_need_no_text(tiny_open_clip: str, noise: Noise, cache: Path) -> None:
    name = tiny_open_clip.partition("/")[0]
    found = load(f"openclip:{name}:weights=random", device="cpu")
    assert np.isfinite(found.logits(noise(2, PX))).all()
    assert not cache.exists()


def test_a_file_for_an_architecture_that_is_there_with_quickgelu_too_brings_a_note(
    tiny_open_clip: str, tmp_path: Path, protocol: str
) -> None:
    import open_clip

    name, _, file = tiny_open_clip.partition("/")
    assert not load(f"openclip:{tiny_open_clip}:protocol={protocol}", device="cpu").notes, "it has no twin"
    plain, quick = "tiny-with-a-twin", "tiny-with-a-twin-quickgelu"
    for each in (plain, quick):
        config = {**json.loads((tmp_path / f"{name}.json").read_text()), "quick_gelu": each == quick}
        (tmp_path / f"{each}.json").write_text(json.dumps(config))
        open_clip.add_model_config(tmp_path / f"{each}.json")
    (note,) = map(text, load(f"openclip:{plain}/{file}:protocol={protocol}", device="cpu").notes)
    assert "trained with QuickGELU" in note
    assert note.endswith(f"write openclip:{quick}/{file}")
    assert not load(f"openclip:{quick}/{file}:protocol={protocol}", device="cpu").notes
    assert "QuickGELU" not in str(load(f"openclip:{plain}:weights=random", device="cpu").notes)


def test_an_activation_that_is_not_the_weights_own_is_refused() -> None:
    pytest.importorskip("open_clip")
    with pytest.raises(ArgumentError, match=r"trained with QuickGELU.*write openclip:ViT-B-32-quickgelu/openai"):
        resolve("openclip:ViT-B-32/openai")
    assert resolve("openclip:ViT-B-32-quickgelu/openai").view.interpolation == "bicubic"


def test_views_of_published_models_are_open_clip_s_own() -> None:
    pytest.importorskip("open_clip")
    siglip = resolve("openclip:ViT-B-16-SigLIP/webli").view
    assert siglip == View(224, 224, "bicubic", "squash", (0.5,) * 3, (0.5,) * 3)
    clip = resolve("openclip:ViT-L-14-336-quickgelu/openai").view
    assert (clip.resize_px, clip.crop_px, clip.crop_mode) == (336, 336, "center")
    assert clip.mean == (0.48145466, 0.4578275, 0.40821073)


@pytest.mark.parametrize(
    ("name", "error", "said"),
    [
        ("openclip:ViT-B-33/openai", UnknownNameError, "did you mean 'ViT-B-32'"),
        ("openclip:ViT-B-32/laion2b", UnknownNameError, "laion2b_s34b_b79k"),
        ("openclip:ViT-B-32/laion2b_s34b_b79k:weights=some.pt", ArgumentError, "stands behind the slash"),
        ("openclip:ViT-B-32/laion2b_s34b_b79k:protocol=openai8", UnknownNameError, "did you mean 'openai80'"),
    ],
)
def test_wrong_names_are_told(name: str, error: type[Exception], said: str) -> None:
    pytest.importorskip("open_clip")
    with pytest.raises(error, match=said):
        resolve(name)


def test_a_classifier_is_no_dual_encoder(saved: Callable[..., str]) -> None:
    with pytest.raises(ModelError, match="must be of type clip or metaclip_2, and the folder holds a vit"):
        resolve(saved(["a", "b"]).replace("hf:", "hf-clip:"))


def test_the_words_are_those_of_open_clip() -> None:
    published = pytest.importorskip("open_clip.zero_shot_metadata")
    for protocol, templates in (
        ("openai80", published.OPENAI_IMAGENET_TEMPLATES),
        ("simple7", published.SIMPLE_IMAGENET_TEMPLATES),
    ):
        words = wording(protocol)
        assert words.names == tuple(published.IMAGENET_CLASSNAMES)
        assert [each.replace("{}", "tench") for each in words.templates] == [each("tench") for each in templates]
    assert wording("openai80").names_sha256.startswith("571ae1c583b4")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "must be a JSON file"),
        ("[]", "must be a JSON file"),
        ('{"names": ["cat"]}', "must be 1000 words in wnid order, were 1"),
        ('{"templates": ["a photo"]}', "must be sentences with {} once"),
        ('{"templates": []}', "must be sentences with {} once"),
    ],
)
def test_a_file_of_one_s_own_is_checked(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "words.json").write_text(text)
    with pytest.raises(ArgumentError, match=said):
        wording_of(str(tmp_path / "words.json"))
