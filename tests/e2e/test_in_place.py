"""Functions and corruptions that write into the picture they are given change no picture of anybody else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import hardiness as package
from hardiness.distortions.apply import Corruption, corruptions, no_draws

NETWORKS = '''
import numpy as np

WEIGHTS = np.random.default_rng(0).normal(size=(3, 3)) / 20


def colour(pictures):
    """The mean of each channel, and which one of them is strong."""
    return [(picture.mean((0, 1)) - picture.mean()) @ WEIGHTS for picture in pictures]


def grey(pictures):
    """As above, of the picture made grey in its own memory."""
    for picture in pictures:
        picture[...] = picture.mean(2, keepdims=True)
    return colour(pictures)


def dark(pictures):
    """As above, of the picture halved in its own memory."""
    for picture in pictures:
        picture //= 2
    return colour(pictures)
'''


@pytest.fixture
def photos(photographs: list[Path], tmp_path: Path) -> Path:
    """Twelve photographs in three classes, beside the functions."""
    for number, photograph in enumerate(photographs[:12]):
        folder = tmp_path / "photos" / "abc"[number % 3]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number}.jpg").write_bytes(photograph.read_bytes())
    (tmp_path / "net.py").write_text(NETWORKS)
    return tmp_path / "photos"


def test_a_function_that_works_in_place_changes_no_picture_of_another_model(
    photos: Path, hardiness: Callable[..., Any], results: Callable[..., Any], tmp_path: Path
) -> None:
    def scores(out: Path, *models: str) -> dict[str, list[float]]:
        named = [part for name in models for part in ("-m", f"{name}=py:{tmp_path / 'net.py'}:{name}:takes=full")]
        benchmarks = ("-b", "own", "-b", "own-c:corruptions=fog,severities=3")
        told = hardiness("run", *named, *benchmarks, "--data", photos, "--quiet", "--out", out)
        assert told.status == 0, told.err
        found: dict[str, list[float]] = {}
        for each in results(out):
            found.setdefault(each["model"], []).extend(score["value"] for score in each["scores"])
        return found

    alone = scores(tmp_path / "alone", "colour")
    together = scores(tmp_path / "together", "grey", "dark", "colour")
    assert together["colour"] == alone["colour"]
    assert scores(tmp_path / "turned", "colour", "dark", "grey") == together
    assert together["grey"] != together["colour"] != together["dark"], "they do see what they have made of it"


def test_a_corruption_that_works_in_place_changes_no_other_condition(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Share(NamedTuple):
        """The share of the light that is left."""

        share: float

    def dimmed(image: np.ndarray, level: Share, draws: None) -> np.ndarray:
        image[...] = (image * level.share).astype(np.uint8)
        return image

    def copied(image: np.ndarray, level: Share, draws: None) -> np.ndarray:
        return dimmed(image.copy(), level, draws)

    def brightness(pictures: np.ndarray) -> np.ndarray:
        return np.stack([pictures.mean((1, 2, 3)), np.full(len(pictures), 60.0), np.zeros(len(pictures))], axis=1)

    tables = []
    for function in (copied, dimmed):
        levels = tuple(map(Share, (0.9, 0.7, 0.5, 0.3, 0.1)))
        entry = Corruption("dimmed", "light", levels, no_draws, function)
        monkeypatch.setitem(corruptions._entries, "dimmed", (entry, "here"))
        result = package.evaluate(
            brightness, "own-c:corruptions=dimmed+contrast", photos, view=package.View(256, 224, "bilinear"), tag="1"
        )
        tables.append([(score.metric, score.condition, score.value) for score in result.scores])
    assert tables[0] == tables[1]
