"""The page is written whole or not at all, of one or more folders, and says what is lacking."""

from __future__ import annotations

import errno
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from hardiness.api.collection import DETAILED_MOST, collect_results, comparisons_of
from hardiness.api.page import Report, publish, write_page
from hardiness.api.paper_claims import claims_of
from hardiness.benchmarks.card import Baseline, Card, cards
from hardiness.cli.main import main
from hardiness.core.errors import ArgumentError, DataError, StoreError
from hardiness.core.fact import error_of
from hardiness.core.result import Result, Score
from hardiness.core.run import BenchmarkIdentity, DataIdentity, ModelIdentity, Plan, Run
from hardiness.core.table import ImageTable, Records
from hardiness.report.charts import Dots, Observer
from hardiness.report.figures.paper import COLUMN_CM, PAGE_CM
from hardiness.report.page import PageOptions, put_page
from hardiness.report.score_lookup import ScoreLookup
from hardiness.report.sections import sections
from hardiness.report.views.card_view import CardView, views
from hardiness.report.words import text
from hardiness.results.folder import Folder
from hardiness.store.local_files import LocalFiles
from hardiness.store.store import Store
from hardiness.visualise.exhibition import Exhibition
from hardiness.visualise.sheets import SheetTile

N = 12


def evaluated(folder: Path, model: str, right: int, card: str = "classification", weights: str = "") -> Store:
    """A store in which a model was right on the first ``right`` of 12 photographs."""
    store = Store.create(folder)
    identity = Run(
        ModelIdentity(model, weights),
        BenchmarkIdentity("imagenet-val", card, "orhan2019"),
        DataIdentity("imagenet", "f", N),
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


def test_names_in_the_bar_of_models_can_be_told_apart(tmp_path: Path) -> None:
    names = [f"onnx:/home/somebody/models/run{which}/checkpoints/epoch_100/network_int8.onnx" for which in "12"]
    for name in names:
        store = evaluated(tmp_path, name, 9)
    put_page(Folder.open(store).results, LocalFiles(tmp_path), "report.html", "t", PageOptions())
    written = (tmp_path / "report.html").read_text()
    buttons = re.findall(r'<button[^>]*data-name="([^"]*)".*<bdi>(.*)</bdi>', written)
    assert [name for name, _ in buttons] == names
    assert len({shown for _, shown in buttons}) == 2
    assert max(len(shown) for _, shown in buttons) <= 28


def test_where_figures_is_a_file_the_former_page_stays(tmp_path: Path) -> None:
    store = evaluated(tmp_path, "a", 9)
    (tmp_path / "report.html").write_text("former")
    (tmp_path / "figures").write_text("not a folder")
    with pytest.raises(StoreError, match="a file stands where a folder must be"):
        put_page(Folder.open(store).results, LocalFiles(tmp_path), "report.html", "t", PageOptions())
    assert (tmp_path / "report.html").read_text() == "former"


@pytest.mark.slow
def test_a_full_disk_leaves_the_former_page_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = Folder.open(evaluated(tmp_path, "a", 9)).results
    put_page(found, LocalFiles(tmp_path), "report.html", "first", PageOptions())
    before = (tmp_path / "report.html").read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StoreError, match="the disk is full"):
        put_page(found, LocalFiles(tmp_path), "report.html", "second", PageOptions(figures=()))
    assert (tmp_path / "report.html").read_bytes() == before
    assert not list(tmp_path.glob(".partial/*report.html*"))


@pytest.mark.slow
def test_a_damaged_file_is_told_and_the_rest_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    evaluated(tmp_path, "sound", 9)
    evaluated(tmp_path, "torn", 9)
    (shard,) = (path for path in tmp_path.glob("records/*torn*/*.parquet") if path.parent.name != "scored")
    shard.write_bytes(shard.read_bytes()[:-9])
    for command in (["report", str(tmp_path)], ["export", str(tmp_path), "--format", "markdown"]):
        monkeypatch.setattr("sys.argv", ["hardiness", *command])
        with pytest.raises(SystemExit) as left:
            main()
        told = capsys.readouterr()
        assert left.value.code == 1
        assert str(shard) in told.err
    page = (tmp_path / "report.html").read_text()
    assert "1 cannot be read" in page
    assert 'data-name="sound"' in page


