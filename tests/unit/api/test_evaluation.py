"""``hardiness.evaluate``: keyword arguments, names of rows, what a prompt shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import hardiness
from hardiness.core import ArgumentError
from hardiness.models import wrap


def test_common_things_are_keyword_arguments(network: Any, view: Any, root: Path) -> None:
    result = hardiness.evaluate(
        network(), "imagenet-val", str(root), view=view, limit=4, seed=3, batch_size=2, device="cpu",
        precision="fp32", runtime="torch", workers=1, progress=False,
    )  # fmt: skip
    assert result.counts.evaluated == 4
    assert result.run.seed == 3
    (session,) = result.measured["sessions"]
    assert (session["device"], session["runtime"], session["workers"], session["batch_size"]) == ("cpu", "torch", 1, 2)


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
