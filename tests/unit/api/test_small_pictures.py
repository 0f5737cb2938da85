"""Runs on small pictures at their own size: against a plain loop, generated and stored."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import hardiness
from hardiness.benchmarks.options import registry
from hardiness.core.errors import ArgumentError
from hardiness.core.model import View
from hardiness.distortions.apply import corrupt
from hardiness.reference.small_pictures import small_pictures
from hardiness.report.sections import sections

RANDOM = np.random.default_rng(0)
X = RANDOM.integers(0, 256, (40, 32, 32, 3), dtype=np.uint8)
Y = np.arange(40) % 10
CLASSES = small_pictures()["cifar10"].classes


class Means(nn.Module):
    """Logits by the means of quarters of the picture; it takes any size, and another one gives other answers."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.last = nn.Conv2d(3, 8, 3), nn.Linear(8, 10)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return self.last(torch.relu(self.first(pixels)).mean((2, 3)) * 20)


def answers(network: nn.Module, pictures: np.ndarray, view: View) -> np.ndarray:
    pixels = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (view.mean, view.std))
    with torch.no_grad():
        return network((pixels - mean) / std).argmax(1).numpy()


@pytest.mark.slow
def test_rates_are_those_of_a_plain_loop(tmp_path: Path) -> None:
    np.savez(tmp_path / "part.npz", x=X, y=Y)
    stored = tmp_path / "stored"
    stored.mkdir()
    np.save(stored / "labels.npy", np.tile(Y, 5))
    np.save(stored / "fog.npy", np.concatenate([np.roll(X, severity, 1) for severity in range(1, 6)]))
    view, network = View(mean=(0.4, 0.5, 0.6), std=(0.2, 0.2, 0.3)), Means().eval()
    settings = {"view": view, "name": "means", "progress": False}
    data = [f"cifar10={tmp_path / 'part.npz'}"]

    benchmarks = ["cifar10", "cifar10-c:corruptions=contrast,severities=2"]
    clean, corrupted = hardiness.evaluate(network, benchmarks, data, **settings)
    assert clean.run.input.fed == "32 px as it is"
    top1 = next(score for score in clean.scores if score.metric == "top1")
    assert not any(score.metric == "top1_drop" for score in clean.scores), "it is its own clean twin"
    assert top1.value == np.mean(answers(network, X, view) == Y)
    made = np.stack(
        [
            corrupt(picture, "contrast", 2, id=f"{CLASSES[label]}/{at:05d}", protocol="cifar10-c")
            for at, (picture, label) in enumerate(zip(X, Y, strict=True))
        ]
    )
    cell = {"corruption": "contrast", "severity": 2}
    error = next(s for s in corrupted.scores if s.metric == "error" and s.condition.as_dict() == cell)
    assert error.value == np.mean(answers(network, made, view) != Y)
    by_name = {score.metric: score for score in corrupted.scores if not score.condition}
    wrong, right = by_name["mean_error_partial"], by_name["mean_accuracy_partial"]
    assert right.value == pytest.approx(1 - error.value)
    assert (right.interval.low, right.interval.high) == pytest.approx((1 - wrong.interval.high, 1 - wrong.interval.low))
    (section,) = sections([corrupted])
    columns = {column.metric for column in section.section.columns if not column.complement}
    assert {"mean_error_partial", "clean_error", "mean_accuracy_partial"} <= columns, "errors, as they are published"

    benchmark = "cifar10-c:corruptions=fog,severities=3,source=stored"
    published = hardiness.evaluate(network, benchmark, [f"cifar10-c={stored}"], **settings)
    error = next(s for s in published.scores if s.metric == "error" and s.condition.get("severity") == 3)
    assert error.value == np.mean(answers(network, np.roll(X, 3, 1), view) != Y)


@pytest.mark.slow
def test_a_network_that_states_another_size_is_shown_that(tmp_path: Path) -> None:
    np.savez(tmp_path / "part.npz", x=X, y=Y)
    view = View(resize_px=64, crop_px=64)
    data = [f"cifar10={tmp_path / 'part.npz'}"]
    result = hardiness.evaluate(Means().eval(), "cifar10", data, view=view, name="means", progress=False)
    assert result.run.input.fed == "32 px, bicubic to 64 px"


@pytest.mark.slow
def test_strengths_of_small_pictures_are_refused_where_a_canvas_enlarges_them_first() -> None:
    benchmark = "own-c:strengths=cifar10-c,corruptions=contrast,severities=3"
    with pytest.raises(
        ArgumentError, match="own-c:strengths=cifar10-c are of pictures that are corrupted at their own"
    ):
        hardiness.evaluate(Means().eval(), benchmark, (list(X), Y), view=View(), name="means", progress=False)


def test_small_pictures_stand_on_the_first_screen_and_are_beside_no_clean_twin_of_their_own() -> None:
    kinds = {name: registry.get(name) for name in ("cifar10", "cifar10.1", "cifar10-c")}
    assert [kind.stands_for for kind in kinds.values()] == ["clean", "", "corrupted"]
    assert [kind.clean_twin for kind in kinds.values()] == ["cifar10"] * 3
