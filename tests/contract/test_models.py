"""Every registered model keeps the laws by being registered."""

from __future__ import annotations

import importlib
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torchvision.models import regnet

from hardiness.core.errors import DataError
from hardiness.core.model import ModelSpec
from hardiness.core.random import rng
from hardiness.models import loading
from hardiness.models.catalogue import registry, schemes
from hardiness.models.checkpoints import Checkpoint
from hardiness.models.loading import load
from hardiness.models.weights import assign
from hardiness.sources.packages import installed_file

NAMES = registry.names()
EMBEDDED = [
    pytest.param(name, marks=pytest.mark.thorough) if name in ("efficientnet_lite1", "efficientnet_lite2") else name
    for name in NAMES
    if registry.get(name).source.package
]
"""One network of each kind, and those that repeat one at another size."""


@pytest.fixture(params=NAMES)
def spec(request: pytest.FixtureRequest) -> ModelSpec:
    return registry.get(request.param)


def test_the_spec_says_where_the_weights_come_from(spec: ModelSpec) -> None:
    source = spec.source
    assert spec.name in NAMES
    assert spec.summary
    assert source.paper
    assert source.licence
    assert source.parameters
    assert bool(source.url) != bool(source.package), "weights come from a server or from a package"
    if source.url:
        assert source.url.startswith("https://")
        assert source.url.endswith(f"-{source.sha256}.pth"), "the file's name carries the hash"
    else:
        assert re.fullmatch("[0-9a-f]{64}", source.sha256)


def test_the_builder_is_documented(spec: ModelSpec) -> None:
    module, _, function = spec.build.partition(":")
    assert getattr(importlib.import_module(module), function).__doc__


def test_the_architecture_has_the_published_parameters(spec: ModelSpec) -> None:
    with torch.random.fork_rng(devices=[]):
        network = spec.builder()(replace(spec, weights="random"))
    assert sum(parameter.numel() for parameter in network.parameters()) == spec.source.parameters


@pytest.mark.slow
def test_a_state_dict_of_the_right_keys_and_shapes_fits(spec: ModelSpec) -> None:
    with torch.random.fork_rng(devices=[]):
        network = spec.builder()(replace(spec, weights="random"))
    # One number seen through every shape: the largest model's dictionary costs no memory either.
    state = {
        name: torch.zeros((), dtype=tensor.dtype).expand(tensor.shape) for name, tensor in network.state_dict().items()
    }
    assign(network, state, spec.name)
    assert not any(tensor.is_meta for tensor in network.state_dict().values())


def test_schemes_describe_themselves() -> None:
    for prefix in schemes:
        scheme = schemes.get(prefix)
        assert scheme.form.startswith(f"{prefix}:")
        assert scheme.summary
        assert scheme.spec.__doc__
        assert "Raises:" in scheme.spec.__doc__


@pytest.mark.slow
@pytest.mark.parametrize("name", EMBEDDED)
def test_embedded_models_keep_the_laws_of_logits(name: str) -> None:
    source = registry.get(name).source
    try:
        installed_file(source.package, source.path, source.sha256)
    except DataError as error:
        pytest.skip(str(error))
    classifier = load(name, device="cpu")
    side = classifier.spec.view.crop_px
    pixels = torch.from_numpy(rng(0, "contract", name).random((3, 3, side, side), dtype=np.float32))
    given = pixels.clone()
    found = classifier.logits(pixels)
    assert found.shape == (3, classifier.num_classes) == (3, 1000)
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    assert torch.equal(pixels, given), "input is not written to"
    np.testing.assert_array_equal(classifier.logits(pixels), found, "the same twice")
    np.testing.assert_array_equal(classifier.logits(pixels[1:]), found[1:], "whatever the batch")
    gradient = pixels.clone().requires_grad_()
    classifier.differentiable(gradient)[:, 0].sum().backward()
    assert gradient.grad is not None
    assert gradient.grad.abs().max() > 0
    assert classifier.num_parameters == source.parameters


def _torchvision_names() -> list[str]:
    from torchvision import models

    return list(models.list_models(module=models))


def _published(name: str, key: str) -> str:
    """The name of a tensor in torchvision's published file; those of DenseNets are from before a renaming."""
    return re.sub(r"(denselayer\d+\.(?:norm|conv))(\d)\.", r"\1.\2.", key) if name.startswith("densenet") else key


QUICKLY_LOADED = {"alexnet", "densenet121", "googlenet", "inception_v3", "mnasnet0_5", "resnet18", "swin_t", "vit_b_16"}
"""One of each way in which published files differ from today's; the others are slow tests."""


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=() if name in QUICKLY_LOADED else pytest.mark.slow) for name in _torchvision_names()],
)
def test_torchvision_s_published_files_fit(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    widths = regnet.BlockParams.from_init_params.__func__  # type: ignore[attr-defined]

    def on_cpu(*given: Any, **named: Any) -> Any:  # its arithmetic needs values
        with torch.device("cpu"):
            return widths(*given, **named)

    monkeypatch.setattr(regnet.BlockParams, "from_init_params", classmethod(on_cpu))
    spec = schemes.get("torchvision").spec(name, {})
    with torch.device("meta"), torch.random.fork_rng(devices=[]):
        built = spec.builder()(spec)
    # One number seen through every shape; the version of each layer's names is lost, as when a file is saved again.
    state = {
        _published(name, key): torch.zeros((), dtype=tensor.dtype).expand(tensor.shape)
        for key, tensor in built.network.state_dict().items()
    }
    monkeypatch.setattr(loading, "fetch", lambda *_, **__: "published.pth")
    monkeypatch.setattr(loading, "read_checkpoint", lambda _: Checkpoint(state))
    assert loading._add_weights(built, spec, None) == built
    assert not any(tensor.is_meta for tensor in built.network.state_dict().values())
