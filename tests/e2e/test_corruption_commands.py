"""Listing corruptions, and getting the frost pictures into the cache, through the command line."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest

from hardiness.distortions import frost_pictures
from hardiness.distortions.apply import corruptions
from hardiness.distortions.frost_pictures import PICTURES, frost_cache
from hardiness.reference.sets import SEVERITIES, distortion_set
from hardiness.store.store import Store

IMAGENET_C = distortion_set("imagenet-c")


def test_every_corruption_is_listed_with_its_group(hardiness: Any) -> None:
    told = hardiness("list", "corruptions")
    assert told.status == 0
    for name in (*IMAGENET_C.members, *IMAGENET_C.extra):
        (line,) = [line for line in told.out.splitlines() if f" {name} " in line]
        assert corruptions.get(name).group in line
        assert ("by seed" in line) is not corruptions.get(name).deterministic


@pytest.mark.parametrize("name", [*IMAGENET_C.members, *IMAGENET_C.extra])
def test_one_is_described_with_its_five_severities_and_its_source(hardiness: Any, name: str) -> None:
    told = hardiness("list", "corruptions", name)
    assert told.status == 0
    assert "Source: Hendrycks & Dietterich" in " ".join(told.out.split())
    for severity in SEVERITIES:
        (line,) = [line for line in told.out.splitlines() if line.startswith(f"│ {severity} ")]
        for parameter in corruptions.get(name).parameters_at(severity):
            assert str(parameter.value) in line


def test_a_misspelt_corruption_is_one_line(hardiness: Any) -> None:
    told = hardiness("list", "corruptions", "zom_blur")
    assert told.status == 2
    assert "did you mean 'zoom_blur'" in told.err


def test_the_frost_pictures_are_taken_out_of_a_package_once(
    frost_pictures: Path, hardiness: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARDINESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    offline = hardiness("data", "get", "frost")
    assert offline.status == 2
    assert len(offline.lines) == 1
    assert "check the network" in offline.err
    info = "corrupt_tta-0.1.7.dist-info"
    with zipfile.ZipFile(tmp_path / "corrupt_tta-0.1.7-py3-none-any.whl", "w") as archive:
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: corrupt-tta\nVersion: 0.1.7\n")
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
        for name, _ in PICTURES:
            archive.write(frost_pictures / name, f"corrupt_tta/assets/frost/{name}")
    told = hardiness("data", "get", "frost")
    assert told.status == 0, told.err
    assert "5 pictures from corrupt-tta" in told.out
    assert {path.name for path in frost_cache().iterdir()} == {name for name, _ in PICTURES}
    assert "are there already" in hardiness("data", "get", "frost").out


def test_without_the_pictures_frost_alone_is_left_out_and_told(
    hardiness: Any, factory: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, results: Any
) -> None:
    monkeypatch.setenv("HARDINESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(frost_pictures, "PACKAGES", ())
    asked = ["--data", "embedded", "--limit", "2", "--out", tmp_path / "x"]
    told = hardiness("run", "-m", factory(), "-b", "imagenet-c:severities=1,corruptions=frost+fog", *asked)
    assert told.status == 1
    (line,) = told.lines[-1:]
    assert "frost is not evaluated" in line
    assert "hardiness data get frost" in line
    (result,) = results(tmp_path / "x")
    assert "mce_partial" in {score["metric"] for score in result["scores"]}
    written = hardiness(
        "make",
        "corruptions",
        "--format",
        "jpeg",
        "embedded",
        tmp_path / "c",
        "--severities",
        "1",
        "--corruptions",
        "frost+fog",
        "--limit",
        "2",
    )
    assert written.status == 1
    assert "frost" in written.lines[-1]
    assert sorted(path.name for path in (tmp_path / "c").iterdir() if path.is_dir()) == ["fog"]


def test_get_of_something_else_is_refused(hardiness: Any) -> None:
    told = hardiness("data", "get", "frots")
    assert told.status == 2
    assert "did you mean 'frost'" in told.err


def test_a_written_set_of_another_name_is_read_back_and_gives_the_same_predictions(
    hardiness: Any, factory: Any, tmp_path: Path
) -> None:
    model, tree = factory(), tmp_path / "tree"
    cells = ["--corruptions", "sparkles+perlin_noise", "--severities", "2+5"]
    line = ["make", "corruptions", "--format", "jpeg", "embedded", tree, "--set", "imagenet-c-bar", *cells]
    told = hardiness(*line, "--limit", "3", "--quiet")
    assert told.status == 0, told.err
    assert len(list(tree.glob("*/*/*/*.JPEG"))) == 3 * 4
    asked = "imagenet-c-bar:corruptions=sparkles+perlin_noise,severities=2+5"
    for data in (["embedded"], [f"imagenet-c-bar={tree}", "--data", "embedded"]):
        told = hardiness(
            "run", "-m", model, "-b", asked, "--data", *data, "--limit", "3", "--out", tmp_path / "x", "--quiet"
        )
        assert told.status == 0, told.err
    runs = {run.run.data.name: run.records() for run in Store.open(tmp_path / "x").runs()}
    stored, generated = runs["imagenet-c-bar"], runs["embedded"]

    def answers(records: Any) -> dict[tuple[str, int], int]:
        keys = zip(records["sample"].tolist(), records["condition"].tolist(), strict=True)
        return dict(zip(keys, records["prediction"].tolist(), strict=True))

    assert len(answers(generated)) == 3 * 5
    assert answers(stored) == answers(generated)
    refused = hardiness("make", "corruptions", "--format", "jpeg", "embedded", tree, "--corruptions", "fog", "--quiet")
    assert refused.status == 2
    assert "was written with set imagenet-c-bar, and now set is imagenet-c" in refused.err


def test_an_unknown_set_is_one_line(hardiness: Any, tmp_path: Path) -> None:
    told = hardiness("make", "corruptions", "--format", "jpeg", "embedded", tmp_path / "c", "--set", "imagenet-c-baz")
    assert told.status == 2
    assert "did you mean 'imagenet-c-bar'" in told.err
    assert len(told.lines) == 1


def test_listed_corruptions_name_their_sets(hardiness: Any) -> None:
    lines = hardiness("list", "corruptions").out.splitlines()
    (perlin,) = [line for line in lines if " perlin_noise " in line]
    (fog,) = [line for line in lines if " fog " in line and "imagenet-c" in line]
    assert "imagenet-c-bar" in perlin
    assert "imagenet-c-bar" not in fog
