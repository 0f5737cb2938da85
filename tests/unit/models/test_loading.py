"""The real path of weights: server, cache, hash, checkpoint, network."""

from __future__ import annotations

import functools
import hashlib
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from hardiness.core.errors import ArgumentError, DataError, ModelError
from hardiness.core.model import ModelSpec, View
from hardiness.models.catalogue import registry
from hardiness.models.loading import load, wrap
from hardiness.models.random_weights import randomise
from hardiness.report.words import text

Noise = Callable[..., Tensor]


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that is served, and named as the mirror of checkpoints."""
    folder = tmp_path / "served"
    folder.mkdir()
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setenv("HARDINESS_WEIGHTS_URL", f"http://127.0.0.1:{httpd.server_port}/")
    monkeypatch.setenv("HARDINESS_CACHE", str(tmp_path / "cache"))
    yield folder
    httpd.shutdown()
    thread.join()
    httpd.server_close()


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ResNeXt-50 state dict of the right keys and shapes, with seeded values."""
    spec = registry.get("resnext50_32x4d")
    network = spec.builder()(spec)
    randomise(network)
    file = tmp_path_factory.mktemp("weights") / "resnext50.pth"
    torch.save(network.state_dict(), file)
    return file


def _published(checkpoint: Path, folder: Path) -> ModelSpec:
    """The registered spec, and the checkpoint on the mirror under a name that carries its hash."""
    digest = hashlib.sha256(checkpoint.read_bytes()).hexdigest()[:8]
    spec = registry.get("resnext50_32x4d")
    url = f"https://download.pytorch.org/models/resnext50_32x4d-{digest}.pth"
    shutil.copy(checkpoint, folder / Path(url).name)
    return replace(spec, source=replace(spec.source, url=url, sha256=digest))


@pytest.mark.slow
def test_from_server_to_logits(mirror: Path, checkpoint: Path, noise: Noise, tmp_path: Path) -> None:
    spec = _published(checkpoint, mirror)
    seen: list[tuple[int, int | None]] = []
    classifier = load(spec, device="cpu", progress=lambda done, total: seen.append((done, total)))
    size = checkpoint.stat().st_size
    assert seen[-1] == (size, size)
    assert (tmp_path / "cache" / "weights" / Path(spec.source.url).name).is_file()
    again = load(f"resnext50_32x4d:weights={checkpoint}", device="cpu", runtime="torch")
    assert classifier.weights_sha256 == again.weights_sha256
    pixels = noise(2, 64)
    expected = again.logits(pixels)
    np.testing.assert_allclose(classifier.logits(pixels), expected, atol=1e-4 * np.abs(expected).max())


@pytest.mark.slow
def test_random_weights_are_those_of_the_checkpoint(checkpoint: Path) -> None:
    """Seeded: the same on every machine and in every process."""
    drawn = load("resnext50_32x4d:weights=random", device="cpu")
    assert drawn.weights_sha256 == load(f"resnext50_32x4d:weights={checkpoint}", device="cpu").weights_sha256


