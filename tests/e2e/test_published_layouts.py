"""Newer sets from disk, in their published layouts, from files to scores that are known by hand."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import hardiness as package
from hardiness import Placement
from hardiness.api.command import Command
from hardiness.api.forecast import plan
from hardiness.api.held_models import classifier_of
from hardiness.benchmarks.ood import Ood
from hardiness.core.model import View
from hardiness.core.request import Request
from hardiness.data.root import locate
from hardiness.engine.evaluation import evaluate
from hardiness.reference.classes import wnids
from hardiness.reference.published_numbers import baseline
from hardiness.reference.sets import distortion_set
from hardiness.report.scorecard import scorecard
from hardiness.report.sections import sections
from hardiness.results.stored_runs import drop_run
from hardiness.store.store import Store

DARK, BRIGHT = 4, 9
VIEW = View(mean=(0, 0, 0), std=(1, 1, 1))
GREYS = {DARK: 30, BRIGHT: 220}


class Brightness(nn.Module):
    """Class 4 where a picture is dark, class 9 where it is bright; the surer the further it is from grey."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        bright = x.mean(dim=(1, 2, 3)) - 0.5
        logits = torch.zeros(len(x), 1000)
        logits[:, DARK], logits[:, BRIGHT] = -20 * bright, 20 * bright
        return logits


def picture(file: Path, grey: int) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((224, 224, 3), grey, np.uint8)).save(file)


def photographs(root: Path) -> None:
    for label, grey in GREYS.items():
        picture(root / "imagenet" / "val" / wnids()[label] / f"ILSVRC2012_val_{label:08d}.JPEG", grey)


def evaluated(benchmark: str, root: Path) -> package.Result:
    return package.evaluate(Brightness(), benchmark, str(root), view=VIEW, runtime="torch", progress=False)


@pytest.mark.parametrize("name", ["imagenet-3dcc", "imagenet-c-bar"])
def test_a_released_set_of_corruptions(name: str, tmp_path: Path) -> None:
    members = distortion_set(name).members
    photographs(tmp_path)
    for corruption in members:
        for severity in range(1, 6):
            for label, grey in GREYS.items():
                wrong = severity == 5 or (corruption == members[0] and label == DARK)
                file = f"{corruption}/{severity}/{wnids()[label]}/ILSVRC2012_val_{label:08d}.JPEG"
                picture(tmp_path / name / file, 255 - grey if wrong else grey)
    result = evaluated(f"{name}:source=stored", tmp_path)
    assert result.counts.complete
    of_each = {corruption: [0.5 * (corruption == members[0])] * 4 + [1.0] for corruption in members}
    assert result.score("mean_error").value == pytest.approx(np.mean(list(of_each.values())))
    known = baseline(name)
    if known:
        ratios = [sum(errors) / sum(known["error_by_severity"][each]) for each, errors in of_each.items()]
        assert result.score("mce").value == pytest.approx(np.mean(ratios))
    assert result.score("error", corruption=members[0], severity=1).value == 0.5
    assert (known is not None) == (name == "imagenet-3dcc")


def test_pictures_of_other_things(tmp_path: Path) -> None:
    photographs(tmp_path)
    for number, grey in enumerate((110, 120, 130, 30)):  # as sure of the last as of the photographs
        picture(tmp_path / "ninco" / "amphiuma" / f"{number}.png", grey)
        picture(tmp_path / "ssb-hard" / "n00000001" / f"{number}.jpg", 128)
    result = evaluated("ood", tmp_path)
    assert result.counts.complete
    dark, last = (result.score("auroc", outside="ninco", method=method) for method in ("msp", "energy"))
    # Of 2 x 4 pairs six are in order, one is a tie with the dark photograph, and one is the other way round.
    assert dark.value == last.value == 6.5 / 8
    assert result.score("auroc", outside="ssb-hard", method="msp").value == 1.0
    assert result.score("near_auroc_msp").value == pytest.approx((dark.value + 1.0) / 2)
    accepted = result.score("fpr95", outside="ninco", method="msp", positive="inside")
    assert (accepted.value, accepted.n) == (pytest.approx(1 / 4), 4)


