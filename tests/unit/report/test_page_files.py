"""The page is written whole or not at all, of one or more folders, and says what is lacking."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hardiness import api
from hardiness.core import (
    ArgumentError,
    BenchmarkIdentity,
    DataError,
    DataIdentity,
    ModelIdentity,
    Plan,
    Records,
    Run,
    StoreError,
)
from hardiness.report import write_page
from hardiness.scoring import results
from hardiness.store import Store

N = 12


def evaluated(folder: Path, model: str, right: int, card: str = "classification") -> Store:
    """A store in which a model was right on the first ``right`` of 12 photographs."""
    store = Store.create(folder)
    identity = Run(
        ModelIdentity(model), BenchmarkIdentity("imagenet-val", card, "orhan2019"), DataIdentity("imagenet", "f", N)
    )
    labels = np.arange(N, dtype=np.int32)
    prediction = np.where(labels < right, labels, labels + 1).astype(np.int32)
    samples = [f"n01440764/{place:02}" for place in range(N)]
    columns = {
        "sample": np.array(samples),
        "condition": np.zeros(N, np.int16),
        "frame": np.zeros(N, np.int16),
        "label": labels,
        "prediction": prediction,
        "confidence": np.linspace(0.2, 0.9, N, dtype=np.float32),
        "top5_class": np.repeat(prediction[:, None], 5, axis=1).astype(np.int16),
    }
    run = store.run(identity, Plan(batch_size=8, location=str(folder / "gone"), whole=(0,)))
    run.write(0, [(sample, 0) for sample in samples], Records(columns))
    return store


def test_where_figures_is_a_file_the_former_page_stays(tmp_path: Path) -> None:
    store = evaluated(tmp_path, "a", 9)
    (tmp_path / "report.html").write_text("former")
    (tmp_path / "figures").write_text("not a folder")
    with pytest.raises(StoreError, match="a file stands where a folder must be"):
        write_page(results(store), tmp_path / "report.html", "t")
    assert (tmp_path / "report.html").read_text() == "former"


def test_a_figure_that_has_not_changed_is_not_written_again(tmp_path: Path) -> None:
    store = evaluated(tmp_path, "a", 9)
    write_page(results(store), tmp_path / "report.html", "t")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "figures").iterdir()}
    write_page(results(store), tmp_path / "report.html", "t")
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "figures").iterdir()} == before
    evaluated(tmp_path, "b", 3)
    write_page(results(store), tmp_path / "report.html", "t")
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "figures").iterdir()} != before


def test_several_folders_stand_in_one_page(tmp_path: Path) -> None:
    evaluated(tmp_path / "one", "first", 9)
    evaluated(tmp_path / "two", "second", 3)
    (tmp_path / "three").mkdir()
    outs = tuple(str(tmp_path / name) for name in ("one", "two", "three", "one"))
    api.write_report(api.Report(outs, images=False, to=tmp_path / "both.html"))
    page = (tmp_path / "both.html").read_text()
    assert page.count('<tr data-m="0">') == 2, "one row in the overview, one in the table: a run given twice is one"
    assert 'data-name="second"' in page
    assert "three holds no records/ folder" in page
    with pytest.raises(DataError, match="holds no records"):
        api.write_report(api.Report((str(tmp_path / "three"),)))
    with pytest.raises(ArgumentError, match="needs OUT"):
        api.write_report(api.Report(()))


def test_pictures_whose_data_have_moved_are_told(tmp_path: Path) -> None:
    evaluated(tmp_path, "a", 9)
    api.write_report(api.Report((str(tmp_path),)))
    page = (tmp_path / "report.html").read_text()
    assert "Most confident mistakes" in page
    assert "No picture: " in page
    assert "gone" in page
    assert "<img" not in page


def test_a_card_that_is_not_installed_leaves_a_section(tmp_path: Path) -> None:
    evaluated(tmp_path, "a", 9, card="of a plug-in")
    api.write_report(api.Report((str(tmp_path),)))
    assert "its card &#39;of a plug-in&#39; is not installed" in (tmp_path / "report.html").read_text()


def test_nothing_in_a_folder_is_a_page_that_says_so(tmp_path: Path) -> None:
    write_page([], tmp_path / "report.html", "t")
    assert "Nothing has been evaluated here yet" in (tmp_path / "report.html").read_text()


def test_details_are_kept_beside_the_shards(tmp_path: Path) -> None:
    (result,) = results(evaluated(tmp_path, "a", 9))
    assert [row[1] for row in result.details["coverage"]][-1] == pytest.approx(9 / 12)
    (gallery,) = result.details["galleries"]
    assert [sample["id"] for sample in gallery["samples"]] == ["n01440764/11", "n01440764/10", "n01440764/09"]
    assert "3 are wrong" in gallery["rule"]
