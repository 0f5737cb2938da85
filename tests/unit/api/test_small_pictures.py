"""Runs on small pictures at their own size: against a plain loop, generated and stored."""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch
from commands import called
from torch import nn

import hardiness
from hardiness.benchmarks.options import registry
from hardiness.core.model import CANVAS_224, View
from hardiness.core.result import Result
from hardiness.data.root import locate
from hardiness.distortions.apply import corrupt
from hardiness.imaging import on_canvas
from hardiness.reference.small_pictures import small_pictures
from hardiness.report.sections import sections
from hardiness.report.words import text

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


def written_folder(folder: Path, pictures: np.ndarray, labels: np.ndarray) -> str:
    """Pictures as PNG in class folders, in the order of the labels within each class."""
    for at, (picture, label) in enumerate(zip(pictures, labels, strict=True)):
        file = folder / CLASSES[label] / f"{at:05d}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        PIL.Image.fromarray(picture).save(file)
    return f"own={folder}"


def corrupted(pictures: np.ndarray, labels: np.ndarray, name: str, severity: int) -> np.ndarray:
    ids = [f"{CLASSES[label]}/{at:05d}" for at, label in enumerate(labels)]
    return np.stack(
        [corrupt(x, name, severity, id=id, protocol="cifar10-c") for x, id in zip(pictures, ids, strict=True)]  # noqa: A001
    )


def error_of(result: Result, name: str, severity: int) -> float:
    cell = {"corruption": name, "severity": severity}
    return float(next(s.value for s in result.scores if s.metric == "error" and s.condition.as_dict() == cell))


@pytest.mark.slow
def test_own_small_pictures_are_corrupted_at_their_own_size_as_a_plain_loop_does(
    resnet_cifar: Path, small_pictures_data: Path, tmp_path: Path
) -> None:
    """CIFAR-10's test pictures in a folder of one's own, by a ResNet-20 with the weights of its authors."""
    archive = np.load(small_pictures_data / "test_first_500.npz")
    pictures, labels = archive["x"][:100], archive["y"][:100]
    data = [written_folder(tmp_path / "photos", pictures, labels)]
    model = f"py:{resnet_cifar}:resnet20:weights={small_pictures_data / 'weights' / 'resnet20-12fca82f.th'}"
    benchmarks = ["own", "own-c:corruptions=fog+glass_blur,severities=3"]
    clean, fogged = hardiness.evaluate(model, benchmarks, data, progress=False)
    network, view = runpy.run_path(str(resnet_cifar))["resnet20"]()
    state = torch.load(small_pictures_data / "weights" / "resnet20-12fca82f.th", "cpu", weights_only=True)["state_dict"]
    network.load_state_dict({name.removeprefix("module."): tensor for name, tensor in state.items()})
    network.eval()
    right = answers(network, pictures, view) == labels
    assert right.mean() > 0.9
    assert next(s.value for s in clean.scores if s.metric == "top1" and not s.condition) == right.mean()
    for name in ("fog", "glass_blur"):
        wrong = answers(network, corrupted(pictures, labels, name, 3), view) != labels
        assert error_of(fogged, name, 3) == wrong.mean()
    assert (clean.run.input.fed, fogged.run.input.fed) == ("32 px as it is", "32 px as it is")
    options = fogged.run.benchmark.options
    assert (options["strengths"], options["jpeg"]) == ("cifar10-c", False)
    said = "\n".join(text(fact) for fact in (*clean.warnings, *fogged.warnings))
    assert "photos: its pictures are small (32 px) and are shown at their own size" in said
    assert (
        "photos: its pictures are small (32 px) and are corrupted at their own size, with the strengths of cifar10-c"
        in said
    )


