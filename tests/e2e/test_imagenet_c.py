"""ImageNet-C through the command line: generated, written as a tree, stored, broken, killed and continued."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import hardiness as package
from hardiness import api
from hardiness.api.command import Command
from hardiness.benchmarks.corruptions import corruption_benchmark
from hardiness.core.errors import ArgumentError
from hardiness.core.model import CANVAS_224
from hardiness.core.request import Request
from hardiness.data.root import locate
from hardiness.engine import worker
from hardiness.imaging.codecs import decode
from hardiness.imaging.resizing import on_canvas
from hardiness.models.preprocessing import to_pixels
from hardiness.reference.sets import SEVERITIES, distortion_set
from hardiness.store.store import Store
from hardiness.trees.corruptions import PictureForm, write_corrupted

IMAGENET_C = distortion_set("imagenet-c")
ImagenetC = corruption_benchmark("imagenet-c")

Rows = dict[tuple[str, str], dict[tuple[str, int], tuple[int, float]]]

EMBEDDED = ("efficientnet_lite0", "squeezenet1_1")


def rows(out: Path) -> Rows:
    """Prediction and confidence by (model, data) and (sample, condition)."""
    found: Rows = {}
    for run in Store.open(out).runs():
        records = run.records()
        keys = zip(records["sample"].tolist(), records["condition"].tolist(), strict=True)
        values = zip(records["prediction"].tolist(), records["confidence"].tolist(), strict=True)
        key = (run.run.model.name, run.run.data.name)
        found[key] = dict(zip(keys, values, strict=True))
    return found


def score(result: dict[str, Any], metric: str, **condition: Any) -> dict[str, Any]:
    return next(s for s in result["scores"] if s["metric"] == metric and s["condition"] == condition)


def metrics(result: dict[str, Any]) -> set[str]:
    return {each["metric"] for each in result["scores"]}


def files(tree: Path) -> dict[str, bytes]:
    return {str(path.relative_to(tree)): path.read_bytes() for path in sorted(tree.rglob("*.JPEG"))}


@pytest.fixture(scope="module")
def written_once(frost_pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree of all 75 cells of four of the embedded photographs."""
    tree = tmp_path_factory.mktemp("written") / "c"
    write_corrupted("embedded", tree, ImagenetC(), Request(limit=4), form=PictureForm(format="jpeg"))
    return tree


@pytest.fixture
def written(written_once: Path, tmp_path: Path) -> Path:
    """A copy of it to break."""
    return Path(shutil.copytree(written_once, tmp_path / "c"))


def test_generated_on_photographs_and_clean_error_is_that_of_the_same_crop(
    frost_pictures: Path, hardiness: Any, tree: Any, tmp_path: Path, results: Any
) -> None:
    root = tree(6)
    told = hardiness("run", "-m", EMBEDDED[0], "-b", "imagenet-c", "--data", root, "--out", tmp_path / "x")
    assert told.status == 0, told.err
    (result,) = results(tmp_path / "x")
    assert result["complete"] is True
    assert result["counts"] == {"expected": 6 * 75, "evaluated": 6 * 75, "failed": 0, "images": 6}
    assert {"mce", "relative_mce", "mean_error", "clean_error", "ce", "relative_ce", "error"} <= metrics(result)
    assert [s["metric"] for s in result["scores"]][:2] == ["mce", "relative_mce"]
    assert sum(set(s["condition"]) == {"corruption", "severity"} for s in result["scores"]) == 75
    items = locate([str(root)]).dataset("imagenet").items
    crops = [on_canvas(decode(item.file.read(), item.id), CANVAS_224) for item in items]
    answers = package.load_model(EMBEDDED[0]).logits(to_pixels(crops)).argmax(axis=1)
    wrong = np.mean(answers != [item.label for item in items])
    assert score(result, "clean_error")["value"] == pytest.approx(wrong)
    assert "mce" in told.out.lower()


