"""The protocol of Orhan (2019): what it draws, which iterate it keeps, and closed forms on a linear network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from hardiness.attacks.criteria import TargetProbability
from hardiness.core.benchmark import DataSet, Item
from hardiness.core.errors import DataError
from hardiness.core.model import View
from hardiness.core.random import rng
from hardiness.models.loading import wrap
from hardiness.sources.files import DiskFile
from hardiness.visualise.orhan2019 import PROBABILITY, Nearest, choose, push, push_features


def test_the_units_and_the_noise_of_the_paper() -> None:
    """Source: reference values recomputed from the published script's generator."""
    chosen = choose(2048)
    assert chosen.units == (1062, 236, 1933, 1097, 1792, 906)
    assert chosen.noise.shape == (3, 224, 224)
    assert chosen.noise.dtype == np.float32
    first = [0.30233258, 0.14675589, 0.09233859, 0.18626021, 0.34556073]
    np.testing.assert_allclose(chosen.noise.ravel()[:5], first, atol=1e-8)
    assert chosen.noise.astype(np.float64).sum() == pytest.approx(75209.914, abs=0.01)


@pytest.mark.parametrize("features", [2, 3, 512, 1280, 4096])
def test_other_widths_are_drawn_by_the_same_rule_from_one_on(features: int) -> None:
    units = choose(features).units
    assert len(units) == 6
    assert min(units) >= 1
    assert max(units) < features
    assert units == choose(features).units
    before = np.random.get_state()[1].copy()  # noqa: NPY002  # only looked at
    choose(features)
    assert np.array_equal(before, np.random.get_state()[1])  # noqa: NPY002


def seen(*iterates: tuple[float, float]) -> Nearest:
    """What is kept of iterates (distance to the start, margin of the unit's logit), the first being the start."""
    start = torch.full((1, 3, 2, 2), 0.5)
    nearest = Nearest(start, TargetProbability(torch.tensor([1]), PROBABILITY))
    for step, (distance, margin) in enumerate(iterates):
        pixels = start.clone()
        pixels[0, 0, 0, 0] += distance
        nearest.see(step, pixels, torch.tensor([[0.0, margin]]))
    return nearest


ENOUGH, LITTLE = 14.0, 13.0
"""Margins of two logits: a probability of 1 - 1e-6 needs 13.8."""


@pytest.mark.parametrize(
    ("iterates", "step"),
    [
        ([(0.0, LITTLE), (0.1, LITTLE), (0.2, ENOUGH), (0.3, ENOUGH)], 2),
        ([(0.0, LITTLE), (0.3, ENOUGH), (0.2, ENOUGH), (0.1, LITTLE)], 2),
        ([(0.0, LITTLE), (0.2, ENOUGH), (0.2, 20.0)], 1),
        ([(0.0, ENOUGH), (0.1, ENOUGH)], 0),
        ([(0.0, LITTLE), (0.3, ENOUGH), (0.4, LITTLE), (0.2, ENOUGH)], 3),
    ],
)
def test_the_nearest_successful_iterate_is_kept_the_first_among_equals(
    iterates: list[tuple[float, float]], step: int
) -> None:
    nearest = seen(*iterates)
    assert nearest.reached.item()
    assert nearest.step.item() == step
    assert nearest.distance.item() == pytest.approx(iterates[step][0])
    assert nearest.after.item() == iterates[step][1]
    assert nearest.before.item() == iterates[0][1]
    assert nearest.pixels[0, 0, 0, 0].item() == pytest.approx(0.5 + iterates[step][0])


def test_without_success_the_last_iterate_is_told_and_nothing_reached() -> None:
    nearest = seen((0.0, 1.0), (0.1, 3.0), (0.2, 2.0))
    assert not nearest.reached.item()
    assert (nearest.step.item(), nearest.after.item()) == (2, 2.0)
    assert nearest.probability.item() == pytest.approx(1 / (1 + np.exp(-2.0)))


