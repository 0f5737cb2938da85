"""How alike pictures are, by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from hardiness.visualise.likeness import gram, similarity


def test_gram_by_hand() -> None:
    outputs = torch.tensor([[[[1.0, 2.0], [0.0, 1.0]], [[0.0, 1.0], [3.0, 1.0]]]])
    expected = torch.tensor([[6.0, 3.0], [3.0, 11.0]]) / 4
    torch.testing.assert_close(gram(outputs)[0], expected)


def test_gram_finds_the_channels(draw: Callable[..., Tensor]) -> None:
    maps = draw(2, 5, 4, 4)
    last = maps.permute(0, 2, 3, 1)
    torch.testing.assert_close(gram(last), gram(maps))
    tokens = last.flatten(1, 2)
    torch.testing.assert_close(gram(tokens), gram(maps))
    flat = draw(2, 5)
    torch.testing.assert_close(gram(flat), flat[:, :, None] * flat[:, None, :])


def test_the_same_picture_is_wholly_alike(draw: Callable[..., Tensor]) -> None:
    once = draw(1, 5, 4, 4)
    torch.testing.assert_close(similarity(once.expand(3, -1, -1, -1), 3), torch.ones(1))


def test_pictures_without_a_common_channel_are_not_alike() -> None:
    outputs = torch.zeros(2, 2, 3, 3)
    outputs[0, 0] = outputs[1, 1] = 1
    torch.testing.assert_close(similarity(outputs, 2), torch.zeros(1))


def test_the_mean_over_pairs_of_each_group_by_hand(draw: Callable[..., Tensor]) -> None:
    outputs = draw(6, 4, 3, 3)
    found = similarity(outputs, 3)
    for group in (0, 1):
        grams = [gram(outputs[row : row + 1]).flatten() for row in range(3 * group, 3 * group + 3)]
        pairs = [torch.cosine_similarity(grams[a], grams[b], dim=0) for a, b in ((0, 1), (0, 2), (1, 2))]
        assert found[group].item() == pytest.approx(torch.stack(pairs).mean().item(), abs=1e-5)