@pytest.mark.slow
@pytest.mark.parametrize("model", [pytest.param(EMBEDDED[0], marks=pytest.mark.thorough), EMBEDDED[1]])
def test_a_written_tree_gives_the_predictions_of_generating(
    written: Path, hardiness: Any, tmp_path: Path, results: Any, model: str
) -> None:
    common = ["run", "-m", model, "-b", "imagenet-c", "--out", tmp_path / "x", "--quiet"]
    assert hardiness(*common, "--data", "embedded", "--limit", "4").status == 0
    assert hardiness(*common, "--data", f"imagenet-c={written}", "--data", "embedded").status == 0
    found = rows(tmp_path / "x")
    assert len(found[model, "embedded"]) == 4 * 76
    assert found[model, "imagenet-c"] == found[model, "embedded"]
    by_data = {(r["model"], r["data"]): r for r in results(tmp_path / "x")}
    stored, generated = by_data[model, "imagenet-c"], by_data[model, "embedded"]
    assert stored["complete"] is True
    for metric in ("mce", "relative_mce", "mean_error", "clean_error"):
        assert score(stored, metric) == score(generated, metric)


def test_stored_files_without_the_photographs_have_no_relative_mce_and_say_so(
    written: Path, hardiness: Any, factory: Any, tmp_path: Path, results: Any
) -> None:
    told = hardiness("run", "-m", factory(), "-b", "imagenet-c", "--data", f"imagenet-c={written}", "--out", tmp_path)
    assert told.status == 0, told.err
    (result,) = results(tmp_path)
    assert score(result, "mce")["value"] is not None
    relative = score(result, "relative_mce")
    assert relative["value"] is None
    assert "imagenet/val" in relative["lack"]["text"]
    assert "clean_error" not in metrics(result)
    assert "relative mce is undefined" in " ".join(told.out.split()).lower()


