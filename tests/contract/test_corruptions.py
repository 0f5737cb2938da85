"""Every registered corruption × the laws that all of them keep."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from hardiness.distortions.apply import Corruption, corrupt, corruptions
from hardiness.reference.sets import distortion_set, set_names

IMAGENET_C = distortion_set("imagenet-c")


def scene(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Smooth areas, edges and texture, in colour."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:height, :width]
    waves = [np.sin(rows / a + columns / b) for a, b in rng.uniform(3, 30, (3, 2))]
    image = 128 + 70 * np.stack(waves, -1) + 40 * ((rows // 13 + columns // 11) % 2)[..., None]
    return np.clip(image + rng.normal(0, 6, image.shape), 0, 255).astype(np.uint8)


@pytest.fixture(params=corruptions.names())
def entry(request: pytest.FixtureRequest) -> Corruption:
    if request.param == "frost":
        request.getfixturevalue("frost_pictures")
    return corruptions.get(request.param)


@pytest.mark.parametrize("name", set_names("still"))
def test_every_member_of_a_set_is_registered_once_and_has_the_severities_of_the_set(name: str) -> None:
    members = distortion_set(name)
    assert len(set(members.published)) == len(members.published)
    assert set(members.stored_only) <= set(members.published)
    for each in set(members.published) - set(members.stored_only):
        entry = corruptions.get(each)
        assert set(members.levels) & set(entry.severities), each
    grouped = [member for group in members.groups.values() for member in group]
    assert not grouped or sorted(grouped) == sorted(members.members)


def test_the_published_nineteen_are_registered_in_their_groups() -> None:
    assert set(IMAGENET_C.published) <= set(corruptions.names())
    assert (len(IMAGENET_C.members), len(IMAGENET_C.extra)) == (15, 4)
    for group, names in IMAGENET_C.groups.items():
        assert {corruptions.get(name).group for name in names} == {group}


def test_it_says_what_it_does_and_where_that_comes_from(entry: Corruption) -> None:
    assert entry.summary.endswith(".")
    assert "Source:" in (entry.apply.__doc__ or "")
    rows = entry.parameters
    assert len(rows) == len(entry.severities) >= 1
    assert len({tuple(row) for row in rows}) == 1
    assert len({tuple(row.values()) for row in rows}) == len(rows)


@pytest.mark.slow
@pytest.mark.parametrize("size", [(32, 32), (33, 57), (90, 41), (224, 224)])
def test_any_size_keeps_its_shape_and_type_and_is_not_written_to(entry: Corruption, size: tuple[int, int]) -> None:
    image = scene(*size)
    before = image.copy()
    for severity in entry.severities:
        out = corrupt(image, entry.name, severity, seed=3, id="n1/a")
        assert out.dtype == np.uint8
        assert out.shape == image.shape
        assert out.flags.c_contiguous
        assert not np.shares_memory(out, image)
    np.testing.assert_array_equal(image, before)


@pytest.mark.slow
def test_black_and_white_images_are_no_exception(entry: Corruption) -> None:
    for value in (0, 255):
        image = np.full((40, 48, 3), value, np.uint8)
        for severity in entry.severities:
            assert corrupt(image, entry.name, severity).shape == image.shape


@pytest.mark.slow
def test_the_same_id_and_seed_give_the_same_bytes_on_any_threads_and_in_any_order(entry: Corruption) -> None:
    images = [scene(48, 40, seed) for seed in range(9)]
    ids = [f"n{i % 3}/{i}" for i in range(9)]
    severity = entry.severities[-1]
    one_by_one = [corrupt(images[i], entry.name, severity, seed=7, id=ids[i]) for i in range(9)]
    for threads in (1, 2, 5):
        order = np.random.default_rng(threads).permutation(9).tolist()
        with ThreadPoolExecutor(threads) as pool:
            corrupted = pool.map(lambda i: corrupt(images[i], entry.name, severity, seed=7, id=ids[i]), order)
            for i, out in zip(order, corrupted, strict=True):
                np.testing.assert_array_equal(out, one_by_one[i])


def test_chance_depends_on_id_seed_and_severity(entry: Corruption) -> None:
    image = scene(64, 64)
    severity = entry.severities[len(entry.levels) // 2]
    base = corrupt(image, entry.name, severity, seed=0, id="a")
    others = [
        corrupt(image, entry.name, severity, seed=0, id="b"),
        corrupt(image, entry.name, severity, seed=1, id="a"),
    ]
    for other in others:
        assert np.array_equal(base, other) == entry.deterministic
    if not entry.deterministic:
        level = entry.level(severity)
        draws = [entry.draw(np.random.default_rng(0), image.shape, level) for _ in range(2)]
        np.testing.assert_array_equal(*(entry.apply(image, level, drawn) for drawn in draws))


NOT_MONOTONE = {
    "elastic_transform",
    "frost",
    "glass_blur",
    "glitched",
    "patch_shuffle",
    "saturate",
    "snow",
    "spatter",
}
"""Severity was set by its effect on a network there: paler, then gaudier; water, then mud; fewer passes; a large and
slow, then a small and quick distortion; fewer, then larger flakes; less of the image, and not more frost; a finer
shuffle, which moves no more of the picture; a glitch whose shifts are one published pattern for each severity."""


@pytest.mark.slow
def test_severity_raises_the_distortion(entry: Corruption) -> None:
    images = [scene(224, 224, seed) for seed in range(4)]
    distortion = [
        np.mean(
            [np.abs(drawn_alike(entry, image, level, k).astype(int) - image).mean() for k, image in enumerate(images)]
        )
        for level in entry.levels
    ]
    assert min(distortion) > 0.5
    if entry.name not in NOT_MONOTONE:
        assert all(less < more for less, more in itertools.pairwise(distortion)), distortion


def drawn_alike(entry: Corruption, image: np.ndarray, level: Any, seed: int) -> np.ndarray:
    """The corrupted image with the same chance at every severity."""
    return entry.apply(image, level, entry.draw(np.random.default_rng(seed), image.shape, level))
