"""Levels as quantities: published values are the severities, others are drawn by their text, wrong ones are named."""

from __future__ import annotations

import copy
import pickle
from hashlib import sha256
from typing import Any, NamedTuple

import numpy as np
import pytest

import hardiness
from hardiness.core.errors import ArgumentError
from hardiness.core.random import rng
from hardiness.distortions.apply import Corruption, corrupt, corruptions, no_draws, parameters_of
from hardiness.distortions.levels import Quantity, number_text, swept_values

IMAGE = np.random.default_rng(0).integers(0, 256, (40, 36, 3), dtype=np.uint8)
QUANTITIES = {
    name: quantity for name in corruptions.names() if (quantity := corruptions.get(name).quantity) is not None
}


def test_kernels_of_one_parameter_have_a_quantity() -> None:
    assert {name: (quantity.name, quantity.stronger) for name, quantity in QUANTITIES.items()} == {
        "brightness": ("added", "up"),
        "contrast": ("factor", "down"),
        "gaussian_blur": ("sigma", "up"),
        "gaussian_noise": ("sigma", "up"),
        "impulse_noise": ("amount", "up"),
        "jpeg_compression": ("quality", "down"),
        "pixelate": ("scale", "down"),
        "shot_noise": ("rate", "down"),
        "speckle_noise": ("sigma", "up"),
    }


@pytest.mark.parametrize("name", QUANTITIES)
def test_a_published_value_is_its_severity_hash_for_hash(name: str) -> None:
    distortion, quantity = corruptions.get(name), QUANTITIES[name]
    for severity, row in enumerate(distortion.levels, 1):
        by_severity = corrupt(IMAGE, name, severity, seed=3, id="a/1")
        by_value = corrupt(IMAGE, name, seed=3, id="a/1", **{quantity.name: row[0]})
        assert sha256(by_value.tobytes()).digest() == sha256(by_severity.tobytes()).digest()
        assert distortion.key_of(quantity.text(row[0])) == severity
        assert distortion.row_of(quantity.text(row[0])) == row


@pytest.mark.parametrize("name", QUANTITIES)
def test_another_value_is_drawn_by_its_text_and_both_ends_work(name: str) -> None:
    distortion, quantity = corruptions.get(name), QUANTITIES[name]
    first, second = (row[0] for row in distortion.levels[:2])
    value = round((first + second) / 2, 3) if not quantity.is_whole else (first + second) // 2
    text, row = quantity.text(value), type(distortion.levels[0])(value)
    draws = None if distortion.deterministic else distortion.draw(rng(3, name, text, "a/1"), IMAGE.shape, row)
    picture = corrupt(IMAGE, name, seed=3, id="a/1", **{quantity.name: value})
    np.testing.assert_array_equal(picture, distortion.apply(IMAGE, row, draws))
    np.testing.assert_array_equal(picture, corrupt(IMAGE, name, text, seed=3, id="a/1"))
    for severity in distortion.severities:
        assert not np.array_equal(picture, corrupt(IMAGE, name, severity, seed=3, id="a/1"))
    for end in (quantity.least, quantity.most):
        assert corrupt(IMAGE, name, id="", **{quantity.name: end}).shape == IMAGE.shape
    change = [
        np.abs(corrupt(IMAGE, name, id="", **{quantity.name: end}).astype(int) - IMAGE).mean()
        for end in (quantity.mildest, quantity.strongest)
    ]
    assert change[0] < change[1]


def test_a_transform_takes_the_quantity() -> None:
    transform = hardiness.Corrupt("jpeg_compression", quality=17)
    picture = transform(IMAGE)
    np.testing.assert_array_equal(picture, corrupt(IMAGE, "jpeg_compression", quality=17))
    np.testing.assert_array_equal(picture, copy.copy(transform)(IMAGE))
    np.testing.assert_array_equal(picture, pickle.loads(pickle.dumps(transform))(IMAGE))
    assert transform.metadata["id"] == "hardiness-jpeg_compression-quality=17"
    named = hardiness.Corrupt("jpeg_compression", quality=90)(IMAGE, name="a/1.png")
    np.testing.assert_array_equal(named, corrupt(IMAGE, "jpeg_compression", quality=90), "no JPEG of the set follows")
    several = hardiness.Corrupt(["gaussian_noise", "speckle_noise"], sigma="8/255")
    assert several(IMAGE).shape == IMAGE.shape
    assert sorted(transform.at_every_severity(IMAGE)) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("name", "arguments", "told"),
    [
        (
            "fog",
            {"quality": 3},
            "corruption fog has several parameters, and so severities alone; was asked for quality",
        ),
        (
            "jpeg_compression",
            {"quality": 17.5},
            "corruption jpeg_compression: quality must be a whole number, was 17",
        ),
        ("jpeg_compression", {"quality": 0}, "corruption jpeg_compression: quality must be from 1 to 100, was 0"),
        ("jpeg_compression", {"quality": "x"}, "corruption jpeg_compression: quality must be a number, was 'x'"),
        (
            "jpeg_compression",
            {"quality": "1e400"},
            "corruption jpeg_compression: quality must be a number, was '1e4",
        ),
        ("jpeg_compression", {"quality": 10**400}, "corruption jpeg_compression: quality must be a number, was 1000"),
        ("contrast", {"factor": "1e-999999999"}, "corruption contrast: factor must be a number, was '1e-999999999'"),
        ("jpeg_compression", {"quality": True}, "corruption jpeg_compression: quality must be a number, was True"),
        ("jpeg_compression", {"sigma": 1}, "corruption jpeg_compression has no quantity 'sigma'; its quantity is qual"),
        ("jpeg_compression", {"severity": 3, "quality": 17}, "give a severity or quality, not both: severity was 3"),
        ("contrast", {"factor": float("nan")}, "corruption contrast: factor must be a number, was nan"),
    ],
)
def test_what_is_no_level_is_refused_in_one_line(name: str, arguments: dict[str, Any], told: str) -> None:
    for make in (lambda: corrupt(IMAGE, name, **arguments), lambda: hardiness.Corrupt(name, **arguments)):
        with pytest.raises(ArgumentError) as caught:
            make()
        assert str(caught.value).startswith(told)
        assert "\n" not in str(caught.value)


