"""ImageNet validation on real models and photographs, through the command line."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image
from told import warnings_of

import hardiness as package
from hardiness import api, imaging
from hardiness.imaging.codecs import decode
from hardiness.imaging.resizing import on_canvas
from hardiness.models.classifier import Classifier
from hardiness.models.preprocessing import to_pixels

Results = Callable[[Path], list[dict[str, Any]]]

EMBEDDED = ["efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2", "squeezenet1_1"]
CORRECT_OF_99 = {  # counted from the labelled list of the photographs, by the models' own published views
    "efficientnet_lite0": 96,
    "efficientnet_lite1": 96,
    "efficientnet_lite2": 95,
    "squeezenet1_1": 86,
}


def headline(result: dict[str, Any], metric: str) -> dict[str, Any]:
    return next(score for score in result["scores"] if score["metric"] == metric)


def test_lite0_on_the_photographs_then_again_without_a_forward_pass(
    hardiness: Any,
    data_root: Path,
    photographs: list[Path],
    tmp_path: Path,
    results: Results,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    command = ["run", "-m", "efficientnet_lite0", "-b", "imagenet-val", "--data", data_root, "--out", tmp_path / "x"]
    told = hardiness(*command)
    assert told.status == 0, told.err
    (result,) = results(tmp_path / "x")
    assert result["complete"] is True
    count = len(photographs)
    assert result["counts"] == {"expected": count, "evaluated": count, "failed": 0, "images": count}
    top1 = headline(result, "top1")
    assert top1["n"] == count
    # 88.3 % on the whole 1,000-photograph sample; 96 of the 99 inside packages
    assert top1["value"] == pytest.approx(0.88 if count == 250 else 96 / 99, abs=0.03)
    assert top1["interval"][0] < top1["value"] < top1["interval"][1]
    assert headline(result, "top5")["value"] >= top1["value"]
    assert "efficientnet_lite0" in told.out
    assert (tmp_path / "x" / "report.html").stat().st_size > 2000
    (session,) = result["measured"]["sessions"]
    assert session["runtime"] == "openvino"
    assert session["agreement"]["max_error"] <= 1e-4

    def no_forward_pass(self: Classifier, pixels: object) -> None:
        raise AssertionError("the second run must not compute anything")

    monkeypatch.setattr(Classifier, "logits", no_forward_pass)
    before = (tmp_path / "x" / "results.json").read_bytes()
    again = hardiness(*command)
    assert again.status == 0
    assert (tmp_path / "x" / "results.json").read_bytes() == before


def test_records_hold_one_row_per_sample_with_what_cards_need(
    hardiness: Any, tree: Any, tmp_path: Path, factory: Any
) -> None:
    hardiness("run", "-m", factory(), "-b", "imagenet-val", "--data", tree(12), "--out", tmp_path / "x")
    (file,) = (tmp_path / "x" / "records").glob("*/*.parquet")
    table = pq.read_table(file)
    assert table.num_rows == 12
    assert {"sample", "label", "prediction", "confidence", "top5_class", "top5_logit"} <= set(table.column_names)
    assert {"prediction_imagenet-a", "prediction_imagenet-r"} <= set(table.column_names)
    assert len(set(table["sample"].to_pylist())) == 12


def test_embedded_models_answer_as_their_photographs_were_labelled(
    hardiness: Any, tmp_path: Path, results: Results
) -> None:
    models = [argument for name in EMBEDDED for argument in ("-m", name)]
    told = hardiness("run", *models, "-b", "imagenet-val", "--data", "embedded", "--out", tmp_path)
    assert told.status == 0, told.err
    found = {result["model"]: result for result in results(tmp_path)}
    assert set(found) == set(EMBEDDED)
    for name, result in found.items():
        assert result["data"] == "embedded"
        top1 = headline(result, "top1")
        assert round(top1["value"] * 99) == CORRECT_OF_99[name], (name, top1)
        assert any("demo-sized" in warning for warning in warnings_of(result))
        calibration = [score for score in result["scores"] if score["metric"] == "rms_calibration_error"]
        assert [score["value"] for score in calibration] == [None, None]  # 99 samples: no bin of 100
        assert calibration[0]["lack"]["text"] == "it needs 200 images, had 99"


def test_several_models_decode_each_photograph_once(
    hardiness: Any, tree: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[str] = []
    original = decode
    monkeypatch.setattr(imaging, "decode", lambda data, name: decoded.append(name) or original(data, name))
    evaluated: list[str] = []
    publish = api.publish

    def published(*arguments: Any) -> Any:  # the page decodes those that it shows
        evaluated.extend(decoded)
        return publish(*arguments)

    monkeypatch.setattr(api, "publish", published)
    models = ["-m", "efficientnet_lite0", "-m", "efficientnet_lite1", "-m", "squeezenet1_1"]
    hardiness("run", *models, "-b", "imagenet-val", "--data", tree(6), "--out", tmp_path / "x")
    assert len(evaluated) == len(set(evaluated)) == 6


@pytest.mark.parametrize("runtime", ["torch", "openvino"])
def test_batch_size_changes_no_prediction(
    hardiness: Any, tree: Any, tmp_path: Path, results: Results, runtime: str
) -> None:
    columns = []
    for size in (1, 3, 8):
        out = tmp_path / f"{runtime}{size}"
        common = ["-b", "imagenet-val", "--data", tree(11, name=f"root{size}"), "--batch-size", str(size)]
        hardiness("run", "-m", "efficientnet_lite0", *common, "--out", out, "--runtime", runtime)
        (file,) = (out / "records").glob("*/*.parquet")
        columns.append(pq.read_table(file))
    for table in columns[1:]:
        assert table["sample"] == columns[0]["sample"]
        assert table["prediction"] == columns[0]["prediction"]
        difference = np.array(table["confidence"]) - np.array(columns[0]["confidence"])
        assert np.abs(difference).max() < 1e-5


def test_limit_is_a_prefix_of_any_larger_limit(
    hardiness: Any, tree: Any, tmp_path: Path, factory: Any, results: Results
) -> None:
    common = ["run", "-m", factory(), "-b", "imagenet-val", "--data", tree(20), "--out", tmp_path / "x", "--limit"]
    hardiness(*common, "5")
    (first,) = results(tmp_path / "x")
    assert first["counts"] == {"expected": 20, "evaluated": 5, "failed": 0, "images": 5}
    assert first["complete"] is False
    assert any("partial" in warning for warning in warnings_of(first))
    hardiness(*common, "12")
    (second,) = results(tmp_path / "x")
    assert second["counts"]["evaluated"] == 12
    assert [session["rows"] for session in second["measured"]["sessions"]] == [5, 7]


def test_relatives_run_on_trees_of_their_own_and_stand_beside_clean_accuracy(
    hardiness: Any, photographs: list[Path], tmp_path: Path, results: Results
) -> None:
    from hardiness import reference

    wnids = reference.wnids()
    root = tmp_path / "root"
    for photograph in photographs:
        index = wnids.index(photograph.parent.name)
        places = [f"imagenet/val/{photograph.parent.name}", f"imagenet-sketch/{photograph.parent.name}"]
        places.append(f"imagenet-v2/{index}")
        places += [
            f"{subset}/{photograph.parent.name}"
            for subset in ("imagenet-a", "imagenet-r")
            if index in reference.subset(subset)
        ]
        for place in places:
            (root / place).mkdir(parents=True, exist_ok=True)
            (root / place / photograph.name).symlink_to(photograph.resolve())
    benchmarks = ["imagenet-val", "imagenet-a", "imagenet-r", "imagenet-sketch", "imagenet-v2"]
    asked = [argument for name in benchmarks for argument in ("-b", name)]
    told = hardiness("run", "-m", "efficientnet_lite0", *asked, "--data", root, "--out", tmp_path / "x")
    assert told.status == 0, told.err
    found = {result["benchmark"]: result for result in results(tmp_path / "x")}
    assert set(found) == set(benchmarks)
    clean = headline(found["imagenet-val"], "top1")["value"]
    for name in ("imagenet-sketch", "imagenet-v2"):  # the same photographs: the same accuracy, no drop
        assert headline(found[name], "top1")["value"] == clean
        assert headline(found[name], "clean_top1")["value"] == clean
        assert headline(found[name], "top1_drop")["value"] == 0
    for name in ("imagenet-a", "imagenet-r"):
        scores = found[name]["scores"]
        among_all = next(s for s in scores if s["condition"] == {"decision": "1000-way"})
        assert headline(found[name], "top1")["value"] >= among_all["value"]
        assert headline(found[name], "clean_top1")["value"] == headline(found[name], "top1")["value"]
        assert headline(found[name], "top1_drop")["value"] == 0


def test_relatives_of_other_photographs_are_compared_with_clean_ones_of_their_own_classes(
    hardiness: Any, photographs: list[Path], tmp_path: Path, results: Results
) -> None:
    """The relatives hold pictures that stand on their head; accuracy, clean accuracy and drop are counted by hand."""
    from hardiness import reference

    wnids, root = reference.wnids(), tmp_path / "root"
    names = {"imagenet-sketch": range(1000), **{name: reference.subset(name) for name in ("imagenet-a", "imagenet-r")}}
    clean = photographs[:: max(1, len(photographs) // 80)][:80]  # of classes from all over
    shifted: dict[str, list[Path]] = {name: [] for name in names}
    for number, photograph in enumerate(clean):
        (root / "imagenet" / "val" / photograph.parent.name).mkdir(parents=True, exist_ok=True)
        (root / "imagenet" / "val" / photograph.parent.name / photograph.name).symlink_to(photograph.resolve())
        for name, classes in names.items():
            if number % 3 and wnids.index(photograph.parent.name) in classes:
                turned = root / name / photograph.parent.name / f"turned_{photograph.name}"
                turned.parent.mkdir(parents=True, exist_ok=True)
                Image.open(photograph).convert("RGB").rotate(180).save(turned, "JPEG", quality=90)
                shifted[name].append(turned)
    model = package.load_model("squeezenet1_1")
    asked = [argument for name in ("imagenet-val", *names) for argument in ("-b", name)]
    told = hardiness("run", "-m", "squeezenet1_1", *asked, "--data", root, "--out", tmp_path / "x", "--quiet")
    assert told.status == 0, told.err
    found = {result["benchmark"]: result for result in results(tmp_path / "x")}
    for name, classes in names.items():
        of_its_classes = {file.parent.name for file in shifted[name]}
        beside = [photograph for photograph in clean if photograph.parent.name in of_its_classes]
        expected, before = (np.mean(right_of(model, files, list(classes))) for files in (shifted[name], beside))
        assert len(shifted[name]) >= 5
        assert headline(found[name], "top1")["value"] == pytest.approx(expected)
        assert headline(found[name], "clean_top1")["value"] == pytest.approx(before)
        assert headline(found[name], "top1_drop")["value"] == pytest.approx(before - expected)
    assert headline(found["imagenet-sketch"], "top1_drop")["value"] > 0, "on their head they are recognised less often"


def right_of(model: Classifier, files: list[Path], classes: list[int]) -> np.ndarray:
    """Whether the largest logit among ``classes`` is the label's, photograph by photograph."""
    from hardiness import reference

    pixels = to_pixels([on_canvas(decode(file.read_bytes(), file.name), model.spec.view.canvas) for file in files])
    answers = np.array(classes)[model.logits(pixels)[:, classes].argmax(1)]
    return answers == [reference.wnids().index(file.parent.name) for file in files]


