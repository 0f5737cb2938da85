"""ImageNet-C-bar's kernels, fed with the published code's draws, against the pictures that it made.

The draws stand beside the pictures; those with a seed come from ``RandomState(seed)``, in the published order.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from hardiness.distortions.apply import corruptions
from hardiness.distortions.still.caustics import Water
from hardiness.distortions.still.cutout import CheckerPattern
from hardiness.distortions.still.perlin import Lattice
from hardiness.distortions.still.sparkles import Star
from hardiness.distortions.still.waves import Plasma, Rings, Wave
from hardiness.reference.sets import distortion_set

Given = dict[str, Any]
SEVERITIES = (1, 3, 5)
SIDE = 64
NAMES = distortion_set("imagenet-c-bar").members


def seeded(given: Given) -> np.random.RandomState:
    return np.random.RandomState(given["seed"])


def board(given: Given) -> CheckerPattern:
    side = given["scales"][0]
    cells = int(4 * SIDE // side)
    return CheckerPattern(given["angle"], side, seeded(given).uniform(size=(cells, cells)) < given["fraction"])


def stars(given: Given) -> tuple[Star, ...]:
    random = seeded(given)
    return tuple(
        Star(tuple(centre), np.maximum(1, radius + 0.25 * radius * random.normal(size=rays)))
        for centre, radius, rays in zip(given["centers"], given["radii"], given["nrays"], strict=True)
    )


def one_star(given: Given) -> Star:
    radius = given["radius"]
    return Star(tuple(given["center"]), radius + 0.25 * radius * seeded(given).normal(size=given["rays"]))


def lattice(given: Given) -> Lattice:
    random = seeded(given)
    drawn = np.array([random.randint(0, 2**31, 2) for _ in range(514)])
    slopes = (drawn % 512 - 256) / 256
    partners = np.array([random.randint(0, 2**31) % 256 for _ in range(256)])
    return Lattice((slopes / np.linalg.norm(slopes, axis=1, keepdims=True))[:256].copy(), partners)


def phases(fields: int) -> Callable[[Given], np.ndarray]:
    return lambda given: seeded(given).uniform(0, 2 * np.pi, (fields, SIDE, SIDE // 2))


REPLAYED: dict[str, Callable[[Given], Any]] = {
    "single_frequency_greyscale": lambda given: Wave(*given["freq"], given["phase"]),
    "cocentric_sine_waves": lambda given: Rings(
        *given["offset"], given["freq"], given["amplitude"], given["ring_width"]
    ),
    "plasma_noise": lambda given: Plasma(given["time"], given["iterations"], given["sharpness"], given["scale"]),
    "checkerboard_cutout": board,
    "sparkles": stars,
    "inverse_sparkles": one_star,
    "perlin_noise": lattice,
    "brownish_noise": phases(3),
    "blue_noise_sample": phases(1),
    "caustic_refraction": lambda given: Water(given["time"], given["size"]),
}


@pytest.fixture(scope="module")
def golden(golden_c_bar: Path) -> Path:
    return golden_c_bar


def read(file: Path) -> np.ndarray:
    return np.array(PIL.Image.open(file).convert("RGB"))


def test_every_member_is_held_against_the_published_code() -> None:
    assert set(REPLAYED) == set(NAMES)


@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.parametrize("name", NAMES)
def test_replayed_draws_give_the_published_pictures(golden: Path, name: str, severity: int) -> None:
    entry, case = corruptions.get(name), f"{name}.{severity}"
    given = json.loads((golden / "cases.json").read_text())["cases"][case]["parameters"]
    out = entry.apply(read(golden / "input.png"), entry.level(severity), REPLAYED[name](given))
    difference = np.abs(out.astype(int) - read(golden / f"{case}.png").astype(int))
    assert difference.max() <= 1
    # A value may be truncated the other way where the exact one is a whole number.
    assert np.count_nonzero(difference) <= 3
