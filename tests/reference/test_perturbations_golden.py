"""Our sequences against frames of the published rules, made before video coding; chance is replayed or tested.

Where there is no reference frame, the published rule is written out with other people's functions.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import PIL.Image
import pytest
from scipy import ndimage, stats

from hardiness.distortions.apply import Perturbation, perturb, perturbations, source_of
from hardiness.reference.sets import distortion_set

IMAGENET_P = distortion_set("imagenet-p")

EXACT = ("rotate", "scale", "snow", "translate")
WITH_FRAMES = (*EXACT, "brightness", "motion_blur", "tilt", "zoom_blur")

Frames = Callable[[str], dict[int, np.ndarray]]


@pytest.fixture(scope="module")
def folder(golden_perturbations: Path) -> Path:
    return golden_perturbations


@pytest.fixture(scope="module")
def source(folder: Path) -> np.ndarray:
    """What the golden frames were made of."""
    return np.array(PIL.Image.open(folder / "source_256.png").convert("RGB"))


@pytest.fixture(scope="module")
def photograph(photographs: list[Path]) -> np.ndarray:
    """A photograph of shorter side 256, for what is held against formulas."""
    given = PIL.Image.open(photographs[0]).convert("RGB")
    return np.array(given.resize([round(256 * side / min(given.size)) for side in given.size]))


@pytest.fixture(scope="module")
def golden(folder: Path) -> Frames:
    def read(name: str) -> dict[int, np.ndarray]:
        files = {int(path.stem[-2:]): path for path in folder.glob(f"{name}_[0-9][0-9].png")}
        return {index: np.array(PIL.Image.open(path).convert("RGB")).astype(int) for index, path in files.items()}

    return read


def replayed(name: str, photograph: np.ndarray) -> list[np.ndarray]:
    """The frames with the draws of the generator, which was seeded with 0."""
    entry: Perturbation = perturbations.get(name)
    if name != "snow":
        return list(perturb(photograph, name))
    (level,) = entry.levels
    field = np.random.RandomState(0).normal(size=(224, 224), loc=level.mean, scale=level.deviation)
    cut = int(np.ceil(224 / level.zoom))
    first = (224 - cut) // 2
    return list(entry.apply(source_of(photograph), level, field[first : first + cut, first : first + cut].copy()))


def test_every_reference_frame_is_used(folder: Path) -> None:
    names = {re.sub(r"_\d\d$", "", path.stem) for path in folder.glob("*.png")} - {"source_256"}
    assert names == set(WITH_FRAMES) == {name for name in IMAGENET_P.members if "noise" not in name}


@pytest.mark.parametrize("name", WITH_FRAMES)
def test_frames_are_the_published_ones(name: str, source: np.ndarray, golden: Frames) -> None:
    frames = replayed(name, source)
    expected = golden(name)
    assert len(expected) >= 7
    for index, picture in expected.items():
        difference = np.abs(frames[index].astype(int) - picture)
        assert np.mean(difference <= 2) >= 0.995
        # Truncation falls the other way where the exact value is a whole number.
        assert difference.max() <= (0 if name in EXACT else 1), f"frame {index}"
        assert difference.mean() < 0.035, f"frame {index}"


def test_another_frame_would_not_do(source: np.ndarray, golden: Frames) -> None:
    """The tolerance tells neighbouring frames apart."""
    for name in WITH_FRAMES:
        frames, expected = replayed(name, source), golden(name)
        for index in (1, 20):
            assert np.mean(np.abs(frames[index + 1].astype(int) - expected[index]) <= 2) < 0.995, name


def crop(photograph: np.ndarray) -> np.ndarray:
    return source_of(photograph).crop


def test_a_widening_gaussian_blur_is_scipys(photograph: np.ndarray) -> None:
    for index, frame in enumerate(perturb(photograph, "gaussian_blur")):
        sigma = 0.25 + 0.035 * index
        blurred = ndimage.gaussian_filter(crop(photograph) / 255.0, (sigma, sigma, 0), mode="nearest", truncate=6.0)
        expected = (np.clip(blurred, 0, 1) * 255).astype(int)
        assert np.abs(frame - expected).max() <= 1
        assert np.mean(frame != expected) < 1e-3


def test_shear_is_pillows_affine_map(photograph: np.ndarray) -> None:
    height, width = photograph.shape[:2]
    window = source_of(photograph).window
    centre_x, centre_y = width / 2 + 0.5, height / 2 + 0.5
    for index, frame in enumerate(perturb(photograph, "shear")):
        shear = np.deg2rad(index - 15)
        forward = np.array([[1, -np.sin(shear)], [0, np.cos(shear)]])
        back = np.linalg.inv(forward)
        offset = np.array([centre_x, centre_y]) - back @ [centre_x, centre_y]
        matrix = (*back[0], offset[0], *back[1], offset[1])
        mapped = PIL.Image.fromarray(photograph).transform(
            (width, height), PIL.Image.Transform.AFFINE, matrix, PIL.Image.Resampling.BILINEAR
        )
        expected = np.asarray(mapped)[window.top : window.top + 224, window.left : window.left + 224]
        # Another way to the same matrix: single values are cut on the other side of a whole number.
        assert np.mean(np.abs(frame.astype(int) - expected) <= 1) > 0.9999


def test_spatter_is_the_published_chain_of_operations(photograph: np.ndarray) -> None:
    entry = perturbations.get("spatter")
    (level,) = entry.levels
    draws = np.random.RandomState(0).normal(size=(224, 224), loc=0.65, scale=0.27)
    liquid = ndimage.gaussian_filter(draws, 3.7, mode="nearest", truncate=4.0)
    liquid[liquid < 0.69] = 0
    image = crop(photograph).astype(np.float32) / 255
    turquoise = np.array([175, 238, 238], np.float32) / 255
    frames = list(entry.apply(source_of(photograph), level, draws))
    for index, frame in enumerate(frames):
        layer = (liquid * 255).astype(np.uint8)
        away = cv2.distanceTransform(255 - cv2.Canny(layer, 50, 150), cv2.DIST_L2, 5)
        _, away = cv2.threshold(away, 20, 20, cv2.THRESH_TRUNC)
        away = cv2.equalizeHist(cv2.blur(away, (3, 3)).astype(np.uint8))
        away = cv2.filter2D(away, cv2.CV_8U, np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]]))
        amount = layer * cv2.blur(away, (3, 3)).astype(np.float32)
        amount = amount / amount.max() * 0.6
        expected = (np.clip(image + amount[..., None] * turquoise, 0, 1) * 255).astype(np.uint8)
        assert np.mean(np.abs(frame.astype(int) - expected) <= 1) >= 0.999, f"frame {index}"
        columns = [np.convolve(column, [0.05, 0.1, 0.15, 0.7], mode="same") for column in liquid.T]
        liquid = np.stack(columns, axis=1)
    assert np.abs(frames[0].astype(int) - frames[20]).mean() > 0.5, "drops have run"


@pytest.mark.parametrize(
    ("name", "sigma"), [("gaussian_noise", (0.03, 0.05, 0.08)), ("speckle_noise", (0.05, 0.1, 0.15))]
)
def test_normal_noise_replays_the_published_formula(
    name: str, sigma: tuple[float, ...], photograph: np.ndarray
) -> None:
    entry, clean = perturbations.get(name), crop(photograph) / 255.0
    for level, deviation in zip(entry.levels, sigma, strict=True):
        draws = np.random.RandomState(0).normal(size=(2, *clean.shape)).astype(np.float32)
        _, *noisy = entry.apply(source_of(photograph), level, iter(draws))
        for frame, draw in zip(noisy, draws, strict=True):
            added = deviation * draw * (clean if name == "speckle_noise" else 1.0)
            expected = (np.clip(clean + added, 0, 1) * 255).astype(int)
            assert np.abs(frame - expected).max() <= 1
            assert np.mean(frame != expected) < 1e-3


@pytest.mark.parametrize("name", ["gaussian_noise", "speckle_noise"])
def test_own_draws_are_normal_and_new_in_every_frame(name: str) -> None:
    entry = perturbations.get(name)
    one, other = itertools.islice(entry.draw(np.random.default_rng(0), entry.levels[0]), 2)
    assert stats.kstest(one.ravel(), "norm").pvalue > 1e-4
    assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.02


@pytest.mark.parametrize(("difficulty", "rate"), [(1, 300.0), (2, 120.0), (3, 60.0)])
def test_shot_noise_is_poisson(difficulty: int, rate: float) -> None:
    """Chi-square of grey levels by value; the same test must reject a rate that is 2 % off."""
    image = np.broadcast_to(np.arange(0, 256, 5, dtype=np.uint8)[:, None], (52, 5)).reshape(-1)[:256]
    image = np.broadcast_to(image[None, :, None], (256, 256, 3)).copy()
    clean, *frames = perturb(image, "shot_noise", difficulty=difficulty)
    drawn = np.stack(frames)

    def p_value(of: float) -> float:
        statistic, freedom = 0.0, 0
        for value in np.unique(clean)[1:].tolist():
            counts = np.arange(2000)
            levels = (255 * np.clip(counts / rate, 0, 1)).astype(np.uint8)
            chance = np.bincount(levels, stats.poisson.pmf(counts, value / 255 * of), 256)
            seen = np.bincount(drawn[:, clean == value].ravel(), minlength=256)
            expected = chance * seen.sum()
            enough = expected >= 5
            statistic += ((seen - expected)[enough] ** 2 / expected[enough]).sum()
            freedom += int(enough.sum()) - 1
        return float(stats.chi2.sf(statistic, freedom))

    assert p_value(rate) > 1e-4
    assert p_value(rate * 1.02) < 1e-4
