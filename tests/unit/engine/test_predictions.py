"""Files of answers: their columns, which classes are meant, and numbers that are not what their column says."""

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hardiness.benchmarks.category_rules import max_logit, mean_probability
from hardiness.benchmarks.options import parse as benchmark
from hardiness.benchmarks.score_file import ScoreFile
from hardiness.core.benchmark import DataSet, Item
from hardiness.core.errors import ArgumentError
from hardiness.core.request import Request
from hardiness.data.answer_columns import AnswerColumns, predictions_among
from hardiness.data.trials import are_trials
from hardiness.engine.answered_pictures import PicturePaths, Pictures, class_names
from hardiness.engine.predictions import MatchedPredictions, read_predictions
from hardiness.engine.score_files import read_scores
from hardiness.reference.categories import sixteen
from hardiness.report.words import text


def test_a_file_without_the_columns_is_answered_with_all_that_it_has_counted() -> None:
    names = ["sample", *(f"logit_{place}" for place in range(9))]
    says = r"condition may lack where all pictures are clean; has sample, logit_0, .*logit_4, … \(10 in all\)$"
    with pytest.raises(ArgumentError, match=says):
        predictions_among()(names, "a.csv")
    with pytest.raises(ArgumentError, match=r"has image, answer$"):
        predictions_among()(["image", "answer"], "a.csv")
    assert predictions_among()(["sample", "class"], "a.csv") == AnswerColumns("class", "sample", ("class",))


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
        assert len(read_predictions(str(tmp_path / "probabilities.csv")).table.values) == 20, name
    (tmp_path / "logits.csv").write_text("\n".join(["sample,logits", *lines, "20,0.4 0.3 0.2 0.3", ""]))
    assert len(read_predictions(str(tmp_path / "logits.csv")).table.values) == 21, "one row that is none"
    (tmp_path / "logits.csv").write_text("\n".join(["sample,logits", *lines, "20,1.1 0.3 -0.2 -0.2", ""]))
    assert len(read_predictions(str(tmp_path / "logits.csv")).table.values) == 21


def test_probabilities_in_percent_are_refused_as_logits(tmp_path: Path) -> None:
    """As logits they made every answer sure."""
    lines = [f"{place},{' '.join('85.0' if k == place % 4 else '5.0' for k in range(4))}" for place in range(8)]
    (tmp_path / "a.csv").write_text("\n".join(["sample,logits", *lines, ""]))
    with pytest.raises(
        ArgumentError, match=r"each of 8 rows sums to 100\): divide them by 100, and name the column prob"
    ):
        read_predictions(str(tmp_path / "a.csv"))
    (tmp_path / "a.csv").write_text("\n".join(["sample,logits", *lines, "8,85.0 5.0 5.0 -5.0", ""]))
    assert len(read_predictions(str(tmp_path / "a.csv")).table.values) == 9


def test_logits_that_all_lie_between_0_and_1_are_doubted(tmp_path: Path) -> None:
    """The probabilities of a sigmoid need not sum to 1, so that they may be logits."""
    for first, is_doubted in (("0.9", True), ("1.9", False), ("-0.1", False)):
        (tmp_path / "a.csv").write_text(f"sample,logits\n0,{first} 0.3 0.2\n1,0.1 0.8 0.9\n")
        doubts = read_predictions(str(tmp_path / "a.csv")).notes
        assert ["log(p / (1 - p))" in text(each) for each in doubts] == [True] * is_doubted
    (tmp_path / "a.csv").write_text("sample,probabilities\n0,0.9 0.1\n")
    assert not read_predictions(str(tmp_path / "a.csv")).notes


TEXT = "sample,class\na/1.png,0\n"


