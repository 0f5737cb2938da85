"""Full fp32 without leaving switches turned; the switches can be looked at without a GPU."""

from __future__ import annotations

import gc
import threading
import warnings
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from hardiness.core.model import View
from hardiness.models import determinism, gradient_networks, original
from hardiness.models.determinism import _guarded, differentiable_fp32, full_fp32, same_every_time
from hardiness.models.exactness import same_gradient
from hardiness.models.gradient_networks import GradientNetworks
from hardiness.models.original import Original
from hardiness.models.preprocessing import Normalisation


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


def _determinism() -> tuple[bool, bool, bool, bool]:
    return (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
        torch.utils.deterministic.fill_uninitialized_memory,
        torch.backends.cuda.mem_efficient_sdp_enabled(),
    )


def test_gradients_are_asked_to_be_the_same_every_time_within_and_nothing_after() -> None:
    before = _determinism()
    assert before[:2] == (False, False)
    with same_every_time(torch.device("cuda")):
        assert _determinism() == (True, True, False, False)
        with warnings.catch_warnings(record=True) as told:
            said = "adaptive_max_pool2d_backward_cuda does not have a deterministic implementation, but you set …"
            warnings.warn(said, UserWarning, stacklevel=1)
        assert told == [], "a line for each step of an attack would be a storm"
    assert _determinism() == before
    with same_every_time(torch.device("cpu")):
        assert _determinism() == before


def test_both_passes_of_the_guard_ask_for_it(noise: Callable[..., Tensor], monkeypatch: pytest.MonkeyPatch) -> None:
    real = determinism.same_every_time
    monkeypatch.setattr(determinism, "same_every_time", lambda device: real(torch.device("cuda")))  # the stand-in
    seen = []

    class Seeing(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:
            seen.append(("forward", torch.are_deterministic_algorithms_enabled()))
            return x * 2

        @staticmethod
        def backward(ctx: Any, slope: Tensor) -> Tensor:
            seen.append(("backward", torch.are_deterministic_algorithms_enabled()))
            return slope * 2

    pixels = noise(2).requires_grad_()
    (output,) = _guarded(lambda x: (Seeing.apply(x),), pixels)
    assert not torch.are_deterministic_algorithms_enabled()
    output.sum().backward()
    assert seen == [("forward", True), ("backward", True)]
    assert not torch.are_deterministic_algorithms_enabled()


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


@pytest.mark.slow
def test_the_guard_lets_go_of_activations_once_their_gradient_is_there(noise: Callable[..., Tensor]) -> None:
    activations: list[weakref.ref[Tensor]] = []

    def squared_twice(x: Tensor) -> tuple[Tensor, ...]:
        square = x**2
        activations.append(weakref.ref(square))
        return (square**2,)

    pixels = noise(2).requires_grad_()
    (outputs,) = _guarded(squared_twice, pixels)
    gc.collect()
    assert activations[0]() is not None
    torch.autograd.grad(outputs.sum(), pixels, retain_graph=True)
    assert activations[0]() is not None
    (slope,) = torch.autograd.grad(outputs.sum(), pixels)
    gc.collect()
    assert activations[0]() is None  # although the outputs are still there
    torch.testing.assert_close(slope, 4 * pixels.detach() ** 3)


def test_the_guard_adds_the_gradients_of_several_outputs(noise: Callable[..., Tensor]) -> None:
    pixels = noise(2).requires_grad_()
    squares, doubles = _guarded(lambda x: (x**2, 2 * x), pixels)
    (squares.sum() + 3 * doubles.sum()).backward()
    assert pixels.grad is not None
    torch.testing.assert_close(pixels.grad, 2 * pixels.detach() + 6)


def test_no_thread_waits_for_another_ones_backward_pass(
    tiny: Callable[..., nn.Module], noise: Callable[..., Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One unit's network is chosen, by a gradient, while the backward pass of another unit is on its way.

    A GPU is emulated: one thread runs all backward passes, in turn, as autograd's thread of the device does, and full
    fp32 turns the switches although the tensors lie in main memory.
    """
    device_thread, grad = ThreadPoolExecutor(1), torch.autograd.grad
    choosing, queued = threading.Event(), threading.Event()

    def on_the_device(*arguments: Any, **named: Any) -> Any:
        if threading.current_thread().name.startswith("ThreadPoolExecutor"):
            return grad(*arguments, **named)  # asked for within a backward pass: the same thread goes on
        backward = device_thread.submit(grad, *arguments, **named)
        queued.set()
        return backward.result(timeout=20)

    def chosen_beside_another(*given: Any) -> bool:
        choosing.set()
        assert queued.wait(20)
        return same_gradient(*given)

    monkeypatch.setattr(torch.autograd, "grad", on_the_device)
    monkeypatch.setattr(gradient_networks, "same_gradient", chosen_beside_another)
    for module in (determinism, gradient_networks, original):
        monkeypatch.setattr(module, "full_fp32", lambda device: full_fp32(torch.device("cuda")))
    network = Original(tiny(), "tiny", Normalisation.from_view(View()), "cpu", None)
    chosen: list[nn.Module] = []
    choice = threading.Thread(
        target=lambda: chosen.append(GradientNetworks(network, plain=False).at(noise(2))), daemon=True
    )
    pixels, other = noise(2).requires_grad_(), tiny().requires_grad_(False)
    (outputs,) = _guarded(lambda x: (other(x),), pixels)
    choice.start()
    assert choosing.wait(20)
    (slope,) = torch.autograd.grad(outputs.sum(), pixels)
    choice.join(20)
    assert slope.abs().sum() > 0
    assert len(chosen) == 1
    assert _switches()[1] is False
    device_thread.shutdown()
