"""Files of answers: their columns, which classes are meant, and numbers that are not what their column says."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from hardiness.core.benchmark import DataSet
from hardiness.core.errors import ArgumentError
from hardiness.engine.predictions import _columns_of, read_predictions


def test_a_file_without_the_columns_is_answered_with_all_that_it_has_counted() -> None:
    names = ["sample", *(f"logit_{place}" for place in range(9))]
    says = r"condition may lack where all pictures are clean; has sample, logit_0, .*logit_4, … \(10 in all\)$"
    with pytest.raises(ArgumentError, match=says):
        _columns_of(names, Path("a.csv"))
    with pytest.raises(ArgumentError, match=r"has image, answer$"):
        _columns_of(["image", "answer"], Path("a.csv"))
    assert _columns_of(["sample", "class"], Path("a.csv")) == ("class", ["class"])


def classes_of(folder: Path, names: tuple[str, ...], answers: list[str], column: str = "class") -> list[int]:
    """The indices that the texts of a file are read as, where the classes have these names."""
    lines = [f"{name}/{number}.png,{answer}" for number, (name, answer) in enumerate(zip(names, answers, strict=True))]
    (folder / "a.csv").write_text("\n".join([f"sample,{column}", *lines, ""]))
    data = DataSet("own", (), len(names), "f", "", class_names=names)
    rows = read_predictions(str(folder / "a.csv")).logits(data)(np.arange(len(answers)))
    return [int(row.argmax()) for row in rows]


def test_classes_that_are_called_by_numbers_are_read_as_the_file_means(tmp_path: Path) -> None:
    """Folders 1, 2, 3 and answers 0, 1, 2 were read as names where a name was there: 33 % instead of 100 %."""
    named = ("1", "2", "3")
    assert classes_of(tmp_path, named, ["0", "1", "2"]) == [0, 1, 2], "0 is no name, so these are indices"
    assert classes_of(tmp_path, named, ["1", "2", "3"]) == [0, 1, 2], "3 is no index, so these are names"
    for answers in (["1", "2", "1"], ["0", "1", "3"]):
        with pytest.raises(ArgumentError, match=r"class 1 may be .* that index, which is named 2: .* class_name or"):
            classes_of(tmp_path, named, answers)
    assert classes_of(tmp_path, named, ["1", "2", "1"], "class_index") == [1, 2, 1]
    assert classes_of(tmp_path, named, ["1", "2", "1"], "class_name") == [0, 1, 0]
    with pytest.raises(ArgumentError, match=r"the class_index of 3/2.png .* must be a number of one of .*, was '3'"):
        classes_of(tmp_path, named, ["1", "2", "3"], "class_index")
    # By number as by name: whatever is meant, it is the same class.
    assert classes_of(tmp_path, ("0", "1", "cat"), ["0", "1", "cat"]) == [0, 1, 2]
    assert classes_of(tmp_path, ("ant", "bee", "cat"), ["0", "bee", "2"]) == [0, 1, 2]


def test_probabilities_in_the_column_of_logits_are_refused(tmp_path: Path) -> None:
    """They went through a softmax once more: a calibration error of .46 instead of .10."""
    rows = np.random.default_rng(0).dirichlet(np.ones(4) / 4, 20)
    for name, numbers in (("of three places", np.round(rows, 3)), ("whole", rows)):
        lines = [f"{place},{' '.join(map(str, row))}" for place, row in enumerate(numbers)]
        for column in ("logits", "probabilities"):
            (tmp_path / f"{column}.csv").write_text("\n".join([f"sample,{column}", *lines, ""]))
        with pytest.raises(ArgumentError, match=r"these are probabilities .*each of 20 rows .*: name the column prob"):
            read_predictions(str(tmp_path / "logits.csv"))
        assert len(read_predictions(str(tmp_path / "probabilities.csv")).values) == 20, name
    (tmp_path / "logits.csv").write_text("\n".join(["sample,logits", *lines, "20,0.4 0.3 0.2 0.3", ""]))
    assert len(read_predictions(str(tmp_path / "logits.csv")).values) == 21, "one row that is none"
    (tmp_path / "logits.csv").write_text("\n".join(["sample,logits", *lines, "20,1.1 0.3 -0.2 -0.2", ""]))
    assert len(read_predictions(str(tmp_path / "logits.csv")).values) == 21


def test_probabilities_in_percent_are_refused_as_logits(tmp_path: Path) -> None:
    """As logits they made every answer sure."""
    lines = [f"{place},{' '.join('85.0' if k == place % 4 else '5.0' for k in range(4))}" for place in range(8)]
    (tmp_path / "a.csv").write_text("\n".join(["sample,logits", *lines, ""]))
    with pytest.raises(
        ArgumentError, match=r"each of 8 rows sums to 100\): divide them by 100, and name the column prob"
    ):
        read_predictions(str(tmp_path / "a.csv"))
    (tmp_path / "a.csv").write_text("\n".join(["sample,logits", *lines, "8,85.0 5.0 5.0 -5.0", ""]))
    assert len(read_predictions(str(tmp_path / "a.csv")).values) == 9


def test_logits_that_all_lie_between_0_and_1_are_doubted(tmp_path: Path) -> None:
    """The probabilities of a sigmoid need not sum to 1, so that they may be logits."""
    for first, is_doubted in (("0.9", True), ("1.9", False), ("-0.1", False)):
        (tmp_path / "a.csv").write_text(f"sample,logits\n0,{first} 0.3 0.2\n1,0.1 0.8 0.9\n")
        doubts = read_predictions(str(tmp_path / "a.csv")).doubts
        assert ["log(p / (1 - p))" in each for each in doubts] == [True] * is_doubted
    (tmp_path / "a.csv").write_text("sample,probabilities\n0,0.9 0.1\n")
    assert not read_predictions(str(tmp_path / "a.csv")).doubts


TEXT = "sample,class\na/1.png,0\n"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (gzip.compress(TEXT.encode(), mtime=0), "compressed by gzip: unpack it"),
        (TEXT.encode("utf-16"), "UTF-16: save it as UTF-8"),
        (b"PK\x03\x04rest", "a zip archive, as NumPy's npz"),
        (b"\x93NUMPYrest", "an array of NumPy's"),
    ],
    ids=["gzip", "utf-16", "npz", "npy"],
)
def test_another_form_of_file_is_called_by_its_name(content: bytes, says: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(ArgumentError, match=f"must be a csv file in UTF-8, or Parquet; it is {says}"):
        read_predictions(str(tmp_path / "a.csv"))


def test_a_number_beyond_float32_is_one_line_and_no_warning(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("sample,logits_0,logits_1\na/1.png,1e60,0\n")
    with pytest.raises(ArgumentError, match=r"\(row 1\) is NaN, infinite or beyond float32"):
        read_predictions(str(tmp_path / "a.csv"))
