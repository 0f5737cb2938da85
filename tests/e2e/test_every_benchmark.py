"""Every benchmark through the command line: from files in their published layout to a table, then from what is kept."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from hardiness.benchmarks.options import registry
from hardiness.core.random import rng
from hardiness.reference.classes import wnids

PHOTOGRAPHS = {
    "imagenet/val": wnids()[409],  # of ObjectNet's classes too
    "imagenet-a": "n01498041",
    "imagenet-r": "n01443537",
    "imagenet-sketch": "n01440764",
    "imagenet-v2": "0",
    "ninco": "amphiuma",
    "laion-c/mosaic/intensity_level_1": "dog",
    "objectnet/images": "chair",
    "imagenet-d/background": "chair",
    "imagenet-9/bg_challenge/original/val": "00_dog",
    "pug-imagenet/Worlds": "Wolf",
    "imagenet-es/ImageNet-ES/es-test/param_control/l1/param_1": "n01641577",
    "model-vs-human/edge": "cat",
    "cue-conflict": ".",
    **dict.fromkeys(("cifar10", "cifar10.1", "cifar10.1-v4"), "airplane"),
    "cifar100": "apple",
}
"""A folder below the data root, and what holds pictures below that."""

OPTIONS = {
    "autoattack": "queries=10,epsilons=0.01",
    "apgd-fab-square": "queries=10,iterations=5,epsilons=0.01",
    "whitebox": "epsilons=0.01,steps=2",
    "blackbox": "surrogate={network},epsilons=0.01,steps=2",
    "imagenet-p": "perturbations=translate+snow",
    "imagenet-3dcc": "corruptions=iso_noise+low_light",  # others need more than the photograph
}
"""Fewer steps or conditions, where all take seconds for one photograph of a network that takes milliseconds."""


def picture(name: str, side: int = 256) -> Image.Image:
    """Noise, other noise for another name."""
    return Image.fromarray(rng(0, name).integers(0, 256, (side, side, 3), np.uint8))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root with two pictures of every data set, and a folder of one's own classes."""
    root = tmp_path_factory.mktemp("every")
    for place, below in PHOTOGRAPHS.items():
        folder = root / place / below
        folder.mkdir(parents=True, exist_ok=True)
        names = ("cat1-dog2", "car3-boat1") if place == "cue-conflict" else ("cat1", "cat2")
        for name in names:
            picture(name, 512 if "pug" in place else 32 if "cifar" in place else 224).save(folder / f"{name}.png")
    for name in ("birds", "boats"):
        (root / "own" / name).mkdir(parents=True)
        picture(name).save(root / "own" / name / "a.png")
    stream = io.BytesIO()
    picture("hard").save(stream, "PNG")
    rows = {"image": [{"bytes": stream.getvalue(), "path": None}], "label": [[1, 7]], "origin": ["ImageNet"]}
    (root / "imagenet-hard").mkdir()
    pq.write_table(pa.table(rows), root / "imagenet-hard" / "validation-0.parquet")
    return root


@pytest.mark.parametrize("name", registry.names())
def test_every_benchmark_runs_and_is_shown(
    name: str, root: Path, factory: Callable[..., str], hardiness: Callable[..., Any], tmp_path: Path
) -> None:
    own = name.startswith("own")
    network = factory(2 if own else 100 if name.startswith("cifar100") else 10 if "cifar" in name else 1000)
    options = OPTIONS.get(name, "").format(network=factory(name="another"))
    asked = f"{name}:{options}" if options else name
    data = f"own={root / 'own'}" if own else root
    command = ("run", "-m", network, "-b", asked, "--data", data, "--limit", "1", "--out", tmp_path / "out", "--quiet")
    told = hardiness(*command)
    assert told.status == 0, told.err
    results = json.loads((tmp_path / "out" / "results.json").read_text())["results"]
    (result,) = (each for each in results if each["benchmark"] == name)  # ood's rows inside are of imagenet-val
    assert result["counts"]["images"] >= 1
    assert any(score["value"] is not None for score in result["scores"])
    shards = {file: file.stat().st_mtime_ns for file in (tmp_path / "out" / "records").rglob("*.parquet")}
    assert shards
    assert hardiness(*command).status == 0
    assert {file: file.stat().st_mtime_ns for file in (tmp_path / "out" / "records").rglob("*.parquet")} == shards
    shown = hardiness("show", tmp_path / "out", "--all")
    assert shown.status == 0
    assert name in shown.out
