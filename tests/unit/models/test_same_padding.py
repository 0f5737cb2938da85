"""A "same" convolution that is padded alike on both sides is the same function, at every size of its input."""

from __future__ import annotations

import copy

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from timm.layers import Conv2dSame
from torch import Tensor, nn

from hardiness.models.padding import even_padding, evenly_padded


def both(network: nn.Module, pixels: Tensor) -> tuple[Tensor, Tensor]:
    """Outputs, and the gradient of a sum that weighs each of them otherwise."""
    pixels = pixels.clone().requires_grad_()
    outputs = network(pixels)
    weights = torch.linspace(-1, 1, outputs.numel(), dtype=outputs.dtype).reshape(outputs.shape)
    (gradient,) = torch.autograd.grad((outputs * weights).sum(), pixels)
    return outputs, gradient


def changed(network: nn.Module) -> list[str]:
    """The kinds of layers of the network after the change."""
    return [type(module).__name__ for module in evenly_padded(copy.deepcopy(network)).children()]


@pytest.mark.slow
@given(
    taps=st.tuples(st.integers(1, 7), st.integers(1, 7)),
    stride=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    sizes=st.lists(st.tuples(st.integers(1, 17), st.integers(1, 17)), min_size=2, max_size=3),
    bias=st.booleans(),
)
def test_same_outputs_and_gradients_at_every_size(
    taps: tuple[int, int], stride: tuple[int, int], sizes: list[tuple[int, int]], bias: bool
) -> None:
    network = nn.Sequential(Conv2dSame(3, 3, taps, stride, groups=3, bias=bias)).double().requires_grad_(False)
    found = evenly_padded(copy.deepcopy(network))
    assert [type(module).__name__ for module in found.children()] == ["EvenPadding"]
    for height, width in sizes:
        pixels = torch.rand(2, 3, height, width, dtype=torch.float64)
        for mine, theirs in zip(both(found, pixels), both(network, pixels), strict=True):
            torch.testing.assert_close(mine, theirs, rtol=1e-12, atol=1e-12)


def test_padding_by_hand() -> None:
    # 224 pixels, 3 taps, every other one: 112 outputs, and one pixel is missing at the end.
    assert even_padding(224, 3, 2) == (1, 1)
    assert even_padding(225, 3, 2) == (1, 0)
    assert even_padding(56, 5, 2) == (2, 1)
    assert even_padding(8, 1, 2) == (0, 0)


@pytest.mark.parametrize(
    "left_alone",
    [Conv2dSame(4, 4, 3, 2), Conv2dSame(4, 8, 3, 2, groups=2), Conv2dSame(4, 4, 3, 2, dilation=2, groups=4)],
    ids=["every channel", "groups", "dilated"],
)
def test_what_else_pads_stays(left_alone: nn.Module) -> None:
    assert changed(nn.Sequential(left_alone)) == ["Conv2dSame"]


def test_only_uneven_padding_is_changed() -> None:
    assert changed(nn.Sequential(nn.Conv2d(4, 4, 3, 2, 1, groups=4), nn.ReLU())) == ["Conv2d", "ReLU"]
