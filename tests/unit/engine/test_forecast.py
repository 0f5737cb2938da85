"""What an evaluation would do: counted by hand, and that nothing of it is stored."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from hardiness.benchmarks.options import parse
from hardiness.core.model import View
from hardiness.core.random import rng
from hardiness.core.request import Request
from hardiness.data.root import locate
from hardiness.engine import forecast
from hardiness.engine.evaluation import evaluate
from hardiness.engine.forecast import ATTACKED, BUDGET_S, MARGIN, Cost, Forecast, Trial, forecast_evaluation
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
    assert (found.models, found.units, found.images, found.rows, found.stored) == (("a", "b"), 1, 5, 10, 0)
    sizes = [path.stat().st_size for path in root.rglob("*.png")]
    assert found.bytes_read == pytest.approx(5 * np.mean(sizes), rel=0.2)
    assert found.bytes_written > 0
    assert found.seconds > 0
    assert not found.at_most
    assert not (tmp_path / "out").exists()


def test_what_is_stored_already_is_done(root: Path, classifiers: list[Classifier], tmp_path: Path) -> None:
    chosen, store = parse("imagenet-val"), Store.create(tmp_path)
    data = chosen.dataset(locate([str(root)]))
    evaluate(chosen, classifiers[:1], data, store, Request(limit=4))
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    found = foretold(root, classifiers, tmp_path, "imagenet-val")
    assert (found.images, found.rows, found.stored) == (6, 2 + 6, 4)
    alone = foretold(root, classifiers[:1], tmp_path, "imagenet-val", limit=4)
    assert (alone.units, alone.images, alone.rows, alone.stored, alone.seconds) == (0, 0, 0, 4, 0.0)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_of_conditions_that_are_drawn_those_are_counted(
    root: Path, classifiers: list[Classifier], tmp_path: Path
) -> None:
    asked = "imagenet-c:corruptions=brightness+contrast"
    found = foretold(root, classifiers, tmp_path / "out", asked, conditions=3)
    assert (found.images, found.rows, found.stored) == (6, 2 * 6 * 3, 0)
    assert not found.at_most


@pytest.mark.slow
def test_a_precision_target_asks_for_fewer_images_at_most(classifiers: list[Classifier], tmp_path: Path) -> None:
    folder = tmp_path / "imagenet" / "val" / "n01440764"
    folder.mkdir(parents=True)
    for number in range(160):
        Image.fromarray(np.full((36, 36, 3), number, np.uint8)).save(folder / f"{number}.png")
    chosen, store = parse("imagenet-val"), Store(tmp_path / "out")
    data = chosen.dataset(locate([str(tmp_path)]))
    plain, loose, exact = (
        forecast_evaluation(chosen, classifiers[:1], data, store, Request(precision_target=target))
        for target in (None, 0.2, 0.1)
    )
    assert (plain.rows, loose.rows, exact.rows) == (160, 100, 160)
    assert (plain.at_most, loose.at_most) == (False, True)
    assert loose.bytes_read < plain.bytes_read
    cells = parse("imagenet-c:corruptions=brightness+contrast")
    drawn = forecast_evaluation(cells, classifiers[:1], data, store, Request(precision_target=0.5))
    assert (drawn.images, drawn.rows) == (160, 320)


def test_an_attack_is_an_upper_bound(root: Path, classifiers: list[Classifier], tmp_path: Path) -> None:
    asked = "whitebox:epsilons=0.01,steps=2,must_break=false,cross_checks=false,protocol=standard"
    found = foretold(root, classifiers[:1], tmp_path, asked, limit=2)
    assert found.at_most
    assert found.seconds > 0
    assert found.rows == 2 * 2


def test_a_long_attack_is_priced_by_a_part_of_its_steps(
    root: Path, classifiers: list[Classifier], tmp_path: Path
) -> None:
    asked = "whitebox:epsilons=0.0001,steps=2000,must_break=false,cross_checks=false,protocol=standard"
    found = foretold(root, classifiers[:1], tmp_path, asked, limit=1)
    assert found.at_most
    assert found.seconds > 0


@pytest.mark.parametrize(("images", "sizes"), [(6, [1, 1, 2, 4, 8, 10]), (1, [1, 9])])
def test_sequences_are_tried_together(
    images: int, sizes: list[int], root: Path, classifiers: list[Classifier], tmp_path: Path
) -> None:
    # One at a time nothing is made while the model runs, so a whole evaluation would be foretold a third too long.
    benchmark = parse("imagenet-p")
    data = benchmark.dataset(locate([str(root)]))
    conditions = list(range(10))
    store = Store.create(tmp_path)
    trial = Trial(benchmark, data, Request(), None, classifiers, data.items[:images], conditions, store)
    tried = list(trial._batches(benchmark))
    assert [len(chosen) for _, chosen in tried] == sizes
    cells = [(item.id, condition) for items, chosen in tried for item in items for condition in chosen]
    assert len(set(cells)) == len(cells)
    assert {condition for _, condition in cells} == set(conditions)
    assert len({item.id for items, _ in tried for item in items}) == images


def test_a_model_that_does_not_fit_is_named(root: Path, tmp_path: Path) -> None:
    small = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 7))
    view = View(resize_px=36, crop_px=32)
    wrong = wrap(small, view, name="small", device="cpu", runtime="torch")
    found = foretold(root, [wrong], tmp_path / "out", "imagenet-val")
    assert found.rows == 0
    assert len(found.problems) == 1
    assert found.problems[0].about == "small"


def timed(monkeypatch: pytest.MonkeyPatch, seconds: list[float]) -> None:
    """Workers that do nothing and take so long, one after the other."""
    clock, left = [0.0], list(seconds)

    def evaluate() -> None:
        clock[0] += left.pop(0)

    monkeypatch.setattr(forecast, "time", SimpleNamespace(perf_counter=lambda: clock[0]))
    monkeypatch.setattr(Trial, "_worker", lambda *_: SimpleNamespace(evaluate=evaluate))


def test_what_the_first_batch_compiles_is_paid_once(
    root: Path, classifiers: list[Classifier], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two models, ten conditions: batches of 1, 1, 2, 4 conditions, until the ten seconds of two models are spent."""
    benchmark = parse("imagenet-p")
    data = benchmark.dataset(locate([str(root)]))
    store = Store.create(tmp_path)
    trial = Trial(benchmark, data, Request(), None, classifiers, data.items, range(10), store)
    timed(monkeypatch, [8.0, 1.0, 2.0, 99.0])
    assert trial.cost() == Cost(row_s=3 / (2 * 3), start_s=8 - 2 * 0.5, row_bytes=0.0)
    assert BUDGET_S * len(classifiers) < 8 + 1 + 2