def test_a_model_with_its_own_classes_on_its_own_folder(
    hardiness: Any, photographs: list[Path], tmp_path: Path, factory: Any, results: Results
) -> None:
    for number, photograph in enumerate(photographs[:9]):
        folder = tmp_path / "pets" / ["cat", "dog", "fish"][number % 3]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / photograph.name).symlink_to(photograph.resolve())
    told = hardiness(
        "run", "-m", factory(classes=3), "-b", "imagenet-val", "--data", f"imagenet={tmp_path / 'pets'}",
        "--out", tmp_path / "x",
    )  # fmt: skip
    assert told.status == 0, told.err
    (result,) = results(tmp_path / "x")
    assert headline(result, "top1")["n"] == 9
    assert headline(result, "aurra")["value"] is not None
    assert result["run"]["data"]["num_classes"] == 3


def test_python_mirror_gives_the_same_scores(hardiness: Any, tree: Any, tmp_path: Path, results: Results) -> None:
    root = tree(10)
    hardiness("run", "-m", "efficientnet_lite0", "-b", "imagenet-val", "--data", root, "--out", tmp_path / "x")
    result = package.evaluate("efficientnet_lite0", "imagenet-val", str(root))
    (stored,) = results(tmp_path / "x")
    assert json.loads(json.dumps(result.as_dict()["scores"])) == stored["scores"]
    assert result.score("top1").value == headline(stored, "top1")["value"]


