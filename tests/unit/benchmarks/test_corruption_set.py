"""Benchmarks that are made of a set's data file: options, conditions, keys and corruptions of one's own."""

from __future__ import annotations

import json
import pickle
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
import pytest

from hardiness import imaging
from hardiness.benchmarks.corruptions import benchmark_of, corruption_benchmark
from hardiness.benchmarks.imagenet_p import ImagenetP
from hardiness.benchmarks.options import parse
from hardiness.core.benchmark import DataSet
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError, DataError
from hardiness.distortions.apply import Corruption, corrupt, corruptions, perturbations
from hardiness.reference.sets import distortion_set
from hardiness.report.words import text

IMAGENET_C = distortion_set("imagenet-c")
ImagenetC = corruption_benchmark("imagenet-c")

PAGE = Path(__file__).parents[3] / "docs" / "extend.md"
BLOCK = re.compile(r'^```\w+ title="(\S+)"\n(.*?)^```$', re.MULTILINE | re.DOTALL)


class Share(NamedTuple):
    """How much is left."""

    share: float


def dimmed(image: np.ndarray, level: Share, draws: None) -> np.ndarray:
    """A darker picture.

    Source: a test.
    """
    return (image * level.share).astype(np.uint8)


@pytest.fixture
def mine(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Corruption]:
    """Registers a corruption of one's own for one test."""

    def register(**options: Any) -> Corruption:
        levels = tuple(map(Share, (0.8, 0.6, 0.5, 0.3, 0.1)))
        entry = Corruption("mine", "light", levels, corruptions.get("contrast").draw, dimmed, **options)
        monkeypatch.setitem(corruptions._entries, "mine", (entry, "here"))
        return entry

    return register


def test_imagenet_c_keeps_its_conditions_and_its_key() -> None:
    benchmark = ImagenetC()
    assert len(benchmark.conditions()) == 1 + 19 * 5
    assert len(benchmark.whole()) == 75
    assert benchmark.identity() == {"jpeg": True, "view": "", "cell": "", "kernels": {}}
    assert (
        ImagenetC(extra=True, corruptions=("fog",), severities=(1,), source="stored").identity() == benchmark.identity()
    )
    assert benchmark.requested() == (Condition(), *benchmark.whole())


def test_an_own_corruption_is_requested_beside_the_set_and_is_no_part_of_it(mine: Callable[..., Corruption]) -> None:
    mine()
    benchmark = parse("imagenet-c:corruptions=mine+fog,severities=1+5")
    assert isinstance(benchmark, ImagenetC)
    assert set(benchmark.requested()) <= set(benchmark.conditions())
    own = [condition for condition in benchmark.requested() if condition.get("corruption") == "mine"]
    assert own == [Condition(corruption="mine", severity=1), Condition(corruption="mine", severity=5)]
    assert benchmark.whole() == ImagenetC().whole()
    assert benchmark.conditions()[: 1 + 95] == ImagenetC().conditions()