@pytest.mark.slow
def test_a_wrong_hash_is_not_loaded(mirror: Path, checkpoint: Path) -> None:
    spec = _published(checkpoint, mirror)
    served = mirror / Path(spec.source.url).name
    content = bytearray(served.read_bytes())
    content[len(content) // 2] ^= 1
    served.write_bytes(content)
    with pytest.raises(DataError, match=f"sha256 that starts with {spec.source.sha256}"):
        load(spec, device="cpu")


@pytest.mark.slow
def test_a_truncated_file_is_not_loaded(mirror: Path, checkpoint: Path) -> None:
    spec = _published(checkpoint, mirror)
    served = mirror / Path(spec.source.url).name
    served.write_bytes(served.read_bytes()[:-1000])
    with pytest.raises(DataError, match="the file was removed"):
        load(spec, device="cpu")


@pytest.mark.slow
def test_a_checkpoint_of_another_model_is_told(checkpoint: Path) -> None:
    with pytest.raises(ModelError, match=r"resnext50\.pth does not fit the network: .*missing .*another model"):
        load(f"resnext101_32x8d:weights={checkpoint}", device="cpu")


@pytest.mark.slow
def test_a_wrong_parameter_count_is_told(mirror: Path, checkpoint: Path) -> None:
    spec = _published(checkpoint, mirror)
    with pytest.raises(ModelError, match="must have 1 parameters, has 25,028,904"):
        load(replace(spec, source=replace(spec.source, parameters=1)), device="cpu")


def test_the_callers_random_state_is_left_alone() -> None:
    before = torch.random.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002  # looked at, not used
    load("squeezenet1_1", device="cpu")
    load("timm:test_resnet:weights=random", device="cpu")
    assert torch.equal(before[0], torch.random.get_rng_state())
    np.testing.assert_array_equal(before[1], np.random.get_state()[1])  # noqa: NPY002


def test_a_builder_that_leaves_tensors_empty_is_told() -> None:
    spec = registry.get("resnext50_32x4d")
    with pytest.raises(ModelError, match="have no values"):
        load(replace(spec, source=replace(spec.source, url="", parameters=None)), device="cpu")


def test_he_normal_by_moments() -> None:
    """Variance 2 / fan-in, mean 0, within five standard errors."""
    with torch.device("meta"):
        network = torch.nn.Sequential(
            torch.nn.Conv2d(64, 128, 3, groups=4), torch.nn.BatchNorm2d(128), torch.nn.Linear(500, 200)
        )
    randomise(network)
    for layer, fan_in in ((network[0], 16 * 9), (network[2], 500)):
        values = layer.weight.double()
        n = values.numel()
        assert abs(values.mean()) < 5 * (2 / fan_in / n) ** 0.5
        assert abs(values.var() * fan_in / 2 - 1) < 5 * (2 / n) ** 0.5
        assert not layer.bias.any()
    assert (network[1].weight == 1).all()
    assert (network[1].running_var == 1).all()
    assert not network[1].running_mean.any()


def _fine_tuned_timm(folder: Path, classes: int) -> tuple[str, nn.Module]:
    import timm

    return "timm:test_resnet", timm.create_model("test_resnet", num_classes=classes)


def _fine_tuned_torchvision(folder: Path, classes: int) -> tuple[str, nn.Module]:
    import torchvision

    return "torchvision:squeezenet1_1", torchvision.models.squeezenet1_1(num_classes=classes)


def _fine_tuned_transformers(folder: Path, classes: int) -> tuple[str, nn.Module]:
    import transformers

    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "image_size": 28, "patch_size": 14}
    names = {index: f"kind {index}" for index in range(5)}
    transformers.Dinov2ForImageClassification(transformers.Dinov2Config(**sizes, id2label=names)).save_pretrained(
        folder
    )
    side = {"height": 28, "width": 28}
    transformers.BitImageProcessorPil(size={"shortest_edge": 32}, crop_size=side, resample=3).save_pretrained(folder)
    config = transformers.Dinov2Config(**sizes, num_labels=classes)
    return f"hf:{folder}", transformers.Dinov2ForImageClassification(config)


@pytest.mark.slow
@pytest.mark.parametrize("fine_tuned", [_fine_tuned_timm, _fine_tuned_torchvision, _fine_tuned_transformers])
@pytest.mark.parametrize("classes", [3, 1])
def test_a_fine_tuned_checkpoint_brings_the_size_of_its_head(
    fine_tuned: Any, classes: int, noise: Noise, tmp_path: Path
) -> None:
    with torch.random.fork_rng(devices=[]):
        name, network = fine_tuned(tmp_path / "base", classes)
    file = tmp_path / "net.pt"
    torch.save({"model": {f"module.{key}": value for key, value in network.state_dict().items()}}, file)
    by_sigmoid = ",activation=sigmoid,output=logits" if classes == 1 else ""
    classifier = load(f"{name}:weights={file}{by_sigmoid}", device="cpu", runtime="torch")
    assert classifier.num_classes == max(classes, 2)
    assert classifier.spec.class_names is None
    of_base = "5" if name.startswith("hf:") else "1,000"
    assert f"its head has {classes} outputs, as {file} has, in place of {of_base}: they are your own classes" in map(
        text, classifier.notes
    )
    side = classifier.spec.input_px or classifier.spec.view.crop_px
    pixels = noise(2, side)
    mean, std = (
        torch.tensor(values)[:, None, None] for values in (classifier.spec.view.mean, classifier.spec.view.std)
    )
    with torch.no_grad():
        expected = network.eval()((pixels - mean) / std)
    logits = getattr(expected, "logits", expected).numpy()
    if classes == 1:
        logits = np.concatenate([np.zeros_like(logits), logits], axis=1)
    np.testing.assert_allclose(classifier.logits(pixels), logits, atol=1e-4 * max(np.abs(logits).max(), 1))


@pytest.mark.slow
def test_a_checkpoint_that_differs_in_more_than_its_head_is_refused(tmp_path: Path) -> None:
    import timm

    state = timm.create_model("test_resnet", num_classes=3).state_dict()
    kernel = next(name for name, tensor in state.items() if tensor.ndim == 4)
    state[kernel] = state[kernel][:1]
    torch.save(state, tmp_path / "net.pt")
    with pytest.raises(ModelError, match=r"does not fit the network: .*of another shape"):
        load(f"timm:test_resnet:weights={tmp_path / 'net.pt'}", device="cpu")


@pytest.mark.parametrize("method", ["predict_proba", "predict"])
def test_an_object_that_predicts_is_answered_with_how_a_function_is_given(method: str) -> None:
    pipeline = type("Pipeline", (), {method: lambda self, rows: rows})()
    with pytest.raises(ArgumentError, match=rf"was a Pipeline; give a function .* lambda images: model\.{method}\("):
        wrap(pipeline, View(256, 224), name="pipeline")
