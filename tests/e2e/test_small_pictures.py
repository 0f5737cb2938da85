"""Small pictures and networks that do not fit: a line each, and nothing that was finished is lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from hardiness.reference.small_pictures import small_pictures

X = np.random.default_rng(0).integers(0, 256, (10, 32, 32, 3), dtype=np.uint8)
Y = np.arange(10)
CLASSES = small_pictures()["cifar10"].classes
NETWORKS = """
import torch

def network(classes):
    layers = torch.nn.AdaptiveAvgPool2d(2), torch.nn.Flatten(), torch.nn.Linear(12, classes)
    return torch.nn.Sequential(*layers)

def ten():
    return network(10)

def thousand():
    return network(1000)
"""
VIEW = "mean=0.5,std=0.5,weights=random"


@pytest.fixture
def run(hardiness: Any, tmp_path: Path) -> Any:
    """Runs networks on data in a folder of results, and gives what was told."""
    (tmp_path / "networks.py").write_text(NETWORKS)

    def told(data: str, benchmark: str, *networks: str) -> Any:
        models = [word for name in networks for word in ("-m", f"py:{tmp_path / 'networks.py'}:{name}:{VIEW}")]
        return hardiness("run", *models, "-b", benchmark, "--data", data, "--out", tmp_path / "out")

    return told


def tops(results: list[dict[str, Any]]) -> list[tuple[str, int]]:
    """The models that have a clean accuracy, and on how many pictures."""
    scores = [(each["model"].rsplit(":", 1)[-1], score) for each in results for score in each["scores"]]
    return [(model, score["n"]) for model, score in scores if score["metric"] == "top1" and not score["condition"]]


def cells(results: list[dict[str, Any]]) -> dict[str, float]:
    """The error of each corruption at the one severity."""
    scores = [score for each in results for score in each["scores"] if score["metric"] == "error"]
    whole = [score for score in scores if {*score["condition"]} == {"corruption", "severity"}]
    return {score["condition"]["corruption"]: score["value"] for score in whole}


def test_a_network_of_a_thousand_classes_costs_only_itself(run: Any, results: Any, tmp_path: Path) -> None:
    np.savez(tmp_path / "part.npz", x=X, y=Y)
    told = run(f"cifar10={tmp_path / 'part.npz'}", "cifar10", "thousand", "ten")
    assert told.status == 1
    (line,) = [line for line in told.err.splitlines() if ":thousand has 1000 classes" in line]
    assert "has 10; use a model and a data set with the same classes" in line
    assert tops(results(tmp_path / "out")) == [("ten", 10)]


def test_a_picture_of_another_size_or_without_colours_costs_only_itself(run: Any, results: Any, tmp_path: Path) -> None:
    for picture, label in zip(X, Y, strict=True):
        (tmp_path / "photos" / CLASSES[label]).mkdir(parents=True)
        PIL.Image.fromarray(picture).save(tmp_path / "photos" / CLASSES[label] / "a.png")
    PIL.Image.fromarray(X[0][:30]).save(tmp_path / "photos" / CLASSES[0] / "a.png")
    PIL.Image.fromarray(X[1]).convert("L").save(tmp_path / "photos" / CLASSES[1] / "a.png")
    told = run(f"cifar10={tmp_path / 'photos'}", "cifar10", "ten")
    assert "airplane/a.png: must be 32x32 pixels, was 32x30" in told.out
    assert "automobile/a.png: must be RGB, was grey" in told.out
    assert tops(results(tmp_path / "out")) == [("ten", 8)]


def test_a_truncated_array_costs_its_corruption_and_leaves_what_was_finished(
    run: Any, results: Any, tmp_path: Path
) -> None:
    stored = tmp_path / "stored"
    stored.mkdir()
    np.save(stored / "labels.npy", np.tile(Y, 5))
    for name in ("fog", "contrast"):
        np.save(stored / f"{name}.npy", np.tile(X, (5, 1, 1, 1)))
    benchmark = "cifar10-c:source=stored,severities=3,corruptions="
    assert run(f"cifar10-c={stored}", f"{benchmark}contrast", "ten").status == 0
    finished = cells(results(tmp_path / "out"))
    assert {*finished} == {"contrast"}
    (stored / "fog.npy").write_bytes((stored / "fog.npy").read_bytes()[:-1])
    told = run(f"cifar10-c={stored}", f"{benchmark}fog+contrast", "ten")
    assert told.status == 1
    assert "fog.npy cannot be read and is left out" in told.err
    assert "all 10 stored already, nothing to compute" in told.err
    assert cells(results(tmp_path / "out")) == finished
    (stored / "contrast.npy").write_bytes(b"")
    assert run(f"cifar10-c={stored}", f"{benchmark}fog+contrast", "ten").status == 1
    assert cells(results(tmp_path / "out")) == finished, "though its own file is damaged now"
