"""Tables of columns as people have them: odd files, other names, Parquet, mappings and data frames."""

from __future__ import annotations

import csv
import datetime
import io
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from hardiness.core.codes import DataRemark
from hardiness.core.columns import Columns, text_cells
from hardiness.core.errors import ArgumentError
from hardiness.core.picture_names import folded_name
from hardiness.data.columns import arrays_of_file, read_columns
from hardiness.report.words import text

PLAIN = "path,site,age,score\na/1.png,A,30,0.5\na/2.png,B,,1\n"


def read(tmp_path: Path, content: str | bytes, options: str = "", name: str = "table.csv") -> Columns:
    file = tmp_path / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_columns(f"{file}{options}")


def rows(columns: Columns) -> dict[str, list[object]]:
    return {"path": columns.ids.tolist()} | {name: column.tolist() for name, column in columns.values.items()}


EXPECTED = {"path": ["a/1.png", "a/2.png"], "site": ["A", "B"]}


@pytest.mark.parametrize(
    "content",
    [
        PLAIN,
        PLAIN.encode("utf-8-sig"),
        PLAIN.encode("utf-16"),
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace(",", "\t"),
        PLAIN.replace(",", ";"),
        PLAIN.replace("a/1.png", "./a/1.PNG").replace("a/2", "a\\2"),
        PLAIN.replace("A", '"A"').replace("\na/2", "\n\n , ,,\na/2").replace("path", "Path"),
        PLAIN.replace("path,", "Unnamed: 0,path,").replace("a/1", "0,a/1").replace("a/2", "1,a/2"),
        PLAIN.removesuffix("\n"),
    ],
    ids=["plain", "bom", "utf-16", "crlf", "tabs", "semicolons", "paths", "quotes", "index", "no last line break"],
)
def test_a_csv_is_read_however_a_program_wrote_it(tmp_path: Path, content: str | bytes) -> None:
    columns = read(tmp_path, content)
    found = rows(columns)
    found["path"] = [folded_name(path) for path in found["path"]]
    assert {name: found[name] for name in EXPECTED} == EXPECTED
    assert found["age"] == ["30", None]
    assert found["score"] == ["0.5", "1"]
    assert (columns.sources[0].name, len(columns.sources[0].sha256), columns.remarks) == ("table.csv", 64, ())


def test_cells_are_the_texts_that_stand_there(tmp_path: Path) -> None:
    content = (
        "path;whole;comma;both;zeros;none;word;float;all;note\na;1;0,5;0,5;007;nan;nan;3.0;None;x\n"
        "b;+1;1,25;0.5;7;;x;;None;\nc;1.0;4;4;07;7;;-12.0;None;" + "y" * 201 + "\n"
    )
    columns = read(tmp_path, content)
    assert columns.values["whole"].tolist() == ["1", "+1", "1.0"]
    assert columns.values["comma"].tolist() == ["0.5", "1.25", "4"]
    assert columns.values["both"].tolist() == ["0,5", "0.5", "4"]
    assert columns.values["zeros"].tolist() == ["007", "7", "07"]
    assert columns.values["none"].tolist() == [None, None, "7"]
    assert columns.values["word"].tolist() == ["nan", "x", None]
    assert columns.values["float"].tolist() == ["3.0", None, "-12.0"]
    assert columns.values["all"].tolist() == ["None"] * 3
    assert "note" not in columns.values
    (remark,) = columns.remarks
    assert (remark.code, remark.arguments["columns"]) == (DataRemark.COLUMN_LEFT_OUT, ("note",))
    assert text(remark) == "table.csv: note is left out, because of texts of more than 200 characters"


NUMERIC = st.text("0123456789.,+-eE", max_size=24)


@settings(max_examples=20)
@given(st.lists(NUMERIC | st.text(max_size=3), min_size=1, max_size=30), st.sampled_from(",;\t"))
def test_different_texts_stay_different(texts: list[str], separator: str) -> None:
    stream = io.StringIO()
    csv.writer(stream, delimiter=separator).writerows([("path", "name"), *enumerate(texts)])
    with NamedTemporaryFile(suffix=".csv") as file:
        Path(file.name).write_bytes(stream.getvalue().encode("utf-8", "replace"))
        arrays, _, _ = arrays_of_file(file.name, "a.csv")
    plain = [text.encode("utf-8", "replace").decode().strip() for text in texts]
    read_as = dict(zip(plain, arrays["name"].tolist(), strict=True))
    assert [read_as[text] for text in plain] == arrays["name"].tolist(), "one text is one cell"
    filled = {text for text in plain if text and text not in ("NA", "nan", "NaN")}
    assert len({read_as[text] for text in filled} - {None}) == len(filled)
    assert len(set(text_cells(texts, "name").tolist()) - {None}) == len({text.strip() for text in texts} - {""})


