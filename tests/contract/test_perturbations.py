"""Every registered perturbation × the laws that all of them keep."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from hardiness.distortions.apply import DIFFICULTIES, Perturbation, perturb, perturbations
from hardiness.reference.sets import distortion_set

IMAGENET_P = distortion_set("imagenet-p")

SIZES = [(256, 256), (256, 341), (300, 256), (224, 224)]


def scene(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Smooth areas, edges and texture, in colour; nowhere black."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:height, :width]
    waves = [np.sin(rows / a + columns / b) for a, b in rng.uniform(5, 30, (3, 2))]
    image = 128 + 70 * np.stack(waves, -1) + 30 * ((rows // 13 + columns // 11) % 2)[..., None]
    return np.clip(image + rng.normal(0, 4, image.shape), 8, 255).astype(np.uint8)


@pytest.fixture(params=perturbations.names())
def entry(request: pytest.FixtureRequest) -> Perturbation:
    return perturbations.get(request.param)


def test_the_published_fourteen_are_registered() -> None:
    assert set(IMAGENET_P.members) | set(IMAGENET_P.extra) == set(perturbations.names())
    assert (len(IMAGENET_P.members), len(IMAGENET_P.extra)) == (10, 4)
    assert [name for name in (*IMAGENET_P.members, *IMAGENET_P.extra) if len(perturbations.get(name).levels) == 3] == [
        "gaussian_noise",
        "shot_noise",
        "speckle_noise",
    ]


def test_it_says_what_it_does_and_where_that_comes_from(entry: Perturbation) -> None:
    assert entry.summary.endswith(".")
    assert "Source:" in (entry.apply.__doc__ or "")
    assert len({tuple(row) for row in entry.parameters}) == 1
    assert len({tuple(row.values()) for row in entry.parameters}) == len(entry.levels)


@pytest.mark.slow
def test_frames_are_as_many_as_published(entry: Perturbation) -> None:
    assert entry.frames == (41 if entry.name == "translate" else 31)
    for difficulty in range(1, len(entry.levels) + 1):
        assert sum(1 for _ in perturb(scene(*SIZES[1]), entry.name, difficulty=difficulty)) == entry.frames


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES)
def test_any_size_gives_frames_of_their_own_and_is_not_written_to(entry: Perturbation, size: tuple[int, int]) -> None:
    image = scene(*size)
    before = image.copy()
    frames = list(perturb(image, entry.name, seed=3, id="n1/a"))
    for one, other in itertools.pairwise(frames):
        assert one.dtype == np.uint8
        assert one.shape == (224, 224, 3)
        assert one.flags.c_contiguous
        assert not np.shares_memory(one, image)
        assert not np.shares_memory(one, other)
    np.testing.assert_array_equal(image, before)


def test_black_and_white_photographs_are_no_exception(entry: Perturbation) -> None:
    for value in (0, 255):
        frames = list(itertools.islice(perturb(np.full((256, 256, 3), value, np.uint8), entry.name), 3))
        assert len(frames) == 3


@pytest.mark.slow
def test_the_same_id_and_seed_give_the_same_bytes_on_any_threads(entry: Perturbation) -> None:
    images = [scene(256, 256 + 9 * k, k) for k in range(4)]

    def last(k: int) -> np.ndarray:
        return list(itertools.islice(perturb(images[k], entry.name, seed=7, id=f"n/{k}"), 4))[-1]

    alone = [last(k) for k in range(4)]
    with ThreadPoolExecutor(4) as pool:
        for k, frame in zip((3, 1, 0, 2), pool.map(last, (3, 1, 0, 2)), strict=True):
            np.testing.assert_array_equal(frame, alone[k])


def test_chance_depends_on_id_seed_and_difficulty_alone(entry: Perturbation) -> None:
    image = scene(256, 256)

    def third(**given: object) -> np.ndarray:
        return list(itertools.islice(perturb(image, entry.name, **given), 3))[-1]  # type: ignore[arg-type]

    base = third(seed=0, id="a")
    np.testing.assert_array_equal(third(seed=0, id="a"), base)
    for other in (third(seed=0, id="b"), third(seed=1, id="a")):
        assert np.array_equal(base, other) == entry.deterministic


@pytest.mark.slow
def test_each_step_is_small_and_no_two_frames_are_equal(entry: Perturbation) -> None:
    frames = np.stack(list(perturb(scene(256, 341), entry.name))).astype(int)
    steps = np.abs(np.diff(frames, axis=0)).mean(axis=(1, 2, 3))
    whole = max(np.abs(frame - frames[0]).mean() for frame in frames)
    # The first step of a Gaussian blur of 0.25 pixels hardly changes a value, and drops that have run out no more.
    assert steps.max() > 0.2
    if not entry.compared_with_first:
        assert np.median(steps) < whole
    if entry.name not in ("gaussian_blur", "spatter"):
        assert steps.min() > 0


@pytest.mark.parametrize("name", [name for name in perturbations.names() if len(perturbations.get(name).levels) > 1])
def test_a_higher_difficulty_is_further_from_the_clean_frame(name: str) -> None:
    image = scene(256, 256)
    away = []
    for difficulty in DIFFICULTIES:
        clean, noisy = itertools.islice(perturb(image, name, difficulty=difficulty), 2)
        np.testing.assert_array_equal(clean, image[16:240, 16:240])
        away.append(np.abs(noisy.astype(int) - clean).mean())
    assert away[0] < away[1] < away[2]