def test_the_two_sets_that_can_be_fetched_have_a_place_in_the_overview(tmp_path: Path) -> None:
    photographs(tmp_path / "data")
    for number in range(2):
        picture(tmp_path / "data" / "ninco" / "amphiuma" / f"{number}.png", 128)
        picture(tmp_path / "data" / "imagenet-o" / "n01443537" / f"{number}.png", 128)
    out = tmp_path / "out"
    given = {"view": VIEW, "runtime": "torch", "progress": False, "out": out}
    found = package.evaluate(Brightness(), "ood", str(tmp_path / "data"), **given)
    assert [score.metric for score in found.scores[:2]] == ["ninco_auroc_msp", "imagenet-o_auroc_msp"]
    assert found.scores[0].value == 1.0
    card = scorecard(sections(list(package.load_results(out))))
    heads = [head for head in card.heads if head.group == "out of distribution"]
    assert [head.metric for head in heads] == ["AUROC, ninco, MSP"]
    (entries,) = [entries for _, entries in card.rows]
    assert entries[card.heads.index(heads[0])].text == "100.0"


def test_one_more_set_is_one_more_run_and_the_photographs_are_those_of_imagenet_val(tmp_path: Path) -> None:
    def rows() -> dict[str, int]:
        runs = Store.open(out).runs()
        assert len({run.key for run in runs}) == len(runs)
        return {f"{run.run.benchmark.name} {run.run.data.name}": len(run.records()) for run in runs}

    data, out = tmp_path / "data", tmp_path / "out"
    given = {"view": VIEW, "runtime": "torch", "progress": False, "out": out}
    photographs(data)
    for number, grey in enumerate((110, 120, 130, 30)):
        picture(data / "ninco" / "amphiuma" / f"{number}.png", grey)
    package.evaluate(Brightness(), "imagenet-val", str(data), **given)
    assert rows() == {"imagenet-val imagenet": 2}
    first = package.evaluate(Brightness(), "ood", str(data), **given)
    assert rows() == {"imagenet-val imagenet": 2, "ood ninco": 4}
    assert (first.counts.expected, first.counts.evaluated, first.counts.images) == (6, 6, 6)
    before = {path: path.read_bytes() for path in (out / "records").rglob("0*.parquet")}
    for number in range(3):
        picture(data / "ssb-hard" / "n00000001" / f"{number}.jpg", 128)
    second = package.evaluate(Brightness(), "ood", str(data), **given)
    assert rows() == {"imagenet-val imagenet": 2, "ood ninco": 4, "ood ssb-hard": 3}
    assert {path: path.read_bytes() for path in before} == before
    assert second.score("auroc", outside="ninco", method="msp") == first.score("auroc", outside="ninco", method="msp")
    assert second.score("auroc", outside="ssb-hard", method="msp").value == 1.0
    (shown,) = [each for each in package.load_results(out) if each.benchmark == "ood"]
    assert shown.scores == second.scores
    assert shown.is_of([run.key for run in Store.open(out).runs()])
    assert not shown.is_of([shown.parts[0]]), "the photographs alone are imagenet-val"


def test_a_run_of_photographs_and_sets_together_is_shown_as_it_was_stored(tmp_path: Path) -> None:
    data, out = tmp_path / "data", tmp_path / "out"
    photographs(data)
    for number, grey in enumerate((110, 120, 130, 30)):
        picture(data / "ninco" / "amphiuma" / f"{number}.png", grey)
    classifier = classifier_of(Brightness(), VIEW, Placement(runtime="torch"))
    store = Store.create(out)
    evaluate(Ood(), [classifier], Ood().dataset(locate([str(data)])), store, Request())
    (together,) = package.load_results(out)
    assert together.key == store.runs()[0].key
    alone = package.evaluate(classifier, "ood", str(data), progress=False, out=out)
    assert alone.scores == together.scores
    keys = [each.key for each in package.load_results(out) if each.benchmark == "ood"]
    assert sorted(keys) == sorted([together.key, alone.key])