def test_ranges_have_both_ends_and_no_dust_of_floating_point() -> None:
    assert swept_values(["5..95..10"], "levels") == ["5", "15", "25", "35", "45", "55", "65", "75", "85", "95"]
    assert swept_values(["95..5..45", "quality=17", "5"], "levels") == ["95", "50", "5", "quality=17"]
    assert swept_values(["0.1..0.7..0.1"], "levels") == ["0.1", "0.2", "0.3", "0.4", "0.5", "0.6", "0.7"]
    assert swept_values(["2/255..4/255..1/255"], "levels")[0] == number_text(2 / 255)
    for wrong in ("5..95", "5..95..0", "5..x..1", "0..1..0.001", "1..1e400..1e399"):
        with pytest.raises(ArgumentError, match=r"^levels"):
            swept_values([wrong], "levels")
    assert [number_text(value) for value in (17, 17.0, 0.05, 1e-5, 8 / 255)] == [
        "17",
        "17",
        "0.05",
        "0.00001",
        "0.0313725490196",
    ]


def test_parameters_have_names_values_and_units() -> None:
    assert [str(*parameters_of("jpeg_compression", severity)) for severity in range(1, 6)] == [
        "quality 25",
        "quality 18",
        "quality 15",
        "quality 10",
        "quality 7",
    ]
    assert list(map(str, parameters_of("gaussian_blur", "sigma=2.5"))) == ["sigma 2.5 px"]
    assert [(p.name, p.value) for p in parameters_of("glass_blur", 2)] == [
        ("sigma", 0.9),
        ("max_delta", 2),
        ("passes", 1),
    ]
    assert list(map(str, parameters_of("glass_blur", 2))) == ["sigma 0.9 px", "max delta 2 px", "passes 1"]
    assert [tuple(p) for p in parameters_of("uninstalled", "grain=3")] == [("grain", 3.0, "")]
    assert parameters_of("uninstalled", 3) == ()


class Row(NamedTuple):
    """A row of one number."""

    amount: float


def test_a_quantity_that_does_not_fit_its_rows_is_refused() -> None:
    def make(quantity: Quantity, *rows: float) -> Corruption[Any, Any]:
        return Corruption(
            "mine", "noise", tuple(map(Row, rows)), no_draws, lambda i, level, draws: i, quantity=quantity
        )

    assert make(Quantity("amount", "g", "up", 0, 9), 1, 2, 3).row_of("amount=7") == (7.0,)
    with pytest.raises(ArgumentError, match=r"^corruption mine: quantity 'grain' must be the one field"):
        make(Quantity("grain", "g", "up", 0, 9), 1, 2, 3)
    with pytest.raises(ArgumentError, match=r"^corruption mine: units must be one for each of amount, had 2"):
        Corruption("mine", "noise", (Row(1),), no_draws, lambda i, *_: i, units=("px", "px"))
    with pytest.raises(ArgumentError, match=r"^corruption mine: its levels must grow stronger with the severity"):
        make(Quantity("amount", "g", "down", 0, 9), 1, 2, 3)
    with pytest.raises(ArgumentError, match=r"^corruption mine: amount must be from 0 to 2, was 3"):
        make(Quantity("amount", "g", "up", 0, 2), 1, 2, 3)
    with pytest.raises(ArgumentError, match=r'^quantity amount: stronger must be "up" or "down"'):
        Quantity("amount", "g", "sideways", 0, 2)  # type: ignore[arg-type]  # what a person may write
