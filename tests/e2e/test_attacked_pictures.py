"""Pictures that attacks make: saved for any model, also of stored runs; a surrogate's kept for models added later."""

from __future__ import annotations

import gzip
import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import torch

NETWORKS = Path(__file__).resolve().parents[1] / "masked" / "networks.py"
CLASSES, LIMIT = 10, "6"
PLAIN, ADVERSARIAL, ROUNDED = (
    f"py:{NETWORKS}:{name}:mean=0,std=1" for name in ("plain", "adversarial", "plain_rounded")
)
QUICK = "protocol=standard,epsilons=24/255,steps=4,must_break=false,cross_checks=false"


@pytest.fixture
def run(run_on_crops: Callable[..., Any]) -> Callable[..., Any]:
    return run_on_crops


def value(result: dict[str, Any], metric: str) -> float:
    (found,) = [
        s["value"]
        for s in result["scores"]
        if s["metric"] == metric and set(s["condition"]) <= {"epsilon", "steps", "surrogate"}
    ]
    return float(found)


def test_pictures_of_a_stored_run_are_saved_when_they_are_asked_for(run: Callable[..., Any], tmp_path: Path) -> None:
    first = run((PLAIN,), f"whitebox:{QUICK}")
    assert first.status == 0, first.err
    folder, records = tmp_path / "out" / "images" / "whitebox", tmp_path / "out" / "records"
    before = {path: path.read_bytes() for path in records.rglob("*.parquet")}
    assert not folder.exists()
    run((PLAIN,), f"whitebox:{QUICK}", "--save-images")
    saved = sorted(folder.rglob("*.png"))
    rows = pq.read_table([path for path in before if "scored" not in path.parts]).to_pylist()
    assert len(saved) == sum(row["success"] for row in rows if row["condition"] == 1) > 0
    assert len((folder / "manifest.jsonl").read_text().splitlines()) == len(saved)
    assert {path: path.read_bytes() for path in records.rglob("*.parquet")} == before
    times = {path: path.stat().st_mtime_ns for path in saved}
    run((PLAIN,), f"whitebox:{QUICK}", "--save-images")
    assert {path: path.stat().st_mtime_ns for path in saved} == times, "what is there is not made again"
    saved[0].unlink()
    run((PLAIN,), f"whitebox:{QUICK}", "--save-images")
    assert saved[0].exists()


def test_any_model_is_evaluated_on_saved_pictures(
    run: Callable[..., Any], hardiness: Callable[..., Any], results: Callable[..., Any], tmp_path: Path
) -> None:
    run((PLAIN,), f"whitebox:{QUICK}", "--save-images")
    (folder,) = {path.parents[1] for path in (tmp_path / "out" / "images").rglob("*.png")}
    count = len(list(folder.rglob("*.png")))
    told = hardiness(
        "run", "-m", PLAIN, "-m", ADVERSARIAL, "-b", "imagenet-val", "--data", f"adversarial={folder}", "--out",
        tmp_path / "other",
    )  # fmt: skip
    assert told.status == 0, told.err
    found = {result["model"].rpartition(":")[2]: result for result in results(tmp_path / "other")}
    assert {result["data"] for result in found.values()} == {"adversarial"}
    assert {result["counts"]["images"] for result in found.values()} == {count}
    assert value(found["plain"], "top1") == 0.0, "they fool the model that they were made on, rounded to 8 bits as well"
    assert value(found["adversarial"], "top1") > 0.3, (
        "and are shown to others with their labels, in order of all classes"
    )


def test_a_folder_that_is_not_one_condition_is_told_in_a_line(
    run: Callable[..., Any], hardiness: Callable[..., Any], tmp_path: Path
) -> None:
    run((PLAIN,), f"whitebox:{QUICK}".replace("24/255", "16/255+24/255"), "--save-images")
    top = tmp_path / "out" / "images" / "whitebox"
    command = ("run", "-m", PLAIN, "-b", "imagenet-val", "--out", tmp_path / "other", "--data")
    told = hardiness(*command, f"adversarial={top}")
    assert (told.status, len(told.lines)) == (2, 1)
    assert "must be the pictures of one model under one condition, but holds those of 2; name one: " in told.lines[0]
    told = hardiness(*command, f"adversarial={tmp_path}")
    assert (told.status, len(told.lines)) == (2, 1)
    assert "holds a manifest.jsonl; class folders without one are --data imagenet=" in told.lines[0]
    (top / "manifest.jsonl").write_text("nonsense\n")
    told = hardiness(*command, f"adversarial={top}")
    assert (told.status, len(told.lines)) == (2, 1)
    assert "must hold a JSON object a line" in told.lines[0]


