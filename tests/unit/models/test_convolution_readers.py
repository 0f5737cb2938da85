"""Who reads what a convolution has put out."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from hardiness.models.forward_pass import PassObservation, observed_pass

RELU = frozenset(("torch.nn.modules.activation.ReLU",))


class Net(nn.Module):
    """A convolution and a ReLU with something between them."""

    def __init__(self, between: Callable[[Tensor], Tensor], times: int = 1, inplace: bool = False) -> None:
        super().__init__()
        self.conv, self.act = nn.Conv2d(3, 3, 1), nn.ReLU(inplace)
        self.between, self.times = between, times

    def forward(self, x: Tensor) -> Tensor:
        for _ in range(self.times):
            x = self.act(self.between(self.conv(x)))
        return x


def seen(network: nn.Module, pixels: Tensor) -> PassObservation:
    with torch.no_grad(), observed_pass(network, RELU) as observed:
        network(pixels)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())
    return observed


@pytest.mark.parametrize("inplace", [False, True])
def test_a_reader_is_paired_with_its_convolution(inplace: bool, noise: Callable[..., Tensor]) -> None:
    observed = seen(Net(nn.Identity(), inplace=inplace), noise(2, 8))
    assert (observed.once(), observed.shapes) == ({"act": "conv"}, {"conv": (2, 3, 8, 8)})
    with torch.inference_mode():
        assert seen(Net(nn.Identity(), inplace=inplace), noise(2, 8).clone()).once() == {"act": "conv"}


@pytest.mark.parametrize(
    "between",
    [lambda x: x + 1, lambda x: x.add_(1), functional.relu, lambda x: x.mean((2, 3), keepdim=True)],
    ids=["another tensor", "written to in place", "function", "pooled"],
)
def test_what_something_else_has_changed_is_not(
    between: Callable[[Tensor], Tensor], noise: Callable[..., Tensor]
) -> None:
    assert seen(Net(between), noise(1, 8)).pairs == {}


def test_layers_that_run_again_are_not_once(noise: Callable[..., Tensor]) -> None:
    observed = seen(Net(nn.Identity(), times=2), noise(1, 8))
    assert (observed.pairs, observed.once()) == ({"act": "conv"}, {})
