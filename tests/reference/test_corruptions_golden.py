"""Our kernels, fed with the published generator's draws, against the pictures that it made.

The generator was run with ``np.random.seed(0)`` before each call. The functions here draw the same numbers from
``RandomState(0)`` in the same order, so that what remains is the arithmetic.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
from scipy import stats

from hardiness.distortions.apply import corrupt, corruption_under, corruptions
from hardiness.distortions.frost_pictures import frost_picture
from hardiness.distortions.still.elastic import Distortion
from hardiness.distortions.still.fog import map_size
from hardiness.distortions.still.frost import Crop
from hardiness.distortions.still.motion import Snowfall
from hardiness.reference.sets import SEVERITIES, distortion_set

IMAGENET_C = distortion_set("imagenet-c")

Random = np.random.RandomState
Shape = tuple[int, int, int]


def replay_normals(rng: Random, shape: Shape, level: Any) -> Any:
    return rng.normal(size=shape).astype(np.float32)


def replay_words(rng: Random, shape: Shape, level: Any) -> Any:
    """Words whose bits make the choices that scikit-image makes with a generator seeded from the global one."""
    inner = np.random.default_rng(rng.randint(2**31))
    flipped, salted = inner.random(shape) <= level.amount, inner.random(shape) <= 0.5
    return np.where(flipped, 0, 2**32 - 2).astype(np.uint32) | salted


def replay_offsets(rng: Random, shape: Shape, level: Any) -> Any:
    d = level.max_delta
    return rng.randint(-d, d, size=(level.passes, shape[0] - 2 * d, shape[1] - 2 * d, 2)).astype(np.int8)


def replay_angle(rng: Random, shape: Shape, level: Any) -> Any:
    return rng.uniform(-45, 45)


def replay_snowfall(rng: Random, shape: Shape, level: Any) -> Any:
    field = rng.normal(size=shape[:2], loc=level.mean, scale=level.deviation)
    cut = int(np.ceil(shape[0] / level.zoom))
    first = (shape[0] - cut) // 2
    return Snowfall(field[first : first + cut, first : first + cut].copy(), rng.uniform(-135, -45))


def replay_crop(rng: Random, shape: Shape, level: Any) -> Any:
    index = rng.randint(5)
    picture = frost_picture(index, shape[0], shape[1], level.scale)
    return Crop(index, rng.randint(0, picture.shape[0] - shape[0]), rng.randint(0, picture.shape[1] - shape[1]))


def replay_heights(rng: Random, shape: Shape, level: Any) -> Any:
    return rng.random_sample(map_size(shape) ** 2 - 1)


def replay_distortion(rng: Random, shape: Shape, level: Any) -> Any:
    jitter = rng.uniform(-level.jitter_px, level.jitter_px, size=(3, 2))
    right, down = (rng.uniform(-1, 1, size=shape[:2]) for _ in range(2))
    return Distortion(jitter.astype(np.float32), right.astype(np.float32), down.astype(np.float32))


def replay_liquid(rng: Random, shape: Shape, level: Any) -> Any:
    return rng.normal(size=shape[:2], loc=level.mean, scale=level.deviation)


REPLAYED: dict[str, Callable[[Random, Shape, Any], Any]] = {
    "gaussian_noise": replay_normals,
    "speckle_noise": replay_normals,
    "impulse_noise": replay_words,
    "glass_blur": replay_offsets,
    "motion_blur": replay_angle,
    "snow": replay_snowfall,
    "frost": replay_crop,
    "fog": replay_heights,
    "elastic_transform": replay_distortion,
    "spatter": replay_liquid,
}
DETERMINISTIC = [name for name in (*IMAGENET_C.members, *IMAGENET_C.extra) if corruptions.get(name).deterministic]

cells = pytest.mark.parametrize(("picture", "severity"), [(k, s) for k in (0, 1) for s in SEVERITIES])


@pytest.fixture(scope="module")
def golden(golden_corruptions: Path) -> Callable[..., np.ndarray]:
    def read(picture: int, name: str = "", severity: int = 0) -> np.ndarray:
        file = f"image{picture}_{name}_{severity}.png" if name else f"image{picture}.png"
        return np.asarray(PIL.Image.open(golden_corruptions / file).convert("RGB"))

    return read


def test_every_corruption_is_held_against_the_generator() -> None:
    assert {*DETERMINISTIC, *REPLAYED, "shot_noise"} == {*IMAGENET_C.members, *IMAGENET_C.extra}
    names = "brightness contrast defocus_blur gaussian_blur jpeg_compression pixelate saturate zoom_blur"
    assert sorted(DETERMINISTIC) == names.split()


@pytest.mark.parametrize("name", [name for name in DETERMINISTIC if corruptions.get(name).quantity])
def test_a_published_value_of_the_quantity_gives_the_golden_picture(
    golden: Callable[..., np.ndarray], name: str
) -> None:
    """A kernel that is called with the published value, 25 for JPEG's severity 1, gives what the generator made."""
    distortion = corruptions.get(name)
    for severity, row in enumerate(distortion.levels, 1):
        by_value = corrupt(golden(0), name, **{distortion.quantity.name: row[0]})
        assert np.abs(by_value.astype(int) - golden(0, name, severity).astype(int)).max() <= 1