def test_numbers_that_a_program_has_rounded_are_told_without_a_value(tmp_path: Path) -> None:
    columns = read(tmp_path, "path,patient,lux\na,1.23457E+17,1e3\nb,1.23457E+17,2e-12\n")
    (remark,) = columns.remarks
    said = text(remark)
    assert said.startswith("table.csv: patient has numbers such as 1.2E+17, of which another program dropped digits")
    assert "23457" not in f"{said} {remark}"


def test_quoted_commas_and_line_breaks_stay_in_their_cell(tmp_path: Path) -> None:
    columns = read(tmp_path, 'path,note\na,"x, y"\nb,"two\nlines"\n')
    assert columns.values["note"].tolist() == ["x, y", "two\nlines"]


METADATA = "img_id,img_filename,split,patient_id,note\n1,x/1.jpg,2,p1,a\n2,x/2.jpg,0,p1,b\n3,x/3.jpg,2,p2,c\n"


def test_a_column_picture_names_the_pictures(tmp_path: Path) -> None:
    assert rows(read(tmp_path, "picture,site\na/1.png,A\na/2.png,B\n")) == EXPECTED


def test_other_names_are_mapped_and_rows_chosen(tmp_path: Path) -> None:
    columns = read(tmp_path, METADATA, ":path=img_filename,where=split:2,patient=patient_id")
    assert columns.ids.tolist() == ["x/1.jpg", "x/3.jpg"]
    assert columns.values["patient"].tolist() == ["p1", "p2"]
    assert columns.values.keys() == {"img_id", "split", "patient", "note"}
    assert read(tmp_path, METADATA).ids.tolist()[0] == "x/1.jpg"  # the name of a path is seen by itself
    both = read(tmp_path, METADATA, ":where=split:2,where=note:c")
    assert both.ids.tolist() == ["x/3.jpg"]


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        (METADATA, ":path=img_filenam", "has no column 'img_filenam'; did you mean 'img_filename'?"),
        (METADATA, ":where=splits:2", "has no column 'splits'; did you mean 'split'?"),
        (METADATA, ":where=split:9", "where=split:9 leaves no line"),
        (METADATA, ":where=split", "where must read COLUMN:VALUE, as in where=split:2; was 'split'"),
        (METADATA, ":path=img_filename,", "must read FILE:path=COLUMN,where=COLUMN:VALUE,NAME=COLUMN; '' does not"),
        (METADATA, ":note=patient_id", "has a column 'note' already; choose another name for note=…"),
        (
            "a,b\n1,2\n",
            "",
            "must have a column of the pictures' paths (path, file, filename …), has a, b; name it, as in",
        ),
        ("path,site,site\na,1,2\n", "", "must have each column once, has 2 called 'site'; rename one"),
        ("path,site\na,1,2\n", "", ": line 2 must have 2 fields, has 3; put a text with a comma into quotes"),
        ("path,site\n", "", "must hold a line for each picture, and holds none"),
        ("path,site\na,1\nb\n", "", ": line 3 must have 2 fields, has 1"),
        ("path\na\n", "", "must have a column beside path, which has the pictures' paths; has none"),
        ("", "", "must begin with the names of its columns, and is empty"),
        ("path,ort\na,Köln\n".encode("latin-1"), "", "must be csv in UTF-8, or Parquet, and is not"),
        (b"PAR1 and no more", "", "must be a whole Parquet file"),
    ],
)
def test_a_wrong_table_is_refused_in_a_line(tmp_path: Path, content: str | bytes, options: str, message: str) -> None:
    with pytest.raises(ArgumentError) as error:
        read(tmp_path, content, options)
    assert message in str(error.value)
    assert str(error.value).startswith(f"columns {tmp_path}/table.csv")
    assert "\n" not in str(error.value)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(ArgumentError, match="must be a csv or Parquet file, and cannot be read"):
            read_columns(path)


def test_two_lines_of_a_picture_must_agree_and_no_value_is_said(tmp_path: Path) -> None:
    agreed = read(tmp_path, "path,patient\na.png,secret1\n./a.PNG,secret1\nb.png,secret2\n,secret3\n")
    assert agreed.ids.tolist() == ["a.png", "b.png"]
    assert [*map(text, agreed.remarks)] == [
        "table.csv: 1 line of 4 is without a path, and left out",
        "table.csv: 1 picture has several lines (a.png …), which agree",
    ]
    with pytest.raises(ArgumentError) as error:
        read(tmp_path, "path,patient\na.png,secret1\nb.png,x\n./a.png,secret2\n")
    assert "has two lines of a.png (rows 1 and 3) that say different things of patient; leave one of them" in str(
        error.value
    )
    assert "secret" not in str(error.value)


