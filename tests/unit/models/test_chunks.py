"""A few images at a time on all cores: the same numbers, and torch's own threads as they were."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor, nn

from hardiness.models.chunks import in_chunks


@pytest.fixture(params=[1, 2, 3])
def cores(request: pytest.FixtureRequest) -> Iterator[int]:
    """How many threads torch may use."""
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def network() -> Callable[[Tensor], Tensor]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        layers = nn.Conv2d(3, 4, 3), nn.Tanh(), nn.Flatten(), nn.Linear(4 * 6 * 6, 5)
        return nn.Sequential(*layers).double().requires_grad_(False)


def gradient(function: Callable[[Tensor], Tensor], pixels: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    leaf = pixels.clone().requires_grad_()
    logits = function(leaf)
    return logits.detach(), torch.autograd.grad((logits.logsumexp(1) * weights).sum(), leaf)[0]


@pytest.mark.parametrize("images", [1, 2, 3, 7, 13, 25])
def test_logits_and_gradients_are_those_of_the_whole_batch(cores: int, images: int) -> None:
    function = network()
    pixels = torch.linspace(0, 1, images * 3 * 64, dtype=torch.float64).view(images, 3, 8, 8).sin()
    weights = torch.arange(1, images + 1, dtype=torch.float64)
    expected = gradient(function, pixels, weights)
    found = gradient(lambda x: in_chunks(function, x), pixels, weights)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-14)
    with torch.no_grad():
        torch.testing.assert_close(in_chunks(function, pixels), expected[0], rtol=1e-12, atol=1e-14)
    assert torch.get_num_threads() == cores


def test_few_images_at_a_time_each_on_a_thread_that_is_alone(cores: int) -> None:
    sizes: list[int] = []
    threads: set[int] = set()

    def function(pixels: Tensor) -> Tensor:
        sizes.append(len(pixels))
        threads.add(torch.get_num_threads())
        return pixels.flatten(1)

    in_chunks(function, torch.zeros(16, 3, 2, 2))
    assert sum(sizes) == 16
    assert max(sizes) <= 4
    assert len(sizes) % cores == 0
    assert threads == {1}
    told: list[int] = []
    fresh = threading.Thread(target=lambda: told.append(torch.get_num_threads()))
    fresh.start()
    fresh.join()
    assert told == [cores]


def test_a_chunk_that_nothing_comes_back_to_is_not_gone_through_again(cores: int) -> None:
    backward: list[int] = []

    class Watched(torch.autograd.Function):
        @staticmethod
        def forward(ctx, pixels: Tensor) -> Tensor:  # type: ignore[no-untyped-def]
            return pixels.flatten(1).clone()

        @staticmethod
        def backward(ctx, gradient: Tensor) -> Tensor:  # type: ignore[no-untyped-def]
            backward.append(len(gradient))
            return gradient.view(len(gradient), 3, 2, 2)

    weights = torch.zeros(12 * cores)
    weights[0] = 1
    _, found = gradient(lambda x: in_chunks(Watched.apply, x), torch.rand(12 * cores, 3, 2, 2), weights)
    assert len(backward) == 1
    assert found[0].any()
    assert not found[1:].any()


def test_an_error_in_a_chunk_is_the_callers(cores: int) -> None:
    def function(pixels: Tensor) -> Tensor:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        in_chunks(function, torch.zeros(9, 3, 2, 2))
