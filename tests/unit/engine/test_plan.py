"""How many images a unit has: what a killed run can lose, and what a batch must find room in."""

from __future__ import annotations

import pytest

from hardiness.benchmarks.options import parse
from hardiness.engine.batch import LARGEST, LARGEST_WITH_GRADIENTS, by_doubling, largest_batch
from hardiness.engine.plan import unit_images


@pytest.mark.parametrize(
    ("benchmark", "batch_size", "images"),
    [
        ("imagenet-val", 32, 256),
        ("imagenet-val", 1024, 1024),
        ("imagenet-c", 1024, 16),
        ("imagenet-c:corruptions=fog,severities=3", 1024, 512),  # fog and the clean pictures,
        ("imagenet-p", 1024, 4),
        ("whitebox:attack=pgd", 8, 16),
        ("whitebox:attack=pgd", 100, 100),
    ],
)
def test_a_batch_finds_room_in_a_unit(benchmark: str, batch_size: int, images: int) -> None:
    for on_gpu in (False, True):
        assert unit_images(parse(benchmark), batch_size, on_gpu) == images


@pytest.mark.parametrize(
    ("benchmark", "on_cpu", "on_gpu"),
    [("imagenet-val", 256, 1024), ("imagenet-c", 16, 16), ("imagenet-p", 1, 4), ("whitebox:attack=pgd", 32, 128)],
)
@pytest.mark.parametrize("gradients", [False, True])
def test_where_the_batch_is_found_a_unit_has_room_for_the_largest_and_no_clock_decides(
    benchmark: str, on_cpu: int, on_gpu: int, gradients: bool
) -> None:
    assert unit_images(parse(benchmark), None, on_gpu=False) == on_cpu
    assert unit_images(parse(benchmark), None, on_gpu=True) == on_gpu
    found = by_doubling(float, largest_batch(True, gradients))
    assert found == (LARGEST_WITH_GRADIENTS if gradients else LARGEST), "however fast it is"