def test_an_own_perturbation_is_requested_beside_the_ten(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = replace(perturbations.get("rotate"), name="turned", version=2)
    monkeypatch.setitem(perturbations._entries, "turned", (entry, "here"))
    benchmark = ImagenetP(perturbations=("turned", "rotate"))
    assert Condition(perturbation="turned") in benchmark.requested()
    assert set(benchmark.requested()) <= set(benchmark.conditions())
    assert benchmark.whole() == ImagenetP().whole()
    assert benchmark.identity() == {"kernels": {"turned": 2}}
    assert ImagenetP().identity() == {"kernels": {}}


def test_a_new_version_changes_the_keys_of_the_runs_that_use_it_and_no_others(
    mine: Callable[..., Corruption], monkeypatch: pytest.MonkeyPatch
) -> None:
    mine(version=3)
    assert ImagenetC().identity()["kernels"] == {}
    assert ImagenetC(corruptions=("mine",)).identity()["kernels"] == {"mine": 3}
    fog = replace(corruptions.get("fog"), version=2)
    monkeypatch.setitem(corruptions._entries, "fog", (fog, "here"))
    assert ImagenetC().identity()["kernels"] == {"fog": 2}
    others = benchmark_of(replace(distortion_set("imagenet-c"), name="other", groups={}, members=("snow",), extra=()))
    assert others().identity()["kernels"] == {}


def test_a_set_of_one_s_own_that_another_process_did_not_register_is_made_there() -> None:
    members = replace(distortion_set("imagenet-c"), name="lines", groups={}, members=("snow",), extra=())
    benchmark = benchmark_of(members)(severities=(2, 4))
    again = pickle.loads(pickle.dumps(benchmark))
    assert (again.members, again.severities) == (members, (2, 4))
    assert type(pickle.loads(pickle.dumps(ImagenetC()))) is ImagenetC


def test_what_a_corruption_requires_is_told_and_the_rest_is_evaluated(mine: Callable[..., Corruption]) -> None:
    def absent() -> None:
        raise DataError("its picture is nowhere; get it")

    mine(require=absent)
    photographs = DataSet("imagenet", (), 1000, "f", "here")

    class Root:
        def has(self, name: str) -> bool:
            return False

        def dataset(self, name: str) -> DataSet:
            return photographs

    assert text(ImagenetC(source="stored").lacks(Root())) == "no data set imagenet-c in --data"
    found = ImagenetC(corruptions=("fog", "mine")).dataset(Root())
    told = "mine is not evaluated, mCE is partial: its picture is nowhere; get it"
    assert [*map(text, found.notes)] == [told]
    assert Condition(corruption="fog", severity=3) in (found.conditions or ())
    assert Condition(corruption="mine", severity=3) not in (found.conditions or ())
    assert ImagenetC(corruptions=("fog",)).dataset(Root()) is photographs


def test_a_set_without_jpeg_refuses_one(mine: Callable[..., Corruption]) -> None:
    kind = benchmark_of(replace(IMAGENET_C, name="bare", jpeg_quality=0, levels=(2, 4)))
    assert kind().jpeg is False
    assert kind().severities == (2, 4)
    with pytest.raises(ArgumentError, match="bare:jpeg must be false"):
        kind(jpeg=True)
    with pytest.raises(ArgumentError, match="bare:severities must be of 2, 4, had 1"):
        kind(severities=(1,))


def test_severities_that_a_corruption_lacks_are_refused(
    mine: Callable[..., Corruption], monkeypatch: pytest.MonkeyPatch
) -> None:
    short = replace(mine(), levels=(Share(0.5),))
    monkeypatch.setitem(corruptions._entries, "mine", (short, "here"))
    assert ImagenetC(corruptions=("mine",)).requested() == (Condition(), Condition(corruption="mine", severity=1))
    with pytest.raises(ArgumentError, match="mine has none of the severities"):
        ImagenetC(corruptions=("mine",), severities=(4,))


PHOTOGRAPH = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)


@pytest.mark.parametrize("quality", [90, 10])
def test_a_level_is_applied_alone_and_a_severity_ends_with_the_jpeg_of_its_set(quality: int) -> None:
    """Quality 10 is that of severity 4, and quality 90 is above that of the files."""
    name = corruption_benchmark("imagenet-c").name
    whole, level = parse(f"{name}:corruptions=jpeg_compression,levels={quality}").parts(cast(Any, None))
    assert whole.requested() == (Condition(),), "no severity stands for a level"
    (cell,) = level.conditions()
    assert cell == Condition(corruption="jpeg_compression", level=f"quality={quality}")
    alone = corrupt(PHOTOGRAPH, "jpeg_compression", quality=quality, id="a/1")
    np.testing.assert_array_equal(level.picture(PHOTOGRAPH, cell, "a/1", 0), alone)
    assert (whole.identity()["jpeg"], level.identity()["jpeg"]) == (True, False), "the key says so"
    severity = whole.picture(PHOTOGRAPH, Condition(corruption="jpeg_compression", severity=4), "a/1", 0)
    published = corrupt(PHOTOGRAPH, "jpeg_compression", 4, id="a/1")
    np.testing.assert_array_equal(severity, imaging.decode(imaging.encode_jpeg(published, 85), "a/1"))