def test_a_plan_names_each_set_and_lists_the_photographs_once(tmp_path: Path) -> None:
    photographs(tmp_path / "data")
    for name in ("ninco", "textures"):
        picture(tmp_path / "data" / name / "1.png", 128)
    command = Command(
        ("squeezenet1_1",),
        ("imagenet-val", "ood"),
        tmp_path / "out",
        data=(str(tmp_path / "data"),),
        placement=Placement(runtime="torch"),
    )
    rows = plan(command).view().rows
    assert [row[0] for row in rows] == ["imagenet-val", "ood on ninco", "ood on textures", "all"]
    assert [row[2] for row in rows] == ["2", "1", "1", "4"]


@pytest.mark.slow
def test_runs_of_several_parts_and_under_attack_are_listed_and_removed_by_what_the_gate_prints(
    hardiness: Any, tmp_path: Path
) -> None:
    data, out = tmp_path / "data", tmp_path / "out"
    photographs(data)
    for number, grey in enumerate((110, 120, 130, 30)):
        picture(data / "ninco" / "amphiuma" / f"{number}.png", grey)
    given = {"view": VIEW, "runtime": "torch", "progress": False, "out": out, "name": "m"}
    attack = "whitebox:epsilons=0.01+0.02,steps=1,must_break=false,cross_checks=false"
    package.evaluate(Brightness(), attack, str(data), **given)
    for tag in ("old", "new"):
        package.evaluate(Brightness(), "ood", str(data), tag=tag, **given)
    shown = hardiness("list", "runs", out)
    assert shown.status == 0, shown.err
    assert "epsilons=0.01+0.02" in "".join(shown.out.split())
    listed = json.loads(hardiness("list", "runs", out, "--json").out)
    assert [each["options"] for each in listed if each["benchmark"] == "ood"] == [{"outside": ["ninco"]}] * 2
    assert sum(each["benchmark"] == "imagenet-val" for each in listed) == 2
    (tmp_path / "policy.toml").write_text('[[rules]]\nbenchmark = "ood"\nmetric = "headline"\nat_least = 0.01\n')
    gate = ("gate", out, "--policy", tmp_path / "policy.toml", "--json")
    before = json.loads(hardiness(*gate).out)
    (remark,) = before["remarks"]
    (digits,) = re.findall(r"'hardiness data drop \S+ (\w+)' removes it", remark["text"])
    done = hardiness("data", "drop", out, digits)
    assert done.status == 0, done.err
    runs = [run.run for run in Store.open(out).runs()]
    assert sorted(run.benchmark.name for run in runs) == ["imagenet-val"] * 2 + ["ood", "whitebox"]
    after = json.loads(hardiness(*gate).out)
    assert after["verdicts"] == before["verdicts"]
    assert after["remarks"] == []


def test_of_joined_runs_with_one_set_the_photographs_are_removed(tmp_path: Path) -> None:
    """They are all that tells one of them from the other."""
    data, out = tmp_path / "data", tmp_path / "out"
    photographs(data)
    picture(data / "ninco" / "amphiuma" / "0.png", 110)
    given = {"view": VIEW, "runtime": "torch", "progress": False, "out": out}
    old = package.evaluate(Brightness(), "ood", str(data), **given)
    picture(data / "imagenet" / "val" / wnids()[DARK] / "ILSVRC2012_val_00000012.JPEG", 20)
    new = package.evaluate(Brightness(), "ood", str(data), **given)
    assert old.key != new.key
    (folder,) = drop_run(Store.open(out), old.key[:8])
    assert folder.endswith(old.parts[0])
    assert [each.key for each in package.load_results(out) if each.benchmark == "ood"] == [new.key]
