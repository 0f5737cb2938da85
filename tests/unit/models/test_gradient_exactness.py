"""Gradients through a folded copy are compared with the plain network's at every input size."""

from __future__ import annotations

import pytest
import torch
from timm.layers import Conv2dSame
from torch import Tensor, nn

from hardiness import View
from hardiness.models.exactness import same_gradient
from hardiness.models.loading import wrap
from hardiness.report.words import text

PLAIN = View(mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))


class ReadTwice(nn.Module):
    """A convolution that a norm reads and, at odd sizes, somebody else as well: then folding is wrong."""

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.conv, self.norm, self.head = nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Linear(8, 5)
        self.norm.running_mean.fill_(0.5)
        self.norm.running_var.fill_(0.1)

    def forward(self, x: Tensor) -> Tensor:
        seen = self.conv(x)
        normed = self.norm(seen).relu()
        if x.shape[-1] % 2:
            normed = normed + seen
        return self.head(normed.mean((2, 3)))


def gradient(function: object, pixels: Tensor) -> Tensor:
    given = pixels.clone().requires_grad_()
    (found,) = torch.autograd.grad(function(given).amax(1).sum(), given)  # type: ignore[operator]
    return found


def test_a_size_at_which_the_folded_network_is_wrong_goes_through_the_plain_one_and_is_told() -> None:
    network = ReadTwice().eval()
    classifier = wrap(network, PLAIN, name="read twice", device="cpu")
    for side in (16, 17):
        pixels = torch.rand(3, 3, side, side, generator=torch.Generator().manual_seed(side))
        found, expected = gradient(classifier.differentiable, pixels), gradient(network, pixels)
        torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-6)
        torch.testing.assert_close(classifier.plain_logits(pixels), network(pixels).detach())
        told = [note for note in map(text, classifier.notes) if "gradients go through the plain network" in note]
        assert len(told) == (side == 17)
    assert "17x17" in told[0]


def test_gradients_are_compared_once_for_each_size_and_what_was_found_is_stored(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from hardiness.models import gradient_networks as module

    compared = []
    monkeypatch.setattr(module, "same_gradient", lambda *given: (compared.append(given[2].shape[-1]), True)[1])
    classifier = wrap(ReadTwice().eval(), PLAIN, name="read twice", device="cpu")
    for side in (16, 18, 16, 18, 16):
        classifier.differentiable(torch.rand(2, 3, side, side))
    assert compared == [16, 18]
    plain = wrap(ReadTwice().eval(), PLAIN, name="read twice", device="cpu", runtime="torch")
    plain.differentiable(torch.rand(2, 3, 20, 20))
    assert compared == [16, 18]


def test_same_padding_is_right_at_even_and_odd_sizes() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        conv, norm, head = Conv2dSame(3, 3, 3, 2, groups=3, bias=False), nn.BatchNorm2d(3), nn.Linear(3, 5)
    network = nn.Sequential(conv, norm, nn.ReLU6(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), head).eval()
    classifier = wrap(network, PLAIN, name="same", device="cpu")
    for side in (16, 17, 18, 19):
        pixels = torch.rand(3, 3, side, side, generator=torch.Generator().manual_seed(side))
        found, expected = gradient(classifier.differentiable, pixels), gradient(network, pixels)
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-7)
    assert not [note for note in map(text, classifier.notes) if "gradients go through the plain network" in note]
    assert network[0] is conv, "the network itself is left alone"


def test_the_torch_runtime_folds_nothing() -> None:
    network = ReadTwice().eval()
    classifier = wrap(network, PLAIN, name="read twice", device="cpu", runtime="torch")
    pixels = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    assert torch.equal(classifier.differentiable(pixels).detach(), network(pixels).detach())
    assert torch.equal(gradient(classifier.differentiable, pixels), gradient(network, pixels))


def test_equal_logits_with_another_gradient_are_found() -> None:
    pixels = torch.rand(2, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    weights = torch.rand(48, 5, generator=torch.Generator().manual_seed(1))

    def honest(x: Tensor) -> Tensor:
        return x.flatten(1) @ weights

    def turned(x: Tensor) -> Tensor:
        return honest(2 * x.detach() - x)

    assert torch.equal(honest(pixels), turned(pixels))
    assert same_gradient(honest, honest, pixels)
    assert not same_gradient(turned, honest, pixels)
