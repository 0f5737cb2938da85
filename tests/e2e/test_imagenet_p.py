"""ImageNet-P through the command line: generated, written as videos, stored, broken, killed and continued."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from told import warnings_of

from hardiness import api
from hardiness.api.command import Command
from hardiness.benchmarks.imagenet_p import ImagenetP
from hardiness.core.request import Request
from hardiness.data.root import locate
from hardiness.distortions.apply import perturbations
from hardiness.engine import worker
from hardiness.imaging.videos import decode_video, encode_video
from hardiness.reference.sets import distortion_set
from hardiness.store.store import Store

IMAGENET_P = distortion_set("imagenet-p")

FAST = {"preset": "ultrafast", "crf": "20"}
MODEL = "squeezenet1_1"

NAN = " + torch.where(x.mean(dim=(1, 2, 3), keepdim=True).flatten(1) > 0.5, torch.nan, 0.0)"
"""What makes logits of bright frames NaN, behind those of the small network."""

RESTLESS = " + 30 * torch.sin(200 * x.mean(dim=(1, 2, 3))[:, None] + 37.0 * torch.arange(1000))"
"""What lets its answer flip with every frame."""


def rows(out: Path, data: str | None = None) -> dict[tuple[str, int, int], tuple[int, tuple[int, ...]]]:
    """Prediction and top-5 classes by (sample, condition, frame)."""
    found: dict[tuple[str, int, int], tuple[int, tuple[int, ...]]] = {}
    for run in Store.open(out).runs():
        if data is None or run.run.data.name == data:
            records = run.records()
            names = ("sample", "condition", "frame", "prediction", "top5_class")
            for sample, condition, frame, prediction, top5 in zip(*(records[n].tolist() for n in names), strict=True):
                found[sample, condition, frame] = (prediction, tuple(top5))
    return found


def score(result: dict[str, Any], metric: str, **condition: Any) -> dict[str, Any]:
    return next(s for s in result["scores"] if s["metric"] == metric and s["condition"] == condition)


def metrics(result: dict[str, Any]) -> set[str]:
    return {each["metric"] for each in result["scores"]}


def videos(tree: Path) -> dict[str, bytes]:
    return {str(path.relative_to(tree)): path.read_bytes() for path in sorted(tree.rglob("*.mp4"))}


@pytest.fixture(scope="module")
def released_once(photographs: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small ImageNet-P of three photographs, all ten sequences, by a fast setting of the same encoder."""
    root, benchmark = tmp_path_factory.mktemp("released"), ImagenetP()
    items = {item.file.path: item for item in locate([str(photographs[0].parents[3])]).dataset("imagenet").items}
    for photograph in photographs[:3]:
        for condition in benchmark.whole():
            folder = root / condition["perturbation"] / photograph.parent.name
            folder.mkdir(parents=True)
            frames = benchmark.sequence(items[str(photograph)], condition, seed=0)
            (folder / f"{photograph.stem}.mp4").write_bytes(encode_video(frames, FAST))
    return root


@pytest.fixture
def released(released_once: Path, tmp_path: Path) -> Path:
    """A copy of it to break."""
    return Path(shutil.copytree(released_once, tmp_path / "imagenet-p"))


def a_video(tree: Path, name: str = "rotate") -> Path:
    return min((tree / name).rglob("*.mp4"))


def test_generated_on_photographs(hardiness: Any, tree: Any, tmp_path: Path, results: Any) -> None:
    root, out = tree(2), tmp_path / "x"
    told = hardiness("run", "-m", MODEL, "-b", "imagenet-p", "--data", root, "--out", out)
    assert told.status == 0, told.err
    (result,) = results(out)
    assert result["complete"] is True
    assert result["counts"] == {"expected": 20, "evaluated": 20, "failed": 0, "images": 2}
    assert [s["metric"] for s in result["scores"]][:4] == ["mfr", "flip_probability", "mt5d", "top5_distance"]
    assert score(result, "mt5d")["value"] is None
    assert "mT5D is undefined" in told.out
    assert {s["condition"].get("perturbation") for s in result["scores"]} == {None, *IMAGENET_P.members}
    found = rows(out)
    assert len(found) == 2 * (9 * 31 + 41)
    assert (out / "report.html").read_text().count("data:image/jpeg") >= len(IMAGENET_P.members)
    shown = hardiness("show", out, "--all")
    for name in IMAGENET_P.members:
        assert name.replace("_", " ") in shown.out
    # What the engine computed is what one gets by hand, without it.
    flips = 0.0
    for sample in {sample for sample, _, _ in found}:
        answers = [found[sample, IMAGENET_P.members.index("tilt"), frame][0] for frame in range(31)]
        flips += float(np.mean(np.diff(answers) != 0)) / 2
    assert score(result, "flip_probability", perturbation="tilt")["value"] == pytest.approx(flips)