def test_python_takes_any_module_with_a_view(tree: Any) -> None:
    import torch

    network = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(4), torch.nn.Flatten(), torch.nn.Linear(48, 1000))
    result = package.evaluate(network, "imagenet-val", str(tree(5)), view=package.View(crop_px=64, resize_px=64))
    assert result.counts.evaluated == 5
    with pytest.raises(ValueError, match="needs view="):
        package.evaluate(network, "imagenet-val", str(tree(5, name="other")))


def test_a_second_model_on_one_folder_stands_beside_the_first(
    hardiness: Any, tree: Any, tmp_path: Path, factory: Any, results: Results
) -> None:
    first, second, out = factory(name="first"), factory(name="second"), tmp_path / "x"
    common = ["-b", "imagenet-val", "--data", tree(5), "--out", out]
    hardiness("run", "-m", first, *common, "--quiet")
    told = hardiness("run", "-m", second, *common)
    assert {result["model"] for result in results(out)} == {first, second}
    page = (out / "report.html").read_text()
    assert first in page
    assert second in page
    assert "first.py" not in told.out, "the command itself prints what was asked for"


def test_show_changes_nothing_but_what_it_keeps_beside_the_records(
    hardiness: Any, tree: Any, tmp_path: Path, factory: Any
) -> None:
    out = tmp_path / "x"
    hardiness("run", "-m", factory(), "-b", "imagenet-val", "--data", tree(5), "--out", out, "--quiet")

    def files() -> dict[str, bytes]:
        return {
            str(path): path.read_bytes() for path in out.rglob("*") if path.is_file() and "scored" not in path.parts
        }

    before = files()
    (kept,) = out.glob("records/*/scored")
    shutil.rmtree(kept)
    assert hardiness("show", out).status == 0
    assert files() == before
    assert {path.name for path in kept.iterdir()} == {"memo.jsonl", "images.parquet"}