def test_an_attack_costs_what_all_its_batches_take_and_a_margin(
    root: Path, classifiers: list[Classifier], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    benchmark = parse("whitebox:epsilons=0.01,steps=2,must_break=false,cross_checks=false")
    data = benchmark.dataset(locate([str(root)]))
    trial = Trial(benchmark, data, Request(), None, classifiers[:1], data.items, [0, 1], Store.create(tmp_path))
    timed(monkeypatch, [8.0])
    assert trial.cost() == Cost(row_s=pytest.approx(8 / (len(data.items[:ATTACKED]) * 2) * MARGIN))


def test_models_that_lack_as_much_are_tried_together_as_they_share_what_is_read(
    root: Path, classifiers: list[Classifier], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[list[str]] = []

    def cost(trial: Any) -> Cost:
        tried.append([each.spec.name for each in trial.classifiers])
        return Cost(row_s=0.5, start_s=2.0, row_bytes=10.0)

    monkeypatch.setattr(Trial, "cost", cost)
    found = foretold(root, classifiers, tmp_path, "imagenet-val")
    assert (tried, found.seconds, found.bytes_written) == ([["a", "b"]], 0.5 * 12 + 2.0, 120)
    chosen, store = parse("imagenet-val"), Store.create(tmp_path)
    evaluate(chosen, classifiers[:1], chosen.dataset(locate([str(root)])), store, Request(limit=4))
    tried.clear()
    found = foretold(root, classifiers, tmp_path, "imagenet-val")
    assert (tried, found.seconds, found.bytes_written) == ([["a"], ["b"]], 0.5 * (2 + 6) + 2 * 2.0, 80)
