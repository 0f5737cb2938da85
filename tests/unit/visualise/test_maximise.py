"""Activation maximisation against closed forms, and what it must not depend on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from hardiness.core.errors import ArgumentError, ModelError, UnknownNameError
from hardiness.core.model import View
from hardiness.models.classifier import Classifier
from hardiness.models.loading import wrap
from hardiness.models.preprocessing import to_pixels
from hardiness.visualise.activation import Settings, maximise
from hardiness.visualise.likeness import roughness, similarity
from hardiness.visualise.transforms import Transforms
from hardiness.visualise.units import Channel, ClassUnit, LayerUnit, Neuron, Unit

STILL = Transforms(0, 0, 0)
SHORT = Settings(steps=12)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["pixels", "fourier"])
def test_a_linear_class_ends_at_the_best_corner_of_the_cube(
    kind: str, linear: Callable[[Tensor], Classifier], draw: Callable[..., Tensor]
) -> None:
    """The largest w·x over [0, 1] is the sum of the positive weights, at 1 where w > 0 and 0 elsewhere."""
    weight = draw(2, 3, 16, 16)
    settings = Settings(steps=400, rate=0.3, kind=kind, decorrelate=False, transforms=STILL)  # type: ignore[arg-type]
    (feature,) = maximise(linear(weight), [ClassUnit(1, "b")], settings)
    best = weight[1].clamp(min=0).sum().item()
    assert feature.after == pytest.approx(best, rel=0.03)
    sure = weight[1].abs() > 0.3
    assert ((to_pixels([feature.image])[0] > 0.5) == (weight[1] > 0))[sure].float().mean() > 0.98
    assert feature.before < 0.7 * best


def test_probabilities_are_those_of_the_picture(
    linear: Callable[[Tensor], Classifier], draw: Callable[..., Tensor]
) -> None:
    classifier = linear(draw(3, 3, 16, 16) / 20)
    (feature,) = maximise(classifier, [ClassUnit(2, "c")], SHORT)
    found = torch.from_numpy(classifier.logits(to_pixels([feature.image]))).softmax(1)
    assert feature.probability == pytest.approx(found[0, 2].item(), abs=0.01)


UNITS: list[Unit] = [
    Channel("second", 1),
    Neuron("second", (4, 3, 2)),
    LayerUnit("second"),
    Channel("first", 0),
    ClassUnit(2, "c"),
]


@pytest.mark.slow
def test_every_kind_of_unit_rises_in_the_order_it_was_given(maps: Classifier) -> None:
    features = maximise(maps, UNITS, replace(SHORT, steps=40))
    assert [feature.unit for feature in features] == UNITS
    for feature in features:
        assert feature.after > feature.before + 0.1
        assert feature.image.shape == (16, 16, 3)
        assert feature.image.dtype == np.uint8


@pytest.mark.slow
def test_a_picture_does_not_depend_on_the_others(maps: Classifier) -> None:
    together = maximise(maps, UNITS, SHORT)
    for size in (1, 2):
        apart = maximise(maps, UNITS[::-1], replace(SHORT, batch_size=size))[::-1]
        for one, other in zip(together, apart, strict=True):
            assert np.abs(one.image.astype(int) - other.image).max() <= 2
            assert one.after == pytest.approx(other.after, rel=1e-3, abs=1e-3)


def test_the_seed_decides(maps: Classifier) -> None:
    first, again = (maximise(maps, UNITS[:2], SHORT) for _ in range(2))
    other = maximise(maps, UNITS[:2], replace(SHORT, seed=1))
    for one, same, another in zip(first, again, other, strict=True):
        assert np.array_equal(one.image, same.image)
        assert (one.before, one.after) == (same.before, same.after)
        assert not np.array_equal(one.image, another.image)


@pytest.mark.slow
def test_diversity_keeps_variants_apart(maps: Classifier) -> None:
    unit = Channel("second", 1)

    def alike(diversity: float) -> float:
        settings = Settings(steps=80, variants=3, diversity=diversity, transforms=STILL)
        images = [feature.image for feature in maximise(maps, [unit], settings)]
        return similarity(maps.layers.output(to_pixels(images), "second"), 3).item()

    assert 1 - alike(2.0) > 3 * (1 - alike(0.0))


@pytest.mark.parametrize("unit", [ClassUnit(1, "b"), Channel("head", 2), Channel("first", 0)])
def test_variants_of_every_kind_of_unit(maps: Classifier, unit: Unit) -> None:
    features = maximise(maps, [unit, unit], replace(SHORT, variants=2))
    assert [feature.variant for feature in features] == [0, 1, 0, 1]
    assert not np.array_equal(features[0].image, features[1].image)


def test_smoothness_smoothes(maps: Classifier) -> None:
    def rough(smoothness: float) -> float:
        settings = Settings(steps=60, kind="pixels", transforms=STILL, smoothness=smoothness)
        (feature,) = maximise(maps, [Channel("second", 1)], settings)
        return roughness(to_pixels([feature.image])).item()

    assert rough(5.0) < 0.7 * rough(0.0)


def test_roughness_by_hand() -> None:
    stripes = torch.zeros(1, 3, 4, 4)
    stripes[..., ::2] = 1
    assert roughness(stripes).item() == 1
    assert roughness(torch.full((1, 3, 4, 4), 0.3)).item() == 0


class _Asleep(nn.Module):
    """A unit that has no gradient until pixels differ by more than the first faint ones do."""

    def forward(self, x: Tensor) -> Tensor:
        contrast = x.diff(dim=3).abs().mean((1, 2, 3))
        return torch.stack([(contrast - 0.05).relu(), contrast], 1)


def test_a_sleeping_unit_is_pushed_awake() -> None:
    classifier = wrap(_Asleep(), View(18, 16), name="asleep", device="cpu", runtime="torch")
    (feature,) = maximise(classifier, [ClassUnit(0, "a")], Settings(steps=80, kind="pixels"))
    assert feature.before == 0
    assert feature.after > 0.05


class _Broken(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return (x - x).sqrt().mean((2, 3))


def test_a_gradient_that_is_not_finite_is_told() -> None:
    classifier = wrap(_Broken(), View(18, 16), name="broken", device="cpu", runtime="torch", num_classes=3)
    with pytest.raises(ModelError, match="broken has a gradient that is not finite, for a or beside it"):
        maximise(classifier, [ClassUnit(0, "a")], SHORT)


def test_progress_counts_steps_of_pictures_and_always_ends(maps: Classifier) -> None:
    told: list[str] = []

    class Ear:
        def download(self, model: str, done: int, total: int | None) -> None: ...
        def estimate(self, seconds: float) -> None: ...
        def begin(self, benchmark: str, total: int, stored: int) -> None:
            told.append(f"{benchmark} {total} {stored}")

        def advance(self, rows: int) -> None:
            told.append(f"+{rows}")

        def end(self) -> None:
            told.append("end")

    maximise(maps, UNITS[:3], Settings(steps=2), Ear())
    assert told == ["visualise 6 0", "+3", "+3", "end"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"steps": 0}, "steps must be at least 1, was 0"),
        ({"variants": 0}, "variants must be at least 1"),
        ({"batch_size": -1}, "batch_size must be at least 1"),
        ({"rate": 0.0}, "rate must be positive"),
    ],
)
def test_impossible_settings_are_refused(wrong: dict[str, int], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        Settings(**wrong)  # type: ignore[arg-type]


def test_a_misspelt_parametrisation_is_answered_with_close_names() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'fourier'"):
        Settings(kind="furier")  # type: ignore[arg-type]


def test_a_model_of_one_size_refuses_others(maps: Classifier) -> None:
    maps.spec = replace(maps.spec, input_px=16)
    with pytest.raises(ArgumentError, match="maps takes pictures of 16 px alone, and size was 32"):
        maximise(maps, UNITS[:1], Settings(size_px=32))


@pytest.mark.parametrize("units", [UNITS, [Channel("second", 99)], [LayerUnit("thrid")]])
def test_no_hook_is_left(maps: Classifier, units: Sequence[Unit]) -> None:
    try:
        maximise(maps, units, replace(SHORT, steps=2, variants=2))
    except ArgumentError:
        assert len(units) == 1
    assert not any(module._forward_hooks for module in maps._original.network.modules())