@pytest.mark.slow
def test_options_pick_cells_and_share_one_key(
    frost_pictures: Path, hardiness: Any, factory: Any, tmp_path: Path, results: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered: list[int] = []
    original = worker.classify

    def counted(classifier: Any, benchmark: Any, feed: Any, rows: Any, batch: Any) -> Any:
        answered.append(len(rows))  # a look at stored rows is no row
        return original(classifier, benchmark, feed, rows, batch)

    monkeypatch.setattr(worker, "classify", counted)
    common = ["run", "-m", factory(), "--data", "embedded", "--limit", "3", "--out", tmp_path, "--quiet"]

    def computed(benchmark: str) -> int:
        answered.clear()
        assert hardiness(*common, "-b", benchmark).status == 0
        return sum(answered)

    fog = computed("imagenet-c:corruptions=fog")
    assert metrics(results(tmp_path)[0]) >= {"mce_partial", "relative_mce_partial"}
    assert not metrics(results(tmp_path)[0]) & {"mce", "relative_mce"}
    assert fog >= 3 * 6  # what tells the batch's input is counted too
    rest = computed("imagenet-c")
    assert 3 * 70 <= rest <= 3 * 70 + (fog - 3 * 6)
    assert computed("imagenet-c:severities=2+4,corruptions=snow+fog") <= fog - 3 * 6
    extra = computed("imagenet-c:extra=true")
    assert 3 * 20 <= extra <= 3 * 20 + (fog - 3 * 6)
    assert len(list((tmp_path / "records").iterdir())) == 1
    (result,) = results(tmp_path)
    assert score(result, "error", corruption="saturate", severity=5)["n"] == 3
    assert {"mce", "relative_mce"} <= metrics(result)
    computed("imagenet-c:jpeg=false,corruptions=fog")
    assert len(list((tmp_path / "records").iterdir())) == 2, "without JPEG the pictures are others"


def test_data_of_own_classes_have_no_mce_but_a_mean_error(
    frost_pictures: Path, hardiness: Any, factory: Any, photographs: list[Path], tmp_path: Path, results: Any
) -> None:
    for number, photograph in enumerate(photographs[:6]):
        folder = tmp_path / "own" / f"kind{number % 3}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / photograph.name).symlink_to(photograph.resolve())
    data = ["--data", f"imagenet={tmp_path / 'own'}"]
    told = hardiness("run", "-m", factory(classes=3), "-b", "imagenet-c", *data, "--out", tmp_path / "x")
    assert told.status == 0, told.err
    (result,) = results(tmp_path / "x")
    assert score(result, "mce")["value"] is None
    assert "no baseline" in score(result, "mce")["lack"]["text"]
    assert 0 <= score(result, "mean_error")["value"] <= 1


def test_ids_that_keep_a_suffix_survive_the_tree(
    frost_pictures: Path, hardiness: Any, factory: Any, photographs: list[Path], tmp_path: Path
) -> None:
    folder = tmp_path / "root" / "imagenet" / "val" / "n01440764"
    folder.mkdir(parents=True)
    for index, name in enumerate(("a.png", "a.JPEG", "b.c.JPEG")):
        Image.open(photographs[index]).convert("RGB").save(folder / name)
    root, tree = tmp_path / "root", tmp_path / "root" / "imagenet-c"
    cells = ["--corruptions", "fog+contrast", "--severities", "1+5"]
    assert hardiness("make", "corruptions", "--format", "jpeg", root, tree, *cells, "--quiet").status == 0
    assert len(files(tree)) == 3 * 4
    assert (tree / "fog" / "5" / "n01440764" / "a.png.JPEG").is_file()
    asked = "corruptions=fog+contrast,severities=1+5"
    for source in ("stored", "generated"):
        benchmark = f"imagenet-c:source={source},{asked}"
        told = hardiness("run", "-m", factory(), "-b", benchmark, "--data", root, "--out", tmp_path / "x", "--quiet")
        assert told.status == 0, told.err
    found = rows(tmp_path / "x")
    stored, generated = (
        next(v for (_, data), v in found.items() if data == name) for name in ("imagenet-c", "imagenet")
    )
    assert {sample for sample, _ in stored} == {"n01440764/a.png", "n01440764/a.JPEG", "n01440764/b.c"}
    assert stored == generated


@pytest.mark.slow
@pytest.mark.thorough
def test_batch_size_and_thread_count_change_no_byte(frost_pictures: Path, factory: Any, tmp_path: Path) -> None:
    found = []
    for workers, batch_size in ((1, 16), (3, 16), (2, 5)):
        out = tmp_path / f"{workers}-{batch_size}"
        asked = Request(limit=4, workers=workers, batch_size=batch_size)
        api.run(Command((factory(),), ("imagenet-c",), out, data=("embedded",), request=asked))
        write_corrupted("embedded", out / "tree", ImagenetC(), asked)
        records = {path.name: path.read_bytes() for path in out.glob("records/*/*.parquet")}
        manifest = (out / "tree" / "manifest.json").read_bytes()
        found.append((records, files(out / "tree"), manifest, rows(out)))
    assert found[0] == found[1]
    assert found[0][1:3] == found[2][1:3]
    for (_, _, _, first), (_, _, _, last) in [(found[0], found[2])]:
        for key, expected in first.items():
            assert {row: value[0] for row, value in last[key].items()} == {row: v[0] for row, v in expected.items()}


# --- bad input ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("option", "says"),
    [
        ("severities=0", "severities must be numbers from 1 to 5, had 0"),
        ("severities=1+6", "severities must be numbers from 1 to 5, had 6"),
        ("severities=two", "severities"),
        ("corruptions=fgo", "did you mean 'fog'"),
        ("corruptions=fog+snwo", "did you mean 'snow'"),
        ("source=store", "did you mean 'stored'"),
        ("extra=maybe", "true or false"),
    ],
)
def test_wrong_options_cost_one_line(hardiness: Any, factory: Any, tmp_path: Path, option: str, says: str) -> None:
    told = hardiness(
        "run", "-m", factory(), "-b", f"imagenet-c:{option}", "--data", "embedded", "--out", tmp_path / "x"
    )
    assert told.status == 2
    assert says in told.err
    assert len(told.lines) == 1, told.err
    if not option.startswith(("source", "extra")):
        name, _, value = option.partition("=")
        told = hardiness("make", "corruptions", "--format", "jpeg", "embedded", tmp_path / "c", f"--{name}", value)
        assert told.status == 2
        assert says in told.err
        assert len(told.lines) == 1
        assert not (tmp_path / "c").exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((np.zeros((31, 64, 3), np.uint8), "fog", 1), "32 pixels or more, was 31x64"),
        ((np.zeros((64, 64, 3), np.uint16), "fog", 1), "uint8"),
        ((np.zeros((64, 64, 3), np.uint8), "fog", 0), "from 1 to 5, was 0"),
        ((np.zeros((64, 64, 3), np.uint8), "fog", 6), "from 1 to 5, was 6"),
        ((np.zeros((64, 64, 3), np.uint8), "fgo", 1), "did you mean 'fog'"),
    ],
)
def test_corrupt_in_python_refuses_in_one_line(arguments: tuple[Any, ...], says: str) -> None:
    with pytest.raises(ArgumentError, match=says) as told:
        package.corrupt(*arguments)
    assert "\n" not in str(told.value)