def test_a_file_whose_name_has_a_colon_is_found(tmp_path: Path) -> None:
    file = tmp_path / "a:b=c.csv"
    file.write_text(PLAIN)
    assert read_columns(file).ids.tolist() == EXPECTED["path"]


def test_parquet_has_types_of_its_own(tmp_path: Path) -> None:
    table = pa.table(
        {
            "file_name": ["a.png", "b.png"],
            "whole": pa.array([1, 2], pa.int16()),
            "gaps": pa.array([10**17 + 1, None], pa.int64()),
            "number": pa.array([0.1, None], pa.float32()),
            "money": pa.array([Decimal("1.10"), None]),
            "truth": [True, False],
            "kind": pa.array(["x", "y"]).dictionary_encode(),
            "day": [datetime.date(2026, 11, 30), None],
            "text": ["t", ""],
            "vector": [[1.0], [2.0]],
            "huge": pa.array([1, 2**63], pa.uint64()),
        }
    )
    parquet.write_table(table, tmp_path / "t.parquet")
    columns = read_columns(tmp_path / "t.parquet")
    assert columns.ids.tolist() == ["a.png", "b.png"]
    assert columns.values["whole"].tolist() == ["1", "2"]
    assert columns.values["gaps"].tolist() == [str(10**17 + 1), None]
    assert columns.values["number"].tolist() == ["0.1", None]
    assert columns.values["money"].tolist() == ["1.10", None]
    assert columns.values["truth"].tolist() == ["true", "false"]
    assert columns.values["kind"].tolist() == ["x", "y"]
    assert columns.values["day"].tolist() == ["2026-11-30", None]
    assert columns.values["text"].tolist() == ["t", None]
    assert columns.values["huge"].tolist() == ["1", str(2**63)]
    told = "t.parquet: vector is left out, because cells hold neither text nor numbers"
    assert [*map(text, columns.remarks)] == [told]


COLUMNS: dict[str, list[Any]] = {
    "path": ["a.png", "b.png"],
    "site": ["A", None],
    "age": [30, 40],
    "score": [0.5, np.nan],
}


def frame() -> Any:
    """The columns as a data frame, where pandas is there."""
    return pytest.importorskip("pandas").DataFrame(COLUMNS)


@pytest.mark.parametrize(
    "given",
    [
        frame,
        lambda: frame().set_index("path"),
        lambda: COLUMNS,
        lambda: pa.table({name: pa.array(cells, from_pandas=True) for name, cells in COLUMNS.items()}),
        lambda: {"a.png": {"site": "A", "age": 30, "score": 0.5}, "b.png": {"age": np.int64(40), "score": None}},
    ],
    ids=["frame", "frame with an index", "lists", "arrow", "by picture"],
)
def test_what_python_holds_is_read_whatever_its_form(given: Callable[[], Any]) -> None:
    columns = read_columns(given())
    assert columns.ids.tolist() == ["a.png", "b.png"]
    assert columns.values["site"].tolist() == ["A", None]
    assert columns.values["age"].tolist() == ["30", "40"]
    assert columns.values["score"].tolist() == ["0.5", None]
    assert columns.sources[0].name == "Python"
    assert len(columns.sources[0].sha256) == 64


def test_columns_without_paths_are_of_pictures_in_their_order() -> None:
    assert read_columns({"site": ["A", "B"]}).ids.tolist() == ["000000", "000001"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"site": ["A", "B"], "age": [1]}, "has 2 of site, 1 of age"),
        ({"site": "A"}, "must be {picture: {column: value}} or {column: values}"),
        ({"a.png": {"site": [1, 2]}}, "site must have a text or a number for each picture, had list"),
        (7, "must be a csv or Parquet file, {picture: {column: value}}, {column: values} or a data frame, was int"),
    ],
)
def test_what_python_holds_otherwise_is_refused(given: object, message: str) -> None:
    with pytest.raises(ArgumentError) as error:
        read_columns(given)
    assert message in str(error.value)


def test_fifty_thousand_lines_are_read_in_well_under_a_second(tmp_path: Path) -> None:
    lines = "".join(f"n{k % 1000}/{k}.JPEG,p{k // 7},{k % 10},{k / 3}\n" for k in range(50_000))
    file = tmp_path / "large.csv"
    file.write_text(f"path,patient,site,score\n{lines}")
    began = time.process_time()
    assert len(read_columns(file)) == 50_000
    assert time.process_time() - began < 1
