"""Packed kernels change the work, not the function nor its gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from hardiness.core import View
from hardiness.models import onednn, packed_layer, packing, wrap
from hardiness.models.folding import NORMS, folded
from hardiness.models.packing import packed
from hardiness.models.transposing import Transposed
from hardiness.models.watching import watching

pytestmark = pytest.mark.skipif(not onednn.available(), reason="this torch has no packed convolutions")
Noise = Callable[..., Tensor]


def layers(network: nn.Module) -> list[Any]:
    return [module for module in network.modules() if type(module).__name__ == "PackedConvolution"]


def gradient(network: nn.Module, pixels: Tensor) -> tuple[Tensor, Tensor]:
    leaf = pixels.clone().requires_grad_()
    logits = network(leaf)
    weights = torch.arange(logits.numel()).view_as(logits).float().cos()
    return logits.detach(), torch.autograd.grad((logits * weights).sum(), leaf)[0]


def assert_same(found: nn.Module, expected: nn.Module, pixels: Tensor) -> None:
    for one, other in zip(gradient(found, pixels), gradient(expected, pixels), strict=True):
        assert (one - other).norm() <= 1e-4 * other.norm()


def fold(network: nn.Module, pixels: Tensor) -> nn.Module:
    network = network.eval().requires_grad_(False)
    with torch.no_grad(), watching(network, NORMS) as watch:
        network(pixels)
    return folded(network, watch.once()).to(memory_format=torch.channels_last)


def torchvision_network(name: str) -> nn.Module:
    from torchvision.models import get_model

    options = {"init_weights": False, "aux_logits": False} if name == "googlenet" else {}
    return get_model(name, weights=None, **options)


def timm_network(name: str) -> nn.Module:
    import timm

    return timm.create_model(name)


@pytest.mark.parametrize(
    ("make", "name", "clamped"),
    [
        (torchvision_network, "resnext50_32x4d", 1),  # its blocks share one ReLU, and the last adds the shortcut first
        (torchvision_network, "squeezenet1_1", 26),
        (torchvision_network, "mobilenet_v2", 35),
        (torchvision_network, "mobilenet_v3_small", 14),
        (torchvision_network, "densenet121", 59),
        (torchvision_network, "googlenet", 0),
        (torchvision_network, "alexnet", 5),
        (timm_network, "tf_efficientnet_lite0", 33),
        (timm_network, "resnet26d", 19),
        (timm_network, "vit_tiny_patch16_224", 0),
    ],
)
def test_networks_of_all_kinds(make: Callable[[str], nn.Module], name: str, clamped: int, noise: Noise) -> None:
    """Of the size they were packed for, and of an odd one, where "same" padding lies otherwise."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = make(name)
    sizes = (224,) if name.startswith("vit") else (64, 71)
    network = fold(network, noise(1, sizes[0]))
    result = packed(network, noise(2, sizes[0]))
    convolutions = sum(isinstance(module, nn.Conv2d) for module in network.modules())
    assert len(layers(result)) == convolutions
    assert sum(layer.ceiling is not None for layer in layers(result)) == clamped
    for size in sizes:
        assert_same(result, network, noise(3, size, seed=1))


class Net(nn.Module):
    """Two convolutions, the first clamped, with a forward pass of one's choice."""

    def __init__(self, run: Callable[[Net, Tensor], Tensor]) -> None:
        super().__init__()
        self.first, self.act, self.second = nn.Conv2d(3, 6, 3, 2), nn.ReLU6(), nn.Conv2d(6, 5, 3)
        self.run = run
        for position, tensor in enumerate(self.parameters(), 1):
            tensor.data = torch.arange(tensor.numel()).float().mul(position + 1).cos().view_as(tensor)
        self.requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        return self.run(self, x).mean((2, 3))


def usual(net: Net, x: Tensor) -> Tensor:
    return net.second(net.act(net.first(x)))


def test_the_network_itself_is_left_alone(noise: Noise) -> None:
    network = Net(usual)
    result = packed(network, noise(1))
    assert [type(each).__name__ for each in result.children()] == ["PackedConvolution", "Identity", "PackedConvolution"]
    assert [type(each).__name__ for each in network.children()] == ["Conv2d", "ReLU6", "Conv2d"]
    assert_same(result, network, noise(4))


def reads_twice(net: Net, x: Tensor) -> Tensor:
    """Another reader of what the activation reads."""
    found = net.first(x)
    return net.second(net.act(found)) + 9 * net.second(found)


def reads_the_kernel(net: Net, x: Tensor) -> Tensor:
    found = net.first(x)
    return net.second(found) + functional.conv2d(found, net.second.weight)


@pytest.mark.parametrize("run", [reads_twice, reads_the_kernel])
def test_networks_that_do_something_else_with_their_layers_stay_as_they_are(
    run: Callable[[Net, Tensor], Tensor], noise: Noise
) -> None:
    network = Net(run)
    assert packed(network, noise(2)) is network


def branches(net: Net, x: Tensor) -> Tensor:
    """What is clamped is read by a convolution and by something else."""
    found = net.act(net.first(x))
    return net.second(found) + found[:, :5, 1:-1, 1:-1].exp()


