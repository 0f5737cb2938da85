"""How large benchmarks are, and how long they take."""

from __future__ import annotations

import pytest

import hardiness
from hardiness.api.benchmark_sizes import size_table
from hardiness.benchmarks.sizes import benchmark_size
from hardiness.cli.main import command_of


def test_imagenet_c_is_made_of_what_imagenet_is() -> None:
    """19 corruptions at five severities, of which 15 count, and clean pictures."""
    size = benchmark_size("imagenet-c")
    assert (size.pictures, size.conditions, size.passes) == (50_000, 76, 3_800_000)
    assert list(size.needed) == ["imagenet-c", "imagenet"]
    assert benchmark_size("imagenet-c:extra=true").passes == 50_000 * 96


def test_pictures_beside_count() -> None:
    size = benchmark_size("ood")
    outside = {"imagenet-o": 2_000, "ssb-hard": 49_000, "ninco": 5_879, "inaturalist": 10_000, "textures": 5_160}
    assert size.pictures == 50_000 + sum(outside.values()) + 15_869
    assert size.beside.keys() == {*outside, "openimage-o"}


def test_an_attack_has_no_passes_and_small_pictures_have_no_times_of_large_networks() -> None:
    rows = {row[0]: row for row in size_table().rows}
    assert rows.keys() == set(hardiness.list_benchmarks())
    assert rows["whitebox"][3:] == ("", "imagenet 6.7", "", "")
    assert rows["cifar10-c"][3:] == ("760,000", "cifar10-c 2.9 or cifar10 0.17", "", "")


def test_times_are_passes_over_the_stated_rate() -> None:
    (row,) = size_table(["imagenet-val"]).rows
    assert row[-1] == "16 s · 32 s · 52 s"


def test_the_command_prints_one_or_all(capsys: pytest.CaptureFixture[str]) -> None:
    command_of("list benchmarks").main(["imagenet-r", "--sizes"], standalone_mode=False)
    printed = capsys.readouterr().out
    assert "30,000" in printed
    assert "imagenet-c" not in printed