def test_a_model_added_later_is_shown_the_pictures_that_were_kept(
    run: Callable[..., Any], results: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hardiness.engine import transfer

    calls: list[int] = []
    run_round = transfer.run_round
    monkeypatch.setattr(transfer, "run_round", lambda *given, **named: (calls.append(1), run_round(*given, **named))[1])
    benchmark = f"blackbox:surrogate={PLAIN.partition(':mean')[0]},protocol=standard,epsilons=24/255,steps=4"
    first = run((ADVERSARIAL,), benchmark)
    assert first.status == 0, first.err
    assert len(calls) == 1
    kept = sorted((tmp_path / "out" / "surrogates").rglob("*.zip"))
    assert len(kept) == int(LIMIT)
    run((ADVERSARIAL, ROUNDED), benchmark)
    assert len(calls) == 1, "the model that came later attacks nothing"
    together = run((ADVERSARIAL, ROUNDED), benchmark.replace("steps=4", "steps=4,keep=false"), out="anew")
    assert together.status == 0, together.err
    assert not (tmp_path / "anew" / "surrogates").exists()
    one, other = ({r["model"]: r["scores"] for r in results(tmp_path / out)} for out in ("out", "anew"))
    assert one == other
    kept[0].write_bytes(b"damaged")
    shutil.rmtree(next(iter((tmp_path / "out" / "records").glob("*rounded*"))))
    calls.clear()
    run((ADVERSARIAL, ROUNDED), benchmark)
    assert len(calls) == 1, "a damaged file is made again"
    assert {r["model"]: r["scores"] for r in results(tmp_path / "out")} == other


class Code:
    """What a pickle could hold."""

    def __reduce__(self) -> Any:
        return print, ("run",)


def test_a_patch_of_imagenet_patch_is_put_where_it_does_most(
    run: Callable[..., Any], results: Callable[..., Any], tmp_path: Path
) -> None:
    patches = torch.zeros(2, 3, 224, 224)
    patches[1, :, 87:137, 87:137] = torch.rand(3, 50, 50, generator=torch.Generator().manual_seed(0)).round()
    file = tmp_path / "patches.gz"
    file.write_bytes(gzip.compress(pickle.dumps((patches, torch.arange(2)))))
    options = "protocol=standard,norm=patch,epsilons=0.05,steps=1+30,must_break=false"
    benchmark = f"whitebox:attack=universal-patch,file={file},patch=1,{options}"
    told = run((PLAIN,), benchmark, "--save-images")
    assert told.status == 0, told.err
    (result,) = results(tmp_path / "out")
    accuracy = {s["condition"].get("steps"): s["value"] for s in result["scores"] if s["metric"] == "accuracy"}
    assert accuracy[30] <= accuracy[1]
    key = result["run"]["key"]
    patches[1] = patches[1].flip(1)
    file.write_bytes(gzip.compress(pickle.dumps((patches, torch.arange(2)))))
    run((PLAIN,), benchmark)
    assert len({r["run"]["key"] for r in results(tmp_path / "out")} | {key}) == 2, "another content is another run"
    for content, line in (
        (gzip.compress(pickle.dumps((Code(),))), "it names builtins.print"),
        (b"nonsense", "must hold (patches, targets) as tensors"),
    ):
        file.write_bytes(content)
        told = run((PLAIN,), benchmark)
        assert (told.status, len(told.lines)) == (2, 1)
        assert line in told.lines[0]


def test_a_patch_is_trained_on_some_photographs_and_fools_the_model_on_others(
    run: Callable[..., Any], hardiness: Callable[..., Any], results: Callable[..., Any], crops: Path, tmp_path: Path
) -> None:
    command = (
        "make",
        "patch",
        "-m",
        PLAIN,
        "--data",
        f"imagenet={crops}:classes=folders",
        "--limit",
        "12",
        "--share",
        "0.1",
    )
    patches = [tmp_path / name / "000_patch.png" for name in ("noise", "first", "again")]
    for file, steps in zip(patches, ("1", "40", "40"), strict=True):
        told = hardiness(*command, "--steps", steps, "--rate", "0.1" if steps == "40" else "1e-6", "--out", file.parent)
        assert told.status == 0, told.err
    assert patches[1].read_bytes() == patches[2].read_bytes(), "draws are keyed by the seed"
    facts = json.loads((tmp_path / "first" / "features.json").read_text())["features"][0]
    assert facts["effect_after"] > facts["effect_before"]
    assert (tmp_path / "first" / "grid.png").is_file()
    options = "protocol=standard,norm=patch,epsilons=0.1,steps=1,must_break=false,cross_checks=false"
    for file in patches[:2]:
        told = run((PLAIN,), f"whitebox:attack=universal-patch,file={file},{options}", out=f"by-{file.parent.name}")
        assert told.status == 0, told.err
    noise, trained = (results(tmp_path / f"by-{name}")[0] for name in ("noise", "first"))
    shown = {row["sample"] for path in (tmp_path / "by-first").rglob("*.parquet") if "scored" not in path.parts
             for row in pq.read_table(path).to_pylist()}  # fmt: skip
    assert shown.isdisjoint(facts["trained_on"])
    assert value(trained, "accuracy") < value(noise, "accuracy")


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (("--share", "0"), "share must be above 0 and at most 1, and cover a pixel, was 0.0"),
        (("--target", "c99"), "c99"),
        (("--steps", "0"), "steps must be at least 1, was 0"),
        (("--out", str(NETWORKS.parent)), "must be empty or hold a features.json"),
    ],
)
def test_a_patch_that_cannot_be_is_one_line(
    hardiness: Callable[..., Any], crops: Path, tmp_path: Path, options: tuple[str, ...], line: str
) -> None:
    out = () if "--out" in options else ("--out", tmp_path / "patch")
    told = hardiness("make", "patch", "-m", PLAIN, "--data", f"imagenet={crops}:classes=folders", *out, *options)
    assert (told.status, len(told.lines)) == (2, 1)
    assert line in told.lines[0]