@pytest.mark.slow
def test_a_size_that_a_network_states_comes_after_the_corruption_with_a_line(tmp_path: Path) -> None:
    data, network = [written_folder(tmp_path / "photos", X, Y)], Means().eval()
    view = View(resize_px=64, crop_px=56)
    settings = {"view": view, "name": "means", "progress": False}
    benchmarks = ["own", "own-c:corruptions=contrast,severities=3"]
    clean, faded = hardiness.evaluate(network, benchmarks, data, **settings)
    for result, pictures in ((clean, X), (faded, corrupted(X, Y, "contrast", 3))):
        seen = np.stack([on_canvas(picture, view.canvas) for picture in pictures])
        wrong = float(np.mean(answers(network, seen, view) != Y))
        top1 = [s.value for s in result.scores if s.metric == "top1" and not s.condition]
        assert (1 - top1[0] if top1 else error_of(result, "contrast", 3)) == pytest.approx(wrong)
        assert result.run.input.fed == "56 px as it is"
        said = "photos: its pictures are resized (32 px, bilinear to 56 px) for means, which takes or states that size"
        assert said in [text(fact) for fact in result.warnings]


@pytest.mark.slow
def test_strengths_that_are_asked_for_are_applied_before_any_resize(tmp_path: Path) -> None:
    large = np.repeat(np.repeat(X[:10], 2, 1), 2, 2)
    data, network = [written_folder(tmp_path / "photos", large, Y[:10])], Means().eval()
    view = View(resize_px=40, crop_px=32)
    settings = {"view": view, "name": "means", "progress": False}
    asked = "own-c:strengths=cifar10-c,corruptions=contrast,severities=3"
    result, usual = hardiness.evaluate(network, [asked, asked.replace("strengths=cifar10-c,", "")], data, **settings)
    seen = np.stack([on_canvas(picture, view.canvas) for picture in corrupted(large, Y[:10], "contrast", 3)])
    assert error_of(result, "contrast", 3) == np.mean(answers(network, seen, view) != Y[:10])
    said = [text(fact) for fact in result.warnings]
    assert "photos: its pictures are corrupted at their own size, with the strengths of cifar10-c" in said
    assert usual.run.input.fed == "224 px as it is"
    assert "strengths" not in usual.run.benchmark.options


def test_one_larger_picture_makes_a_folder_one_of_photographs(tmp_path: Path) -> None:
    data = written_folder(tmp_path / "photos", X, Y)
    assert locate([data]).dataset("own").side_px == 32
    PIL.Image.new("RGB", (60, 49)).save(tmp_path / "photos" / CLASSES[9] / "large.png")
    assert locate([data]).dataset("own").side_px == 0
    (part,) = registry.get("own-c")().parts(locate([data]))
    assert not part.identity().get("strengths")


def test_a_set_without_strengths_of_small_pictures_remains_on_its_canvas(tmp_path: Path) -> None:
    root = locate([written_folder(tmp_path / "photos", X, Y)])
    (part,) = registry.get("own-c-bar")().parts(root)
    assert part.canvas == CANVAS_224
    assert part.dataset(root).side_px == 0


def test_small_pictures_stand_on_the_first_screen_and_are_beside_no_clean_twin_of_their_own() -> None:
    kinds = {name: registry.get(name) for name in ("cifar10", "cifar10.1", "cifar10-c")}
    assert [kind.stands_for for kind in kinds.values()] == ["clean", "", "corrupted"]
    assert [kind.clean_twin for kind in kinds.values()] == ["cifar10"] * 3


@pytest.mark.slow
def test_no_resize_is_said_of_pictures_that_are_shown_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    np.savez(tmp_path / "part.npz", x=X[:10], y=Y[:10])
    network = "nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 10))"
    (tmp_path / "net.py").write_text(f"from torch import nn\n\ndef build():\n    return {network}\n")
    model = f"py:{tmp_path}/net.py:build:mean=0.4/0.5/0.6,std=0.2/0.2/0.3"
    data = ["--data", f"cifar10={tmp_path / 'part.npz'}", "--out", str(tmp_path / "out")]
    assert called(monkeypatch, "run", "-m", model, "-b", "cifar10", *data, "--device", "cpu") == 0
    printed = capsys.readouterr()
    assert "are resized" not in printed.out + printed.err
