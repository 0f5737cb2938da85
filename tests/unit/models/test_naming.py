"""From what a person types to a spec."""

from __future__ import annotations

import sys

import pytest

from hardiness.core.errors import ArgumentError, UnknownNameError
from hardiness.core.model import View
from hardiness.models.catalogue import registry
from hardiness.models.naming import resolve, search
from hardiness.models.options import split


def test_a_registered_name_is_its_spec() -> None:
    assert resolve("squeezenet1_1") is not None
    assert resolve("squeezenet1_1") == registry.get("squeezenet1_1")


@pytest.mark.parametrize(
    ("text", "name", "options"),
    [
        ("alexnet", "alexnet", {}),
        ("alexnet:weights=a.pth", "alexnet", {"weights": "a.pth"}),
        ("alexnet:weights=a=b.pth,crop_px=9", "alexnet", {"weights": "a=b.pth", "crop_px": "9"}),
        ("timm:resnet18.a1_in1k", "timm:resnet18.a1_in1k", {}),
        ("py:net.py:make:crop_px=32", "py:net.py:make", {"crop_px": "32"}),
        ("py:net.py:make", "py:net.py:make", {}),
        ("hf:a folder=x/net", "hf:a folder=x/net", {}),
    ],
)
def test_options_are_the_last_part_when_it_begins_like_one(text: str, name: str, options: dict[str, str]) -> None:
    assert split(text) == (name, options)


@pytest.mark.parametrize("text", ["alexnet:crop_px=1,weights", "alexnet:crop_px=,weights=a"])
def test_a_part_that_is_no_option_is_told(text: str) -> None:
    with pytest.raises(ArgumentError, match="key=value"):
        split(text)


@pytest.mark.parametrize("name", ["resnet18", "py:net.py:build", "onnx:net.onnx", "hf:google/vit"])
def test_options_after_a_comma_are_answered_with_the_name_as_it_must_be(name: str) -> None:
    with pytest.raises(ArgumentError, match=f"follow a colon, as in {name}:mean=0,std=1; was {name},mean=0,std=1"):
        split(f"{name},mean=0,std=1")


def test_an_option_twice_is_told() -> None:
    with pytest.raises(ArgumentError, match="'crop_px' of model 'alexnet' is given twice"):
        split("alexnet:crop_px=1,crop_px=2")


def test_view_fields_and_weights_are_replaced() -> None:
    spec = resolve(
        "efficientnet_lite0:weights=random,resize_px=320,crop_px=288,interpolation=bilinear,mean=0.1/0.2/0.3,std=0.5,"
        "channel_order=BGR,range=0..255,crop_mode=squash,input_px=288"
    )
    assert spec.view == View(
        320, 288, "bilinear", "squash", (0.1, 0.2, 0.3), (0.5, 0.5, 0.5), channel_order="BGR", range="0..255"
    )
    assert (spec.name, spec.weights, spec.input_px) == ("efficientnet_lite0", "random", 288)
    assert registry.get("efficientnet_lite0").view.crop_px == 224


def test_an_unknown_model_is_answered_with_close_names_and_schemes() -> None:
    with pytest.raises(UnknownNameError, match=r"did you mean 'efficientnet_lite0'.*timm:NAME.*torchvision:NAME"):
        resolve("efficientnet_lit0")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("runs/net.pt", r"py:net.py:net, .*torch.jit.load\('runs/net.pt'\)"),
        ("net.pth", "given as NAME:weights=net.pth"),
        ("new=net.ts", r"torch.jit.load\('net.ts'\)"),
        ("net.pt2:mean=0.5,std=0.5", r"torch.export.load\('net.pt2'\)"),
        ("net.safetensors", "given as NAME:weights=net.safetensors"),
        ("net.tflite", r"TensorFlow Lite is given as a function, py:net.py:predict, .* loads 'net.tflite'"),
        ("runs/pipe.joblib", "scikit-learn is given as a function, .* from uint8"),
    ],
)
def test_a_file_of_a_framework_is_answered_with_how_it_is_given(name: str, says: str) -> None:
    with pytest.raises(UnknownNameError, match=says) as error:
        resolve(name)
    assert "known:" not in str(error.value)


def test_a_pattern_that_only_models_of_libraries_match_is_answered_with_what_to_type() -> None:
    typed = r"mean 'timm:resnet\*' \(\d+ models\) or 'torchvision:resnet\*' \(\d+ models\)\?$"
    with pytest.raises(UnknownNameError, match=typed):
        search("resnet*")
    assert search("torchvision:resnet*")
    with pytest.raises(UnknownNameError, match=r"mean 'torchvision:regnet_y_128\*' \(1 model\)\?$"):
        search("regnet_y_128*")
    with pytest.raises(UnknownNameError, match=r"unknown model 'nosuch\*'; known: .*timm:NAME"):
        search("nosuch*")


def test_a_library_that_is_not_installed_is_not_asked_for_close_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a plain install, which has no open_clip."""
    monkeypatch.setitem(sys.modules, "open_clip", None)
    with pytest.raises(UnknownNameError, match="unknown model 'resnet50'; did you mean 'timm:resnet50"):
        resolve("resnet50")


def test_an_unknown_scheme_is_an_unknown_model() -> None:
    with pytest.raises(UnknownNameError, match="unknown model 'tim:resnet18'"):
        resolve("tim:resnet18")


def test_a_scheme_without_a_name_is_an_unknown_model() -> None:
    with pytest.raises(UnknownNameError, match="timm:NAME"):
        resolve("timm:")


def test_an_unknown_option_is_answered_with_close_ones() -> None:
    with pytest.raises(UnknownNameError, match=r"option of model 'alexnet' 'croppx'; did you mean 'crop_px'"):
        resolve("alexnet:croppx=3")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("interpolation=bicubc", "did you mean 'bicubic'"),
        ("crop_px=big", "crop_px must be a whole number"),
        ("crop_px=0", "at least 1"),
        ("mean=0.5/0.5", "one number or three"),
        ("mean=a/b/c", "one number or three"),
        ("std=0", "std must be positive"),
        ("class_order=wnids", "did you mean 'wnid'"),
        ("range=0..1.0", "did you mean '0..1'"),
    ],
)
def test_a_wrong_value_is_told(options: str, said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        resolve(f"alexnet:{options}")
