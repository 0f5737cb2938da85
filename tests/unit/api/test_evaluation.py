"""``hardiness.evaluate``: keyword arguments, names of rows, what a prompt shows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import hardiness
from hardiness.core import ArgumentError, UnknownNameError
from hardiness.models import wrap
from hardiness.report import loggers


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
    assert {"torch", "onnxruntime", "open_clip_torch", "transformers"} <= session["packages"].keys()
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

    def opened(tracked: loggers.Tracked) -> Any:
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
