"""What people answered, and the csv files that say it trial by trial."""

from __future__ import annotations

from pathlib import Path

import pytest

from hardiness.core.errors import ArgumentError
from hardiness.data.trials import read_trials
from hardiness.reference.categories import sixteen
from hardiness.reference.people import humans

HEADER = "subj,session,trial,rt,object_response,category,condition,imagename\n"


def test_people_named_the_shape_9236_times_of_9634() -> None:
    overall = humans().overall
    assert (overall.shape, overall.shape + overall.texture, overall.trials) == (9236, 9634, 12000)
    assert round(overall.shape_bias, 4) == 0.9587
    assert round(overall.cue_accuracy, 3) == 0.803


def test_by_category_and_by_person_they_have_the_published_means() -> None:
    found = humans()
    assert set(found.categories) == set(sixteen())
    by_category = [counts.shape_bias for counts in found.categories.values()]
    assert round(sum(by_category) / 16, 4) == 0.9538
    assert len(found.shape_bias_by_observer) == found.observers == 10
    assert round(sum(found.shape_bias_by_observer.values()) / 10, 4) == 0.9576
    assert all(counts.trials == 750 for counts in found.categories.values())


def trials(folder: Path, rows: str, name: str = "a.csv", header: str = HEADER) -> Path:
    (folder / name).write_text(header + rows)
    return folder / name


def test_both_published_forms_are_read(tmp_path: Path) -> None:
    person = trials(
        tmp_path,
        "subject-01,1,1,1.13,bird,bird,0,0001_s5n_s01_0_bird_00_bird3-bird2.png\n"
        "subject-01,1,2,NaN,na,oven,0,0053_s5n_s01_0_oven_00_oven10-oven3.png\n",
        header=HEADER.replace("s", "S"),
    )
    network = trials(tmp_path, "resnet50,1,1,NaN,Bottle,airplane,NaN,airplane1-bicycle2.png\n\n", "b.csv")
    assert read_trials([person, network]) == {
        "subject-01": {"bird3-bird2": "bird", "oven10-oven3": "na"},
        "resnet50": {"airplane1-bicycle2": "bottle"},
    }
    assert read_trials([tmp_path]) == read_trials([person, network])
    assert read_trials([]) == {}


@pytest.mark.parametrize(
    ("rows", "header", "says"),
    [
        ("s,1,1,1,cat,cat,0,photo.png\n", HEADER, r"a.csv \(row 1\): imagename must end in .*, was 'photo.png'"),
        ("s,1,1,1,cat,cat,0,cat1-dog2.png\n" * 2, HEADER, r"a.csv \(row 2\): s must answer cat1-dog2 once"),
        ("s,cat\n", HEADER, "a.csv: line 2 must have 8 fields, has 2"),
        ("s,cat\n", "subj,answer\n", "but has no object_response"),
        ("", "", "must begin with the names of its columns, and is empty"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, rows: str, header: str, says: str) -> None:
    with pytest.raises(ArgumentError, match=says):
        read_trials([trials(tmp_path, rows, header=header)])


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match=r"trials must be a csv or Parquet file; there is none at .*none\.csv"):
        read_trials([tmp_path / "none.csv"])
    with pytest.raises(ArgumentError, match="a folder of some, but holds none"):
        read_trials([tmp_path])
    (tmp_path / "c.csv").write_bytes(HEADER.encode() + b"\xff\xfe\n")
    with pytest.raises(ArgumentError, match="must be csv in UTF-8"):
        read_trials([tmp_path / "c.csv"])