def without_a_severity(tree: Path) -> None:
    shutil.rmtree(tree / "fog" / "3")


def without_a_corruption(tree: Path) -> None:
    shutil.rmtree(tree / "snow")


def without_a_class(tree: Path) -> None:
    shutil.rmtree(next((tree / "fog" / "3").iterdir()))


def without_an_image(tree: Path) -> None:
    next((tree / "fog" / "3").rglob("*.JPEG")).unlink()


def without_an_image_in_any_cell(tree: Path) -> None:
    name = next((tree / "fog" / "3").rglob("*.JPEG")).name
    for file in tree.rglob(name):
        file.unlink()


def relist(tree: Path, file: Path) -> None:
    """Let the manifest say that the file is what it is now."""
    manifest = json.loads((tree / "manifest.json").read_text())
    path = file.relative_to(tree)
    manifest["files"]["/".join(path.parts[:2])]["/".join(path.parts[2:])] = sha256(file.read_bytes()).hexdigest()
    (tree / "manifest.json").write_text(json.dumps(manifest))


def of_another_size(tree: Path) -> None:
    file = next((tree / "fog" / "3").rglob("*.JPEG"))
    Image.new("RGB", (225, 224)).save(file)
    relist(tree, file)


def of_16_bits(tree: Path) -> None:
    file = next((tree / "fog" / "3").rglob("*.JPEG"))
    Image.fromarray(np.zeros((224, 224), np.uint16)).save(file, "PNG")
    relist(tree, file)


def no_image(tree: Path) -> None:
    file = next((tree / "fog" / "3").rglob("*.JPEG"))
    file.write_text("none")
    relist(tree, file)


def overwritten(tree: Path) -> None:
    Image.new("RGB", (224, 224)).save(next((tree / "fog" / "3").rglob("*.JPEG")))


@pytest.mark.parametrize(
    ("break_", "says", "evaluated"),
    [
        (without_a_severity, "has no fog/3: not evaluated, so mCE is partial", 4 * 74),
        (without_a_corruption, "has no snow/1", 4 * 70),
        (without_a_class, "fog/3 holds 3 of 4 images", 4 * 75 - 1),
        (without_an_image, "fog/3 holds 3 of 4 images", 4 * 75 - 1),
        (without_an_image_in_any_cell, "75 folders of", 3 * 75),
        (of_another_size, "must be 224x224 pixels as in the released files, was 225x224", 4 * 75 - 1),
        (of_16_bits, "must have 8 bits per channel, but has 16", 4 * 75 - 1),
        (no_image, "must be an image file", 4 * 75 - 1),
        (overwritten, "is not the file that manifest.json lists", 4 * 75 - 1),
    ],
)
def test_a_broken_tree_is_evaluated_in_part_and_labelled_so(
    written: Path,
    hardiness: Any,
    factory: Any,
    tmp_path: Path,
    results: Any,
    break_: Callable[[Path], None],
    says: str,
    evaluated: int,
) -> None:
    break_(written)
    data = ["--data", f"imagenet-c={written}", "--data", "embedded"]
    told = hardiness("run", "-m", factory(), "-b", "imagenet-c", *data, "--out", tmp_path / "x")
    assert told.status == 1
    (line,) = {line for line in (*told.err.splitlines(), *told.out.splitlines()) if says in line}
    assert "Traceback" not in line
    (result,) = results(tmp_path / "x")
    assert result["complete"] is False
    assert result["counts"]["evaluated"] == evaluated
    assert metrics(result) >= {"mce_partial", "relative_mce_partial"}
    assert not metrics(result) & {"mce", "relative_mce"}
    assert score(result, "mce_partial")["value"] is not None


