"""Shape against texture through the command line: the 241 stimuli, four models, people, and what can be wrong."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import cohen_kappa_score

from hardiness.api import execution
from hardiness.api.command import Command
from hardiness.core.benchmark import Stimulus
from hardiness.engine import worker
from hardiness.imaging.codecs import decode
from hardiness.models.classifier import Classifier
from hardiness.models.preprocessing import to_pixels
from hardiness.reference.categories import sixteen
from hardiness.store.store import Store

EMBEDDED = ("efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2", "squeezenet1_1")


def score(result: dict[str, Any], metric: str, **condition: str) -> dict[str, Any]:
    (found,) = [s for s in result["scores"] if s["metric"] == metric and s["condition"] == condition]
    return dict(found)


@pytest.fixture
def some(stimuli: Path, tmp_path: Path) -> Callable[..., Path]:
    """Makes a data root with some of the stimuli, flat or in a folder for each shape."""

    def make(count: int = 24, sorted_: bool = False, name: str = "root") -> Path:
        folder = tmp_path / name / "cue-conflict"
        folder.mkdir(parents=True)
        for file in sorted(stimuli.glob("*.png"))[:: 241 // count][:count]:
            stimulus = Stimulus.parse(file.stem)
            assert stimulus is not None
            below = folder / stimulus.shape if sorted_ else folder
            below.mkdir(exist_ok=True)
            (below / file.name).symlink_to(file.resolve())
        return tmp_path / name

    return make


@pytest.fixture(scope="module")
def whole(stimuli: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output folder of all four embedded models on all 241 stimuli."""
    out = tmp_path_factory.mktemp("cue_conflict")
    outcome = execution.run(Command(EMBEDDED, ("cue-conflict",), out, data=(str(stimuli.parent),)))
    assert outcome.exit_status == 0, outcome.problems
    return out


