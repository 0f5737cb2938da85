"""Whatever is wrong is told in one line that says which, what it must be and what to do; nothing finished is lost."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from told import warnings_of

Case = Callable[[Path], list[str]]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["run", "-m", "efficientnet_lit0", "-b", "imagenet-val"], "did you mean 'efficientnet_lite0'"),
        (["run", "-m", "resnext101_32x8d_wls", "-b", "imagenet-val"], "'resnext101_32x8d_wsl'"),
        (["run", "-m", "timm:resnet5", "-b", "imagenet-val"], "did you mean"),
        (["run", "-m", "efficientnet_lite0", "-b", "imagenet-vall"], "did you mean 'imagenet-val'"),
        (["run", "-m", "efficientnet_lite0", "-b", "imagenet-val:jpg=no"], "imagenet-val has no option 'jpg'"),
        (["run", "-m", "efficientnet_lite0:crop=3", "-b", "imagenet-val"], "crop_px"),
        (["run", "-m", "efficientnet_lite0:interpolation=bicubc", "-b", "imagenet-val"], "did you mean 'bicubic'"),
        (["run", "-m", "efficientnet_lite0", "--suite", "dmeo"], "did you mean 'demo'"),
        (["run", "-m", "efficientnet_lite0"], "nothing to run"),
        (["run", "-b", "imagenet-val"], "no model"),
        (["run", "-m", "efficientnet_lite0", "-b", "imagenet-val", "--limit", "0"], "limit must be at least 1, was 0"),
        (["run", "-m", "efficientnet_lite0", "-b", "imagenet-val", "--device", "cdua"], "device"),
        (["run", "-m", "efficientnet_lite0", "-b", "imagenet-val", "--precision", "fp8"], "precision"),
        (["run", "-m", "efficientnet_lite0", "-b", "imagenet-val", "--runtime", "openvin"], "openvino"),
        (["run", "-m", "a", "-m", "b", "-b", "imagenet-val", "--weights", "f"], "a"),
        (["rnu"], "did you mean 'run'"),
        (["list", "models", "resnext101_32x8d_wls"], "did you mean"),
        (["list", "benchmarks", "imagenet-vall"], "did you mean"),
        (["show", "nowhere"], "must be the --out of an earlier 'hardiness run'"),
    ],
)
def test_wrong_words_cost_one_line_and_status_2(
    hardiness: Any, tree: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    given = [*arguments, "--data", str(tree(2))] if arguments[0] == "run" else arguments
    told = hardiness(*given)
    assert told.status == 2, told.err
    assert says in told.err
    assert len(told.lines) == 1, told.err
    assert not (tmp_path / "runs").exists()


def no_folder(root: Path) -> list[str]:
    return ["--data", str(root / "nowhere")]


def empty_folder(root: Path) -> list[str]:
    (root / "empty").mkdir()
    return ["--data", str(root / "empty")]


def unknown_wnid(root: Path) -> list[str]:
    (root / "imagenet" / "val" / "n01440765").mkdir()
    Image.new("RGB", (8, 8)).save(root / "imagenet" / "val" / "n01440765" / "a.png")
    return ["--data", str(root)]


def label_out_of_range(root: Path) -> list[str]:
    (root / "flat").mkdir()
    Image.new("RGB", (8, 8)).save(root / "flat" / "a.png")
    (root / "labels.csv").write_text("path,label\na.png,1000\n")
    return ["--data", f"imagenet={root / 'flat'}", "--labels", str(root / "labels.csv")]


def misspelt_name(root: Path) -> list[str]:
    return ["--data", f"imagnet={root / 'imagenet'}"]


def folder_too_deep(root: Path) -> list[str]:
    (root / "imagenet" / "val").rename(root / "val")
    (root / "imagenet" / "val").mkdir()
    (root / "val").rename(root / "imagenet" / "val" / "val")
    return ["--data", str(root)]


def newline(root: Path) -> list[str]:
    return ["--data", f"{root}\nelse"]


@pytest.mark.parametrize(
    ("case", "says"),
    [
        (no_folder, "nowhere"),
        (folder_too_deep, "imagenet/val must hold the class folders, but they lie in val in it"),
        (newline, r"root\nelse must hold imagenet/val/<wnid>/*.JPEG, but there is no such folder"),
        (empty_folder, "empty"),
        (unknown_wnid, "n01440765"),
        (label_out_of_range, "1000"),
        (misspelt_name, "imagenet"),
    ],
)
def test_wrong_data_costs_one_line_and_status_2(
    hardiness: Any, tree: Any, tmp_path: Path, factory: Any, case: Case, says: str
) -> None:
    told = hardiness("run", "-m", factory(), "-b", "imagenet-val", *case(tree(3)), "--out", tmp_path / "x")
    assert told.status == 2, told.err
    assert says in told.err
    assert len(told.lines) == 1, told.err


def test_no_data_argument_says_what_to_give(hardiness: Any, factory: Any, tmp_path: Path) -> None:
    told = hardiness("run", "-m", factory(), "-b", "imagenet-val", "--out", tmp_path / "x")
    assert told.status == 2
    assert "--data" in told.err


def test_an_explicit_benchmark_without_its_data_is_refused_and_one_of_a_suite_is_skipped(
    hardiness: Any, tree: Any, tmp_path: Path, factory: Any
) -> None:
    common = ["-m", factory(), "--data", str(tree(3)), "--out", str(tmp_path / "x"), "--quiet"]
    refused = hardiness("run", *common, "-b", "imagenet-a")
    assert refused.status == 2
    assert "imagenet-a" in refused.err
    rows = "".join(f'[[rows]]\nbenchmark = "{name}"\n' for name in ("imagenet-val", "imagenet-a"))
    (tmp_path / "two.toml").write_text(rows)
    skipped = hardiness("run", *common, "--suite", str(tmp_path / "two.toml"))
    assert skipped.status == 0, skipped.err
    assert "skipped imagenet-a" in skipped.err
    assert (tmp_path / "x" / "results.json").exists()


def odd_files(folder: Path, photograph: Path) -> dict[str, bool]:
    """Files of every odd kind, and whether each can be read."""
    picture = Image.open(photograph).convert("RGB").resize((300, 260))
    whole = photograph.read_bytes()
    (folder / "a_truncated.JPEG").write_bytes(whole[: len(whole) // 2])
    (folder / "b_empty.JPEG").write_bytes(b"")
    (folder / "c_text.JPEG").write_text("not an image")
    Image.fromarray((np.arange(300 * 260).reshape(260, 300) % 65536).astype(np.uint16)).save(folder / "d_sixteen.png")
    picture.save(folder / "e_animated.gif", save_all=True, append_images=[picture.rotate(90)])
    (folder / "j_cut_with_an_end.JPEG").write_bytes(whole[: len(whole) // 2] + b"\xff\xd9")
    picture.convert("L").save(folder / "f_grey.jpg")
    picture.convert("CMYK").save(folder / "g_cmyk.jpg")
    picture.convert("P").save(folder / "h_palette.png")
    picture.convert("RGBA").save(folder / "i_alpha.png")
    return {name: name[0] in "fghi" for name in sorted(path.name for path in folder.iterdir())}


def test_odd_files_are_failed_and_listed_and_the_rest_is_evaluated(
    hardiness: Any, tree: Any, tmp_path: Path, photographs: list[Path], results: Any
) -> None:
    root = tree(5)
    folder = root / "imagenet" / "val" / "n01440764"
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    kinds = odd_files(folder, photographs[0])
    good = sum(kinds.values()) + sum(1 for path in root.rglob("*.JPEG") if path.parent != folder)
    command = ["run", "-m", "efficientnet_lite0", "-b", "imagenet-val", "--data", root, "--out", tmp_path / "x"]
    told = hardiness(*command)
    assert told.status == 1
    (result,) = results(tmp_path / "x")
    assert result["counts"] == {"expected": good + 6, "evaluated": good, "failed": 6, "images": good}
    failed = {Path(failure["sample"]).name[0]: failure["reason"] for failure in result["failures"]}
    assert set(failed) == set("abcdej")
    for letter, reason in failed.items():
        assert "\n" not in reason
        assert f"/{letter}_" in reason, "the file is named"
    assert result["complete"] is False
    for letter in "abcdej":
        assert f"{letter}_" in told.out
    again = hardiness(*command)  # still failing, still told, and nothing is counted twice
    assert again.status == 1
    assert results(tmp_path / "x")[0]["counts"] == result["counts"]


def test_nan_logits_are_failures_of_their_samples(
    hardiness: Any, tree: Any, tmp_path: Path, factory: Any, results: Any
) -> None:
    dark = " + torch.where(x.mean((1, 2, 3)) < -0.3, float('nan'), 0.0)[:, None]"
    told = hardiness("run", "-m", factory(tail=dark), "-b", "imagenet-val", "--data", tree(40), "--out", tmp_path / "x")
    assert told.status == 1
    (result,) = results(tmp_path / "x")
    assert 0 < result["counts"]["failed"] < 40
    assert result["counts"]["evaluated"] + result["counts"]["failed"] == 40
    assert "NaN" in result["failures"][0]["reason"]


def test_a_model_of_other_classes_is_told_and_the_others_go_on(
    hardiness: Any, tree: Any, tmp_path: Path, factory: Any, results: Any
) -> None:
    models = ["-m", factory(classes=10, name="ten"), "-m", factory()]
    told = hardiness("run", *models, "-b", "imagenet-val", "--data", tree(4), "--out", tmp_path / "x")
    assert told.status == 1
    assert "has 10 classes" in told.err
    assert len(results(tmp_path / "x")) == 1


def test_weights_that_do_not_fit_are_told_and_the_others_go_on(
    hardiness: Any, tree: Any, tmp_path: Path, factory: Any, results: Any
) -> None:
    import torch

    torch.save({"fc.weight": torch.zeros(3)}, tmp_path / "wrong.pth")
    models = ["-m", f"resnext50_32x4d:weights={tmp_path / 'wrong.pth'}", "-m", factory()]
    told = hardiness("run", *models, "-b", "imagenet-val", "--data", tree(4), "--out", tmp_path / "x")
    assert told.status == 1
    assert "wrong.pth" in told.err
    assert len(told.lines) <= 3
    assert len(results(tmp_path / "x")) == 1


def test_unexpected_accuracy_is_a_warning(hardiness: Any, tree: Any, tmp_path: Path, results: Any) -> None:
    told = hardiness(
        "run", "-m", "alexnet:weights=random", "-b", "imagenet-val", "--data", tree(40), "--out", tmp_path / "x"
    )
    assert told.status == 0, told.err
    (result,) = results(tmp_path / "x")
    assert any("published is 56.5" in warning and "preprocessing" in warning for warning in warnings_of(result))


def test_a_full_disk_keeps_what_is_finished(
    hardiness: Any, tree: Any, tmp_path: Path, factory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    original = os.fsync

    def full(descriptor: int) -> None:
        if any((tmp_path / "x" / "records").glob("*/*.parquet")):  # after the first shard, whatever is written when
            raise OSError(errno.ENOSPC, "No space left on device")
        original(descriptor)

    root = tree(750)
    command = ["run", "-m", factory(), "-b", "imagenet-val", "--data", root, "--out", tmp_path / "x", "--quiet"]
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        told = hardiness(*command)
    assert told.status == 1
    assert "the disk is full" in told.err
    assert len(told.lines) == 1
    kept = len(list((tmp_path / "x" / "records").glob("*/*.parquet")))
    assert 1 <= kept < 3
    assert hardiness(*command).status == 0


def test_results_of_another_schema_are_refused_before_any_work(
    hardiness: Any, tree: Any, tmp_path: Path, factory: Any
) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "results.json").write_text('{"schema": 7, "results": []}')
    told = hardiness("run", "-m", factory(), "-b", "imagenet-val", "--data", tree(3), "--out", tmp_path / "x")
    assert told.status == 2
    assert "schema 7" in told.err
    assert not (tmp_path / "x" / "records").exists()


@pytest.mark.parametrize(
    ("out", "line"),
    [
        ("s3:/bucket/x", "an address has two slashes; write s3://bucket/x, or ./s3:/bucket/x for a folder"),
        ("s3:bucket/x", "an address has two slashes; write s3://bucket/x, or ./s3:bucket/x for a folder"),
        ("GS:/bucket/x", "an address has two slashes; write gs://bucket/x, or ./GS:/bucket/x for a folder"),
        ("http:/host/x", "must be a folder, or an address that begins with one of s3://, gs://, az://, memory://"),
    ],
)
def test_an_address_that_lacks_a_slash_makes_no_folder(
    out: str, line: str, hardiness: Any, factory: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    model = factory()
    before = sorted(tmp_path.iterdir())
    told = hardiness("run", "-m", model, "-b", "imagenet-val", "--data", "embedded", "--out", out)
    assert told.status == 2
    assert told.lines == [f"hardiness: --out {out}: {line}"]
    assert sorted(tmp_path.iterdir()) == before
    assert hardiness("show", out).status == 2


def test_a_folder_may_have_a_colon_in_its_name(hardiness: Any, factory: Any, tmp_path: Path) -> None:
    out = tmp_path / "12:30"
    command = ("run", "-m", factory(), "-b", "imagenet-val", "--data", "embedded", "--limit", "2", "--quiet")
    assert hardiness(*command, "--out", out).status == 0
    assert (out / "results.json").is_file()


def test_a_plan_of_what_cannot_be_evaluated_does_not_say_that_all_is_stored(
    hardiness: Any, factory: Any, tmp_path: Path
) -> None:
    (tmp_path / "broken.py").write_text("def build():\n    raise RuntimeError('no weights today')\n")
    surrogate = f"py:{tmp_path / 'broken.py'}:build"
    told = hardiness(
        *("run", "--plan", "-m", factory(), "-b", f"blackbox:surrogate={surrogate}", "--data", "embedded"),
        *("--limit", "2", "--device", "cpu", "--out", tmp_path / "out"),
    )
    assert told.status == 1
    assert "all is stored" not in told.out
    assert "none: it cannot be evaluated" in told.out
    assert "its surrogate cannot be used" in told.err


def test_a_first_run_that_failed_does_not_advise_to_show_it(hardiness: Any, factory: Any, tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("def build():\n    raise RuntimeError('no weights today')\n")
    broken = f"py:{tmp_path / 'broken.py'}:build"
    told = hardiness(
        *("run", "-m", factory(), "-b", f"blackbox:surrogate={broken}", "--data", "embedded", "--limit", "2"),
        *("--device", "cpu", "--out", tmp_path / "out"),
    )
    assert told.status == 1
    assert "hardiness show" not in told.out
    assert f"{tmp_path / 'out'} holds no results yet" in told.out
    assert "its surrogate cannot be used" in told.err
