"""Full fp32 without leaving switches turned; the switches can be looked at without a GPU."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor, nn

from hardiness.models.execution.arithmetic import _guarded, differentiable_fp32, full_fp32


def _switches() -> tuple[bool, bool, str]:
    cudnn = torch.backends.cudnn
    return cudnn.allow_tf32, cudnn.deterministic, torch.get_float32_matmul_precision()


@pytest.fixture
def loose() -> Iterator[None]:
    """A process in which TF32 is allowed everywhere."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high")
    yield
    torch.set_float32_matmul_precision(before)


@pytest.mark.usefixtures("loose")
def test_switches_are_turned_within_and_back_after() -> None:
    before = _switches()
    assert before == (True, False, "high")
    with full_fp32(torch.device("cuda")):
        assert _switches() == (False, True, "highest")
    assert _switches() == before
    with pytest.raises(RuntimeError, match="inside"), full_fp32(torch.device("cuda")):
        raise RuntimeError("inside")
    assert _switches() == before


@pytest.mark.usefixtures("loose")
def test_nothing_happens_on_a_cpu() -> None:
    before = _switches()
    with full_fp32(torch.device("cpu")):
        assert _switches() == before


def test_the_guard_changes_neither_values_nor_gradients(
    tiny: Callable[..., nn.Module], noise: Callable[..., Tensor]
) -> None:
    network = tiny().requires_grad_(False)
    plain, guarded = noise(2).requires_grad_(), noise(2).requires_grad_()
    expected = differentiable_fp32(network, plain)
    (found,) = _guarded(lambda x: (network(x),), guarded)
    assert torch.equal(expected, found)
    expected[:, 1].sum().backward()
    found[:, 1].sum().backward()
    assert plain.grad is not None
    assert guarded.grad is not None
    assert torch.equal(plain.grad, guarded.grad)
    assert not _guarded(lambda x: (network(x),), noise(1))[0].requires_grad


def test_the_guard_gives_several_gradients_of_one_pass(
    tiny: Callable[..., nn.Module], noise: Callable[..., Tensor]
) -> None:
    network = tiny().requires_grad_(False)
    plain, guarded = noise(2).requires_grad_(), noise(2).requires_grad_()
    expected, (found,) = network(plain), _guarded(lambda x: (network(x),), guarded)
    for column in (0, 1):
        (one,) = torch.autograd.grad(expected[:, column].sum(), plain, retain_graph=True)
        (other,) = torch.autograd.grad(found[:, column].sum(), guarded, retain_graph=True)
        assert torch.equal(one, other)


def test_the_guard_adds_the_gradients_of_several_outputs(noise: Callable[..., Tensor]) -> None:
    pixels = noise(2).requires_grad_()
    squares, doubles = _guarded(lambda x: (x**2, 2 * x), pixels)
    (squares.sum() + 3 * doubles.sum()).backward()
    assert pixels.grad is not None
    torch.testing.assert_close(pixels.grad, 2 * pixels.detach() + 6)
