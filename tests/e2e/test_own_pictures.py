"""Every benchmark of photographs on a person's own pictures, in each way of giving them; what is refused, and why."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import hardiness as package
from hardiness.api.call import Call
from hardiness.api.forecast import plan
from hardiness.benchmarks.options import parse, registry
from hardiness.benchmarks.own_pictures import takes_own_pictures
from hardiness.core.errors import ArgumentError
from hardiness.core.random import rng
from hardiness.core.request import Placement, Request

CLASSES = ("bird", "boat", "bus", "cat")
FOG = "corruptions=fog,severities=3"
OPTIONS = {
    "autoattack": "queries=10,epsilons=0.01,must_break=false",
    "apgd-fab-square": "queries=10,iterations=5,epsilons=0.01,must_break=false",
    "whitebox": "epsilons=0.01,steps=2,must_break=false,cross_checks=false",
    "blackbox": "surrogate={network},epsilons=0.01,steps=2",
    "imagenet-p": "perturbations=translate",
    "imagenet-c": FOG,
    "own-c": FOG,
    "imagenet-c-bar": "corruptions=plasma_noise,severities=3",
    "own-c-bar": "corruptions=plasma_noise,severities=3",
    "imagenet-3dcc": "corruptions=iso_noise,severities=3",
    "own-3dcc": "corruptions=iso_noise,severities=3",
    "shift-consistency": "passes=1",
}
"""The fewest pictures and steps that show that it runs."""

TAKEN = tuple(name for name in registry.names() if takes_own_pictures(registry.get(name)))
REFUSED = tuple(name for name in registry.names() if name not in TAKEN)


def picture(name: str) -> Image.Image:
    return Image.fromarray(rng(0, name).integers(0, 256, (64, 72, 3), np.uint8))


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for each of four classes; beside it a flat folder with labels, and two folders of other things."""
    root = tmp_path_factory.mktemp("own")
    lines = ["path,label"]
    for number, kind in enumerate((*CLASSES, *CLASSES)):
        for file in (root / "photos" / kind / f"{number}.png", root / "flat" / f"{number}.png"):
            file.parent.mkdir(parents=True, exist_ok=True)
            picture(f"{kind} {number}").save(file)
        lines.append(f"{number}.png,{kind}")
    (root / "labels.csv").write_text("\n".join(lines))
    for name, count in (("street", 7), ("sky", 2)):
        (root / name).mkdir()
        for number in range(count):
            picture(f"{name} {number}").save(root / name / f"{number}.png")
    return root / "photos"


@pytest.fixture
def asked(factory: Callable[..., str]) -> Callable[[str], str]:
    """The text of a benchmark with the options that make it short."""
    another = factory(len(CLASSES), name="another")
    return lambda name: f"{name}:{options.format(network=another)}" if (options := OPTIONS.get(name, "")) else name


def outside(photos: Path) -> tuple[str, ...]:
    return tuple(text for name in ("street", "sky") for text in ("--data", f"outside={photos.parent / name}"))


@pytest.mark.parametrize("name", TAKEN)
def test_a_folder_for_each_class_serves_every_benchmark_of_photographs(
    name: str, photos: Path, asked: Any, factory: Any, hardiness: Any, results: Any, tmp_path: Path
) -> None:
    """And with ImageNet's name before it, it is the same run."""
    out = tmp_path / "out"
    command = ("run", "-m", factory(len(CLASSES)), "-b", asked(name), "--out", out, "--limit", "4", "--device", "cpu")
    more = outside(photos) if name == "ood" else ()
    told = hardiness(*command, "--data", photos, *more, "--quiet")
    assert told.status == 0, told.err
    (result,) = (each for each in results(out) if each["benchmark"] == name)
    assert result["counts"]["images"] >= 4
    assert any(score["value"] is not None for score in result["scores"])
    if not registry.get(name).is_own:
        again = hardiness(*command, "--data", f"imagenet={photos}:classes=folders", *more, "--plan", "--json")
        assert again.status == 0, again.err
        planned = json.loads(again.out)["benchmarks"]
        assert [each["rows"] for each in planned] == [0] * len(planned), "another key"
    assert hardiness("show", out, "--all").status == 0