@pytest.mark.parametrize("content", [gzip.compress(TEXT.encode(), mtime=0), b"PK\x03\x04\xb7\xa3", b"\x93NUMPYrest"])
def test_another_form_of_file_is_refused_in_a_line(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(ArgumentError, match=r"a.csv: must be csv in UTF-8, or Parquet, and is not: [^\n]*$"):
        read_predictions(str(tmp_path / "a.csv"))


@pytest.mark.parametrize(
    ("separator", "decimal", "encoding", "newline"),
    [
        (",", ".", "utf-8-sig", "\r\n"),
        (";", ",", "utf-8", "\n"),
        ("\t", ".", "utf-16", "\n"),
        (";", ".", "utf-8", "\r"),
    ],
)
def test_a_file_is_read_as_spreadsheets_write_it(
    separator: str, decimal: str, encoding: str, newline: str, tmp_path: Path
) -> None:
    rows = [["sample", "logits_0", "logits_1"], ["a/ä.png", "-1.5", "2"], ["b.png", "0.25", "1e-3"]]
    lines = [separator.join(cell if "png" in cell else cell.replace(".", decimal) for cell in row) for row in rows]
    (tmp_path / "a.csv").write_bytes("".join(line + newline for line in lines).encode(encoding))
    found = read_predictions(str(tmp_path / "a.csv"))
    assert list(found.table.samples) == ["a/ä.png", "b.png"]
    np.testing.assert_array_equal(found.table.values[np.arange(2)], np.float32([[-1.5, 2], [0.25, 1e-3]]))


def test_a_line_of_other_length_is_told_before_what_follows_it(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("sample,logits_0,logits_1\na/1.png,1\na/2.png,nan,0\n")
    with pytest.raises(ArgumentError, match=r"a.csv: line 2 must have 3 fields, has 2$"):
        read_predictions(str(tmp_path / "a.csv"))


def test_a_number_beyond_float32_is_one_line_and_no_warning(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("sample,logits_0,logits_1\na/1.png,1e60,0\n")
    with pytest.raises(ArgumentError, match=r"\(row 1\) is NaN, infinite or beyond float32"):
        read_predictions(str(tmp_path / "a.csv"))


def own_data(*names: str, pictures: int = 4) -> DataSet:
    """A data set of so many pictures of each class, without files."""
    items = [
        Item(f"{name}/{number}", label, ScorelessFile(name))
        for label, name in enumerate(names)
        for number in range(pictures)
    ]
    return DataSet("own", tuple(items), len(names), "f", "", class_names=names)


class ScorelessFile:
    """The file of a picture that nobody reads."""

    def __init__(self, name: str) -> None:
        self.name = name

    def read(self) -> bytes:
        raise AssertionError


def placed(file: Path, data: DataSet) -> MatchedPredictions:
    predictions = read_predictions(str(file), class_names(data))
    return predictions.placed("m", benchmark("own"), Pictures(data), Request())


def test_a_prediction_and_its_confidence(tmp_path: Path) -> None:
    """As a company writes them: a path, an answer, and a score that is its confidence."""
    data, file = own_data("ant", "bee", "cat"), tmp_path / "a.csv"
    file.write_text("path,prediction,score\n/x/photos/ant/0.jpg,ant,0.9\nphotos\\bee\\1.jpg,cat,0.5\ncat/3.png,bee,1\n")
    matched = placed(file, data)
    assert set(matched.rows) == {("ant/0", 0), ("bee/1", 0), ("cat/3", 0)}
    columns = benchmark("own").decide(matched.logits(np.arange(3)), np.zeros(3, np.int32))
    assert columns["prediction"].tolist() == [0, 2, 1]
    assert columns["confidence"].tolist() == pytest.approx([0.9, 0.5, 1.0])
    assert matched.model.outputs == "confidences"
    assert any(
        "score is taken for the confidence of prediction; a task's" in note for note in map(text, matched.model.notes)
    )
    two = own_data("ant", "bee")
    file.write_text("path,prediction,score\nant/0.jpg,bee,0.7\n")
    assert placed(file, two).model.outputs == "probabilities", "of two classes it says both"
    for score, least in (("3.2", "0"), ("-0.1", "0"), ("", "0"), ("0.3", "1/2")):
        file.write_text(f"path,prediction,score\nant/0.jpg,bee,{score}\n")
        with pytest.raises(ArgumentError, match=rf"from {least} to 1. Which is meant\? .* -b file:NAME, with the col"):
            placed(file, two)
    file.write_text("path,score\nant/0.jpg,0.7\n")
    with pytest.raises(ArgumentError, match=r"must have the columns .* or path, prediction and score; .* has path, sc"):
        placed(file, two)
    file.write_text("sample,class,score\nant/0,bee,0.7\n")
    matched = placed(file, two)
    assert matched.model.outputs == "classes", "beside class a column is one of the pictures, as before"


def test_confidences_that_python_holds_are_part_of_the_identity() -> None:
    one, other = (
        read_predictions({"path": ["a/0"], "prediction": ["a"], "score": [score]}, ["a", "b", "c"])
        for score in (0.5, 0.6)
    )
    assert one.table.sha256 != other.table.sha256


def test_a_column_for_each_class(tmp_path: Path) -> None:
    """Their order in the file is its own, and the rows say whether they are logits or probabilities."""
    data, file = own_data("ant", "bee", "cat"), tmp_path / "a.csv"
    file.write_text("image,cat,Ant,bee,prediction,site\nant/0.jpg,.1,.7,.2,ant,A\nbee/1.jpg,.2,.3,.5,bee,B\n")
    matched = placed(file, data)
    np.testing.assert_allclose(np.exp(matched.logits(np.arange(2))), [[0.7, 0.2, 0.1], [0.3, 0.5, 0.2]], rtol=1e-6)
    assert (matched.model.outputs, list(matched.pictures.data.columns.values)) == ("probabilities", ["site"])
    file.write_text("image,cat,ant,bee\nant/0.jpg,1.5,-.7,.2\n")
    matched = placed(file, data)
    np.testing.assert_allclose(matched.logits(np.arange(1)), [[-0.7, 0.2, 1.5]])
    assert matched.model.outputs == ""
    file.write_text("image,cat,ant,bee\nant/0.jpg,10,70,20\nant/1.jpg,20,60,20\n")
    with pytest.raises(ArgumentError, match=r"hold probabilities in percent \(each of 2 rows sums to 100\)"):
        placed(file, data)
    file.write_text("image,cat,ant\nant/0.jpg,10,70\n")
    with pytest.raises(ArgumentError, match=r"a column for 2 of the 3 classes and none for bee: it must have one"):
        placed(file, data)


def test_a_path_says_its_picture_and_its_condition(tmp_path: Path) -> None:
    paths = PicturePaths(["ant/0", "ant/1", "bee/1"], ["clean", "fog/3", "fog/5"])
    assert paths.picture("C:\\run\\fog\\3\\ant\\0.png", "row 1", "own") == ("ant/0", "fog/3")
    assert paths.picture("/tree/clean/bee/1.png", "row 1", "own") == ("bee/1", "clean")
    assert paths.picture("0.png", "row 1", "own") == ("ant/0", "")
    with pytest.raises(ArgumentError, match=r"row 2: '1.png' may be several pictures of own: write its folder"):
        paths.picture("1.png", "row 2", "own")
    with pytest.raises(ArgumentError, match=r"row 3: 'bee/7.png' is no sample of own"):
        paths.picture("bee/7.png", "row 3", "own")


def test_a_category_is_an_answer() -> None:
    """`knife` is a category of model-vs-human and of cue conflicts, and no class of ImageNet's."""
    data = replace(own_data("a"), num_classes=1000, class_names=None, categories=sixteen())
    answers = read_predictions({"sample": ["a/0", "a/1"], "class": ["knife", "Airplane"]})
    rows = answers.logits(data)(np.arange(2))
    names = list(sixteen())
    for decide in (mean_probability, max_logit):
        assert [names[place] for place in decide(rows, sixteen()).tolist()] == ["knife", "airplane"]
    with pytest.raises(ArgumentError, match=r"or of the categories airplane, bear, .*, was 'spoon'"):
        read_predictions({"sample": ["a/0"], "class": ["spoon"]}).logits(data)


def test_which_score_is_meant_is_asked() -> None:
    """Beside a prediction the score of a task may be its confidence, and then a mean of it would say nothing."""
    answers = {"path": ["a/0"], "prediction": ["bee"], "score": [0.7]}
    benchmark_of_scores = benchmark("file:mine")
    assert isinstance(benchmark_of_scores, ScoreFile)
    with pytest.raises(ArgumentError, match=r"the columns prediction and score. Which is meant\? .* -b own --data FOL"):
        read_scores(answers, benchmark_of_scores)
    assert len(read_scores({"path": ["a/0"], "answer": ["bee"], "score": [0.7]}, benchmark_of_scores).scores) == 1


def test_a_file_that_is_no_csv_holds_no_trials(tmp_path: Path) -> None:
    """Another reader says what is wrong with it: this one's field is longer than any that csv takes."""
    (tmp_path / "junk.csv").write_bytes(b"a" * 200_000 + b"\n")
    (tmp_path / "trials.csv").write_text("subj,session,trial,rt,object_response,category,condition,imagename\n")
    assert [are_trials(tmp_path / name) for name in ("junk.csv", "trials.csv", "none.csv")] == [False, True, False]