def test_a_tree_that_is_not_ours_and_not_the_whole_says_so(
    written: Path, hardiness: Any, factory: Any, tmp_path: Path, results: Any
) -> None:
    (written / "manifest.json").unlink()
    told = hardiness(
        "run", "-m", factory(), "-b", "imagenet-c", "--data", f"imagenet-c={written}", "--out", tmp_path / "x"
    )
    assert told.status == 0, told.err
    assert "a part of imagenet-c: 4 of the 50,000 images that were released" in told.out
    (written / "manifest.json").write_text("[]")
    told = hardiness(
        "run", "-m", factory(), "-b", "imagenet-c", "--data", f"imagenet-c={written}", "--out", tmp_path / "y"
    )
    assert told.status == 2
    assert "must be the list of files that 'hardiness make corruptions'" in told.lines[-1]


def test_a_photograph_that_cannot_be_read_fails_alone_and_the_rest_of_the_tree_is_written(
    frost_pictures: Path, hardiness: Any, tree: Any, tmp_path: Path
) -> None:
    root = tree(3)
    folder = next((root / "imagenet" / "val").iterdir())
    (folder / "bad.JPEG").write_bytes(b"\xff\xd8\xff no photograph")
    told = hardiness("make", "corruptions", "--format", "jpeg", root, tmp_path / "c", "--corruptions", "fog", "--quiet")
    assert told.status == 1
    assert len(told.lines) == 1
    assert "bad.JPEG" in told.err
    assert len(files(tmp_path / "c")) == 15
    (folder / "bad.JPEG").unlink()


def test_another_seed_source_or_folder_is_refused(hardiness: Any, tree: Any, tmp_path: Path) -> None:
    fog = ["--corruptions", "fog", "--severities", "1", "--limit", "2", "--quiet"]
    assert hardiness("make", "corruptions", "--format", "jpeg", "embedded", tmp_path / "c", *fog).status == 0
    before = files(tmp_path / "c")
    full = tmp_path / "full"
    full.mkdir()
    (full / "precious.txt").write_text("mine")
    for arguments, says in (
        (["embedded", tmp_path / "c", "--seed", "1"], "seed 0, and now seed is 1"),
        ([tree(2), tmp_path / "c"], "source embedded, and now source is imagenet"),
        (["embedded", full], "precious.txt"),
        (["nowhere", tmp_path / "d"], "nowhere"),
        (["embedded", tmp_path / "e", "--limit", "0"], "limit must be at least 1"),
    ):
        told = hardiness(
            "make", "corruptions", "--format", "jpeg", *arguments, *(fog if "--limit" not in arguments else fog[:4])
        )
        assert told.status == 2, told.err
        assert says in told.err
        assert len(told.lines) == 1
    assert files(tmp_path / "c") == before
    assert [path.name for path in full.iterdir()] == ["precious.txt"]


# --- killed and continued ----------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.thorough
def test_a_killed_corrupt_continues_and_writes_the_same_tree(
    frost_pictures: Path, moments: Any, hardiness: Any, data_root: Path, tmp_path: Path
) -> None:
    asked = ["--limit", "16", "--quiet"]
    longest = moments.finish("make", "corruptions", "--format", "jpeg", data_root, tmp_path / "whole", *asked)
    whole = files(tmp_path / "whole")
    assert len(whole) == 16 * len(IMAGENET_C.members) * len(SEVERITIES)
    for _ in range(3):
        moments.kill(
            *("make", "corruptions", "--format", "jpeg", data_root, tmp_path / "killed", *asked),
            between=(longest / 3, longest),
        )
        assert files(tmp_path / "killed").items() <= whole.items(), "what is left is whole, and what it would have been"
        if (tmp_path / "killed" / "manifest.json").exists():
            json.loads((tmp_path / "killed" / "manifest.json").read_text())
    moments.finish("make", "corruptions", "--format", "jpeg", data_root, tmp_path / "killed", *asked)
    assert files(tmp_path / "killed") == whole
    manifests = [(tmp_path / name / "manifest.json").read_bytes() for name in ("killed", "whole")]
    assert manifests[0] == manifests[1]
    assert sum(map(len, json.loads(manifests[0])["files"].values())) == len(whole)
    assert not (tmp_path / "killed" / ".partial").exists()