@pytest.mark.slow
def test_learned_features_are_a_section(tmp_path: Path) -> None:
    evaluated(tmp_path, "a", 9)
    picture = np.full((8, 8, 3), 90, np.uint8)
    exhibition = Exhibition(tmp_path / "visualise", {"protocol": "orhan2019", "model": "a", "settings": {"steps": 5}})
    exhibition.add("unit 3 <b>", picture, {"activation_before": 0.5, "activation_after": 2.0, "start": "noise"})
    exhibition.add("unit 4", None, {"activation_before": 0.5, "activation_after": 1.0})
    exhibition.write([[SheetTile(("unit 3",), picture)]])
    write_page(Report((str(tmp_path),)))
    page = (tmp_path / "report.html").read_text()
    section = page[page.index('<section id="learned-features">') : page.index('<section id="what-was-run"')]
    assert section.count("data:image/jpeg;base64,") == 1
    assert "unit 3 &lt;b&gt;" in section
    assert "0.5 → 2, from noise" in section
    assert "not reached" in section
    write_page(Report((str(tmp_path),), images=False))
    assert "data:image" not in (tmp_path / "report.html").read_text()
    alone = write_page(Report((str(tmp_path / "visualise"),), to=tmp_path / "alone.html"))
    assert alone.problems == ()
    assert "unit 4" in (tmp_path / "alone.html").read_text()
    (tmp_path / "visualise" / "features.json").write_text("{}")
    assert "features.json" in text(write_page(Report((str(tmp_path),))).problems[0])


def test_places_of_several_folders_go_by_shared_images(tmp_path: Path) -> None:
    evaluated(tmp_path / "one", "first", 12)
    evaluated(tmp_path / "two", "second", 1)
    found = collect_results([str(tmp_path / "one"), str(tmp_path / "two")])
    (comparison,) = found.comparisons
    assert set(comparison.scores[0].ranks) == {"first", "second"}
    assert comparison.n == N
    evaluated(tmp_path / "two", "first", 2)
    (comparison,) = collect_results([str(tmp_path / "one"), str(tmp_path / "two")]).comparisons
    assert comparison.scores[0].values == {"first": 1.0, "second": pytest.approx(1 / N)}, "one run, as in the tables"


@pytest.mark.parametrize("folders", [("first", "second"), ("a/out", "b/out")])
def test_places_of_folders_named_as_their_models_or_alike_go_by_shared_images(
    folders: tuple[str, str], tmp_path: Path
) -> None:
    for folder, model, right in zip(folders, ("first", "second"), (12, 1), strict=True):
        evaluated(tmp_path / folder, model, right)
    (comparison,) = collect_results([str(tmp_path / folder) for folder in folders]).comparisons
    assert set(comparison.scores[0].ranks) == {"first", "second"}


def test_a_copy_of_a_folder_takes_no_place_away(tmp_path: Path) -> None:
    for model, right in (("first", 12), ("second", 1)):
        evaluated(tmp_path / "out", model, right)
    shutil.copytree(tmp_path / "out", tmp_path / "copy" / "out")
    whole = collect_results([str(tmp_path / "out")]).comparisons
    assert set(whole[0].scores[0].ranks) == {"first", "second"}
    for outs in (["out", "out"], ["out", "copy/out"]):
        found = collect_results([str(tmp_path / out) for out in outs]).comparisons
        assert repr(found) == repr(whole)  # NaN, from Python 3.13 on, makes an equal dataclass another one


@pytest.mark.slow
def test_of_many_models_a_page_compares_scores_alone(tmp_path: Path) -> None:
    for place in range(DETAILED_MOST):
        store = evaluated(tmp_path, f"model{place}", 12 - place)
    (comparison,) = comparisons_of(Folder.open(store))
    assert len(comparison.details) == DETAILED_MOST * (DETAILED_MOST - 1) // 2
    evaluated(tmp_path, "another", 1)
    (comparison,) = comparisons_of(Folder.open(store))
    assert comparison.details == ()
    assert len(comparison.scores[0].ranks) == DETAILED_MOST + 1
    kept = [path for path in tmp_path.glob("records/*/scored/memo.jsonl") if '"comparison ' in path.read_text()]
    assert kept, "it is kept for the next page"
    publish(Folder.open(store), str(tmp_path))
    page = (tmp_path / "report.html").read_text()
    table = page[page.index("Do the models differ?") :]
    assert table[: table.index("</table>")].count("<tr>") - 1 == DETAILED_MOST + 1, "a row for each model"


@pytest.mark.slow
def test_a_figure_that_has_not_changed_is_not_written_again(tmp_path: Path) -> None:
    store = evaluated(tmp_path, "a", 9)
    put_page(Folder.open(store).results, LocalFiles(tmp_path), "report.html", "t", PageOptions())
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "figures").iterdir()}
    put_page(Folder.open(store).results, LocalFiles(tmp_path), "report.html", "t", PageOptions())
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "figures").iterdir()} == before
    evaluated(tmp_path, "b", 3)
    put_page(Folder.open(store).results, LocalFiles(tmp_path), "report.html", "t", PageOptions(column=True))
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "figures").iterdir()} != before
    narrow = list((tmp_path / "figures").glob("*--column.svg"))
    assert len(narrow) == len(before) / 3, "each figure is there at the width of one column too"
    for path in narrow:
        wide = path.with_name(path.name.replace("--column", "")).read_text()
        widths = [float(re.search(r'width="([\d.]+)', text)[1]) for text in (path.read_text(), wide)]
        assert [px / 96 * 2.54 for px in widths] == pytest.approx([COLUMN_CM, PAGE_CM], abs=0.02)
    heading = re.compile(r'font-size="16"')
    figures = list((tmp_path / "figures").glob("*.svg"))
    assert all(heading.search(path.read_text()) for path in figures)
    write_page(Report((str(tmp_path),), images=False, column=True, titles=False))
    assert not any(heading.search(path.read_text()) for path in figures), "a paper has its titles in captions"


