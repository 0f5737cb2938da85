"""Corruptions at the strengths of CIFAR-10-C: by an option of sets of corruptions, and as files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from click.testing import CliRunner

from hardiness.benchmarks.corruptions import corruption_benchmark
from hardiness.benchmarks.options import registry
from hardiness.cli.make import make_corruptions
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError
from hardiness.distortions.apply import corrupt

IMAGE = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
CELL = Condition(corruption="contrast", severity=2)


def test_strengths_are_of_the_protocol_without_a_jpeg_and_part_of_the_key() -> None:
    kind = registry.get("own-c")
    small, usual = kind(strengths="cifar10-c"), kind()
    expected = corrupt(IMAGE, "contrast", 2, id="a/b", protocol="cifar10-c")
    np.testing.assert_array_equal(small.picture(IMAGE, CELL, "a/b", 0), expected)
    assert not np.array_equal(usual.picture(IMAGE, CELL, "a/b", 0), expected)
    assert small.identity()["strengths"] == "cifar10-c"
    assert not small.identity()["jpeg"]
    assert "strengths" not in usual.identity()


def test_a_set_without_such_strengths_and_stored_files_are_refused() -> None:
    with pytest.raises(ArgumentError, match=r"^protocol cifar10-c has no strengths of "):
        corruption_benchmark("imagenet-c-bar")(strengths="cifar10-c")
    with pytest.raises(ArgumentError, match=r"^imagenet-c: strengths are of generated pictures"):
        corruption_benchmark("imagenet-c")(strengths="cifar10-c", source="stored")


@pytest.mark.parametrize("option", [("--protocol", "cifar10-c"), ("--set", "cifar10-c")])
def test_files_are_made_at_the_pictures_own_size(option: tuple[str, str], tmp_path: Path) -> None:
    source, tree = tmp_path / "pictures", tmp_path / "tree"
    for name in ("cat", "dog"):
        (source / name).mkdir(parents=True)
        PIL.Image.fromarray(IMAGE).save(source / name / "a.png")
    options = [*option, "--corruptions", "contrast+glass_blur", "--quiet"]
    arguments = [str(source), str(tree), *options]
    # A command keeps its help option, which has the names that its first caller says.
    made = CliRunner().invoke(make_corruptions, arguments, help_option_names=["-h", "--help"])
    assert made.exit_code == 0, made.output
    for name in ("contrast", "glass_blur"):
        written = np.asarray(PIL.Image.open(tree / name / "3" / "dog" / "a.png"))
        np.testing.assert_array_equal(written, corrupt(IMAGE, name, 3, id="dog/a", protocol="cifar10-c"))