def test_show_tells_a_run_that_cannot_be_read_and_shows_the_others(
    hardiness: Any, tree: Any, tmp_path: Path, factory: Any
) -> None:
    out = tmp_path / "x"
    for name in ("first", "second"):
        common = ["-b", "imagenet-val", "--data", tree(3, name=f"root-{name}"), "--out", out, "--quiet"]
        hardiness("run", "-m", factory(name=name), *common)
    (damaged,) = [path for path in out.glob("records/*/run.json") if "first" in path.read_text()]
    damaged.write_text("{")
    shown = hardiness("show", out)
    assert shown.status == 1
    assert "second" in shown.out
    (line,) = shown.lines
    assert str(damaged) in line


def test_show_and_report_need_no_model(
    hardiness: Any, tree: Any, tmp_path: Path, factory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    hardiness("run", "-m", factory(), "-b", "imagenet-val", "--data", tree(5), "--out", tmp_path / "x", "--quiet")
    (tmp_path / "x" / "report.html").unlink()
    (tmp_path / "x" / "results.json").unlink()
    monkeypatch.delattr(Classifier, "logits")
    shown = hardiness("show", tmp_path / "x")
    assert shown.status == 0
    assert "imagenet-val on imagenet" in shown.out
    assert hardiness("report", tmp_path / "x").status == 0
    assert (tmp_path / "x" / "report.html").exists()
    assert json.loads(hardiness("show", tmp_path / "x", "--json").out)[0]["benchmark"] == "imagenet-val"
