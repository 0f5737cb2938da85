"""What networks compute on the way: outputs of layers, and the features that the last layer reads."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from hardiness.core.errors import ModelError, UnknownNameError
from hardiness.core.model import View
from hardiness.models.classifier import Classifier
from hardiness.models.loading import load, wrap

Make = Callable[..., nn.Module]
Noise = Callable[..., Tensor]
VIEW = View(36, 32, mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.4))


class _Reused(nn.Module):
    """One activation module that runs three times, and a last layer."""

    def __init__(self) -> None:
        super().__init__()
        self.act, self.head = nn.Tanh(), nn.Linear(3, 5)

    def forward(self, x: Tensor) -> Tensor:
        first = self.act(x.mean((2, 3)))
        return self.head(self.act(self.act(first)))


class _PoolsLast(nn.Module):
    """Classifies every position, then pools, as SqueezeNet does."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.head = nn.Conv2d(3, 6, 3, stride=2), nn.Conv2d(6, 5, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x)).mean((2, 3))


def normalised(pixels: Tensor) -> Tensor:
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (VIEW.mean, VIEW.std))
    return (pixels - mean) / std


def wrapped(network: nn.Module) -> Classifier:
    return wrap(network, VIEW, name="network", device="cpu")


def test_several_layers_are_what_each_is_alone(tiny: Make, noise: Noise) -> None:
    classifier, pixels = wrapped(tiny()), noise(2)
    for _ in range(2):  # the second pass ends early
        first, second, again = classifier.layers.outputs(pixels, ("bn2", "conv1", "bn2"))
        assert torch.equal(first, again)
        torch.testing.assert_close(second, tiny().conv1(normalised(pixels)))
        assert torch.equal(first, classifier.layers.output(pixels, "bn2"))


def test_what_comes_after_the_layers_is_computed_on_the_first_pass_alone(noise: Noise) -> None:
    ran: list[int] = []

    class Last(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            ran.append(len(x))
            return super().forward(x)

    network = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Tanh(), Last(3, 5))
    classifier = wrapped(network)
    ran.clear()
    found = [classifier.layers.output(noise(count), "2") for count in (1, 2, 3)]
    assert ran == [1]
    torch.testing.assert_close(found[2], torch.tanh(normalised(noise(3)).mean((2, 3))))


def test_a_layer_that_runs_several_times_is_read_the_last_time(noise: Noise) -> None:
    classifier = wrapped(_Reused().eval())
    expected = normalised(noise(2)).mean((2, 3)).tanh().tanh().tanh()
    for _ in range(3):
        torch.testing.assert_close(classifier.layers.output(noise(2), "act"), expected)


def test_gradients_of_several_layers_add_up(tiny: Make, noise: Noise) -> None:
    classifier, pixels, apart = wrapped(tiny()), noise(2).requires_grad_(), noise(2).requires_grad_()
    first, second = classifier.layers.outputs(pixels, ("conv1", "bn2"))
    (first.square().sum() + second.sum()).backward()
    classifier.layers.output(apart, "conv1").square().sum().backward()
    classifier.layers.output(apart, "bn2").sum().backward()
    torch.testing.assert_close(pixels.grad, apart.grad, rtol=1e-4, atol=1e-3)


def test_no_hook_is_left_by_an_early_end_or_an_error(tiny: Make, noise: Noise) -> None:
    classifier = wrapped(tiny())
    for _ in range(2):
        classifier.layers.outputs(noise(1), ("conv1", "bn1"))
    with pytest.raises(ModelError, match="fails on 1 images of 2 x 2 px"):
        classifier.layers.outputs(torch.zeros(1, 3, 2, 2), ("conv1", "bn2"))
    with pytest.raises(UnknownNameError, match="did you mean 'conv"):
        classifier.layers.outputs(noise(1), ("conv1", "conv3"))
    assert not any(module._forward_hooks for module in classifier._original.network.modules())


def test_layers_are_listed_in_the_order_they_end_with_their_shapes(tiny: Make) -> None:
    shapes = wrapped(tiny()).layers.shapes(32)
    assert list(shapes) == ["conv1", "bn1", "conv2", "bn2", "head"]
    assert (shapes["conv1"], shapes["head"]) == ((8, 16, 16), (7,))
    assert list(wrapped(_Reused().eval()).layers.shapes(32)) == ["act", "head"]


def test_pooled_features_are_what_the_last_layer_reads(tiny: Make, noise: Noise) -> None:
    network, pixels = tiny(), noise(3)
    found = wrapped(network).pooled(pixels)
    torch.testing.assert_close(network.head(found), network(normalised(pixels)), rtol=1e-5, atol=1e-4)
    squeeze = _PoolsLast().eval()
    torch.testing.assert_close(wrapped(squeeze).pooled(pixels), squeeze.body(normalised(pixels)).mean((2, 3)))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "features"),
    [
        ("squeezenet1_1", 512),
        pytest.param("efficientnet_lite0", 1280, marks=pytest.mark.slow),
        pytest.param("timm:vit_tiny_patch16_224", 192, marks=pytest.mark.slow),
        pytest.param("alexnet", 4096, marks=pytest.mark.slow),
    ],
)
def test_every_kind_of_model_has_pooled_features(name: str, features: int, noise: Noise) -> None:
    classifier = load(f"{name}:weights=random", device="cpu")
    pixels = noise(2, 224).requires_grad_()
    found = classifier.pooled(pixels)
    assert found.shape == (2, features)
    (gradient,) = torch.autograd.grad(found[:, ::2].sum(), pixels)
    assert gradient.abs().sum() > 0


@pytest.mark.slow
def test_pooled_features_of_timm_are_its_own(noise: Noise) -> None:
    classifier = load("timm:vit_tiny_patch16_224:weights=random", device="cpu")
    network, pixels = classifier._original.network, noise(2, 224)
    own = network.forward_head(network.forward_features((pixels - 0.5) / 0.5), pre_logits=True)
    torch.testing.assert_close(classifier.pooled(pixels), own, rtol=1e-4, atol=1e-4)


def test_pooled_features_and_logits_do_not_disturb_each_other(tiny: Make, noise: Noise) -> None:
    classifier = wrapped(tiny())
    logits, pooled = classifier.differentiable(noise(2)), classifier.pooled(noise(2))
    wrong: list[str] = []

    def work(which: str) -> None:
        for _ in range(50):
            found = classifier.pooled(noise(2)) if which == "pooled" else classifier.differentiable(noise(2))
            if not torch.equal(found, pooled if which == "pooled" else logits):
                wrong.append(which)

    threads = [threading.Thread(target=work, args=(which,)) for which in ("pooled", "logits", "pooled", "logits")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_network_without_a_last_layer_says_so(noise: Noise) -> None:
    class Means(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.mean((2, 3))

    with pytest.raises(ModelError, match="network has no linear layer or convolution at its end"):
        wrapped(Means()).pooled(noise(1))
