"""Slices from the command line: columns beside the data, show, the page, comparisons, the gate and exports."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from hardiness.data.root import locate

Command = Any


@pytest.fixture
def folder(hardiness: Command, tmp_path: Path) -> Path:
    """An output folder with the answers of two models to the embedded photographs, and columns of these.

    The new model is better on average and worse at site B; three photographs that follow each other are of one scene.
    """
    items = sorted(locate(["embedded"]).dataset("imagenet").items, key=lambda item: item.id)
    sites = ["A" if k < 68 else "B" for k in range(len(items))]
    pairs = list(zip(items, sites, strict=True))
    wrong = {"new": {"A": 20, "B": 2}, "old": {"A": 2, "B": 20}}
    with (tmp_path / "metadata.csv").open("w", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["path", "site", "light", "scene"])
        rows.writerows(
            [item.id, site, k % 7, f"scene {k // 3}"] for k, (item, site) in enumerate(zip(items, sites, strict=True))
        )
    for model, every in wrong.items():
        with (tmp_path / f"{model}.csv").open("w", newline="") as stream:
            rows = csv.writer(stream)
            rows.writerow(["sample", "condition", "class"])
            for k, (item, site) in enumerate(pairs):
                is_wrong = k % every[site] == 0
                rows.writerow([item.id, "clean", (item.label + 1) % 1000 if is_wrong else item.label])
        told = hardiness(
            *("run", "-m", model, "-b", "imagenet-val", "--data", "embedded", "--quiet", "--out", tmp_path / "out"),
            *("--predictions", tmp_path / f"{model}.csv", "--device", "cpu"),
        )
        assert told.status == 0, told.err
    return tmp_path


@pytest.mark.slow
def test_every_command_that_reads_scores_gives_them_by_slice(hardiness: Command, folder: Path) -> None:
    out, columns = folder / "out", ("--columns", folder / "metadata.csv")
    (folder / "shares.csv").write_text("value,share\nA,0.1\nB,0.9\n")
    sliced = (*columns, "--slice", "site")
    shown = hardiness("show", out, *sliced, "--slice", "light:0-3,3-", "--mix", f"site={folder / 'shares.csv'}")
    assert shown.status == 0, shown.err
    for text in ("by site", "by light", "new: worst site: B", "average for A 10.0 %, B 90.0 %", "0-3"):
        assert text in shown.out
    results = json.loads(hardiness("show", out, *sliced, "--cluster", "scene", "--json").out)
    clustered = {each["model"]: each for each in results}["new"]["slices"][0]
    assert (clustered["cluster"], clustered["slices"][0]["score"]["clusters"]) == ("scene", 11)
    assert not any(f"scene {k}" in json.dumps(results) for k in range(3))  # no value of a cluster is shown

    compared = hardiness("compare", out, *sliced)
    text = " ".join(compared.out.split())
    assert "new against old, top-1: better on average (+" in text
    assert "worse at site B (-" in text
    assert "the difference is not the same at all site values" in text
    (benchmark,) = json.loads(hardiness("compare", out, *sliced, "--json").out)
    assert benchmark["slices"][0]["reversed"]

    for form, text in (("csv", "slice_value"), ("markdown", "by site"), ("latex", "by site")):
        assert text in hardiness("export", out, *sliced, "--format", form).out
    mixed = hardiness("export", out, *sliced, "--mix", f"site={folder / 'shares.csv'}", "--format", "csv")
    assert [row["value"] for row in csv.DictReader(mixed.out.splitlines()) if row["slice_row"] == "mix"], mixed.err
    page = hardiness("report", out, *sliced)
    assert page.status == 0, page.err
    html = (out / "report.html").read_text()
    assert "By site: which value is worst differs between models" in html
    assert "Most confident mistakes of site B" in html
    assert list((out / "figures").glob("*by_slice_0.svg"))


@pytest.mark.slow
def test_the_gate_judges_each_site_and_a_site_that_is_gone_is_missing(hardiness: Command, folder: Path) -> None:
    out, policy = folder / "out", folder / "policy.toml"
    policy.write_text(
        """
        [[rules]]
        benchmark = "imagenet-val"
        metric = "top1"
        model = "new"
        each = "site"
        at_least = 0.75

        [[rules]]
        benchmark = "imagenet-val"
        metric = "top1"
        model = "new"
        where = { slice = { site = "C" } }
        at_least = 0.5
        """
    )
    gate = hardiness("gate", out, "--policy", policy, "--columns", folder / "metadata.csv", "--json")
    verdicts = {each["images_of"]: each["outcome"] for each in json.loads(gate.out)["verdicts"]}
    assert verdicts == {"site A": "pass", "site B": "fail", "site C": "missing"}
    assert gate.status == 3
    wrong = hardiness("gate", out, "--policy", policy)
    assert wrong.status == 2
    assert "site" in wrong.err


@pytest.mark.slow
def test_compare_and_the_gate_count_scenes_and_nothing_of_them_is_shown(hardiness: Command, folder: Path) -> None:
    out, clustered = folder / "out", ("--columns", folder / "metadata.csv", "--cluster", "scene")
    (single,), (found,) = (json.loads(hardiness("compare", out, *more, "--json").out) for more in ((), clustered))
    for score, of_pictures in zip(found["scores"], single["scores"], strict=True):
        (pair,), (alone,) = score["pairs"], of_pictures["pairs"]
        assert (pair["n"], pair["clusters"], pair["value"]) == (99, 33, alone["value"])
        assert pair["interval"] != alone["interval"] or pair["interval"] is None
    assert found["clusters"]["column"] == "scene"
    assert (found["clusters"]["clusters"], found["clusters"]["sources"][0]["name"]) == (33, "metadata.csv")
    text = " ".join(hardiness("compare", out, "--all", *clustered).out.split())
    assert "99 images that all share in 33 clusters by scene" in text
    assert "no method for clusters: kappa of two models" in text

    policy = folder / "policy.toml"
    policy.write_text(
        """
        [policy]
        cluster = "scene"
        columns = "metadata.csv"

        [[rules]]
        benchmark = "imagenet-val"
        metric = "top1"
        model = "new"
        at_least = 0.5

        [[rules]]
        benchmark = "imagenet-val"
        metric = "top1"
        model = "new"
        worse_by_at_most = 0.5
        against = "out"
        against_model = "old"
        """
    )
    gate = hardiness("gate", out, "--policy", policy)
    assert gate.status == 0, gate.out + gate.err
    assert gate.out.count("99 in 33") == 2
    form = json.loads(hardiness("gate", out, "--policy", policy, "--json").out)
    assert [(each["cluster"], each["n"], each["clusters"]) for each in form["verdicts"]] == [("scene", 99, 33)] * 2
    by_scene = "plain 95 %, over clusters by scene"
    kinds = [each["which_interval"] for each in form["verdicts"]]
    assert kinds == [by_scene, f"{by_scene}, allowing for unseen losses"]
    assert not any(f"scene {k}" in f"{found} {text} {gate.out} {form}" for k in range(33))