@pytest.mark.parametrize(
    ("preprocessing", "inputs"),
    [("Crop288", {"288 px as it is"}), ("model", {"224 px as it is", "48 px as it is"})],
)
def test_each_model_is_attacked_on_the_pixels_that_are_asked_for(
    run: Callable[..., Any], tmp_path: Path, preprocessing: str, inputs: set[str]
) -> None:
    two = PLAIN, ADVERSARIAL + ",resize_px=56,crop_px=48"
    told = run(two, f"autoattack:preprocessing={preprocessing},queries=2,cross_checks=false,epsilons=24/255")
    assert told.status == 0, told.err
    runs = [json.loads(path.read_text()) for path in (tmp_path / "out").rglob("run.json")]
    assert len(runs) == len(two)
    assert {each["run"]["input"]["fed"] for each in runs} == inputs


@pytest.mark.parametrize(
    ("benchmark", "line"),
    [
        ("whitebox:attack=universal-patch,norm=patch,epsilons=0.05,protocol=standard", "universal-patch needs file="),
        ("whitebox:bpda=jpeg,epsilons=0.1", "bpda names no module 'jpeg' of this model"),
        (f"blackbox:surrogate={PLAIN.partition(':mean')[0]},epsilons=0.1", "its own surrogate: that is no black box"),
        ("imagenet-val:subset=robustbench", "holds none of them; leave subset out, or give the validation set"),
        ("autoattack:subset=imagenet-v2", "unknown subset of autoattack 'imagenet-v2'"),
        ("autoattack:preprocessing=Crop299", "unknown preprocessing of autoattack 'Crop299'; did you mean 'Crop288'"),
        ("whitebox:norm=l3,epsilons=1", "unknown norm of whitebox 'l3'"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_one_line(run: Callable[..., Any], benchmark: str, line: str) -> None:
    told = run((PLAIN,), benchmark, "--quiet")
    assert told.status in (1, 2)
    assert line in told.lines[-1]
    assert len(told.lines) == 1


def test_a_module_that_is_not_there_leaves_no_run_behind(run: Callable[..., Any], tmp_path: Path) -> None:
    told = run((PLAIN,), "whitebox:bpda=jpeg,epsilons=0.1")
    assert told.status == 1
    assert not list((tmp_path / "out").rglob("run.json"))
    assert "holds no results yet" in told.out
    assert "next:" not in told.out


def test_the_manifest_tells_of_each_picture(run: Callable[..., Any], tmp_path: Path) -> None:
    run((PLAIN,), f"whitebox:{QUICK}", "--save-images")
    folder = tmp_path / "out" / "images" / "whitebox"
    for line in (folder / "manifest.jsonl").read_text().splitlines():
        entry = json.loads(line)
        assert (folder / entry["file"]).is_file()
        assert entry["sample"] == "/".join(Path(entry["file"]).with_suffix("").parts[-2:])
        assert (entry["attack"], entry["norm"], entry["model"]) == ("pgd", "linf", PLAIN.partition(":mean")[0])
    assert json.loads((folder / "classes.json").read_text())["names"] == [f"c{i}" for i in range(CLASSES)]