def test_levels_of_a_sweep_are_runs_of_their_own_beside_the_severities_that_are_named() -> None:
    whole, *levels = parse("imagenet-c:corruptions=gaussian_noise,levels=0.08+0.1,severities=1+3").parts(
        cast(Any, None)
    )
    cells = [Condition(corruption="gaussian_noise", severity=severity) for severity in (1, 3)]
    assert whole.requested() == (Condition(), *cells)
    assert [cell["level"] for level in levels for cell in level.conditions()] == ["sigma=0.08", "sigma=0.1"]
    with pytest.raises(ArgumentError, match="a level must read NAME=VALUE"):
        parse("own-c:cell=gaussian_noise/1")


def test_one_class_a_set() -> None:
    assert corruption_benchmark("imagenet-c") is ImagenetC


@pytest.mark.slow
def test_the_example_of_the_documentation_runs(tmp_path: Path, warm: Callable[..., Any]) -> None:
    """In a process of its own: registering it here would make it part of the contract tests."""
    text = PAGE.read_text("utf-8")
    files = dict(BLOCK.findall(text[text.index("\n## A distortion") : text.index("\n## An attack")]))
    assert set(files) == {"bars.py", "lines-and-light.toml", "passing.py"}
    layers = "torch.nn.AdaptiveAvgPool2d(4), torch.nn.Flatten(), torch.nn.Linear(48, 1000)"
    files["network.py"] = f"import torch\ndef build(): return torch.nn.Sequential({layers})"
    files["run.py"] = (
        "import sys, bars\nfrom hardiness.cli.main import main\n"
        f"common = ['hardiness', 'run', '-m', 'py:{tmp_path}/network.py:build:mean=0,std=1',"
        "'--data', 'embedded', '--limit', '3']\n"
        f"own = 'imagenet-c:corruptions=bars+contrast,severities=5'\n"
        f"lines = 'toml:{tmp_path}/lines-and-light.toml'\n"
        "levels = 'imagenet-c:corruptions=bars,levels=12+16'\n"
        f"sys.argv = [*common, '-b', lines, '-b', own, '-b', levels, '--out', '{tmp_path}/out']\nmain()"
    )
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    process = warm(tmp_path / "run.py")
    _, err = process.communicate()
    assert process.returncode == 0, err
    results = json.loads((tmp_path / "out" / "results.json").read_text())["results"]
    by_name = {result["benchmark"]: result for result in results}
    whole = by_name["lines-and-light"]
    assert whole["counts"]["failed"] == 0
    assert whole["scores"][0]["metric"] == "mean_error"
    assert not {"mce", "mce_partial"} & {score["metric"] for score in whole["scores"]}
    beside = by_name["imagenet-c"]["scores"]
    (error,) = [s for s in beside if s["condition"] == {"corruption": "bars", "severity": 5}]
    assert (error["metric"], error["n"]) == ("error", 3)
    (ratio,) = [s for s in beside if s["metric"] == "mce_partial"]
    (contrast,) = [s for s in beside if s["metric"] == "ce"]
    assert contrast["condition"] == {"corruption": "contrast"}
    assert ratio["value"] == contrast["value"], "what is one's own is in no mean"
    (error,) = [s for s in beside if s["condition"] == {"corruption": "bars", "level": "distance_px=12"}]
    assert (error["metric"], error["n"]) == ("error", 3)
    (error,) = [s for s in beside if s["condition"] == {"corruption": "bars", "level": "distance_px=16"}]
    assert (error["metric"], error["n"]) == ("error", 3), "a level has its name, though severity 3 has its value"