@cells
@pytest.mark.parametrize("name", DETERMINISTIC)
def test_deterministic_ones_are_at_most_one_level_off(
    golden: Callable[..., np.ndarray], name: str, picture: int, severity: int
) -> None:
    difference = np.abs(
        corrupt(golden(picture), name, severity).astype(int) - golden(picture, name, severity).astype(int)
    )
    assert difference.max() <= 1
    # Truncation may fall either way where the exact value is a whole number: often so for changes of saturation.
    assert difference.mean() < (0.25 if name == "saturate" else 0.003)


@cells
@pytest.mark.parametrize("name", sorted(REPLAYED))
def test_replayed_draws_give_the_published_pictures(
    golden: Callable[..., np.ndarray], request: pytest.FixtureRequest, name: str, picture: int, severity: int
) -> None:
    if name == "frost":
        request.getfixturevalue("frost_pictures")
    entry, image = corruptions.get(name), golden(picture)
    level = entry.level(severity)
    out = entry.apply(image, level, REPLAYED[name](Random(0), image.shape, level))
    difference = np.abs(out.astype(int) - golden(picture, name, severity).astype(int))
    assert np.mean(difference <= 2) >= 0.999
    assert difference.max() <= 1
    assert difference.mean() < 0.001


@cells
def test_shot_noise_is_the_published_formula_of_poisson_counts(
    golden: Callable[..., np.ndarray], picture: int, severity: int
) -> None:
    image, rate = golden(picture), corruptions.get("shot_noise").level(severity).rate
    counts = Random(0).poisson(image / 255.0 * rate)
    expected = (np.clip(counts / rate, 0, 1) * 255).astype(np.uint8)
    np.testing.assert_array_equal(expected, golden(picture, "shot_noise", severity))


def pooled_chi_square(observed: np.ndarray, expected: np.ndarray) -> float:
    """p-value over all bins that expect at least 5; every row's total is given, and takes a degree of freedom."""
    enough = expected >= 5
    statistic = ((observed - expected)[enough] ** 2 / expected[enough]).sum()
    freedom = np.count_nonzero(enough) - np.count_nonzero(enough.any(axis=1))
    return float(stats.chi2.sf(statistic, freedom))


@pytest.mark.usefixtures("frost_pictures")
def test_small_pictures_are_those_of_cifar_10_c(golden_small_pictures: list[Path]) -> None:
    """Every archive at every severity: at most one level off, on average far less; of shot noise the formula."""
    names = [*IMAGENET_C.members, *IMAGENET_C.extra]
    for name, archive in itertools.product(names, map(np.load, golden_small_pictures)):
        entry = corruption_under(name, "cifar10-c")
        for severity in SEVERITIES:
            level = entry.level(severity)
            for image, expected in zip(archive["input"], archive[name][:, severity - 1], strict=True):
                if name == "shot_noise":
                    counts = Random(0).poisson(image / 255.0 * level.rate)
                    out = (np.clip(counts / level.rate, 0, 1) * 255).astype(np.uint8)
                elif name in REPLAYED:
                    out = entry.apply(image.copy(), level, REPLAYED[name](Random(0), image.shape, level))
                else:
                    out = corrupt(image, name, severity, protocol="cifar10-c")
                difference = np.abs(out.astype(int) - expected.astype(int))
                assert difference.max() <= 1, name
                assert difference.mean() < (0.25 if name == "saturate" else 0.02), name


