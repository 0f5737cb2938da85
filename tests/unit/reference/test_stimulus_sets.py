"""The sets of model-vs-human, and people's answers to them."""

from __future__ import annotations

import pytest

from hardiness.core.errors import UnknownNameError
from hardiness.reference.stimulus_sets import SETS, stimulus_set
from hardiness.reference.trials import own_name


def test_people_gave_85120_answers_to_17_sets() -> None:
    levels = [level for name in SETS for level in stimulus_set(name).levels]
    assert sum(level.trials for level in levels) == 85_120
    assert sum(stimulus_set(name).images for name in SETS) == 18_080


@pytest.mark.parametrize("name", SETS)
def test_answers_by_condition_and_by_person_are_the_same_answers(name: str) -> None:
    found = stimulus_set(name)
    assert len(found.accuracy_by_observer) == found.observers
    assert sum(level.trials for level in found.levels) == found.observers * found.images
    by_person = sum(round(accuracy * found.images) for accuracy in found.accuracy_by_observer.values())
    assert by_person == sum(level.right for level in found.levels)


@pytest.mark.parametrize("name", SETS)
def test_what_counts_is_distorted_and_can_be_recognised(name: str) -> None:
    control, *others = stimulus_set(name).levels
    assert control.counted == (not others)
    for level in others:
        assert level.counted == (level.accuracy > 0.2), (
            "the published rule: people are right more than one time in five"
        )


def test_a_condition_may_be_written_as_files_of_other_tools_write_it() -> None:
    noise, colour = stimulus_set("uniform-noise"), stimulus_set("false-colour")
    assert noise.level("0.1") == noise.level("0.10")
    assert colour.level("True") == colour.levels[0]
    assert noise.level("c10") is None
    with pytest.raises(UnknownNameError, match="did you mean 'contrast'"):
        stimulus_set("contrst")


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ("0001_hp_s01_0.7_boat_10_n03662601_12531.png", "n03662601_12531"),
        ("0146_nse_dnn_0.00_truck_10_n03417042_5105", "n03417042_5105"),
        ("0626_ske_dnn_0_keyboard_00_keyboard-0041-sketch-45.png", "keyboard-0041-sketch-45"),
        ("airplane10.png", "airplane10"),
        ("0001_s5n_s01_0_bird_00_bird3-bird2.png", "bird3-bird2"),
        ("0000_cl_s01_bw_boat_40_n02951358_5952.JPEG", "n02951358_5952"),
    ],
)
def test_a_stimulus_has_one_name_for_everybody_who_saw_it(image: str, name: str) -> None:
    assert own_name(image) == name