@pytest.mark.slow
class TestTheFourEmbeddedModels:
    def test_have_scores_that_follow_from_their_stored_logits(self, whole: Path, results: Any) -> None:
        """Both rules once more, as plainly as they can be written."""
        assert {result["model"] for result in results(whole)} == set(EMBEDDED)
        by_model = {run.run.model.name: run.records() for run in Store.open(whole).runs()}
        for result in results(whole):
            assert (result["benchmark"], result["data"], result["protocol"]) == (
                "cue-conflict",
                "cue-conflict",
                "orhan2019",
            )
            assert result["complete"] is True
            assert result["counts"] == {"expected": 241, "evaluated": 241, "failed": 0, "images": 241}
            records = by_model[result["model"]]
            assert records["logits"].shape == (241, 1000)
            assert records["logits"].dtype == np.float32
            for protocol, decide in (("orhan2019", by_max), ("geirhos2019", by_mean)):
                shape = texture = 0
                for name, logits in zip(records["sample"], records["logits"], strict=True):
                    stimulus = Stimulus.parse(name)
                    assert stimulus is not None
                    answer = decide(logits.astype(np.float64))
                    shape, texture = shape + (answer == stimulus.shape), texture + (answer == stimulus.texture)
                found = score(result, "shape_bias", protocol=protocol)
                assert found["value"] == pytest.approx(shape / (shape + texture))
                assert found["n"] == shape + texture
                assert found["unit"] == "fraction"
                assert found["interval"][0] < found["value"] < found["interval"][1]
                assert score(result, "cue_accuracy", protocol=protocol)["value"] == pytest.approx(
                    (shape + texture) / 241
                )
                assert score(result, "texture_bias", protocol=protocol)["value"] == pytest.approx(
                    texture / (shape + texture)
                )

    def test_go_by_texture_as_published_networks_do(self, whole: Path, results: Any) -> None:
        for result in results(whole):
            assert 0.15 < score(result, "shape_bias", protocol="orhan2019")["value"] < 0.4
            assert 0.4 < score(result, "cue_accuracy", protocol="orhan2019")["value"] < 0.75

    def test_have_all_sixteen_categories_under_both_protocols(self, whole: Path, results: Any) -> None:
        for result in results(whole):
            for metric in ("cue_accuracy", "shape_bias", "texture_bias"):
                conditions = [s["condition"] for s in result["scores"] if s["metric"] == metric]
                assert conditions[:2] == [{"protocol": "orhan2019"}, {"protocol": "geirhos2019"}]
                assert {c["category"] for c in conditions[2:]} == set(sixteen())
                assert len(conditions) == 2 + 2 * 16

    def test_are_shown_with_people_and_drawn(self, whole: Path, hardiness: Any) -> None:
        shown = hardiness("show", whole, "--all")
        assert shown.status == 0
        assert "humans: cue accuracy 80.3, shape bias 95.9" in shown.out
        told = hardiness("report", whole)
        assert told.status == 0, told.err
        assert "<svg" in (whole / "report.html").read_text()
        assert (whole / "figures" / "cue-conflict--shape_bias.svg").stat().st_size > 10_000
        with Image.open(whole / "figures" / "cue-conflict--shape_bias.png") as picture:
            assert picture.format == "PNG"

    def test_are_compared_with_each_other_and_with_people(self, whole: Path, hardiness: Any, tmp_path: Path) -> None:
        answered = people(tmp_path, [path.stem for path in ids_of(whole)], 2)
        told = hardiness(
            "show", "--people", whole, "--humans", tmp_path / "0.csv", "--humans", tmp_path / "1.csv", "--json"
        )
        assert told.status == 0, told.err
        found = {(each["first"], each["second"]): each for each in json.loads(told.out)["consistency"]}
        assert len(found) == 6 + 4 * 3 + 1
        right: dict[str, dict[str, bool]] = {}
        for run in Store.open(whole).runs():
            records = run.records()
            answers = [by_mean(logits.astype(np.float64)) for logits in records["logits"]]
            right[run.run.model.name] = {n: a == shape_of(n) for n, a in zip(records["sample"], answers, strict=True)}
        for person, given in answered.items():
            right[person] = {name: answer == shape_of(name) for name, answer in given.items()}
        for (first, second), each in found.items():
            if first in right and second in right:
                pair = [[right[who][name] for name in sorted(right[first])] for who in (first, second)]
                assert each["kappa"]["value"] == pytest.approx(cohen_kappa_score(*pair))
                assert each["kappa"]["n"] == 241
        table = hardiness("show", "--people", whole, "--humans", tmp_path)
        assert "mean of 2 people" in table.out
        assert "and 8 single pairs: --all" in table.out
        assert "subject-00" in hardiness("show", "--people", whole, "--humans", tmp_path, "--all").out


def by_max(logits: np.ndarray) -> str:
    return max(sixteen(), key=lambda category: max(logits[index] for index in sixteen()[category]))


def by_mean(logits: np.ndarray) -> str:
    softmax = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
    return max(sixteen(), key=lambda category: np.mean([softmax[index] for index in sixteen()[category]]))


def shape_of(name: str) -> str:
    stimulus = Stimulus.parse(name)
    assert stimulus is not None
    return stimulus.shape


def ids_of(out: Path) -> list[Path]:
    return [Path(f"{name}.png") for name in Store.open(out).runs()[0].records()["sample"].tolist()]


def people(folder: Path, stimuli: list[str], count: int) -> dict[str, dict[str, str]]:
    """Writes a csv for each of some people, as the published ones are; gives their answers."""
    chance = random.Random(0)
    answered: dict[str, dict[str, str]] = {}
    for person in range(count):
        name = f"subject-{person:02d}"
        shuffled = chance.sample(stimuli, len(stimuli))
        answered[name] = {each: chance.choice([shape_of(each)] * 4 + ["na", "oven"]) for each in shuffled}
        with (folder / f"{person}.csv").open("w", newline="") as stream:
            table = csv.writer(stream)
            table.writerow(["subj", "Session", "trial", "rt", "object_response", "category", "condition", "imagename"])
            for trial, (stimulus, answer) in enumerate(answered[name].items(), 1):
                seconds = "NaN" if answer == "na" else f"{chance.random():.3f}"
                image = f"{trial:04d}_s5n_s{person:02d}_0_{shape_of(stimulus)}_00_{stimulus}.png"
                table.writerow([name, 1, trial, seconds, answer, shape_of(stimulus), 0, image])
    return answered