def test_every_benchmark_of_photographs_is_planned_with_a_csv(
    photos: Path, asked: Any, factory: Any, hardiness: Any, tmp_path: Path
) -> None:
    model = ("run", "-m", factory(len(CLASSES)), "--limit", "1", "--device", "cpu", "--out", tmp_path / "out")
    named = [part for name in TAKEN for part in ("-b", asked(name))]
    data = ("--data", photos.parent / "flat", "--labels", photos.parent / "labels.csv", *outside(photos))
    told = hardiness(*model, *named, *data, "--plan", "--json")
    assert told.status == 0, told.err
    planned = {each["benchmark"] for each in json.loads(told.out)["benchmarks"]}
    assert planned == {*TAKEN}


class Pictures(torch.utils.data.Dataset[Any]):
    classes = CLASSES

    def __len__(self) -> int:
        return len(CLASSES)

    def __getitem__(self, at: int) -> tuple[Image.Image, int]:
        return picture(str(at)), at


def test_every_benchmark_of_photographs_takes_what_python_holds(
    photos: Path, asked: Any, factory: Any, tmp_path: Path
) -> None:
    from torchvision.datasets import ImageFolder

    arrays = (np.stack([np.asarray(picture(kind)) for kind in CLASSES]), [*CLASSES])
    limit = Request(limit=1)
    names = {"arrays": "own-arrays", "photos": "own-photos", "Pictures": "own-Pictures"}
    for data, name in zip((arrays, ImageFolder(str(photos)), Pictures()), names.values(), strict=True):
        call = Call(
            models=("network",),
            held_models=((None, factory(len(CLASSES))),),
            benchmarks=tuple(map(asked, TAKEN)),
            data=(f"outside={photos.parent / 'street'}",),
            placement=Placement(device="cpu"),
            request=limit,
            out=tmp_path / "out",
            pictures=data,
        )
        if name == "own-arrays":
            planned = plan(call)
            assert not planned.problems
            assert {each.benchmark for each in planned.forecasts} == {*TAKEN}
        evaluations = call.workload().evaluations
        assert {evaluation.benchmark.name for evaluation in evaluations} == {*TAKEN}
        for evaluation in evaluations:
            if evaluation.benchmark.name == "ood":
                assert evaluation.data.name == "outside-street"
                continue
            is_own = evaluation.benchmark.is_own
            assert evaluation.data.name == (name.removeprefix("own-") if is_own else name)
            assert evaluation.data.class_names == CLASSES
    folder = Call(models=("n",), held_models=(), benchmarks=("whitebox",), data=(str(photos),)).data_root()
    held = ImageFolder(str(photos))
    root = Call(models=("n",), held_models=((None, factory(4)),), benchmarks=("whitebox",), pictures=held).data_root()
    assert folder.dataset("imagenet").fingerprint == root.dataset("imagenet").fingerprint


def test_python_runs_an_attack_on_arrays_and_takes_pictures_outside_beside_them(photos: Path, factory: Any) -> None:
    arrays = (np.stack([np.asarray(picture(kind)) for kind in CLASSES]), [*CLASSES])
    result = package.evaluate(factory(len(CLASSES)), f"whitebox:{OPTIONS['whitebox']}", arrays, device="cpu")
    assert result.score("clean_accuracy").n == 2, "every other picture, as the protocol says"
    street = f"outside={photos.parent / 'street'}"
    result = package.evaluate(factory(len(CLASSES)), "ood", [arrays, street], device="cpu")
    assert result.score("auroc", outside="outside-street", method="msp").n == 7


