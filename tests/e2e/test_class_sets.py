"""Six sets whose labels are sets of classes: synthetic trees, and a network that takes its answers from a colour."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image
from torch import nn

import hardiness
from hardiness import evaluate
from hardiness.benchmarks.options import registry
from hardiness.cli.main import command_of
from hardiness.core.errors import ArgumentError, DataError
from hardiness.core.model import View
from hardiness.core.result import Result
from hardiness.data.root import locate
from hardiness.reference import published_data
from hardiness.reference.class_sets import CLASS_SETS, class_set
from hardiness.reference.classes import subset, wnids
from hardiness.reference.published_lines import TESTBED_NAMES
from hardiness.reference.published_numbers import published, published_beside
from hardiness.report.section import section_of
from hardiness.report.words import line as said
from hardiness.report.words import text

VIEW = View(mean=(0, 0, 0), std=(1, 1, 1))


class ColoursAreAnswers(nn.Module):
    """Its first and second answer are in the colour of the middle of a picture, as `coloured` writes them."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        red, green, blue = (255 * x[:, :, 112, 112]).round().long().T
        logits = torch.zeros(len(x), 1000)
        rows = torch.arange(len(x))
        logits[rows, (4 * green + blue % 16 // 4).clamp(max=999)] = 1.0
        logits[rows, (4 * red + blue // 16 % 4).clamp(max=999)] = 2.0
        return logits


class SecondColourFirst(ColoursAreAnswers):
    """The second answer of `ColoursAreAnswers` is its first."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        logits = super().forward(x)
        return torch.where(logits == 1.0, 3.0, logits)


def coloured(first: int, second: int = 999, side: int = 224) -> Image.Image:
    """A picture for which the network answers ``first``, then ``second``."""
    colour = (first // 4, second // 4, 16 * (first % 4) + 4 * (second % 4))
    return Image.fromarray(np.full((side, side, 3), colour, np.uint8))


def put(root: Path, pictures: Mapping[str, Image.Image]) -> Path:
    for name, picture in pictures.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        picture.save(root / name)
    return root


def evaluated(benchmark: str, data: Path | str) -> Result:
    return hardiness.evaluate(
        ColoursAreAnswers(), benchmark, str(data), view=VIEW, runtime="torch", progress=False, batch_size=4
    )


OUTSIDE = 0
"""A class of none of ObjectNet's folders."""


def test_objectnet_is_asked_among_125_classes_and_among_all(tmp_path: Path) -> None:
    """Asked among 1,000 in place of 125, the first would be 0.5; among all in place of 125, the second 1."""
    described = class_set("objectnet")
    assert (len(described.labels), len(described.classes)) == (113, 125)
    assert OUTSIDE not in described.classes
    root = put(
        tmp_path / "objectnet/objectnet-1.0/images",
        {
            "alarm_clock/a.png": coloured(OUTSIDE, 409),
            "alarm_clock/b.png": coloured(530),
            "chair/a.png": coloured(765),
            "chair/b.png": coloured(OUTSIDE, 423),
            "air_freshener/a.png": coloured(409),
        },
    )
    found = evaluated("objectnet", tmp_path)
    assert (found.score("top1").value, found.score("top1", protocol="barbu2019").value) == (1.0, 0.5)
    assert found.score("top1").n == 4  # the folder of no ImageNet class is in no denominator
    assert any("a part of objectnet: 4 of the 18,514" in warning for warning in map(said, found.warnings))
    again = evaluated("objectnet", f"objectnet={root}")
    assert again.score("top1").value == 1.0


def test_objectnets_second_protocol_is_no_option_and_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    said = (
        "benchmark objectnet has no option 'protocol': its protocol is taori2020, and each run gives a second score by "
    )
    with pytest.raises(ArgumentError, match=f"^{said}barbu2019; leave it out$"):
        evaluated("objectnet:protocol=barbu2019", "nowhere")
    with pytest.raises(ArgumentError, match=r"its protocol is orhan2019; leave it out$"):
        evaluated("imagenet-val:protocol=taori2020", "nowhere")
    command_of("list benchmarks").main(["objectnet"], standalone_mode=False)
    assert "taori2020; a second score of each run is by barbu2019" in capsys.readouterr().out


def test_objectnets_border_is_cut_before_the_view() -> None:
    picture = np.full((204, 304, 3), (255, 0, 0), np.uint8)
    picture[2:-2, 2:-2] = 7
    cut = registry.get("objectnet")().cut(picture)
    assert cut.shape == (200, 300, 3)
    assert np.all(cut == 7)
    assert registry.get("objectnet-clean")().cut(picture) is picture


def test_objectnets_clean_twin_holds_the_same_labels(tmp_path: Path) -> None:
    put(
        tmp_path / "imagenet/val",
        {
            f"{wnids()[409]}/a.png": coloured(530),  # the other class of the same label
            f"{wnids()[423]}/a.png": coloured(OUTSIDE, 559),
            f"{wnids()[0]}/a.png": coloured(0),
        },
    )
    found = evaluated("objectnet-clean", tmp_path)
    assert (found.score("top1").value, found.score("top1").n) == (1.0, 2)
    assert any("a part of imagenet: 2 of the 6,250" in warning for warning in map(said, found.warnings))


def test_imagenet_es_is_asked_among_tiny_imagenets_classes_not_among_imagenet_as(tmp_path: Path) -> None:
    described = class_set("imagenet-es")
    assert len(described.classes) == 200
    label = next(index for index in described.classes if index not in subset("imagenet-a"))
    other = next(index for index in subset("imagenet-a") if index not in described.classes)
    wnid = wnids()[label]
    cells = {"param_control/l1/param_1": True, "param_control/l1/param_2": False, "param_control/l5/param_1": True}
    pictures = {}
    for cell, right in cells.items():
        for stem in ("a", "b"):
            wrong = described.classes[0] if described.classes[0] != label else described.classes[1]
            pictures[f"ImageNet-ES/es-test/{cell}/{wnid}/{stem}.png"] = coloured(other, label if right else wrong)
    pictures[f"ImageNet-ES/es-test/auto_exposure/l1/param_1/{wnid}/a.png"] = coloured(label)
    pictures[f"ImageNet-ES/es-test/sampled_tin_no_resize2/{wnid}/a.png"] = coloured(other, label)
    # The validation part has settings of the same numbers, which are others.
    pictures[f"ImageNet-ES/es-val/param_control/l1/param_1/{wnid}/c.png"] = coloured(other)
    put(tmp_path / "imagenet-es", pictures)
    found = evaluated("imagenet-es", tmp_path)
    top1 = found.score("top1")
    assert (top1.value, top1.n) == (pytest.approx(2 / 3), 2)  # two photographs, under three settings each
    assert found.score("top1", protocol="1000-way").value == 0.0
    setting = {"light": "l1", "aperture": "f5.0", "shutter": "1/4", "iso": 2000}
    assert found.score("top1", **setting).value == 0.0
    assert found.score("top1", reference="originals").value == 1.0
    assert found.score("top1", light="l1", auto_exposure=1).value == 1.0


def test_imagenet_d_by_subset(tmp_path: Path) -> None:
    put(
        tmp_path / "imagenet-d",
        {
            "background/chair/a.png": coloured(559),
            "texture/chair/a.png": coloured(OUTSIDE, 559),
            "material/tie/a.png": coloured(906),
        },
    )
    found = evaluated("imagenet-d", tmp_path)
    assert found.score("top1").value == pytest.approx(2 / 3)  # among all classes: one second answer is no answer
    assert [found.score("top1", changed=each).value for each in ("background", "texture", "material")] == [1, 0, 1]


def test_imagenet_9_maps_the_answer_and_a_class_of_none_is_wrong(tmp_path: Path) -> None:
    dogs, none = class_set("imagenet-9").labels["00_dog"], 999
    assert none not in class_set("imagenet-9").classes
    answers = {"original": [dogs[0], dogs[3]], "mixed_same": [dogs[1], dogs[2]], "mixed_rand": [dogs[1], none]}
    put(
        tmp_path / "imagenet-9",
        {
            f"bg_challenge/{variant}/val/00_dog/{place}.png": coloured(answer, dogs[0])
            for variant, both in answers.items()
            for place, answer in enumerate(both)
        },
    )
    found = evaluated("imagenet-9", tmp_path)
    assert (found.score("top1").value, found.score("top1").n) == (1.0, 2)  # the headline is `original`
    assert found.score("top1", variant="mixed_rand").value == 0.5
    gap = found.score("bg_gap")
    assert (gap.value, gap.higher_is_better) == (0.5, False)
    assert gap.interval is not None
    assert gap.interval.low < 0.5 < gap.interval.high


def test_pug_has_its_own_crop_and_the_models_view(tmp_path: Path) -> None:
    scene = coloured(OUTSIDE, side=512)
    scene.paste(coloured(270, side=256), (128, 128))
    put(tmp_path / "pug-imagenet", {"Worlds/Wolf/a.png": scene, "Object_Yaw/Wolf/a.png": coloured(280)})
    published, own = (registry.get(name)() for name in ("pug-imagenet", "pug-imagenet-own-view"))
    assert (published.protocol, own.protocol) == ("bordes2023", "own-view")
    assert own.canvas is None
    (item,) = (each for each in published.dataset(locate([str(tmp_path)])).items if "Worlds" in each.id)
    (seen,) = published.expand(item, published.conditions(), [published.canvas], 0)
    assert np.unique(seen.images[0].reshape(-1, 3), axis=0).tolist() == [list(coloured(270).getpixel((0, 0)))]
    found = evaluated("pug-imagenet", tmp_path)
    assert [found.score("top1", factor=each).value for each in ("Worlds", "Object_Yaw")] == [1.0, 0.0]


def test_pug_never_counts_a_shirt_as_published_and_does_in_the_own_view(tmp_path: Path) -> None:
    # Class 841 is both Shirt's and Sweatshirt's; the authors' map from classes to folders keeps the later folder.
    worn = {f"Worlds/{folder}/a.png": coloured(841) for folder in ("Shirt", "Sweatshirt")}
    put(tmp_path / "pug-imagenet", worn)
    assert [evaluated(name, tmp_path).score("top1").value for name in ("pug-imagenet", "pug-imagenet-own-view")] == [
        0.5,
        1.0,
    ]


def png(picture: Image.Image) -> dict[str, Any]:
    stream = io.BytesIO()
    picture.save(stream, "PNG")
    return {"bytes": stream.getvalue(), "path": None}


def test_imagenet_hard_holds_several_labels_a_picture(tmp_path: Path) -> None:
    rows = {
        "image": [png(coloured(7)), png(coloured(25)), png(coloured(3, 4))],
        "label": [[1, 7], [25], [4, 900, -1]],
        "origin": ["ImageNet", "ObjectNet", "ImageNet"],
    }
    (tmp_path / "imagenet-hard").mkdir()
    pq.write_table(pa.table(rows), tmp_path / "imagenet-hard/validation-0.parquet")
    found = evaluated("imagenet-hard", tmp_path)
    assert (found.score("top1").value, found.score("top1").n) == (pytest.approx(2 / 3), 3)
    rows["label"][1] = [1000]
    pq.write_table(pa.table(rows), tmp_path / "imagenet-hard/validation-0.parquet")
    with pytest.raises(DataError, match=r"its label must be class indices from 0 to 999, was '\[1000\]'"):
        evaluated("imagenet-hard", tmp_path)


@pytest.mark.parametrize("name", [name for name in CLASS_SETS if name != "imagenet-hard"])
def test_a_folder_of_something_else_is_refused_in_one_line(name: str, tmp_path: Path) -> None:
    put(tmp_path / "birds", {"crow/a.png": coloured(1)})
    with pytest.raises(DataError, match="must hold folders such as") as told:
        registry.get(name)().dataset(locate([f"{name}={tmp_path / 'birds'}"]))
    assert "but holds crow" in str(told.value)
    assert "\n" not in str(told.value)


def test_terms_are_shown_before_anything_is_fetched(hardiness: Callable[..., Any], tmp_path: Path) -> None:
    for name in ("objectnet", "pug-imagenet"):
        told = hardiness("data", "get", name, "--data", tmp_path)
        assert told.status == 2
        assert told.out.startswith(f"{name}: {published_data.published_set(name).terms[:30]}")
        assert "if you agree, add --accept-terms" in told.err
    assert not list(tmp_path.iterdir())


def test_imagenet_hards_accuracy_by_origin(tmp_path: Path) -> None:
    rows = {
        "image": [png(coloured(answer)) for answer in (7, 25, 3, 9)],
        "label": [[1, 7], [25], [4, 900], [9]],
        "origin": ["imagenet", "objectnet", "imagenet", "imagenet/sketch"],
    }
    (tmp_path / "imagenet-hard").mkdir()
    file = tmp_path / "imagenet-hard/validation-0.parquet"
    pq.write_table(pa.table(rows), file)
    found = evaluated("imagenet-hard", tmp_path)
    of = {origin: found.score("top1", origin=origin) for origin in ("imagenet", "imagenet-sketch", "objectnet")}
    assert {origin: (score.value, score.n) for origin, score in of.items()} == {
        "imagenet": (0.5, 2),
        "imagenet-sketch": (1.0, 1),
        "objectnet": (1.0, 1),
    }
    (chart,) = (each for each in drawn(found) if each.name == "accuracy_by_level")
    assert (chart.title, chart.rows) == (
        "ImageNet-Hard: imagenet is hardest",
        ("imagenet", "imagenet-sketch", "objectnet"),
    )
    with_origins = [item.id for item in locate([str(tmp_path)]).dataset("imagenet-hard").items]
    assert with_origins[0] == "imagenet-sketch/9/000003"
    pq.write_table(pa.table(rows).drop_columns("origin"), file)
    plain = locate([str(tmp_path)]).dataset("imagenet-hard")
    assert [item.id for item in plain.items][:2] == ["1+7/000000", "25/000001"]


def drawn(*results: Result) -> Any:
    """The figures of results of one benchmark."""
    return section_of(results).charts


LEVELS = ("camera_yaw", "character_rotation_yaw", "camera_pitch", "camera_roll", "character_rotation_pitch")
MORE = ("character_rotation_roll", "character_scale", "character_texture", "scene_light")


def test_pugs_accuracy_by_level_of_each_factor(tmp_path: Path) -> None:
    wolf = coloured(270)
    answers = {"Worlds/Wolf/a.png": wolf, "Worlds/Wolf/b.png": coloured(OUTSIDE), "Camera_Yaw/Wolf/c.png": wolf}
    answers |= {f"Camera_Yaw/Wolf/{place}.png": coloured(OUTSIDE) for place in "de"}
    root = put(tmp_path / "pug-imagenet", answers)
    lines = [f"filename,world_name,character_label,{','.join((*LEVELS, *MORE))}"]
    for name, world, yaw in (
        ("Worlds/Wolf/a.png", "City", 0),
        ("Worlds/Wolf/b.png", "Desert", 0),
        ("PUG_IMAGENET/Camera_Yaw/Wolf/c.png", "City", -45),
        ("Camera_Yaw/Wolf/d.png", "City", 90),
        ("e.png", "City", 225),
    ):
        lines.append(f"{name},{world},Wolf,{yaw}{',0' * 8}")
    (root / "labels_pug_imagenet.csv").write_text("\n".join(lines))
    found = evaluated("pug-imagenet", tmp_path)
    assert found.score("top1").value == pytest.approx(0.4)
    assert found.score("top1", factor="Worlds").value == 0.5
    levels = {
        s.condition["level"]: s.value
        for s in found.scores
        if s.condition.get("factor") == "Camera_Yaw"
        if "level" in s.condition
    }
    assert levels == {"-45": 1.0, "90": 0.0, "225": 0.0}
    assert list(levels) == ["-45", "90", "225"], "numbers by their size"
    assert found.score("top1", factor="Worlds", level="Desert").value == 0.0
    (chart,) = (each for each in drawn(found) if each.name == "accuracy_by_level")
    assert chart.rows == ("Worlds Desert", "Camera Yaw 90")
    (root / "labels_pug_imagenet.csv").write_text("filename,world_name\n")
    with pytest.raises(DataError, match=r"labels_pug_imagenet\.csv: must have a column camera_pitch; fetch it again"):
        locate([str(tmp_path)]).dataset("pug-imagenet")
    (root / "labels_pug_imagenet.csv").write_text(lines[0])
    assert "names none of its pictures" in text(locate([str(tmp_path)]).dataset("pug-imagenet").remarks[0])
    (root / "labels_pug_imagenet.csv").unlink()
    without = locate([str(tmp_path)]).dataset("pug-imagenet")
    assert without.items[0].id == "Camera_Yaw/Wolf/c"
    assert "labels_pug_imagenet.csv is not there: accuracy has no levels of factors" in text(without.remarks[0])


class SecondAnswers(ColoursAreAnswers):
    """The same network, whose second answers are first."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        logits = super().forward(x)
        return torch.where(logits == 2.0, 0.5, logits)


def compared(tmp_path: Path, benchmark: str) -> dict[str, Any]:
    """Two networks on one set, by each score: their values and the interval of the difference."""
    for name, network in (("first", ColoursAreAnswers()), ("second", SecondAnswers())):
        hardiness.evaluate(
            network,
            benchmark,
            str(tmp_path),
            view=VIEW,
            runtime="torch",
            progress=False,
            name=name,
            out=tmp_path / "out",
        )
    (found,) = hardiness.compare(tmp_path / "out")
    return {score.metric: score for score in found.scores}


def test_models_are_compared_by_imagenet_9s_gap_and_by_its_originals(tmp_path: Path) -> None:
    dog, bird = (class_set("imagenet-9").labels[name][0] for name in ("00_dog", "01_bird"))
    pictures = {}
    for place in range(12):
        for variant, first, second in (
            ("original", dog, dog if place % 2 else bird),
            ("mixed_same", dog, dog),
            ("mixed_rand", dog if place % 3 else bird, bird),
        ):
            pictures[f"{variant}/val/00_dog/{place}.png"] = coloured(first, second)
    put(tmp_path / "imagenet-9", pictures)
    found = compared(tmp_path, "imagenet-9")
    assert found["top1"].values == {"first": 1.0, "second": 0.5}
    gaps = found["bg_gap"].values
    assert gaps == {"first": pytest.approx(1 / 3), "second": pytest.approx(1.0)}
    assert found["bg_gap"].title == "background gap"
    assert found["bg_gap"].is_told_apart(("first", "second"))


def test_imagenet_es_is_paired_with_the_originals(tmp_path: Path) -> None:
    """Each photograph is wrong under every light where it is wrong as the original, which narrows the interval."""
    described = class_set("imagenet-es")
    label, other = described.classes[:2]
    pictures = {}
    for place in range(40):
        hard = place % 2
        for folder, is_lost in (("param_control/l1/param_1", place < 20), ("param_control/l5/param_2", place < 20)):
            answer = other if hard or is_lost else label
            pictures[f"es-test/{folder}/{wnids()[label]}/{place}.png"] = coloured(answer, label)
        original = other if hard else label
        pictures[f"es-test/sampled_tin_no_resize2/{wnids()[label]}/{place}.png"] = coloured(original, label)
    put(tmp_path / "imagenet-es", pictures)
    drop = evaluated("imagenet-es", tmp_path).score("drop_from_originals")
    assert (drop.value, drop.n, drop.higher_is_better) == (pytest.approx(0.25), 40, False)
    assert drop.interval is not None
    assert 0 < drop.interval.low < 0.25 < drop.interval.high
    assert drop.interval.high - drop.interval.low < 0.35  # of other photographs it would be 0.41
    found = compared(tmp_path, "imagenet-es")
    assert found["top1"].values == {"first": pytest.approx(0.25), "second": 1.0}
    assert found["drop_from_originals"].values == {"first": pytest.approx(0.25), "second": 0.0}


def test_objectnet_is_shown_to_who_asks_and_with_its_border(hardiness: Callable[..., Any], tmp_path: Path) -> None:
    pictures = {f"chair/{place}.png": coloured(409, side=300) for place in range(3)}
    put(tmp_path / "objectnet/images", {**pictures, "alarm_clock/a.png": coloured(409, side=300)})
    for name, network in (("first", ColoursAreAnswers()), ("second", SecondColourFirst())):
        evaluate(
            network,
            "objectnet",
            str(tmp_path),
            name=name,
            out=tmp_path / "out",
            view=VIEW,
            runtime="torch",
            progress=False,
        )
    page = tmp_path / "out/report.html"

    def shown(*options: str) -> list[Image.Image]:
        told = hardiness("report", tmp_path / "out", *options)
        assert told.status == 0, told.err
        found = re.findall(r"data:image/jpeg;base64,([A-Za-z0-9+/=]+)", page.read_text())
        return [Image.open(io.BytesIO(base64.b64decode(each))) for each in found]

    assert shown() == []
    text = page.read_text()
    assert "data:image" not in text.replace("data:image/svg", "")
    assert "Right under first, wrong under second" in text  # what changes between two models is said, without pictures
    assert "pictures of objectnet are shown to who asks for them: --show objectnet" in text
    pictures_shown = shown("--show", "objectnet")
    assert len(pictures_shown) > 3
    for picture in pictures_shown:
        pixels = np.asarray(picture.convert("RGB")).astype(int)
        edge = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
        assert edge[:, 0].min() > 170
        assert edge[:, 1:].max() < 110
    assert "chair" in page.read_text()
    told = hardiness("report", tmp_path / "out", "--show", "objectnett")
    assert told.status == 2
    assert "did you mean 'objectnet'" in told.err


@pytest.mark.parametrize(("view", "reason"), [("", "released files"), (",view=testbed", "a part of imagenet-val")])
def test_imagenet_c_has_a_line_for_the_stored_tree_under_the_testbeds_view(
    view: str, reason: str, tmp_path: Path
) -> None:
    wnid = wnids()[7]
    put(tmp_path, {f"imagenet/val/{wnid}/a.png": coloured(7), f"imagenet-c/fog/3/{wnid}/a.png": coloured(9)})
    for benchmark in ("imagenet-val", f"imagenet-c:source=stored,corruptions=fog,severities=3{view}"):
        how = {"view": VIEW, "runtime": "torch", "progress": False, "name": "net"}
        evaluate(ColoursAreAnswers(), benchmark, str(tmp_path), out=tmp_path / "out", **how)
    (found,) = (each for each in hardiness.load_results(tmp_path / "out") if each.benchmark == "imagenet-c")
    assert reason in said(found.score("effective_robustness").lack)
    assert ("--reference MODEL" in said(found.score("effective_robustness").lack)) == (not view)


def test_a_plan_says_which_layout_it_found(hardiness: Callable[..., Any], tmp_path: Path) -> None:
    root = put(tmp_path / "objectnet/objectnet-1.0/images", {"chair/a.png": coloured(423), "fan/a.png": coloured(545)})
    (tmp_path / "imagenet-hard").mkdir()
    rows = {"image": [png(coloured(7))], "label": [[1, 7]]}
    pq.write_table(pa.table(rows), tmp_path / "imagenet-hard/validation-0.parquet")
    (tmp_path / "net.py").write_text(
        "import torch\n\ndef build():\n    return torch.nn.Sequential(*LAYERS)\n".replace(
            "*LAYERS", "torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(3, 1000)"
        )
    )
    model = f"py:{tmp_path}/net.py:build:mean=0,std=1,resize_px=256,crop_px=224"
    sets = ("-b", "objectnet", "-b", "imagenet-hard")
    told = hardiness("run", "-m", model, *sets, "--data", tmp_path, "--out", tmp_path / "out", "--plan")
    assert told.status == 0, told.err
    out = " ".join(told.out.split())
    assert (
        f"objectnet: 2 found at {root.parents[1]}, read as files in folders, such as objectnet-1.0/images/chair/a.png"
        in out
    )
    assert (
        f"imagenet-hard: 1 found at {tmp_path}/imagenet-hard, read as rows of Parquet, such as validation-0.parquet!"
        in out
    )


def test_half_a_download_is_told(hardiness: Callable[..., Any], tmp_path: Path) -> None:
    put(tmp_path / "objectnet/images", {f"chair/{place}.png": coloured(1 + place) for place in range(3)})
    told = hardiness("data", "check", "objectnet", "--data", tmp_path, "--quiet")
    assert told.status == 1
    out = " ".join(told.out.split())
    assert "has 3 of 50,273 images; fetch the rest" in out
    assert "missing-class 112" in out
    put(
        tmp_path / "imagenet-9",
        {"original/val/00_dog/a.png": coloured(151), "mixed_same/val/00_dog/a.png": coloured(1)},
    )
    told = hardiness("data", "check", "imagenet-9", "--data", tmp_path, "--quiet", "--json")
    assert told.status == 1
    faults = [(fault["kind"], fault["path"]) for fault in json.loads(told.out)[0]["faults"]]
    assert ("missing-condition", "mixed_rand/val") in faults  # of how many pictures it has nobody says
    assert [kind for kind, _ in faults].count("missing-condition") == 6
    remarks = locate([str(tmp_path)]).dataset("imagenet-9").remarks
    assert any("6 of its 8 parts are not there (mixed_rand/val, " in line for line in map(text, remarks))
    listed = hardiness("data", "list", "--data", tmp_path)
    assert "of 50,273" in listed.out
    assert re.search(r"imagenet-hard\W+6\.8", listed.out)
    for name in CLASS_SETS:
        assert name in listed.out


def test_pictures_of_other_folders_are_left_out_and_said_to_be(hardiness: Callable[..., Any], tmp_path: Path) -> None:
    """200 of ObjectNet's folders show what is no class of ImageNet; ImageNet-ES brings pictures for training too."""
    odd = {f"odd_{place}/a.png": coloured(1) for place in range(4)}
    put(tmp_path / "objectnet/images", {"chair/a.png": coloured(423), **odd})
    (remark,) = locate([str(tmp_path)]).dataset("objectnet").remarks
    assert text(remark).endswith(
        "images left out, being no part of the benchmark: 4, in images/odd_0, images/odd_1, images/odd_2 …"
    )
    wnid = next(iter(class_set("imagenet-es").labels))
    split = tmp_path / "imagenet-es/ImageNet-ES"
    put(split, {f"es-{name}/param_control/l1/param_1/{wnid}/{name}.png": coloured(1) for name in ("test", "val")})
    remarks = locate([str(tmp_path)]).dataset("imagenet-es").remarks
    assert any(
        "left out, being no part of the benchmark: 1, in ImageNet-ES/es-val/" in line for line in map(text, remarks)
    )
    listed = hardiness("data", "list", "--data", tmp_path)
    assert re.search(r"imagenet-es +1 of 65,000", listed.out)


def test_published_numbers_stand_beside_measured_ones() -> None:
    assert published("imagenet-testbed:alexnet", "objectnet", "top1", {})[0].value == pytest.approx(0.1386)
    five = [published(name, "objectnet", "top1", {})[0].value for name in TESTBED_NAMES]
    assert [round(100 * value, 2) for value in five] == [41.05, 53.40, 56.23, 58.09, 59.12]
    assert len(published_beside("objectnet", "top1", {})) > 200
    (gap,) = published("torchvision:resnet50", "imagenet-9", "bg_gap", {})
    assert gap.value == pytest.approx(0.073)
    assert published("AlexNet", "imagenet-hard", "top1", {})[0].value == pytest.approx(0.0734)


def test_a_figure_by_part_has_what_was_published_of_parts_and_of_the_whole(tmp_path: Path) -> None:
    put(tmp_path / "imagenet-d", {"background/banana/a.png": coloured(954)})
    put(tmp_path / "pug-imagenet", {"Worlds/Wolf/a.png": coloured(270)})
    put(tmp_path / "imagenet-9", {f"bg_challenge/{each}/val/00_dog/a.png": coloured(151) for each in ("original",)})
    figures = {}
    for name in ("imagenet-d", "pug-imagenet", "imagenet-9"):
        found = evaluated(name, tmp_path)
        section = section_of([found])
        (figures[name],) = (each for each in section.charts if each.name == "accuracy_by_part")
    of_d, of_pug, of_9 = figures.values()
    assert len(of_d.published) == 12
    assert all(each.overall is not None for each in of_d.published)
    (pug,) = of_pug.published
    assert (pug.name, pug.overall, pug.by_row["Worlds"].value) == ("torchvision:resnet50", None, 0.278617)
    (resnet,) = (each for each in of_9.published if each.name == "torchvision:resnet50")
    assert (resnet.overall.value, resnet.by_row["mixed rand"].value) == (0.956, 0.789)
