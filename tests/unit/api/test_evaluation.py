"""``hardiness.evaluate``: keyword arguments, names of rows, what a prompt shows."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from commands import called

import hardiness
from hardiness.core.errors import ArgumentError, HardinessError, UnknownNameError
from hardiness.core.result import TextTable
from hardiness.models.loading import wrap
from hardiness.report import loggers
from hardiness.report.words import line as said


def test_common_things_are_keyword_arguments(network: Any, view: Any, root: Path) -> None:
    result = hardiness.evaluate(
        network(), "imagenet-val", str(root), view=view, limit=4, seed=3, batch_size=2, device="cpu",
        precision="fp32", runtime="torch", workers=1, progress=False,
    )  # fmt: skip
    assert result.counts.evaluated == 4
    assert result.run.seed == 3
    (session,) = result.measured["sessions"]
    assert (session["device"], session["runtime"], session["workers"], session["batch_size"]) == ("cpu", "torch", 1, 2)
    assert session["device_name"] == session["processor"] != ""
    packages = {"onnxruntime": "onnxruntime", "open_clip": "open_clip_torch", "transformers": "transformers"}
    installed = {package for module, package in packages.items() if importlib.util.find_spec(module)}
    assert {"torch", *installed} <= session["packages"].keys()
    assert session["parameters"] == sum(each.numel() for each in network().parameters()) > 0


def test_a_misspelt_keyword_is_answered_with_the_close_one(network: Any, view: Any, root: Path) -> None:
    with pytest.raises(ArgumentError, match="'limt'; did you mean 'limit'"):
        hardiness.evaluate(network(), "imagenet-val", str(root), view=view, limt=4)


def test_two_modules_of_one_class_are_two_rows_that_are_told_apart(
    network: Any, view: Any, root: Path, tmp_path: Path
) -> None:
    where = {"view": view, "out": tmp_path / "out", "runtime": "torch"}
    names = [hardiness.evaluate(network(seed), "imagenet-val", str(root), **where).model for seed in (0, 1)]
    assert all(name.startswith("Colours-") for name in names)
    assert len(set(names)) == 2
    given = [
        hardiness.evaluate(network(), "imagenet-val", str(root), name=name, **where).model
        for name in ("first", "second")
    ]
    assert given == ["first", "second"]


def test_one_loaded_model_can_have_two_names_and_keeps_its_own(network: Any, view: Any, root: Path) -> None:
    model = wrap(network(), view, name="own", runtime="torch")
    assert hardiness.evaluate(model, "imagenet-val", str(root), name="mine", limit=1).model == "mine"
    assert model.spec.name == "own"
    with pytest.raises(ArgumentError, match="a classifier has its own"):
        hardiness.evaluate(model, "imagenet-val", str(root), precision="bf16")


def test_a_result_is_shown_as_a_table(network: Any, view: Any, root: Path) -> None:
    shown = repr(
        hardiness.evaluate(network(), "imagenet-val", str(root), view=view, limit=4, runtime="torch", name="mine")
    )
    head, columns, first, *_ = shown.splitlines()
    assert head == "mine on imagenet-val (imagenet, orhan2019): 4 of 6 evaluated, 0 failed"
    assert columns.split() == ["score", "value", "95", "%", "interval", "n"]
    assert first.split()[0] == "top1"
    assert first.split()[-1] == "4"
    assert any(line.startswith("  ! partial: ") for line in shown.splitlines())


def test_progress_is_drawn_where_it_is_asked_for(
    network: Any, view: Any, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = {"view": view, "runtime": "torch"}
    hardiness.evaluate(network(), "imagenet-val", str(root), **where)
    assert capsys.readouterr().err == "", "no person looks on: nothing is drawn"
    hardiness.evaluate(network(), "imagenet-val", str(root), progress=True, **where)
    assert "imagenet-val" in capsys.readouterr().err


def test_trackers_hear_of_a_call_from_python(
    network: Any, view: Any, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    heard: dict[str, list[tuple[Mapping[str, float], int]]] = {}
    closed: list[str] = []

    def opened(tracked: loggers.TrackerRun) -> Any:
        points = heard.setdefault(tracked.name, [])
        assert tracked.folder == out
        assert tracked.about["models"] == "mine"
        log, close = lambda numbers, step: points.append((numbers, step)), lambda: closed.append(tracked.name)
        return SimpleNamespace(log=log, close=close)

    loggers.registry.names()
    monkeypatch.setitem(loggers.registry._entries, "kept", (loggers.TrackerKind((), opened), "here"))
    with pytest.raises(ArgumentError, match=r"log='kept' needs out=, the folder"):
        hardiness.evaluate(network(), "imagenet-val", str(root), view=view, log="kept")
    with pytest.raises(UnknownNameError, match="logger"):
        hardiness.evaluate(network(), "imagenet-val", str(root), view=view, out=out, log=["mlfow"])
    assert not out.exists(), "nothing was computed"
    found = hardiness.evaluate(network(), "imagenet-val", str(root), view=view, name="mine", out=out, log="kept")
    assert [numbers["imagenet-val/done"] for numbers, _ in heard["progress"]][-1] == 1.0
    ((scores, step),) = heard["mine"]
    assert (scores["imagenet-val/top1"], step) == (found.scores[0].value, found.counts.images)
    assert closed == ["progress", "mine"]


IMAGES = np.random.default_rng(0).integers(0, 256, (6, 40, 48, 3), np.uint8)
PETS = IMAGES, [0, 1, 2, 0, 1, 2], ("cat", "dog", "emu")


@pytest.fixture(scope="module")
def pets(network: Any, view: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    """The results of two networks on arrays, under two benchmarks, and their folder."""
    out = tmp_path_factory.mktemp("pets") / "out"
    asked = ["own", "own-c:corruptions=brightness,severities=1"]
    settings = {"view": view, "out": out, "device": "cpu", "runtime": "torch"}
    for seed, name in enumerate(("before", "after")):
        found = hardiness.evaluate(network(seed, 3), asked, PETS, name=name, **settings)
    return found, out


def test_what_is_assumed_of_a_model_is_said_in_python(network: Any) -> None:
    """As on the command line: such lines stood in the records alone."""
    for view, is_assumed in ((hardiness.View(32, 32), True), (hardiness.View(32, 32, "bicubic"), False)):
        result = hardiness.evaluate(network(0, 3), "own", PETS, view=view, name="mine", device="cpu", runtime="torch")
        line = "photographs are resized with the filter bilinear, because none is stated"
        assert any(each.startswith(line) for each in map(said, result.warnings)) == is_assumed


def test_several_benchmarks_are_evaluated_on_arrays(pets: Any) -> None:
    found, out = pets
    assert [(each.model, each.benchmark, each.data) for each in found] == [
        ("after", "own", "arrays"),
        ("after", "own-c", "arrays"),
    ]
    assert found[0].run.data.classes == ("cat", "dog", "emu")
    assert found[0].score("recall", **{"class": "dog"}).n == 2
    assert found[1].counts.evaluated == 6
    assert any("0 cat, 1 dog, 2 emu" in line for line in map(said, found[0].warnings))
    assert len(hardiness.load_results(out)) == 4


def test_the_same_arrays_again_are_not_computed_again_and_others_are(
    network: Any, view: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"view": view, "out": tmp_path / "out", "name": "mine", "device": "cpu", "runtime": "torch"}
    first = hardiness.evaluate(network(0, 3), "own", PETS, **settings)
    again = hardiness.evaluate(network(0, 3), "own", (IMAGES.transpose(0, 3, 1, 2), *PETS[1:]), **settings)
    assert again.key == first.key
    assert len(again.measured["sessions"]) == 1, "nothing was computed"
    other = hardiness.evaluate(network(0, 3), "own", (IMAGES[::-1], *PETS[1:]), **settings)
    assert other.key != first.key


@pytest.mark.parametrize(
    ("benchmark", "data", "says"),
    [
        ([], PETS, "benchmark must be a name or a list of names"),
        (
            "own",
            (IMAGES, PETS[1], "abcd"),
            r"data set 'arrays' has 4; .* data=\(images, labels, names",
        ),
        ("imagenet-a", PETS, "imagenet-a needs the pictures of imagenet-a, for which your own pictures do not stand"),
    ],
)
def test_what_does_not_go_together_is_refused(network: Any, view: Any, benchmark: Any, data: Any, says: str) -> None:
    with pytest.raises(HardinessError, match=says):
        hardiness.evaluate(network(0, 3), benchmark, data, view=view, device="cpu", runtime="torch")


@pytest.mark.slow
def test_a_page_is_written_of_a_folder_and_of_results(pets: Any, tmp_path: Path) -> None:
    found, out = pets
    assert hardiness.write_report(out) == f"{out}/report.html"
    page = (out / "report.html").read_text()
    assert "Recall by class and corruption" in page
    assert ">before<" in page
    assert hardiness.write_report(found, to=tmp_path) == f"{tmp_path}/report.html"
    alone = (tmp_path / "report.html").read_text()
    assert ">after<" in alone
    assert ">before<" not in alone
    assert hardiness.write_report(found[0], to=tmp_path / "one.html") == f"{tmp_path}/one.html"
    for wrong in ({"out": []}, {"out": found, "data": "embedded"}):
        with pytest.raises(ArgumentError, match=r"needs a folder .* or a result|go with the folder of an evaluation"):
            hardiness.write_report(**wrong)


def test_what_comes_out_shows_itself_in_a_notebook(pets: Any, network: Any, view: Any) -> None:
    found, out = pets
    policy = '[[rules]]\nbenchmark = "own"\nmetric = "top1"\nat_least = 0.99\n'
    gate = hardiness.gate(out, policy)
    attacked = hardiness.attack(
        network(0, 3), IMAGES[:2, :40, :40], [0, 1], "pgd", epsilon=0.1, steps=1, view=view, device="cpu"
    )
    shown = [each._repr_html_() for each in (found[0], found, hardiness.compare(out), gate, attacked)]
    for html, words in zip(
        shown,
        ("after on own", "own-c on arrays", "their answers do", "simultaneous over 2 rules", "broken"),
        strict=True,
    ):
        assert words in html
        assert html.count("<table>") == html.count("</table>") >= 1
    assert shown[1].count("<tr>") == 4
    assert "simultaneous over 2 rules" in repr(gate)
    hostile = TextTable("<b>", ("a", "b"), (("<script>", "1\n<i>"),), notes=("&",)).html()
    assert "<script>" not in hostile
    assert "&lt;script&gt;</td><td>1<small>&lt;i&gt;</small>" in hostile


def test_a_network_that_is_refused_has_no_score_of_the_pictures_before(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """``show`` printed the accuracy on three pictures, and not that the network was refused after them."""
    by_company = [0.0]

    def answer(images: np.ndarray) -> np.ndarray:
        rows = images.reshape(len(images), -1)[:, :1000].astype(np.float32)
        return rows * (1 + by_company[0] * (len(images) > 1))

    where: dict[str, Any] = {"view": hardiness.View(36, 32, "bilinear"), "out": tmp_path / "out", "tag": "one"}
    where |= {"name": "mine", "progress": False}
    before = hardiness.evaluate(answer, "imagenet-val", str(root), limit=3, **where)
    assert before.score("top1").n == 3
    other = hardiness.evaluate(answer, "imagenet-val", str(root), limit=3, **{**where, "tag": "two", "name": "other"})
    assert other.scores
    by_company[0] = 1.0
    after = hardiness.evaluate(answer, "imagenet-val", str(root), **where)
    assert (after.key, after.counts.images, list(after.scores)) == (before.key, 3, [])
    says = "the network was refused, so there is no score: answer answers otherwise for an image alone than"
    assert any(each.startswith(says) for each in map(said, after.warnings)), after.warnings
    assert called(monkeypatch, "show", str(tmp_path / "out")) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert says in shown
    with pytest.raises(ArgumentError, match=r"a comparison needs two models .* had other$"):
        hardiness.compare(tmp_path / "out")
    by_company[0] = 0.0
    mended = hardiness.evaluate(answer, "imagenet-val", str(root), **where)
    assert (mended.counts.images, mended.score("top1").n) == (6, 6)
    assert not any("refused" in each for each in map(said, mended.warnings))


def test_a_transform_is_no_view_and_the_message_says_what_is_one(network: Any, root: Path) -> None:
    with pytest.raises(ArgumentError, match=r"view must be a View, .*; was SimpleNamespace"):
        hardiness.evaluate(network(), "imagenet-val", str(root), view=SimpleNamespace())  # type: ignore[arg-type]


def test_data_are_those_of_the_environment_where_none_are_given(
    network: Any, view: Any, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HARDINESS_DATA", raising=False)
    with pytest.raises(ArgumentError, match="data must say where the pictures are"):
        hardiness.evaluate(network(), "imagenet-val", view=view)
    monkeypatch.setenv("HARDINESS_DATA", str(root))
    assert hardiness.evaluate(network(), "imagenet-val", view=view, limit=1, progress=False).counts.evaluated == 1