# What a model sees --------------------------------------------------------------------------------------------------


def test_stimuli_are_fed_as_they_are(
    some: Any, hardiness: Any, factory: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fed: list[np.ndarray] = []
    original = Classifier.logits

    def watched(self: Classifier, pixels: Any) -> Any:
        fed.extend(pixels.numpy().copy())
        return original(self, pixels)

    monkeypatch.setattr(Classifier, "logits", watched)
    root = some(6)
    told = hardiness("run", "-m", factory(), "-b", "cue-conflict", "--data", root, "--out", tmp_path / "x", "--quiet")
    assert told.status == 0, told.err
    files = sorted((root / "cue-conflict").iterdir())
    expected = to_pixels([decode(file.read_bytes(), file.name) for file in files]).numpy()
    for picture in expected:
        assert any(np.array_equal(picture, seen) for seen in fed)


def test_flat_and_by_shape_and_any_batch_size_give_the_same_answers(
    some: Any, hardiness: Any, factory: Any, tmp_path: Path
) -> None:
    found = []
    for name, sorted_, batch in (("flat", False, "7"), ("sorted", True, "32")):
        root = some(24, sorted_, name)
        common = ["-m", factory(), "-b", "cue-conflict", "--data", root, "--batch-size", batch, "--quiet"]
        assert hardiness("run", *common, "--out", tmp_path / f"out_{name}").status == 0
        (run,) = Store.open(tmp_path / f"out_{name}").runs()
        found.append(run.records())
    assert found[0]["sample"].tolist() == found[1]["sample"].tolist()
    assert found[0]["prediction"].tolist() == found[1]["prediction"].tolist()
    np.testing.assert_allclose(found[0]["logits"], found[1]["logits"], atol=1e-5)


def test_the_same_command_again_computes_nothing_and_a_limit_is_a_prefix(
    some: Any, hardiness: Any, factory: Any, tmp_path: Path, results: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    common = ["run", "-m", factory(), "-b", "cue-conflict", "--data", some(), "--out", tmp_path / "x", "--quiet"]
    assert hardiness(*common, "--limit", "10").status == 0
    (part,) = results(tmp_path / "x")
    assert part["counts"]["evaluated"] == 10
    assert part["complete"] is False
    assert hardiness(*common).status == 0
    before = (tmp_path / "x" / "results.json").read_bytes()
    monkeypatch.setattr(worker, "classify", None)
    assert hardiness(*common).status == 0
    assert (tmp_path / "x" / "results.json").read_bytes() == before


def test_own_categories_run_and_have_no_people_beside_them(
    some: Any, hardiness: Any, factory: Any, tmp_path: Path, results: Any
) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    files = sorted((some(4) / "cue-conflict").iterdir())
    for file, name in zip(files, ("shark1-goldfish1", "goldfish1-shark2", "goldfish2-hen1", "hen1-hen2"), strict=True):
        (folder / f"{name}.png").symlink_to(file.resolve())
    (folder / "categories.csv").write_text("category,class_index\ngoldfish,1\nshark,2\nshark,3\nhen,8\n")
    common = ["-b", "cue-conflict", "--data", f"cue-conflict={folder}", "--out", tmp_path / "x"]
    told = hardiness("run", "-m", factory(), *common)
    assert told.status == 0, told.err
    assert "humans" not in told.out
    (result,) = results(tmp_path / "x")
    assert result["data"] == "own-mine"
    assert result["counts"]["evaluated"] == 3, "hen1-hen2 holds no conflict"
    assert result["run"]["data"]["categories"] == {"goldfish": [1], "hen": [8], "shark": [2, 3]}
    assert {s["condition"].get("category") for s in result["scores"]} == {None, "goldfish", "shark"}


# Bad input ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("cat1_dog2.png", "cat1_dog2.png: must be named <shape><number>-<texture><number>"),
        ("cat1-dgo2.png", "cat1-dgo2.png: 'dgo' is no category; did you mean 'dog'?"),
        ("zebra1-cat2.png", "zebra1-cat2.png: 'zebra' is no category"),
    ],
)
def test_a_name_that_breaks_the_rule_costs_one_line(
    some: Any, hardiness: Any, factory: Any, tmp_path: Path, name: str, says: str
) -> None:
    root = some(3)
    Image.new("RGB", (224, 224)).save(root / "cue-conflict" / name)
    told = hardiness("run", "-m", factory(), "-b", "cue-conflict", "--data", root, "--out", tmp_path / "x")
    assert told.status == 2
    assert says in told.err
    assert len(told.lines) == 1, told.err
    assert not (tmp_path / "x").exists()