def test_two_classes_and_one_output_have_an_ensemble_of_another_name(
    photos: Path, factory: Any, hardiness: Any, results: Any, tmp_path: Path
) -> None:
    two, out = tmp_path / "two", tmp_path / "out"
    for kind in CLASSES[:2]:
        (two / kind).mkdir(parents=True)
        for file in (photos / kind).iterdir():
            (two / kind / file.name).symlink_to(file)
    networks = ("-m", factory(2, name="pair"), "-m", f"{factory(1, name='single')}:activation=sigmoid")
    command = ("run", *networks, "--data", two, "--out", out, "--device", "cpu", "--quiet")
    refused = hardiness(*command, "-b", "autoattack")
    assert refused.status == 2
    assert "autoattack needs 4 classes or more" in refused.err
    assert "and " + str(two) + " has 2; -b apgd-fab-square takes two or more" in refused.err
    assert (
        hardiness(
            *command,
            "-b",
            f"apgd-fab-square:{OPTIONS['apgd-fab-square']}",
            "-b",
            "whitebox:epsilons=0.01,steps=2,protocol=standard",
        ).status
        == 0
    )
    (few, other) = (
        [each for each in results(out) if each["benchmark"] == name] for name in ("apgd-fab-square", "whitebox")
    )
    assert len(few) == len(other) == 2
    for result in few:
        assert result["run"]["benchmark"]["protocol"] == "apgd-fab-square"
        assert {score["value"] for score in result["scores"] if score["metric"] == "accuracy"} <= {
            0,
            0.25,
            0.5,
            0.75,
            1,
        }
    assert hardiness("report", out).status == 0
    told = hardiness("show", out, "--all").out + (out / "report.html").read_text() + json.dumps(results(out))
    assert "autoattack" not in told.lower(), "its name is the leaderboards'"


def test_a_surrogate_of_other_classes_is_refused_before_it_is_attacked(
    photos: Path, factory: Any, hardiness: Any, tmp_path: Path
) -> None:
    command = ("run", "-m", factory(len(CLASSES)), "--data", photos, "--device", "cpu", "--out", tmp_path / "out")
    refused = hardiness(*command, "-b", f"blackbox:surrogate={factory(2, name='pair')}", "--plan")
    assert refused.status == 1
    assert re.search(
        r"blackbox: its surrogate cannot be used: \S+ has 2 classes and data set 'own-photos'", refused.err
    )


def test_pictures_with_several_labels_are_refused_with_what_serves(
    photos: Path, factory: Any, hardiness: Any, tmp_path: Path
) -> None:
    labels = tmp_path / "labels.csv"
    labels.write_text("0.png,bird\n1.png,boat\n0.png,boat\n")
    command = ("run", "-m", factory(2), "-b", "own", "--device", "cpu", "--plan", "--labels", labels)
    refused = hardiness(*command, "--data", photos.parent / "flat")
    assert refused.status == 2
    assert "0.png must come once" in refused.err
    assert "labels are one for each picture; of several, give a score for each picture (--predictions" in refused.err
    for content, message in (
        ("path,label\n0.png,bird|boat\n1.png,boat\n2.png,bird\n", "a picture has the labels bird|boat: labels are one"),
        (
            "path,label\n0.png,\"['bird', 'boat']\"\n1.png,['boat']\n2.png,['bird']\n",
            "labels ['bird', 'boat']: labels are",
        ),
        (
            "path,bird,boat\n0.png,1,1\n1.png,0,1\n",
            "must have a column label, has path, bird, boat; rename the one that",
        ),
    ):
        labels.write_text(content)
        refused = hardiness(*command, "--data", photos.parent / "flat")
        assert (refused.status, len(refused.lines)) == (2, 1), refused.err
        assert message in refused.err
    labels.write_text('path,label\n0.png,"boat, red"\n1.png,"boat, blue"\n2.png,"bird, red"\n3.png,"bird, blue"\n')
    told = hardiness(*("run", "-m", factory(4, name="four"), *command[3:]), "--data", photos.parent / "flat")
    assert "a picture has the labels" not in told.err, "classes of two words"
    for pair in ([0, 1], ["bird", "boat"], [0, 1, 2]):  # no positions of a one-hot vector
        pictures = (np.zeros((2, 40, 40, 3), np.uint8), [pair, pair])
        with pytest.raises(ArgumentError, match=r"label 0 of \w+ is \[.*labels are one for each"):
            package.evaluate(factory(3), "own", pictures, device="cpu")
    both = (np.zeros((2, 40, 40, 3), np.uint8), np.array([[1, 0, 1], [0, 1, 0]]))
    with pytest.raises(ArgumentError, match="label 0 of arrays is of 2 classes: labels are one for each"):
        package.evaluate(factory(3), "own", both, device="cpu")