def branches_before(net: Net, x: Tensor) -> Tensor:
    """The same, with the other gradient added in place to the convolution's, which comes first."""
    found = net.act(net.first(x))
    other = found[:, :5, 1:-1, 1:-1].exp()  # whose gradient is not 0 where the clamping's is
    return net.second(found) + other


def chain(net: Net, x: Tensor) -> Tensor:
    """Written to in place between two convolutions, so that it is not what was clamped any more."""
    found = net.act(net.first(x))
    return net.second(found.mul(1).neg_())


@pytest.mark.parametrize("run", [usual, branches, branches_before, chain])
def test_each_gradient_is_clamped_once_and_completely(run: Callable[[Net, Tensor], Tensor], noise: Noise) -> None:
    network = Net(run)
    result = packed(network, noise(1))
    assert [layer.ceiling for layer in layers(result)] == [6.0, None]
    clamped = network.act(network.first(noise(4)))
    assert 0.1 < (clamped > 0).float().mean() < 0.9
    assert_same(result, network, noise(4))


def test_a_note_ends_when_its_tensor_is_written_to(noise: Noise) -> None:
    tensor = noise(1)
    assert packed_layer._noted(tensor) is None
    packed_layer._note(tensor, 6.0)
    assert (packed_layer._noted(tensor), packed_layer._noted(tensor.view(-1))) == (6.0, None)
    tensor.add_(1)
    assert packed_layer._noted(tensor) is None


def shortcut(net: Net, x: Tensor) -> Tensor:
    """Written to in place before the activation reads it."""
    found = net.first(x)
    found += 1
    return net.second(net.act(found))


def test_an_output_written_to_in_place_is_not_clamped_before(noise: Noise) -> None:
    network = Net(shortcut)
    result = packed(network, noise(1))
    assert [layer.ceiling for layer in layers(result)] == [None, None]
    assert_same(result, network, noise(4))


@pytest.mark.parametrize("option", [{"padding_mode": "reflect", "padding": 1}, {"padding": "same"}, {"padding": 3}])
def test_convolutions_that_onednn_does_not_take_are_left(option: dict[str, Any], noise: Noise) -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3, **option), nn.ReLU(), nn.Conv2d(4, 4, 3), nn.Flatten())
    result = packed(network.requires_grad_(False), noise(1))
    assert [type(each).__name__ for each in result][:3] == ["Conv2d", "ReLU", "PackedConvolution"]
    assert_same(result, network, noise(2))


def test_a_network_without_gradients_has_none(noise: Noise) -> None:
    network = Net(lambda net, x: usual(net, x.mul(255).round().div(255).detach()))
    result = packed(network, noise(1))
    assert len(layers(result)) == 2
    assert not result(noise(1).requires_grad_()).requires_grad


def test_a_wrong_gradient_is_found(noise: Noise, monkeypatch: pytest.MonkeyPatch) -> None:
    right = packed_layer.transposed

    def wrong(*arguments: Any) -> Any:
        back = right(*arguments)
        return Transposed(lambda *given: 1.05 * back.run(*given), back.reads_input)

    monkeypatch.setattr(packed_layer, "transposed", wrong)
    network = Net(usual)
    assert packed(network, noise(1)) is network


def test_large_networks_other_devices_and_other_torches_keep_theirs(
    noise: Noise, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = Net(usual)
    assert packed(network, noise(1)) is not network
    assert packed(network, noise(1).to("meta")) is network
    monkeypatch.setattr(packing, "MAX_BYTES", 4 * 443)
    assert packed(network, noise(1)) is not network
    monkeypatch.setattr(packing, "MAX_BYTES", 4 * 443 - 1)
    assert packed(network, noise(1)) is network
    monkeypatch.undo()
    monkeypatch.setattr(packing, "available", lambda: False)
    assert packed(network, noise(1)) is network


def test_second_derivatives_are_refused(noise: Noise) -> None:
    leaf = noise(1).requires_grad_()
    found = packed(Net(usual), noise(1))(leaf).square().sum()
    (first,) = torch.autograd.grad(found, leaf, create_graph=True)
    with pytest.raises(RuntimeError):
        torch.autograd.grad(first.sum(), leaf)


def test_classifiers_use_it_for_gradients_if_logits_stay_exact(noise: Noise, monkeypatch: pytest.MonkeyPatch) -> None:
    classifier = wrap(Net(usual), View(36, 32), name="net", device="cpu")
    classifier.differentiable(noise(2))
    assert layers(classifier._network_for_gradients(noise(2)))

    def shifted(network: nn.Module, given: Tensor) -> nn.Module:
        return nn.Sequential(network, nn.Threshold(-1e9, 0.0), nn.Softplus(beta=50.0))

    monkeypatch.setattr("hardiness.models.classifier.packed", shifted)
    other = wrap(Net(usual), View(36, 32), name="net", device="cpu")
    assert torch.equal(other.differentiable(noise(2)), other._folded(other._refer(noise(2)))(other._affine(noise(2))))
