"""What an evaluation would do: counted by hand, and that nothing of it is stored."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from hardiness.benchmarks.options import parse
from hardiness.benchmarks.sizes import benchmark_size
from hardiness.core.model import View
from hardiness.core.random import rng
from hardiness.core.request import Request
from hardiness.data.root import locate
from hardiness.engine import forecast
from hardiness.engine.evaluation import evaluate
from hardiness.engine.forecast import MARGIN, STEPS, Forecast, forecast_evaluation
from hardiness.engine.worker import Worker
from hardiness.models.classifier import Classifier
from hardiness.models.loading import wrap
from hardiness.store.store import Store

IMAGES = 6


class Colours(nn.Module):
    """Mean colours through a linear map."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3, 1000)
        self.linear.weight.data = torch.randn(1000, 3, generator=torch.Generator().manual_seed(0))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.linear(x.mean(dim=(2, 3)))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six noisy pictures of three classes."""
    found = tmp_path_factory.mktemp("root")
    for number in range(IMAGES):
        folder = found / "imagenet" / "val" / ("n01440764", "n01443537", "n01484850")[number % 3]
        folder.mkdir(parents=True, exist_ok=True)
        picture = rng(0, "picture", number).integers(0, 256, (40, 48, 3), np.uint8)
        Image.fromarray(picture).save(folder / f"{number}.png")
    return found


@pytest.fixture(scope="module")
def classifiers() -> list[Classifier]:
    """Two small models."""
    view = View(resize_px=36, crop_px=32)
    return [wrap(Colours(), view, name=name, device="cpu", runtime="torch") for name in "ab"]


def foretold(root: Path, classifiers: list[Classifier], out: Path, benchmark: str, **asked: int) -> Forecast:
    chosen = parse(benchmark)
    data = chosen.dataset(locate([str(root)]))
    return forecast_evaluation(chosen, classifiers, data, Store(out), Request(**asked))


def test_all_is_counted_and_nothing_is_stored(root: Path, classifiers: list[Classifier], tmp_path: Path) -> None:
    found = foretold(root, classifiers, tmp_path / "out", "imagenet-val", limit=5)
    assert (found.models, found.images, found.rows, found.stored, found.passes) == (("a", "b"), 5, 10, 0, 10)
    assert found.seconds > 0
    assert not found.at_most
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("benchmark", ["imagenet-val", "imagenet-w", "imagenet-p:perturbations=rotate", "patch-drop"])
def test_the_list_of_sizes_counts_passes_as_a_plan_does(
    root: Path, classifiers: list[Classifier], tmp_path: Path, benchmark: str
) -> None:
    size = benchmark_size(benchmark)
    found = foretold(root, classifiers[:1], tmp_path / "out", benchmark)
    assert found.passes == IMAGES * size.passes / size.pictures


def test_what_is_stored_already_is_done(root: Path, classifiers: list[Classifier], tmp_path: Path) -> None:
    chosen, store = parse("imagenet-val"), Store.create(tmp_path)
    data = chosen.dataset(locate([str(root)]))
    evaluate(chosen, classifiers[:1], data, store, Request(limit=4))
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    found = foretold(root, classifiers, tmp_path, "imagenet-val")
    assert (found.images, found.rows, found.stored) == (6, 2 + 6, 4)
    alone = foretold(root, classifiers[:1], tmp_path, "imagenet-val", limit=4)
    assert (alone.images, alone.rows, alone.stored, alone.seconds) == (0, 0, 4, 0.0)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_of_conditions_that_are_drawn_those_are_counted(
    root: Path, classifiers: list[Classifier], tmp_path: Path
) -> None:
    asked = "imagenet-c:corruptions=brightness+contrast"
    found = foretold(root, classifiers, tmp_path / "out", asked, conditions=3)
    assert (found.images, found.rows, found.stored) == (6, 2 * 6 * 3, 0)
    assert not found.at_most


def test_an_attack_is_an_upper_bound(root: Path, classifiers: list[Classifier], tmp_path: Path) -> None:
    asked = "whitebox:epsilons=0.01,steps=2,must_break=false,cross_checks=false,protocol=standard"
    found = foretold(root, classifiers[:1], tmp_path, asked, limit=2)
    assert found.at_most
    assert found.seconds > 0
    assert found.rows == 2 * 2
    assert found.passes == 0, "as many as it takes"


def test_a_long_attack_is_priced_by_a_part_of_its_steps(
    root: Path, classifiers: list[Classifier], tmp_path: Path
) -> None:
    asked = "whitebox:epsilons=0.0001,steps=2000,must_break=false,cross_checks=false,protocol=standard"
    found = foretold(root, classifiers[:1], tmp_path, asked, limit=1)
    assert found.at_most
    assert found.seconds > 0


def test_a_model_that_does_not_fit_is_named(root: Path, tmp_path: Path) -> None:
    small = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 7))
    view = View(resize_px=36, crop_px=32)
    wrong = wrap(small, view, name="small", device="cpu", runtime="torch")
    found = foretold(root, [wrong], tmp_path / "out", "imagenet-val")
    assert found.rows == 0
    assert len(found.problems) == 1
    assert found.problems[0].about == "small"


def timed(monkeypatch: pytest.MonkeyPatch, *seconds: float) -> list[tuple[int, int]]:
    """Workers that do nothing and take so long, one after the other; of each its images and models."""
    clock, left, tried = [0.0], list(seconds), list[tuple[int, int]]()

    def evaluate(worker: Worker) -> None:
        tried.append((len(worker.items), len(worker.tasks)))
        clock[0] += left.pop(0)

    monkeypatch.setattr(forecast, "time", SimpleNamespace(perf_counter=lambda: clock[0]))
    monkeypatch.setattr(Worker, "evaluate", evaluate)
    return tried


def test_a_row_costs_as_in_the_second_trial_and_the_first_compiles_once(
    root: Path, classifiers: list[Classifier], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten conditions: one image is ten pictures, four are 40."""
    asked = "imagenet-c:corruptions=brightness+contrast"
    monkeypatch.setattr(forecast, "TRIED", (10, 40))
    tried = timed(monkeypatch, 99.0, 4.0)
    found = foretold(root, classifiers, tmp_path, asked)
    assert tried == [(1, 2), (4, 2)]
    assert found.seconds == pytest.approx(6 / 4 * 4.0 + 99.0 - 1.0)


def test_a_long_attack_costs_as_much_as_a_part_of_its_steps_and_a_margin(
    root: Path, classifiers: list[Classifier], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = "whitebox:epsilons=0.01,steps=2000,must_break=false,cross_checks=false,protocol=standard"
    tried = timed(monkeypatch, 3.0)
    found = foretold(root, classifiers[:1], tmp_path, asked)
    assert tried == [(4, 1)]
    assert found.seconds == pytest.approx(6 / 4 * 3.0 * 2000 / STEPS * MARGIN)
