"""What units are, by hand, and what is said of those that are not there."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from hardiness.core.errors import ArgumentError, ModelError, UnknownNameError
from hardiness.models.classifier import Classifier
from hardiness.visualise.units import (
    Channel,
    ClassUnit,
    LayerUnit,
    Neuron,
    Unit,
    activations,
    channel_axis,
    check_units,
    reader,
)


def test_values_by_hand(draw: Callable[..., Tensor]) -> None:
    output = draw(4, 3, 3)
    assert LayerUnit("x").value(output).item() == pytest.approx((output**2).mean().item())
    assert Channel("x", 2).value(output).item() == pytest.approx(output[2].mean().item())
    assert Neuron("x", (2, 1, 0)).value(output).item() == output[2, 1, 0].item()
    assert ClassUnit(3, "d").value(output[:, 0, 0]).item() == output[3, 0, 0].item()


def test_channels_of_tokens_vectors_and_maps_that_end_with_them(draw: Callable[..., Tensor]) -> None:
    tokens, last = draw(7, 4), draw(3, 3, 5)
    assert Channel("x", 2).value(tokens).item() == pytest.approx(tokens[:, 2].mean().item())
    assert Neuron("x", (6, 2)).value(tokens).item() == tokens[6, 2].item()
    assert Channel("x", 4).value(last).item() == pytest.approx(last[:, :, 4].mean().item())
    assert Channel("x", 3).value(tokens[0]).item() == tokens[0, 3].item()
    assert [channel_axis(shape) for shape in ((5,), (7, 4), (8, 3, 3), (3, 3, 8), (3, 3, 3))] == [0, 1, 0, 2, 0]


def test_every_picture_has_its_own_unit(maps: Classifier, draw: Callable[..., Tensor]) -> None:
    pixels = draw(3, 3, 16, 16).sigmoid()
    units = [Channel("second", 1), Neuron("second", (4, 3, 2)), LayerUnit("second")]
    found = activations(units, reader(maps, units[0])(pixels))
    output = maps.layers.output(pixels, "second")
    expected = [output[0, 1].mean(), output[1, 4, 3, 2], output[2].square().mean()]
    torch.testing.assert_close(found, torch.stack(expected))


@pytest.mark.parametrize(
    ("unit", "message"),
    [
        (Channel("second", 6), "channel of second must be from 0 to 5, was 6"),
        (Channel("head", 4), "channel of head must be from 0 to 3, was 4"),
        (Neuron("second", (0, 8, 0)), "neuron's row of second must be from 0 to 7, was 8"),
        (Neuron("second", (6, 0, 0)), "neuron's channel of second must be from 0 to 5, was 6"),
        (Neuron("second", (1, 2)), r"neuron of second must be 3 numbers \(channel,row,column\), .* was 1,2"),
        (ClassUnit(4, "x"), "class of the model must be from 0 to 3, was 4"),
    ],
)
def test_out_of_range_is_one_line_with_the_range(maps: Classifier, unit: Unit, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        check_units(maps, [LayerUnit("first"), unit], 16)


def test_an_unknown_layer_is_answered_with_close_names(maps: Classifier) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'second'"):
        check_units(maps, [Channel("secnd", 0)], 16)


def test_a_size_that_a_network_cannot_take_is_told(linear: Callable[[Tensor], Classifier]) -> None:
    classifier = linear(torch.zeros(2, 3, 16, 16))
    with pytest.raises(ModelError, match="linear fails on 1 images of 20 x 20 px"):
        check_units(classifier, [ClassUnit(0, "a")], 20)
