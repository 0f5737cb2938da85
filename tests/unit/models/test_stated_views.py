"""The view by ``preprocessing=``: files of timm, transformers and albumentations, and a transform of torchvision."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hardiness.core.errors import ArgumentError, UnknownNameError
from hardiness.core.model import View
from hardiness.models.loading import load
from hardiness.models.naming import resolve
from hardiness.models.options import split
from hardiness.report.words import text

NETWORK = """
import torch

def net():
    return torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(2), torch.nn.Flatten(), torch.nn.Linear(12, 5))
"""
TRANSFORMS = """
import torch
from torchvision import transforms
from torchvision.transforms import v2

NORMAL = transforms.Normalize([0.5, 0.4, 0.3], [0.2, 0.3, 0.4])
RESIZE, CROP = transforms.Resize(100, interpolation=3), transforms.CenterCrop(88)
usual = transforms.Compose([RESIZE, CROP, transforms.ToTensor(), NORMAL])

def made():
    return v2.Compose([
        v2.Resize((88, 88)), v2.PILToTensor(), v2.ToDtype(torch.float32, scale=True),
        v2.Normalize([0.5] * 3, [0.25] * 3),
    ])

on_tensors = transforms.Compose([transforms.ToTensor(), transforms.Resize(100), transforms.CenterCrop(88), NORMAL])
builtin = transforms.Compose([RESIZE, CROP, len])
grey = transforms.Compose([RESIZE, CROP, transforms.Grayscale(3), transforms.ToTensor()])
"""
ALBUMENTATIONS = {
    "__version__": "1.4.0",
    "transform": {
        "__class_fullname__": "Compose",
        "p": 1.0,
        "transforms": [
            {"__class_fullname__": "SmallestMaxSize", "max_size": 100, "interpolation": 2},
            {"__class_fullname__": "CenterCrop", "height": 88, "width": 88},
            {
                "__class_fullname__": "Normalize",
                "mean": [0.5, 0.4, 0.3],
                "std": [0.2, 0.3, 0.4],
                "max_pixel_value": 255.0,
            },
            {"__class_fullname__": "ToTensorV2"},
        ],
    },
}
WANTED = View(100, 88, "bicubic", mean=(0.5, 0.4, 0.3), std=(0.2, 0.3, 0.4))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "net.py").write_text(NETWORK)
    (tmp_path / "prep.py").write_text(TRANSFORMS)
    return tmp_path


@pytest.fixture
def view(folder: Path) -> Callable[[Any], View]:
    """The view of the network under ``preprocessing=``."""

    def read(value: object) -> View:
        return load(f"py:{folder}/net.py:net:preprocessing={value}", device="cpu").spec.view

    return read


def test_without_a_view_a_network_of_one_s_own_is_refused(folder: Path) -> None:
    with pytest.raises(ArgumentError, match="a view is never guessed: mean= and std= must be given"):
        load(f"py:{folder}/net.py:net", device="cpu")


def test_timm_s_configuration(folder: Path, view: Callable[[Any], View]) -> None:
    config = {"input_size": [3, 88, 88], "crop_pct": 0.88, "interpolation": "bicubic"}
    config |= {"mean": [0.5, 0.4, 0.3], "std": [0.2, 0.3, 0.4], "crop_mode": "center"}
    (folder / "config.json").write_text(json.dumps({"architecture": "resnet18", "pretrained_cfg": config}))
    assert view(folder / "config.json") == WANTED
    assert view(folder) == WANTED, "the folder of a model"
    del config["std"]
    (folder / "config.json").write_text(json.dumps({"pretrained_cfg": config}))
    with pytest.raises(ArgumentError, match="timm's configuration must state std"):
        view(folder)


def test_a_processor_of_transformers(folder: Path, view: Callable[[Any], View]) -> None:
    pytest.importorskip("transformers")
    processor = {
        "image_processor_type": "CLIPImageProcessor",
        "size": {"shortest_edge": 100},
        "crop_size": {"height": 88, "width": 88},
        "resample": 3,
        "image_mean": [0.5, 0.4, 0.3],
        "image_std": [0.2, 0.3, 0.4],
    }
    (folder / "mine.json").write_text(json.dumps(processor))
    found = view(folder / "mine.json")
    assert (found.resize_px, found.crop_px, found.mean, found.interpolation) == (100, 88, (0.5, 0.4, 0.3), "bicubic")


def test_a_pipeline_of_albumentations_as_json_and_yaml(folder: Path, view: Callable[[Any], View]) -> None:
    yaml = pytest.importorskip("yaml")
    (folder / "a.json").write_text(json.dumps(ALBUMENTATIONS))
    (folder / "a.yaml").write_text(yaml.safe_dump(ALBUMENTATIONS))
    assert view(folder / "a.json") == view(folder / "a.yaml") == WANTED
    classifier = load(f"py:{folder}/net.py:net:preprocessing={folder}/a.json", device="cpu")
    assert any("albumentations resizes with OpenCV" in note for note in map(text, classifier.notes))
    ALBUMENTATIONS["transform"]["transforms"].insert(0, {"__class_fullname__": "CLAHE"})  # type: ignore[index]
    (folder / "b.json").write_text(json.dumps(ALBUMENTATIONS))
    del ALBUMENTATIONS["transform"]["transforms"][0]  # type: ignore[index]
    with pytest.raises(ArgumentError, match="its step CLAHE is no resize, centre crop or normalisation"):
        view(folder / "b.json")


def test_a_transform_of_torchvision_is_followed_and_held_against_itself(
    folder: Path, view: Callable[[Any], View]
) -> None:
    found = view(f"py:{folder}/prep.py:usual")
    assert (found.resize_px, found.crop_px, found.interpolation, found.mean) == (100, 88, "bicubic", WANTED.mean)
    assert view(f"py:{folder}/prep.py:made") == View(88, 88, crop_mode="squash", mean=(0.5,) * 3, std=(0.25,) * 3)
    for name, says in (("grey", "its step Grayscale"), ("on_tensors", "comes out otherwise than its settings say")):
        with pytest.raises(ArgumentError, match=f"cannot be followed: .*{says}"):
            view(f"py:{folder}/prep.py:{name}")
    with pytest.raises(UnknownNameError, match="did you mean 'usual'"):
        view(f"py:{folder}/prep.py:usul")


def test_files_of_other_kinds_are_refused_and_pickles_by_name(folder: Path, view: Callable[[Any], View]) -> None:
    (folder / "a.pkl").write_bytes(pickle.dumps({"mean": 1}))
    (folder / "b.json").write_bytes(pickle.dumps({"mean": 1}))
    for name in ("a.pkl", "b.json"):
        with pytest.raises(ArgumentError, match="is a pickle, which runs code when it is read, so it is refused"):
            view(folder / name)
    (folder / "c.json").write_text("{")
    (folder / "d.json").write_text('{"classes": 3}')
    for name, says in (
        ("c.json", "must be JSON or YAML"),
        ("d.json", "its keys are classes"),
        ("e.json", "must be a file"),
    ):
        with pytest.raises(ArgumentError, match=says):
            view(folder / name)


def test_a_pipeline_that_resizes_twice_or_chooses_is_no_view(folder: Path, view: Callable[[Any], View]) -> None:
    def steps(*given: tuple[str, dict[str, Any]]) -> Path:
        listed = [{"__class_fullname__": kind, **settings} for kind, settings in given]
        (folder / "p.json").write_text(
            json.dumps({"transform": {"__class_fullname__": "Compose", "transforms": listed}})
        )
        return folder / "p.json"

    resize, crop = ("Resize", {"height": 96, "width": 96}), ("CenterCrop", {"height": 128, "width": 128})
    with pytest.raises(ArgumentError, match="its Resize comes after another resize or crop, which no view does"):
        view(steps(crop, resize))
    with pytest.raises(ArgumentError, match="its step OneOf is no resize"):
        view(steps(("OneOf", {"transforms": [{"__class_fullname__": "Resize", "height": 96, "width": 96}]})))
    with pytest.raises(ArgumentError, match="cannot be followed"):
        view(f"py:{folder}/prep.py:builtin")


def test_single_fields_go_before_the_file_s(folder: Path) -> None:
    (folder / "a.json").write_text(json.dumps(ALBUMENTATIONS))
    found = load(f"py:{folder}/net.py:net:preprocessing={folder}/a.json,crop_px=80", device="cpu").spec.view
    assert (found.crop_px, found.resize_px, found.mean) == (80, 100, WANTED.mean)
    assert resolve(f"efficientnet_lite0:preprocessing={folder}/a.json").view == WANTED, "of any model"


def test_options_begin_at_the_first_word_with_an_equals_sign() -> None:
    assert split("py:a.py:f:preprocessing=py:b.py:g,tag=x") == ("py:a.py:f", {"preprocessing": "py:b.py:g", "tag": "x"})
    assert split("hf:ORG/NAME") == ("hf:ORG/NAME", {})


@pytest.mark.parametrize(
    ("name", "says"),
    [("net.onnx", "onnx:net.onnx"), ("net.py:f", "py:net.py:f"), ("dir/net.py", "py:dir/net.py:FUNCTION")],
)
def test_a_bare_file_is_told_its_prefix(name: str, says: str) -> None:
    with pytest.raises(UnknownNameError, match=f"unknown model '{name}'; did you mean '{says}'"):
        resolve(name)