def test_features_that_are_not_finite_are_no_success() -> None:
    assert not seen((0.0, 1.0), (0.1, float("nan"))).reached.item()


class _Pooled(nn.Module):
    """Four features below a last layer: 100 times red, green, blue, and the mean of red and blue."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        means = x.mean((2, 3))
        features = torch.cat([means, means[:, ::2].mean(1, keepdim=True)], 1) * 100
        return self.head(features)


def test_steps_until_certain_by_hand() -> None:
    """Each step raises green by 1/255 and lowers red and blue by as much: three margins of 200/255 a step."""
    classifier = wrap(_Pooled(), View(256, 224, mean=(0, 0, 0), std=(1, 1, 1)), name="pooled", device="cpu")
    nearest = push(classifier, torch.full((1, 3, 32, 32), 0.4), [1], steps=60)
    enough = next(k for k in range(60) if 1 / (1 + 3 * np.exp(-200 * k / 255)) > PROBABILITY)
    assert nearest.reached.item()
    assert nearest.step.item() == enough == 20
    assert nearest.distance.item() == pytest.approx(enough / 255, abs=1e-6)
    expected = torch.tensor([0.4 - enough / 255, 0.4 + enough / 255, 0.4 - enough / 255])
    torch.testing.assert_close(nearest.pixels[0, :, 0, 0], expected)
    assert nearest.after.item() == pytest.approx(100 * (0.4 + enough / 255), rel=1e-5)


def test_a_unit_that_others_always_equal_never_gets_there() -> None:
    classifier = wrap(_Pooled(), View(256, 224, mean=(0, 0, 0), std=(1, 1, 1)), name="pooled", device="cpu")
    nearest = push(classifier, torch.full((1, 3, 32, 32), 0.4), [3], steps=150)
    assert not nearest.reached.item()
    assert nearest.probability.item() <= 1 / 3 + 1e-6
    assert nearest.pixels.min() >= 0
    assert nearest.pixels.max() <= 1


def photographs(folder: Path, count: int) -> DataSet:
    """Photographs of noise, given in another order than that of their ids."""
    items = []
    for number in range(count):
        file = folder / f"{number}.png"
        pixels = rng(0, number).integers(0, 256, (240, 260, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(file)
        items.append(Item(f"n/{number}", 0, DiskFile(str(file))))
    return DataSet("few", tuple(reversed(items)), 1000, "", str(folder))


@pytest.mark.slow
def test_the_whole_protocol_is_three_starts_by_six_units(tmp_path: Path) -> None:
    classifier = wrap(_Pooled(), View(256, 224, mean=(0, 0, 0), std=(1, 1, 1)), name="pooled", device="cpu")
    data = photographs(tmp_path, 3)
    pushed = push_features(classifier, data, steps=3)
    assert [each.start for each in pushed] == ["n/0"] * 6 + ["n/1"] * 6 + ["noise"] * 6
    assert [each.unit for each in pushed] == [*choose(4).units] * 3
    assert all(each.image is None for each in pushed), "three steps are too few"
    assert all(each.step == 3 for each in pushed)


def test_one_photograph_is_too_few(tmp_path: Path) -> None:
    classifier = wrap(_Pooled(), View(256, 224), name="pooled", device="cpu")
    with pytest.raises(DataError, match=r"orhan2019 starts from 2 photographs, and .* holds 1"):
        push_features(classifier, photographs(tmp_path, 1), steps=1)


def test_one_image_alone_goes_the_same_way(draw: Callable[..., Tensor]) -> None:
    classifier = wrap(_Pooled(), View(256, 224), name="pooled", device="cpu")
    starts = draw(3, 3, 16, 16).sigmoid()
    together = push(classifier, starts, [1, 2, 3], steps=40)
    for row in range(3):
        alone = push(classifier, starts[row : row + 1], [row + 1], steps=40)
        assert alone.step.item() == together.step[row].item()
        torch.testing.assert_close(alone.pixels[0], together.pixels[row])