def test_options_pick_sequences_and_share_one_key(
    hardiness: Any, factory: Any, tree: Any, tmp_path: Path, results: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered: list[int] = []
    original = worker.classify

    def counted(classifier: Any, benchmark: Any, feed: Any, rows: Any, batch: Any) -> Any:
        answered.append(len(rows))  # a look at stored rows is no row
        return original(classifier, benchmark, feed, rows, batch)

    monkeypatch.setattr(worker, "classify", counted)
    common = ["run", "-m", factory(), "--data", tree(3), "--out", tmp_path / "x", "--quiet"]

    def computed(benchmark: str) -> int:
        answered.clear()
        told = hardiness(*common, "-b", benchmark)
        assert told.status == 0, told.err
        return sum(answered)

    probe = computed("imagenet-p:perturbations=translate") - 3 * 41  # what tells the batch's input is counted too
    assert metrics(results(tmp_path / "x")[0]) >= {"mfr_partial", "flip_rate", "flip_probability"}
    assert probe >= 0
    assert computed("imagenet-p") - probe <= 3 * 279
    assert {"mfr"} <= metrics(results(tmp_path / "x")[0])
    assert computed("imagenet-p:perturbations=rotate+snow") <= probe
    assert computed("imagenet-p:extra=true") - probe <= 3 * 4 * 31
    assert computed("imagenet-p:difficulty=3,perturbations=shot_noise") >= 3 * 31
    assert len(list((tmp_path / "x" / "records").iterdir())) == 1
    (result,) = results(tmp_path / "x")
    assert result["counts"]["evaluated"] == 30
    assert score(result, "flip_probability", perturbation="spatter")["n"] == 3
    harder = score(result, "top5_distance", perturbation="shot_noise", severity=3)["value"]
    assert harder > score(result, "top5_distance", perturbation="shot_noise")["value"]


def test_videos_are_used_where_there_are_any(
    released: Path, hardiness: Any, factory: Any, tmp_path: Path, results: Any
) -> None:
    told = hardiness("run", "-m", factory(), "-b", "imagenet-p", "--data", tmp_path, "--out", tmp_path / "x", "--quiet")
    assert told.status == 0, told.err
    (result,) = results(tmp_path / "x")
    assert result["data"] == "imagenet-p"
    assert result["complete"] is True
    assert score(result, "mfr")["value"] is not None
    assert len(rows(tmp_path / "x")) == 3 * 320
    assert (tmp_path / "x" / "report.html").read_text().count("data:image/jpeg") >= len(IMAGENET_P.members)


def test_without_the_library_of_videos_one_line_says_what_to_install(
    released: Path, hardiness: Any, factory: Any, tree: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    run = ("run", "-m", factory(), "-b", "imagenet-p", "--data", tmp_path, "--out", tmp_path / "x", "--quiet")
    for arguments in (
        run,
        ("make", "perturbations", tree(1), tmp_path / "p", "--perturbations", "translate", "--quiet"),
    ):
        told = hardiness(*arguments)
        assert told.status == 2
        assert told.lines == ["hardiness: video files need PyAV; pip install 'hardiness[video]'"]


@pytest.mark.slow
def test_a_written_tree_gives_nearly_the_predictions_of_generating(
    hardiness: Any, data_root: Path, tmp_path: Path, results: Any
) -> None:
    """Coding moves values by a grey level or more, so near ties may fall the other way, and nothing else."""
    names = "rotate+zoom_blur+brightness"
    asked = ["--limit", "1", "--quiet"]
    told = hardiness(
        "make", "perturbations", f"imagenet={data_root}/imagenet", tmp_path / "p", "--perturbations", names, *asked
    )
    assert told.status == 0, told.err
    common = ["run", "-m", MODEL, "-b", f"imagenet-p:perturbations={names}", "--out", tmp_path / "x", *asked]
    assert hardiness(*common, "--data", f"imagenet-p={tmp_path / 'p'}").status == 0
    assert hardiness(*common, "--data", f"imagenet={data_root}/imagenet").status == 0
    stored, generated = rows(tmp_path / "x", "imagenet-p"), rows(tmp_path / "x", "imagenet")
    assert stored.keys() == generated.keys()
    assert np.mean([stored[key][0] == generated[key][0] for key in stored]) > 0.9


def test_written_videos_hold_the_generated_frames(hardiness: Any, tree: Any, tmp_path: Path) -> None:
    root = tree(1)
    told = hardiness("make", "perturbations", root, tmp_path / "p", "--perturbations", "translate", "--contact-sheet")
    assert told.status == 0, told.err
    assert "\n1 file  " in told.out
    (path,) = videos(tmp_path / "p")
    (item,) = locate([str(root)]).dataset("imagenet").items
    assert path == f"translate/{item.id}.mp4"
    (condition,) = ImagenetP(perturbations=("translate",)).requested()
    frames = list(ImagenetP().sequence(item, condition, seed=0))
    decoded = decode_video((tmp_path / "p" / path).read_bytes(), path, perturbations.get("translate").frames, 224)
    for frame, video in zip(frames, decoded, strict=True):
        assert np.abs(frame.astype(int) - video).mean() < 4
    with Image.open(tmp_path / "p" / "contact-sheet.png") as sheet:
        assert sheet.size[0] > 8 * 96
    assert not (tmp_path / "p" / ".partial").exists()


@pytest.mark.slow
@pytest.mark.thorough
def test_batch_size_and_thread_count_change_no_byte(factory: Any, tree: Any, tmp_path: Path) -> None:
    found = []
    data = (str(tree(5)),)
    for workers, batch_size in ((1, 16), (3, 16), (2, 7)):
        out = tmp_path / f"{workers}-{batch_size}"
        asked = Request(workers=workers, batch_size=batch_size)
        command = Command((factory(),), ("imagenet-p:extra=true",), out, data=data, request=asked)
        assert not api.run(command).problems
        records = {path.name: path.read_bytes() for path in out.glob("records/*/*.parquet")}
        found.append((records, rows(out)))
    assert found[0] == found[1]
    assert found[0][1].keys() == found[2][1].keys()
    assert {key: value[0] for key, value in found[0][1].items()} == {k: v[0] for k, v in found[2][1].items()}


# --- bad input ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("option", "says"),
    [
        ("perturbations=rotat", "did you mean 'rotate'"),
        ("difficulty=4", "difficulty must be 1, 2 or 3, was 4"),
        ("difficulty=2,perturbations=snow", "snow has difficulty 1 alone, was asked for 2"),
        ("difficulty=two", "difficulty must be of type int"),
        ("source=store", "did you mean 'stored'"),
        ("extra=maybe", "true or false"),
    ],
)
def test_wrong_options_cost_one_line(hardiness: Any, factory: Any, tmp_path: Path, option: str, says: str) -> None:
    told = hardiness(
        "run", "-m", factory(), "-b", f"imagenet-p:{option}", "--data", "embedded", "--out", tmp_path / "x"
    )
    assert told.status == 2
    assert says in told.err
    assert len(told.lines) == 1, told.err


def test_the_same_options_of_perturb_are_refused_alike(hardiness: Any, tmp_path: Path) -> None:
    for arguments, says in (
        (["--perturbations", "rotat"], "did you mean 'rotate'"),
        (["--difficulty", "2", "--perturbations", "snow"], "snow has difficulty 1 alone"),
        (["--difficulty", "0"], "difficulty must be 1, 2 or 3, was 0"),
    ):
        told = hardiness("make", "perturbations", "embedded", tmp_path / "p", *arguments)
        assert told.status == 2
        assert says in told.err
        assert len(told.lines) == 1
        assert not (tmp_path / "p").exists()


def an_empty_file(tree: Path) -> None:
    a_video(tree).write_bytes(b"")


def no_video(tree: Path) -> None:
    a_video(tree).write_text("none" * 100)


def cut_off(tree: Path) -> None:
    content = a_video(tree).read_bytes()
    a_video(tree).write_bytes(content[: len(content) // 2])


def a_frame_too_few(tree: Path) -> None:
    frames = decode_video(a_video(tree).read_bytes(), "v", 31, 224)
    a_video(tree).write_bytes(encode_video(frames[:-1], FAST))


def as_many_frames_as_others(tree: Path) -> None:
    shutil.copy(a_video(tree), a_video(tree, "translate"))


def of_another_size(tree: Path) -> None:
    a_video(tree).write_bytes(encode_video([np.zeros((256, 224, 3), np.uint8)] * 31, FAST))


def a_photograph(tree: Path) -> None:
    Image.new("RGB", (224, 224)).save(a_video(tree), "PNG")


def without_a_video(tree: Path) -> None:
    a_video(tree).unlink()


def without_a_sequence(tree: Path) -> None:
    shutil.rmtree(tree / "snow")


@pytest.mark.parametrize(
    ("break_", "says", "evaluated"),
    [
        (an_empty_file, "must be a video, but is empty (0 bytes)", 29),
        (no_video, "must be a whole video, but is damaged", 29),
        (cut_off, "must be a whole video, but is damaged", 29),
        (a_frame_too_few, "must have 31 frames, had 30", 29),
        (as_many_frames_as_others, "must have 41 frames, had 31", 29),
        (of_another_size, "must be 224x224 pixels, was 224x256", 29),
        (a_photograph, "must have 31 frames, had 1", 29),
        (without_a_video, "holds 2 of 3 images; the rest count as failed", 29),
        (without_a_sequence, "has no snow: not evaluated, so mFR is partial", 27),
    ],
)
def test_a_broken_tree_is_evaluated_in_part_and_labelled_so(
    released: Path,
    hardiness: Any,
    factory: Any,
    tmp_path: Path,
    results: Any,
    break_: Callable[[Path], None],
    says: str,
    evaluated: int,
) -> None:
    break_(released)
    data = ["--data", f"imagenet-p={released}"]
    told = hardiness("run", "-m", factory(), "-b", "imagenet-p", *data, "--out", tmp_path / "x")
    assert told.status == 1
    (line,) = {line for line in (*told.err.splitlines(), *told.out.splitlines()) if says in line}
    assert "Traceback" not in line
    (result,) = results(tmp_path / "x")
    assert result["complete"] is False
    assert result["counts"]["evaluated"] == evaluated
    assert "mfr_partial" in metrics(result)
    assert "mfr" not in metrics(result)
    assert score(result, "mfr_partial")["value"] is not None


def test_a_video_that_is_mended_is_evaluated_by_the_same_command(
    released: Path, hardiness: Any, factory: Any, tmp_path: Path, results: Any
) -> None:
    whole = a_video(released).read_bytes()
    command = ["run", "-m", factory(), "-b", "imagenet-p:perturbations=rotate", "--out", tmp_path / "x", "--quiet"]
    status = a_video(released).stat()
    a_video(released).write_bytes(b"x" * len(whole))
    os.utime(a_video(released), ns=(status.st_atime_ns, status.st_mtime_ns))
    assert hardiness(*command, "--data", f"imagenet-p={released}").status == 1
    a_video(released).write_bytes(whole)
    os.utime(a_video(released), ns=(status.st_atime_ns, status.st_mtime_ns))
    hardiness(*command, "--data", f"imagenet-p={released}")
    (result,) = results(tmp_path / "x")
    assert result["counts"]["failed"] == 0
    assert score(result, "flip_probability", perturbation="rotate")["n"] == 3


def test_one_bad_frame_fails_its_sequence_alone(
    hardiness: Any, factory: Any, tree: Any, tmp_path: Path, results: Any
) -> None:
    """Bright frames give NaN: of brightness that fails, of the others what is bright enough."""
    model = factory(tail=NAN)
    told = hardiness("run", "-m", model, "-b", "imagenet-p", "--data", tree(3), "--out", tmp_path / "x", "--quiet")
    assert told.status == 1
    (result,) = results(tmp_path / "x")
    counts = result["counts"]
    assert counts["failed"] > 0
    assert counts["evaluated"] + counts["failed"] == counts["expected"] == 30
    (run,) = Store.open(tmp_path / "x").runs()
    records = run.records()
    lengths = {
        41 if condition == IMAGENET_P.members.index("translate") else 31
        for condition in set(records["condition"].tolist())
    }
    keys = list(zip(records["sample"].tolist(), records["condition"].tolist(), strict=True))
    assert {keys.count(key) for key in set(keys)} <= lengths


def test_nothing_that_is_no_such_tree_is_taken_for_one(hardiness: Any, factory: Any, tmp_path: Path) -> None:
    empty, flat = tmp_path / "empty", tmp_path / "flat"
    empty.mkdir()
    (flat / "rotate" / "n00000000").mkdir(parents=True)
    (flat / "rotate" / "n00000000" / "a.mp4").write_bytes(b"x")
    for folder, says in (
        (empty, "must hold <perturbation>/<wnid>/*.mp4, but none was found there"),
        (flat, "must lie in a folder named by a wnid"),
        (tmp_path / "absent", "must be a folder of <perturbation>/<wnid>/*.mp4"),
    ):
        told = hardiness(
            "run", "-m", factory(), "-b", "imagenet-p", "--data", f"imagenet-p={folder}", "--out", tmp_path
        )
        assert told.status == 2
        assert says in told.err
        assert len(told.lines) == 1, told.err


def test_another_seed_source_or_folder_is_refused(hardiness: Any, tree: Any, tmp_path: Path) -> None:
    few = ["--perturbations", "translate", "--limit", "1", "--quiet"]
    assert hardiness("make", "perturbations", "embedded", tmp_path / "p", *few).status == 0
    before = videos(tmp_path / "p")
    full = tmp_path / "full"
    full.mkdir()
    (full / "precious.txt").write_text("mine")
    for arguments, says in (
        (["embedded", tmp_path / "p", "--seed", "1"], "seed 0, and now seed is 1"),
        ([tree(2), tmp_path / "p"], "source embedded, and now source is imagenet"),
        (["embedded", full], "precious.txt"),
        (["nowhere", tmp_path / "d"], "nowhere"),
    ):
        told = hardiness("make", "perturbations", *arguments, *few)
        assert told.status == 2, told.err
        assert says in told.err
        assert len(told.lines) == 1
    assert videos(tmp_path / "p") == before


def test_a_photograph_that_cannot_be_read_fails_alone(hardiness: Any, tree: Any, tmp_path: Path) -> None:
    root = tree(2)
    folder = next((root / "imagenet" / "val").iterdir())
    (folder / "bad.JPEG").write_bytes(b"\xff\xd8\xff no photograph")
    told = hardiness(
        "make", "perturbations", root, tmp_path / "p", "--perturbations", "translate", "--contact-sheet", "--quiet"
    )
    assert told.status == 1
    assert len(told.lines) == 1
    assert "bad.JPEG" in told.err
    assert len(videos(tmp_path / "p")) == 2
    assert (tmp_path / "p" / "contact-sheet.png").is_file()


# --- killed and continued ----------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.thorough
def test_a_killed_perturb_continues_and_writes_the_same_tree(
    moments: Any, hardiness: Any, data_root: Path, tmp_path: Path
) -> None:
    asked = ["--limit", "4", "--perturbations", "translate+brightness", "--quiet"]
    source = f"imagenet={data_root}/imagenet"
    longest = moments.finish("make", "perturbations", source, tmp_path / "whole", *asked)
    whole = videos(tmp_path / "whole")
    assert len(whole) == 8
    for _ in range(3):
        moments.kill("make", "perturbations", source, tmp_path / "killed", *asked, between=(longest / 3, longest))
        assert videos(tmp_path / "killed").items() <= whole.items(), "what is left is whole"
    moments.finish("make", "perturbations", source, tmp_path / "killed", *asked)
    assert videos(tmp_path / "killed") == whole
    times = {name: (tmp_path / "killed" / name).stat().st_mtime_ns for name in whole}
    cut_off = min(whole)
    (tmp_path / "killed" / cut_off).write_bytes(whole[cut_off][:-40])
    assert hardiness("make", "perturbations", source, tmp_path / "killed", *asked).status == 0
    assert videos(tmp_path / "killed") == whole
    assert [name for name, t in times.items() if (tmp_path / "killed" / name).stat().st_mtime_ns != t] == [cut_off]
    manifests = [json.loads((tmp_path / name / "manifest.json").read_bytes()) for name in ("killed", "whole")]
    assert manifests[0] == manifests[1]
    assert sum(map(len, manifests[0]["files"].values())) == 8
    assert not (tmp_path / "killed" / ".partial").exists()


@pytest.mark.slow
@pytest.mark.thorough
def test_a_killed_run_continues_with_the_same_bytes(moments: Any, factory: Any, tree: Any, tmp_path: Path) -> None:
    def shards(out: str) -> dict[str, bytes]:
        return {f"{p.parent.name}/{p.name}": p.read_bytes() for p in (tmp_path / out).glob("records/*/*.parquet")}

    command = ["run", "-m", factory(), "-b", "imagenet-p", "--data", tree(16), "--quiet", "--out"]
    longest = moments.finish(*command, tmp_path / "whole")
    expected = shards("whole")
    assert len(expected) == 16, "a file a photograph: what a kill can lose"
    for _ in range(3):
        moments.kill(*command, tmp_path / "killed", between=(longest / 3, longest))
        assert shards("killed").items() <= expected.items()
    moments.finish(*command, tmp_path / "killed")
    assert shards("killed") == expected


# --- another baseline, and listings ------------------------------------------------------------------------------


def test_a_stored_run_as_the_baseline_gives_mt5d_and_divides_no_other_benchmark(
    hardiness: Any, tree: Any, tmp_path: Path, factory: Any, results: Any
) -> None:
    model, other, out, root = factory(tail=RESTLESS), factory(name="other"), tmp_path / "x", tree(3)
    corruptions = "imagenet-c:corruptions=fog+contrast,severities=5"
    common = ["--data", root, "--out", out, "--quiet", "-b", "imagenet-p"]
    assert hardiness("run", "-m", model, "-m", other, *common).status == 0
    assert hardiness("run", "-m", other, *common[:-1], corruptions).status == 0
    before = {(r["model"], r["benchmark"]): r for r in results(out)}
    assert score(before[model, "imagenet-p"], "mt5d")["value"] is None
    written = (out / "results.json").read_bytes()
    shown = hardiness("show", out, "--baseline", model, "--json")
    assert shown.status == 0
    assert (out / "results.json").read_bytes() == written, "another baseline is shown, and not kept"
    after = {(r["model"], r["benchmark"]): r for r in json.loads(shown.out)}
    told = after[model, "imagenet-p"]
    for metric in ("mfr", "mt5d"):
        assert score(told, metric)["value"] == pytest.approx(1)
    divided = after[other, "imagenet-p"]
    mine = score(divided, "top5_distance", perturbation="rotate")["value"]
    theirs = score(told, "top5_distance", perturbation="rotate")["value"]
    assert score(divided, "t5d", perturbation="rotate")["value"] == pytest.approx(mine / theirs)
    assert any("not to the published baseline" in warning for warning in warnings_of(told))
    key = (other, "imagenet-c")
    assert after[key] == before[key], "the same photographs, but the baseline was not run on their corruptions"
    refused = hardiness("show", out, "--baseline", "alexnet")
    assert refused.status == 2
    assert "must be a model with a stored run to divide by" in refused.err


def test_every_perturbation_is_listed_and_described(hardiness: Any) -> None:
    told = hardiness("list", "perturbations")
    assert told.status == 0
    for name in perturbations.names():
        (line,) = [line for line in told.out.splitlines() if f" {name} " in line]
        assert ("first frame" in line) is ("noise" in name)
        assert ("validation" in line) is (name not in IMAGENET_P.members)
        described = hardiness("list", "perturbations", name)
        assert described.status == 0
        assert "Source: Hendrycks & Dietterich" in " ".join(described.out.split())
        for row in perturbations.get(name).parameters:
            assert all(str(number) in described.out for number in row.values())
    assert "did you mean 'tilt'" in hardiness("list", "perturbations", "tlit").err
