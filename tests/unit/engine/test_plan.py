"""How many images a unit has: what a killed run can lose, and what a batch must find room in."""

from __future__ import annotations

import pytest

from hardiness.benchmarks.options import parse
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
    assert unit_images(parse(benchmark), batch_size) == images