def test_a_patch_is_trained_on_ones_own_pictures_and_tried_on_them(
    photos: Path, factory: Any, hardiness: Any, results: Any, tmp_path: Path
) -> None:
    network, patch = factory(len(CLASSES)), tmp_path / "patch"
    told = hardiness("make", "patch", "-m", network, "--data", photos, "--out", patch, "--steps", "2", "--limit", "4")
    assert told.status == 0, told.err
    universal = f"attack=universal-patch,file={patch / '000_patch.png'},steps=2"
    for options in (universal, "attack=patch-pgd,steps=2"):
        attack = f"whitebox:{options},norm=patch,epsilons=0.05,protocol=standard,must_break=false,cross_checks=false"
        command = ("run", "-m", network, "-b", attack, "--data", photos, "--limit", "2", "--out", tmp_path / "out")
        told = hardiness(*command, "--device", "cpu", "--quiet")
        assert told.status == 0, told.err
    made = results(tmp_path / "out")
    assert [each["data"] for each in made] == ["own-photos"] * 2


@pytest.mark.parametrize("name", REFUSED)
def test_what_needs_other_pictures_or_imagenets_classes_is_refused_with_what_serves(
    name: str, photos: Path, factory: Any, hardiness: Any, tmp_path: Path
) -> None:
    command = ("run", "-m", factory(len(CLASSES)), "--out", tmp_path / "out", "--device", "cpu", "--plan")
    refused = hardiness(*command, "-b", name, "--data", photos)
    assert (refused.status, len(refused.lines)) == (2, 1), refused.err
    assert refused.lines[0].startswith(f"hardiness: {name} needs ")
    assert f"; these serve them: {parse(name).own_substitute}; published ones are named" in refused.err


def test_a_tree_of_ones_own_goes_with_answers_alone(photos: Path, factory: Any, hardiness: Any, tmp_path: Path) -> None:
    """An error on predictions names this very option, and a model that is run takes none."""
    command = ("run", "-m", factory(len(CLASSES)), "--out", tmp_path / "out", "--device", "cpu", "--plan")
    refused = hardiness(*command, "-b", "own-c", "--data", photos, "--data", f"own-c={tmp_path}")
    assert (refused.status, len(refused.lines)) == (2, 1), refused.err
    assert f"--data own-c={tmp_path} goes with --predictions FILE" in refused.err


def test_a_suite_passes_over_what_ones_own_pictures_do_not_serve(
    photos: Path, factory: Any, hardiness: Any, tmp_path: Path
) -> None:
    suite = tmp_path / "mine.toml"
    suite.write_text('title = "mine"\n[[rows]]\nbenchmark = "typographic"\n[[rows]]\nbenchmark = "imagenet-val"\n')
    command = ("run", "-m", factory(len(CLASSES)), "--out", tmp_path / "out", "--device", "cpu", "--plan")
    told = hardiness(*command, "--suite", suite, "--data", photos)
    assert told.status == 0, told.err
    assert "skipped typographic: it needs ImageNet's own classes" in told.err + told.out


