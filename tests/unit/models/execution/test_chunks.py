"""A few images at a time: the same numbers, and no chunk larger than it should be."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor, nn

from hardiness.models.execution.chunks import IMAGES_A_CORE, in_chunks


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


@pytest.mark.parametrize("images", [1, 8, 9, 16, 50])
def test_chunks_are_few_small_and_equal_but_the_last(cores: int, images: int) -> None:
    sizes: list[int] = []

    def function(pixels: Tensor) -> Tensor:
        sizes.append(len(pixels))
        return pixels.flatten(1)

    assert len(in_chunks(function, torch.zeros(images, 3, 2, 2))) == images
    assert sum(sizes) == images
    if cores == 1:
        assert sizes == [images]
    else:
        assert len(sizes) == -(-images // (IMAGES_A_CORE * cores))
        assert max(sizes) <= IMAGES_A_CORE * cores
        assert set(sizes[:-1]) <= {sizes[0]}
        assert sizes[-1] <= sizes[0]
