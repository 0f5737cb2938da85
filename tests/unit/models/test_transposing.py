"""Gradients of convolutions by other convolutions, against torch's own."""

from __future__ import annotations

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from hardiness.core import rng
from hardiness.models.onednn import Convolution, Pair, available, clamp_backward, pack, run_packed
from hardiness.models.transposing import transposed

pytestmark = pytest.mark.skipif(not available(), reason="this torch has no packed convolutions")


def drawn(seed: int, *shape: int) -> Tensor:
    return torch.from_numpy(rng(seed, "transposing").standard_normal(shape, dtype="float32"))


@st.composite
def convolutions(draw: st.DrawFn) -> Convolution:
    """Stems, grouped and depthwise layers, one-sided zeros, dilation."""
    groups = draw(st.sampled_from([1, 1, 2, 4]))
    inputs, outputs = draw(st.integers(1, 6)), draw(st.integers(1, 5))
    taps = draw(st.tuples(st.integers(1, 7), st.integers(1, 7)))
    stride = draw(st.tuples(st.integers(1, 5), st.integers(1, 5)))
    dilation = draw(st.sampled_from([(1, 1), (1, 1), (2, 1), (2, 3)]))
    reaches = [min(d * (k - 1), 3) for k, d in zip(taps, dilation, strict=True)]
    before, after = (draw(st.tuples(*(st.integers(0, reach) for reach in reaches))) for _ in range(2))
    after = after if dilation == (1, 1) else before
    kernel = drawn(draw(st.integers(0, 9)), groups * outputs, inputs, *taps)
    bias = draw(st.sampled_from([None, drawn(1, groups * outputs)]))
    return Convolution(kernel, bias, before, after, stride, dilation, groups)


def by_torch(by: Convolution, given: Tensor) -> Tensor:
    zeros = (by.before[1], by.after[1], by.before[0], by.after[0])
    padded = functional.pad(given, zeros)
    return functional.conv2d(padded, by.kernel, by.bias, by.stride, 0, by.dilation, by.groups)


@given(
    by=convolutions(),
    size=st.tuples(st.integers(1, 17), st.integers(1, 17)),
    packed_for=st.tuples(st.integers(1, 17), st.integers(1, 17)),
    ceiling=st.sampled_from([None, 0.5, 6.0, float("inf")]),
)
def test_outputs_and_gradients_are_torch_s(
    by: Convolution, size: tuple[int, int], packed_for: tuple[int, int], ceiling: float | None
) -> None:
    """Also on inputs of another size than the one it was packed for."""
    channels = by.kernel.shape[1] * by.groups
    pixels, likely = drawn(2, 2, channels, *size).requires_grad_(), (3, channels, *packed_for)
    assert by.is_packable()
    assume(min(*by.output_shape(tuple(pixels.shape))[2:], *by.output_shape(likely)[2:]) >= 1)
    expected = by_torch(by, pixels)
    if ceiling is not None:
        expected = expected.clamp(0.0, ceiling)
    weights = drawn(3, *expected.shape)
    (gradient,) = torch.autograd.grad((expected * weights).sum(), pixels)

    found = run_packed(pixels.detach(), pack(by, likely, ceiling))
    assert found.shape == by.output_shape(tuple(pixels.shape))
    torch.testing.assert_close(found, expected.detach(), rtol=1e-4, atol=1e-4)
    before = weights if ceiling is None else clamp_backward(weights, expected.detach(), ceiling)
    back = transposed(by, likely).run(before, tuple(pixels.shape), pixels.detach())
    torch.testing.assert_close(back, gradient, rtol=1e-4, atol=1e-4)


def test_zeros_on_one_side_become_taps() -> None:
    laid = Convolution(torch.ones(1, 1, 2, 3), None, before=(0, 2), after=(1, 0)).symmetric()
    assert (laid.before, laid.after) == ((1, 2), (1, 2))
    assert laid.kernel.tolist() == [[[[0, 0, 0, 0, 0], [1, 1, 1, 0, 0], [1, 1, 1, 0, 0]]]]


@pytest.mark.parametrize(
    ("zeros", "dilation", "can"),
    [(((2, 2), (2, 2)), (1, 1), True), (((0, 2), (1, 0)), (1, 1), True), (((3, 0), (0, 0)), (1, 1), False),
     (((4, 4), (4, 4)), (2, 2), True), (((0, 0), (1, 1)), (2, 2), False)],
)  # fmt: skip
def test_what_onednn_takes(zeros: tuple[Pair, Pair], dilation: Pair, can: bool) -> None:
    assert Convolution(torch.ones(1, 1, 3, 3), None, *zeros, dilation=dilation).is_packable() == can


@pytest.mark.parametrize(
    ("by", "way"),
    [
        (Convolution(torch.ones(8, 3, 3, 3), None, (0, 0), (1, 1), (2, 2)), "_by_phases"),
        (Convolution(torch.ones(8, 8, 3, 3), None, (1, 1), (1, 1)), "_by_flipped_kernel"),
        (Convolution(torch.ones(8, 3, 3, 3), None, (0, 0), (0, 0), (4, 4)), "_by_torch"),
        (Convolution(torch.ones(8, 8, 3, 3), None, (1, 1), (1, 1), (2, 2)), "_by_torch"),
        (Convolution(torch.ones(8, 1, 3, 3), None, (1, 1), (1, 1), (2, 2), groups=8), "_by_torch"),
    ],
)
def test_each_layer_has_its_way(by: Convolution, way: str) -> None:
    back = transposed(by, (1, by.kernel.shape[1] * by.groups, 9, 9))
    assert back.run.__qualname__.startswith(f"{way}.")