@pytest.mark.slow
def test_several_folders_stand_in_one_page(tmp_path: Path) -> None:
    evaluated(tmp_path / "one", "first", 9)
    evaluated(tmp_path / "two", "second", 3)
    (tmp_path / "three").mkdir()
    outs = tuple(str(tmp_path / name) for name in ("one", "two", "three", "one"))
    write_page(Report(outs, images=False, to=tmp_path / "both.html"))
    page = (tmp_path / "both.html").read_text()
    rows = page.count('<tr data-m="0">')
    assert rows == 3, "a run given twice is one row in the overview, in the table, and in that of further columns"
    assert 'data-name="second"' in page
    assert "three holds no records/ folder" in page
    assert '<section id="claims"' not in page, (
        "none of the paper's sentences can be told of two models of one benchmark"
    )
    with pytest.raises(DataError, match="holds no records"):
        write_page(Report((str(tmp_path / "three"),)))
    with pytest.raises(ArgumentError, match="needs OUT"):
        write_page(Report(()))


def test_a_name_of_two_models_is_left_out_of_the_papers_sentences(tmp_path: Path) -> None:
    stores = [evaluated(tmp_path / "one", "same", 9, weights="a"), evaluated(tmp_path / "two", "same", 3, weights="b")]
    stores.append(evaluated(tmp_path / "three", "other", 5))
    verdicts = claims_of(Folder.open(*stores))
    assert verdicts is not None
    notes = verdicts.view().notes
    assert notes[0] == "family: other"
    assert notes[-1] == "same is left out: runs of that name have different weights"
    assert claims_of(Folder.open(*stores[:2])) is None
    publish(Folder.open(stores[2]), str(tmp_path / "three"))
    page = (tmp_path / "three" / "report.html").read_text()
    assert '<section id="claims"' not in page, "of one model none of them can be told"


@pytest.mark.slow
def test_pictures_whose_data_have_moved_are_told(tmp_path: Path) -> None:
    evaluated(tmp_path, "a", 9)
    write_page(Report((str(tmp_path),)))
    page = (tmp_path / "report.html").read_text()
    assert "Most confident mistakes" in page
    assert "No picture: " in page
    assert "gone" in page
    assert "<img" not in page


def test_a_card_that_is_not_installed_leaves_a_section(tmp_path: Path) -> None:
    evaluated(tmp_path, "a", 9, card="of a plug-in")
    write_page(Report((str(tmp_path),)))
    assert "its card &#39;of a plug-in&#39; is not installed" in (tmp_path / "report.html").read_text()


@pytest.mark.slow
def test_what_a_card_showed_is_shown_once_it_is_no_longer_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluated(tmp_path, "a", 9)
    write_page(Report((str(tmp_path),)))
    monkeypatch.delitem(cards._entries, "classification")
    write_page(Report((str(tmp_path),)))
    page = (tmp_path / "report.html").read_text()
    assert "its card &#39;classification&#39; is not installed" in page
    for shown in (">75.0<", "Most confident mistakes", "n01440764/11"):
        assert shown in page


class ForeignCard(Card):
    """A card as a package of somebody else's may bring one, with a heading of its own."""

    version: ClassVar[int] = 1
    columns: ClassVar[tuple[str, ...] | None] = None
    group: ClassVar[str] = "shape"
    place: ClassVar[int] = 5

    def filled_table(self, records: Records, run: Run) -> ImageTable:
        return cards.get("classification").filled_table(records, run)

    def scores(self, table: ImageTable, run: Run, baseline: Baseline | None) -> list[Score]:
        return cards.get("classification").scores(table, run, baseline)

    def variant(self, run: Run) -> tuple[str, ...]:
        return ("by my rule",)


class ForeignView(CardView):
    """A view as such a package may bring one."""

    def people(self, results: Sequence[Result]) -> str:
        return "People score all."

    def figures(self, results: Sequence[Result]) -> Iterator[Dots]:
        scores = {result.name: {"odd": result.scores[0]} for result in results}
        observers = tuple(Observer(name, found["odd"], found) for name, found in scores.items())
        yield Dots("mine", "My own figure", "Read it so.", "share", ("", ""), "all", ("odd",), observers)

    def sentence(self, result: Result, scores: ScoreLookup) -> str:
        return "stands on its own feet"