def test_a_tree_that_is_continued_mends_what_is_cut_off_and_writes_nothing_else_again(
    frost_pictures: Path, hardiness: Any, data_root: Path, tmp_path: Path
) -> None:
    command = [
        "make",
        "corruptions",
        "--format",
        "jpeg",
        data_root,
        tmp_path / "c",
        "--corruptions",
        "fog+contrast",
        "--quiet",
        "--limit",
    ]
    assert hardiness(*command, "2").status == 0
    before = files(tmp_path / "c")
    times = {name: (tmp_path / "c" / name).stat().st_mtime_ns for name in before}
    cut_off = next(iter(before))
    (tmp_path / "c" / cut_off).write_bytes(b"\xff\xd8 cut off")
    assert hardiness(*command, "3").status == 0
    after = files(tmp_path / "c")
    assert len(after) == 3 * 2 * len(SEVERITIES)
    assert before.items() <= after.items()
    assert all((tmp_path / "c" / name).stat().st_mtime_ns == t for name, t in times.items() if name != cut_off)


@pytest.mark.slow
@pytest.mark.thorough
def test_a_killed_run_continues_with_the_same_bytes(
    frost_pictures: Path, moments: Any, factory: Any, tree: Any, tmp_path: Path
) -> None:
    def shards(out: str) -> dict[str, bytes]:
        return {f"{p.parent.name}/{p.name}": p.read_bytes() for p in (tmp_path / out).glob("records/*/*.parquet")}

    command = ["run", "-m", factory(), "-b", "imagenet-c", "--data", tree(48), "--quiet", "--out"]
    longest = moments.finish(*command, tmp_path / "whole")
    expected = shards("whole")
    assert len(expected) == 3
    for _ in range(3):
        moments.kill(*command, tmp_path / "killed", between=(longest / 3, longest))
        assert shards("killed").items() <= expected.items()
    moments.finish(*command, tmp_path / "killed")
    assert shards("killed") == expected


def test_any_stored_run_can_be_the_baseline(
    hardiness: Any, tree: Any, tmp_path: Path, factory: Any, results: Any
) -> None:
    model, out = factory(), tmp_path / "x"
    common = ["-b", "imagenet-c:corruptions=fog+contrast", "--data", tree(6), "--out", out, "--quiet"]
    assert hardiness("run", "-m", model, "-m", "squeezenet1_1", *common).status == 0
    shown = hardiness("show", out, "--baseline", model)
    assert shown.status == 0
    assert "not to the published baseline" in " ".join(shown.out.split())
    assert "not to the published baseline" not in (out / "results.json").read_text()
    by_json = json.loads(hardiness("show", out, "--baseline", model, "--json").out)
    by_model = {result["model"]: result["scores"] for result in by_json}
    (ratio,) = [score["value"] for score in by_model[model] if score["metric"] == "mce_partial"]
    assert ratio == pytest.approx(1)
    refused = hardiness("show", out, "--baseline", "alexnet")
    assert refused.status == 2
    assert "must be a model with a stored run to divide by" in refused.err
    assert "squeezenet1_1" in refused.err
    # What is written is of the baseline of the command that writes it: page, results.json and export.
    again = hardiness("run", "-m", model, "-m", "squeezenet1_1", *common, "--baseline", model)
    assert again.status == 0
    kept = json.loads((out / "results.json").read_text())["results"]
    assert [result["scores"] for result in kept] == [result["scores"] for result in by_json]
    assert [result["warnings"] for result in kept] == [result["warnings"] for result in by_json]
    page = (out / "report.html").read_text()
    assert "not to the published baseline" in page
    assert page.count(f"--baseline {model}") == 3, "of each model its command, and of the divisor's again beside it"
    exported = hardiness("export", out, "--format", "json", "--baseline", model).out
    assert [result["warnings"] for result in json.loads(exported)["results"]] == [r["warnings"] for r in kept]
    for baseline in ([], ["--baseline", model]):
        assert hardiness("report", out, "--no-images", *baseline).status == 0
        for written in ("results.json", "report.html"):
            assert ("not to the published baseline" in (out / written).read_text()) == bool(baseline)
    before = (out / "results.json").read_bytes()
    refused = hardiness("run", "-m", model, *common, "--baseline", "alexnet")
    assert refused.status == 2
    assert "must be a model with a stored run to divide by" in refused.err
    assert (out / "results.json").read_bytes() == before, "nothing was computed, so nothing is written"