def test_the_suite_of_ones_own_says_what_each_part_costs_and_passes_over_what_cannot_be_attacked(
    photos: Path, factory: Any, hardiness: Any, results: Any, tmp_path: Path
) -> None:
    """A network has gradients; a function, beside it or alone, has none, which is no failure of a suite."""
    function = tmp_path / "function.py"
    function.write_text(
        "import numpy as np\ndef predict(images):\n    means = images.mean((1, 2, 3))[:, None] / 255\n"
        "    return np.concatenate([means, means**2, 0.5 - means, 0.1 + 0 * means], axis=1) * 9\n"
    )
    named = f"py:{function}:predict:resize_px=64,crop_px=64"
    command = ("run", "-m", factory(len(CLASSES)), "-m", named, "--data", photos, "--limit", "4", "--device", "cpu")
    told = hardiness(*command, "--out", tmp_path / "out", "--plan", "--json")
    assert told.status == 0, told.err
    plan = json.loads(told.out)
    assert [each["benchmark"] for each in plan["benchmarks"]] == ["own", "own-c", "shift-consistency", "whitebox"]
    assert all(each["seconds"] > 0 for each in plan["benchmarks"])
    why = f"py:{function}:predict has no gradients"
    assert [each for each in plan["skipped"] if each["about"] == "whitebox" and each["text"].startswith(why)], plan
    told = hardiness(*command, "--out", tmp_path / "out", "--quiet")
    assert told.status == 0, told.err
    made = [(each["benchmark"], "function" in each["model"]) for each in results(tmp_path / "out")]
    assert sorted(made) == sorted(
        [(name, is_function) for name in ("own", "own-c", "shift-consistency") for is_function in (False, True)]
        + [("whitebox", False)]
    )
    alone = ("run", "-m", named, "--data", photos, "--limit", "1", "--out", tmp_path / "alone")
    told = hardiness(*alone, "-b", "whitebox", "--plan")
    assert told.status == 1, "what was named is a problem"
    told = hardiness(*alone, "--plan")
    assert told.status == 0, told.err
    assert "skipped whitebox" in told.err + told.out


def test_outside_pictures_are_as_many_as_one_likes_and_from_several_folders(
    photos: Path, factory: Any, hardiness: Any, results: Any, tmp_path: Path
) -> None:
    """Seven pictures outside of four classes."""
    out = tmp_path / "out"
    command = ("run", "-m", factory(len(CLASSES)), "-b", "ood", "--out", out, "--device", "cpu", "--quiet")
    told = hardiness(*command, "--data", photos, *outside(photos))
    assert told.status == 0, told.err
    (result,) = (each for each in results(out) if each["benchmark"] == "ood")
    areas = {score["condition"]["outside"]: score for score in result["scores"] if score["metric"] == "auroc"}
    assert {name: score["n"] for name, score in areas.items()} == {"outside-sky": 2, "outside-street": 7}
    assert not any(score["metric"] == "recall" for score in result["scores"]), "their labels mean nothing"
    both = [score for score in result["scores"] if score["metric"] == "outside_auroc_msp"]
    by_set = [
        each["value"] for each in result["scores"] if each["metric"] == "auroc" and each["condition"]["method"] == "msp"
    ]
    assert [score["value"] for score in both] == [pytest.approx(np.mean(by_set))]
    shown = hardiness("show", out, "--all")
    assert "outside-street" in shown.out
    assert hardiness("report", out).status == 0
    assert "outside-street" in (out / "report.html").read_text()
    (photos.parent / "elsewhere" / "street").mkdir(parents=True)
    streets = (f"outside={photos.parent / folder}" for folder in ("street", "elsewhere/street"))
    twice = hardiness(*command, "--data", photos, *(text for street in streets for text in ("--data", street)))
    assert "--data names outside-street twice" in twice.err
    beside = ("run", "-m", factory(len(CLASSES)), "--limit", "1", "--out", tmp_path / "beside", "--device", "cpu")
    told = hardiness(*beside, "--data", photos, *outside(photos), "--plan", "--json")
    assert told.status == 0, told.err
    assert [each["benchmark"] for each in json.loads(told.out)["benchmarks"]][:2] == ["own", "own-c"]
    none = hardiness(*command, "--data", photos)
    assert none.status == 2
    assert "add --data outside=FOLDER" in none.err