OF_THE_VIEW = ("stands on its own feet", "People score all.", "My own figure", "Read it so.")


@pytest.mark.slow
def test_the_scores_of_a_card_outlive_its_package_and_its_view_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(cards._entries, "of a plug-in", (ForeignCard(), "a plug-in"))
    monkeypatch.setitem(views._entries, "of a plug-in", (ForeignView(), "a plug-in"))
    evaluated(tmp_path, "a", 9, card="of a plug-in")
    write_page(Report((str(tmp_path),)))
    before = (tmp_path / "report.html").read_text()
    (scored,) = Folder.open(Store(tmp_path)).results
    for told in (*OF_THE_VIEW, "by my rule"):
        assert told in before
    monkeypatch.delitem(cards._entries, "of a plug-in")
    monkeypatch.delitem(views._entries, "of a plug-in")
    write_page(Report((str(tmp_path),)))
    page = (tmp_path / "report.html").read_text()
    assert "is not installed" in page
    for told in OF_THE_VIEW:
        assert told not in page
    (kept,) = Folder.open(Store(tmp_path)).results
    assert kept.scores == scored.scores
    (shown,) = sections([kept])
    usual = {column.metric for column in shown.section.columns}
    assert usual >= {score.metric for score in scored.scores if not score.condition and score.value is not None}
    assert "view" not in kept.details


def test_a_folder_in_which_an_earlier_version_kept_a_view_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(cards._entries, "of a plug-in", (ForeignCard(), "a plug-in"))
    store = evaluated(tmp_path, "a", 9, card="of a plug-in")
    (scored,) = Folder.open(store).results
    (run,) = Folder.open(store).alone
    run.memo.value("view", "0123456789abcdef", lambda: {"columns": [], "charts": [{"name": "mine"}]})
    run.save()
    monkeypatch.delitem(cards._entries, "of a plug-in")
    (kept,) = Folder.open(Store(tmp_path)).results
    assert kept.scores == scored.scores
    written = replace(kept, details={**kept.details, "view": {"variant": ["by my rule"], "columns": []}})
    (shown,) = sections([written])  # as results.json of that version has it
    assert not shown.section.charts


def test_a_view_of_somebody_elses_that_fails_costs_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Fails(ForeignView):
        def figures(self, results: Sequence[Result]) -> Iterator[Dots]:
            yield from super().figures(results)
            raise ValueError("in two\nlines")

    monkeypatch.setitem(cards._entries, "of a plug-in", (ForeignCard(), "a plug-in"))
    monkeypatch.setitem(views._entries, "of a plug-in", (Fails(), "plug_in:Fails"))
    found = Folder.open(evaluated(tmp_path, "a", 9, card="of a plug-in")).results
    (shown,) = sections(found)
    assert [record.getMessage() for record in caplog.records] == [
        "view 'of a plug-in' of plug_in:Fails failed: ValueError: in two; mend or uninstall it"
    ]
    assert not shown.section.charts
    assert not shown.section.sayings
    assert shown.section.columns
    assert shown.section.variant == ("by my rule",), "the card is as it was"
    assert sections(found)[0].section == shown.section
    assert len(caplog.records) == 1, "the line is said once"


def test_many_notes_are_folded_but_for_the_first_two(tmp_path: Path) -> None:
    (found,) = Folder.open(evaluated(tmp_path, "a", 9)).results
    for count, folded in ((2, 0), (9, 7)):  # beside one of its own
        noted = replace(
            found, warnings=tuple(error_of(ArgumentError(f"note number {n}")) for n in range(count)), findings=()
        )
        put_page([noted], LocalFiles(tmp_path), "page.html", "t", PageOptions(figures=()))
        page = (tmp_path / "page.html").read_text()
        section = page[page.index("<h2>imagenet-val") : page.index("Can this be believed?")]
        assert section.count("note number") == count
        more = section.partition(" more notes</summary>")
        assert more[2].count("note number") == folded


def test_nothing_in_a_folder_is_a_page_that_says_so(tmp_path: Path) -> None:
    put_page([], LocalFiles(tmp_path), "report.html", "t", PageOptions())
    assert "Nothing has been evaluated here yet" in (tmp_path / "report.html").read_text()


def test_details_are_kept_beside_the_shards(tmp_path: Path) -> None:
    (result,) = Folder.open(evaluated(tmp_path, "a", 9)).results
    assert [row[1] for row in result.details["coverage"]][-1] == pytest.approx(9 / 12)
    (gallery,) = result.details["galleries"]
    assert [sample["id"] for sample in gallery["samples"]] == ["n01440764/11", "n01440764/10", "n01440764/09"]
    assert "3 are wrong" in gallery["rule"]
