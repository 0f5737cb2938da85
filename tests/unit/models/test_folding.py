"""Folding changes the work, not the function."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from hardiness.models import memory_layout
from hardiness.models.folding import NORMS, folded
from hardiness.models.forward_pass import observed_pass
from hardiness.models.memory_layout import in_faster_layout, layout_of

Make = Callable[..., nn.Module]


def _pairs(network: nn.Module, pixels: Tensor) -> dict[str, str]:
    with torch.no_grad(), observed_pass(network, NORMS) as observed:
        network(pixels)
    return observed.once()


def _norms(network: nn.Module) -> int:
    return sum(isinstance(module, nn.modules.batchnorm._BatchNorm) for module in network.modules())


def test_folded_network_is_the_same_function(tiny: Make, noise: Callable[..., Tensor]) -> None:
    network, pixels = tiny(), noise(4)
    pairs = _pairs(network, pixels)
    assert pairs == {"bn1": "conv1", "bn2": "conv2"}
    result = folded(network, pairs)
    assert (_norms(network), _norms(result)) == (2, 0)
    expected = network.double()(pixels.double())
    torch.testing.assert_close(result(pixels).double(), expected, rtol=1e-5, atol=1e-6)


def test_folding_by_hand() -> None:
    conv, norm = nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1, eps=0.0)
    with torch.no_grad():
        conv.weight.fill_(3.0)
        conv.bias.fill_(1.0)
        norm.running_mean.fill_(5.0)
        norm.running_var.fill_(4.0)
        norm.weight.fill_(6.0)
        norm.bias.fill_(7.0)
    result = folded(nn.Sequential(conv, norm), {"1": "0"})
    # (3x + 1 - 5) / 2 * 6 + 7 = 9x - 5
    assert (result[0].weight.item(), result[0].bias.item()) == (9.0, -5.0)
    assert isinstance(result[1], nn.Identity)


def test_activations_do_not_copy_their_input() -> None:
    layers = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU6(inplace=True), nn.ReLU(inplace=True)
    network = nn.Sequential(*layers).eval()
    result = folded(network, {"1": "0"})
    assert [result[2].inplace, result[3].inplace] == [False, True]
    assert [each.inplace for each in folded(network, {})[2:]] == [True, True]
    assert network[2].inplace


def test_the_original_is_left_alone(tiny: Make, noise: Callable[..., Tensor]) -> None:
    network = tiny()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    folded(network, _pairs(network, noise(1)))
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    assert not any(module._forward_hooks for module in network.modules())


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["resnext50_32x4d", "efficientnet_b0", "mobilenet_v3_small", "googlenet", "densenet121"]
)
def test_torchvision_networks(name: str, noise: Callable[..., Tensor]) -> None:
    from torchvision.models import get_model

    with torch.random.fork_rng(devices=[]):
        network = get_model(
            name, weights=None, **({"init_weights": False, "aux_logits": False} if name == "googlenet" else {})
        ).eval()
    _agrees(_shaken(network), noise(2, 64), at_least=0.4 if name == "densenet121" else 1.0)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tf_efficientnet_lite0", "resnet26d", "mobilenetv3_small_050", "regnetx_002"])
def test_timm_networks(name: str, noise: Callable[..., Tensor]) -> None:
    import timm

    with torch.random.fork_rng(devices=[]):
        network = timm.create_model(name).eval()
    _agrees(_shaken(network), noise(2, 64), at_least=1.0)


def _shaken(network: nn.Module) -> nn.Module:
    """Norms whose statistics differ from channel to channel, as trained ones do."""
    for position, module in enumerate(network.modules()):
        if isinstance(module, nn.BatchNorm2d):
            ramp = torch.linspace(0.0, 1.0, module.num_features) + 0.01 * (position % 7)
            module.running_mean.copy_(0.1 * ramp)
            module.running_var.copy_(0.5 + ramp)
            module.weight.data.copy_(1.2 - 0.4 * ramp)
            module.bias.data.copy_(0.1 * ramp)
    return network


def _agrees(network: nn.Module, pixels: Tensor, at_least: float) -> None:
    pairs = _pairs(network, pixels)
    assert len(pairs) >= at_least * _norms(network)
    result = folded(network, pairs)
    assert _norms(result) == _norms(network) - len(pairs)
    with torch.no_grad():
        expected, found = network(pixels), result(pixels)
    assert (found - expected).abs().max() <= 1e-5 * expected.abs().max()


class _Shared(nn.Module):
    """One convolution under two norms: folding would be wrong."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.a, self.b = nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.BatchNorm2d(4)

    def forward(self, x: Tensor) -> Tensor:
        return self.a(self.conv(x)).mean((2, 3)) + self.b(self.conv(x)).mean((2, 3))


class _Changed(nn.Module):
    """Something happens between convolution and norm."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.conv(x).relu()).mean((2, 3))


class _Standardised(nn.Conv2d):
    """Its output is not linear in the stored kernel."""

    def forward(self, x: Tensor) -> Tensor:
        return self._conv_forward(x, self.weight / self.weight.norm(), self.bias)


@pytest.mark.parametrize(
    "network",
    [_Shared(), _Changed(), nn.Sequential(_Standardised(3, 4, 1), nn.BatchNorm2d(4))],
    ids=lambda n: type(n).__name__,
)
def test_what_cannot_be_folded_is_left(network: nn.Module, noise: Callable[..., Tensor]) -> None:
    assert _pairs(network.eval(), noise(1)) == {}


@pytest.mark.parametrize(
    ("seconds", "layout"),
    [
        ({torch.contiguous_format: 1.0, torch.channels_last: 0.5}, torch.channels_last),
        ({torch.contiguous_format: 1.0, torch.channels_last: 1.3}, torch.contiguous_format),
        ({torch.contiguous_format: 1.0, torch.channels_last: 0.99}, torch.contiguous_format),
        ({torch.contiguous_format: float("inf"), torch.channels_last: float("inf")}, torch.contiguous_format),
    ],
    ids=["faster", "slower", "no more than noise", "no memory"],
)
def test_on_a_gpu_each_layout_is_tried_once_and_the_faster_one_stays(
    seconds: dict[torch.memory_format, float], layout: torch.memory_format, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, tried = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 1)), []

    def timed(once: Callable[[Tensor], object], pixels: Tensor, device: torch.device) -> float:
        tried.append(layout_of(network))
        return seconds[tried[-1]]

    monkeypatch.setattr(memory_layout, "seconds_of", timed)
    gpu = torch.device("meta")  # stands in for it: whatever is no CPU is tried
    assert layout_of(in_faster_layout(network, network, (8, 8), gpu)) == layout
    assert tried == list(seconds)
    assert layout_of(in_faster_layout(network, network, (8, 8), torch.device("cpu"))) == torch.channels_last
    assert len(tried) == 2, "a CPU is never tried"