def test_a_folder_with_no_stimulus_and_no_folder_at_all_cost_one_line_each(
    hardiness: Any, factory: Any, tmp_path: Path
) -> None:
    (tmp_path / "root" / "cue-conflict").mkdir(parents=True)
    for data, says in ((tmp_path / "root", "but holds no image"), (tmp_path, "must hold cue-conflict/*.png")):
        told = hardiness("run", "-m", factory(), "-b", "cue-conflict", "--data", data, "--out", tmp_path / "x")
        assert told.status == 2
        assert says in told.err
        assert len(told.lines) == 1, told.err


def test_a_model_of_other_classes_is_told_and_the_others_go_on(
    some: Any, hardiness: Any, factory: Any, tmp_path: Path, results: Any
) -> None:
    models = ["-m", factory(classes=10, name="ten"), "-m", factory()]
    told = hardiness("run", *models, "-b", "cue-conflict", "--data", some(4), "--out", tmp_path / "x", "--quiet")
    assert told.status == 1
    (line,) = told.lines
    assert "has 10 classes and data set 'cue-conflict'" in line
    assert "has 1000" in line
    assert len(results(tmp_path / "x")) == 1


def test_a_stimulus_of_another_size_fails_alone(
    some: Any, hardiness: Any, factory: Any, tmp_path: Path, results: Any
) -> None:
    root = some(4).rename(tmp_path / ("a_long_name" * 20))
    Image.new("RGB", (512, 500)).save(root / "cue-conflict" / "oven9-oven10.png")  # left out, never read
    Image.new("RGB", (512, 500)).save(root / "cue-conflict" / "cat9-dog9.png")
    told = hardiness("run", "-m", factory(), "-b", "cue-conflict", "--data", root, "--out", tmp_path / "x")
    assert told.status == 1
    assert "cat9-dog9.png: must be 224x224 pixels as the published stimuli are, was 512x500" in told.out
    (result,) = results(tmp_path / "x")
    assert result["counts"] == {"expected": 5, "evaluated": 4, "failed": 1, "images": 4}


def test_a_wrong_consistency_costs_one_line(some: Any, hardiness: Any, factory: Any, tmp_path: Path) -> None:
    out = tmp_path / "x"
    common = ["run", "-b", "cue-conflict", "--data", some(4), "--out", out, "--quiet"]
    assert hardiness(*common, "-m", factory()).status == 0
    (tmp_path / "h.csv").write_text("subj,object_response,imagename\ns,cat,photo.png\n")
    for arguments, says in (
        ([tmp_path], "must be the --out of an earlier 'hardiness run'"),
        ([out], "holds one model on these stimuli: run another"),
        ([out, "--humans", tmp_path / "none.csv"], "trials must be a csv or Parquet file; there is none at"),
        ([out, "--humans", tmp_path / "h.csv"], "h.csv (row 1): imagename must end in"),
        ([out, "--protocol", "orhan"], "did you mean 'orhan2019'"),
    ):
        told = hardiness("show", "--people", *arguments)
        assert told.status == 2, told.err
        assert says in told.err
        assert len(told.lines) == 1, told.err