@pytest.mark.parametrize(
    ("protocol", "severity"),
    [(protocol, severity) for protocol in ("", "cifar10-c") for severity in SEVERITIES],
)
def test_shot_noise_agrees_in_distribution(protocol: str, severity: int) -> None:
    """Chi-square over (value, grey level) of 20 seeds; the same test must reject a rate that is 2 % off."""
    image = np.random.RandomState(0).randint(0, 256, (224, 224, 3)).astype(np.uint8)
    rate = corruption_under("shot_noise", protocol).level(severity).rate
    drawn = np.stack([corrupt(image, "shot_noise", severity, seed=seed, protocol=protocol) for seed in range(20)])
    outcomes, first = np.unique((np.arange(int(rate) + 1) / rate * 255).astype(np.uint8), return_index=True)
    index = np.searchsorted(outcomes, drawn)
    np.testing.assert_array_equal(outcomes[index], drawn)
    observed = np.zeros((256, outcomes.size))
    np.add.at(observed, (np.broadcast_to(image, drawn.shape).ravel(), index.ravel()), 1)

    def expected(of: float) -> np.ndarray:
        means, most = np.arange(256)[:, None] / 255 * of, int(rate)
        pmf = stats.poisson.pmf(np.arange(most + 1), means)
        pmf[:, -1] = stats.poisson.sf(most - 1, means[:, 0])
        return np.add.reduceat(pmf, first, axis=1) * observed.sum(1, keepdims=True)

    assert pooled_chi_square(observed, expected(rate)) > 1e-4
    assert pooled_chi_square(observed, expected(rate * 1.02)) < 1e-4


@pytest.mark.parametrize("severity", SEVERITIES)
def test_impulse_noise_agrees_in_distribution(severity: int) -> None:
    """Counts of salt and of pepper within 4.5 standard deviations; an amount 3 % off would lie 7 or more away."""
    image, amount = np.full((224, 224, 3), 100, np.uint8), corruptions.get("impulse_noise").level(severity).amount
    drawn = np.stack([corrupt(image, "impulse_noise", severity, seed=seed) for seed in range(20)])
    for value in (0, 255):
        deviation = np.sqrt(drawn.size * amount / 2 * (1 - amount / 2))
        distance = (np.count_nonzero(drawn == value) - drawn.size * amount / 2) / deviation
        assert abs(distance) < 4.5
        assert 0.03 * drawn.size * amount / 2 / deviation > 4.5
    mixed = np.count_nonzero((drawn == 0).any(-1) & (drawn == 255).any(-1)) / (drawn.size / 3)
    assert mixed == pytest.approx(1 - 2 * (1 - amount / 2) ** 3 + (1 - amount) ** 3, abs=0.003)


@pytest.mark.parametrize("name", ["gaussian_noise", "speckle_noise"])
@pytest.mark.parametrize("severity", SEVERITIES)
def test_own_draws_of_noise_are_normal(name: str, severity: int) -> None:
    entry = corruptions.get(name)
    draws = entry.draw(np.random.default_rng(severity), (224, 224, 3), entry.level(severity))
    assert stats.kstest(draws.ravel(), "norm").pvalue > 1e-4


def test_own_draws_reach_their_whole_range() -> None:
    """Offsets, angles and crops are uniform over what the generator draws from."""
    rng = np.random.default_rng(0)
    for severity in SEVERITIES:
        glass = corruptions.get("glass_blur")
        offsets = glass.draw(rng, (224, 224, 3), glass.level(severity))
        d = glass.level(severity).max_delta
        counts = np.bincount(offsets.ravel().astype(int) + d, minlength=2 * d)
        assert counts.size == 2 * d
        assert stats.chisquare(counts).pvalue > 1e-4
    for name, low in (("motion_blur", -45.0), ("snow", -135.0)):
        entry = corruptions.get(name)
        drawn = [entry.draw(rng, (64, 64, 3), entry.level(1)) for _ in range(500)]
        angles = np.array([getattr(one, "angle_degrees", one) for one in drawn])
        assert stats.kstest(angles, stats.uniform(low, 90).cdf).pvalue > 1e-4
