"""Attacks and shifts of small pictures, at their own size."""

from __future__ import annotations

from pathlib import Path

import networks as masked
import numpy as np
import pytest
from findings import crops
from torch import nn

import hardiness
from hardiness.benchmarks.options import parse, registry
from hardiness.benchmarks.small_sets import OfAnySize
from hardiness.core.benchmark import Benchmark, DataRoot
from hardiness.core.errors import ArgumentError, DataError, UnknownNameError
from hardiness.core.model import View
from hardiness.data.root import locate
from hardiness.report.words import text

X = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), dtype=np.uint8)
Y = np.arange(4)
PLAIN = View(mean=(0, 0, 0), std=(1, 1, 1))
NAMES = ("whitebox", "blackbox", "autoattack", "apgd-fab-square")


def small_sets(folder: Path, *names: str) -> DataRoot:
    np.savez(folder / "part.npz", x=X, y=Y)
    return locate([f"{name}={folder / 'part.npz'}" for name in names])


def budgets(benchmark: Benchmark) -> set[float]:
    assert benchmark.attack
    return {attack_round.epsilon for attack_round in benchmark.attack.rounds if attack_round.epsilon < 1}


@pytest.mark.parametrize("name", NAMES)
def test_budgets_and_size_are_those_of_the_set(name: str) -> None:
    small, usual = parse(f"{name}:pictures=cifar10"), parse(name)
    assert small.canvas
    assert usual.canvas
    assert (small.canvas.crop_px, usual.canvas.crop_px) == (32, 224)
    assert budgets(small) == {8 / 255} != budgets(usual)
    assert budgets(parse(f"{name}:pictures=cifar10,norm=l2")) == {0.5}
    assert budgets(parse(f"{name}:pictures=cifar10,epsilons=2/255")) == {2 / 255}
    assert small.identity()["pictures"] == "cifar10"
    assert "pictures" not in usual.identity()


@pytest.mark.parametrize("name", [*NAMES, "shift-consistency"])
def test_the_one_set_of_small_pictures_takes_the_place_of_photographs(name: str, tmp_path: Path) -> None:
    benchmark = parse(name)
    (part,) = benchmark.parts(small_sets(tmp_path, "cifar10"))
    assert isinstance(part, OfAnySize)
    assert part.pictures == "cifar10"
    assert part.dataset(small_sets(tmp_path, "cifar10")).name == "cifar10"
    both = small_sets(tmp_path, "cifar10", "cifar100")
    with pytest.raises(DataError, match=f"^{name}: --data has cifar10 and cifar100: say which, as in {name}:pictures="):
        benchmark.parts(both)
    assert text(benchmark.lacks(both)).startswith("--data has cifar10 and cifar100")
    chosen = parse(f"{name}:pictures=cifar100")
    assert (chosen.parts(both), chosen.lacks(both)) == ((chosen,), None)
    assert text(chosen.lacks(small_sets(tmp_path, "cifar10"))) == "no data set cifar100 in --data"


def test_photographs_stay_what_is_attacked_where_they_are_there(tmp_path: Path) -> None:
    np.savez(tmp_path / "part.npz", x=X, y=Y)
    benchmark = parse("whitebox")
    assert benchmark.parts(locate(["embedded", f"cifar10={tmp_path / 'part.npz'}"])) == (benchmark,)


def test_other_pictures_and_sizes_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="pictures of autoattack"):
        parse("autoattack:pictures=imagenet-a")
    with pytest.raises(
        ArgumentError, match=r"^autoattack:preprocessing is of photographs, and cifar10 is not resized$"
    ):
        parse("autoattack:pictures=cifar10,preprocessing=Res224")


def test_small_pictures_are_shifted_around_their_edges(tmp_path: Path) -> None:
    benchmark = parse("shift-consistency:pictures=cifar10")
    item = benchmark.dataset(small_sets(tmp_path, "cifar10")).items[1]
    assert benchmark.canvas
    shifts = set()
    for seed in range(20):
        for expansion in benchmark.expand(item, benchmark.conditions(), [benchmark.canvas], seed):
            (image,) = expansion.images
            moves = [(down, right) for down in range(-4, 5) for right in range(-4, 5)]
            (shift,) = [move for move in moves if np.array_equal(np.roll(X[item.label], move, (0, 1)), image)]
            shifts.update(shift)
    assert shifts == {-3, -2, -1, 0, 1, 2}


def written_crops(folder: Path) -> list[str]:
    rows = crops()
    np.savez(folder / "crops.npz", x=np.stack([row.image for row in rows]), y=[row.label for row in rows])
    return [f"cifar10={folder / 'crops.npz'}"]


@pytest.mark.slow
def test_a_run_attacks_at_32_px_and_its_report_names_a_mask(tmp_path: Path) -> None:
    data, asked = written_crops(tmp_path), "whitebox:protocol=standard,steps=1+10+40"
    settings = {"view": PLAIN, "progress": False}
    honest = hardiness.evaluate(masked.crops("adversarial"), asked, data, name="honest", **settings)
    assert honest.run.input.fed == "32 px as it is"
    assert {tried.epsilon for tried in honest.run.attack} == {8 / 255, 1.0, 1000.0}
    raised = {each.code for each in honest.findings if each.is_raised}
    assert raised <= {"verdict"}
    network = masked.MASKS["decoy"](masked.crops("adversarial"))
    hidden = hardiness.evaluate(network, asked, data, name="hidden", **settings)
    assert {each.code for each in hidden.findings if each.is_raised} & masked.KINDS["decoy"]


class OfAnyHeight(nn.Module):
    """A network whose answer depends on the size of its input."""

    def forward(self, pixels):  # type: ignore[no-untyped-def]
        return pixels.flatten(1)[:, :10] * pixels.shape[-1]


@pytest.mark.slow
def test_a_line_says_that_a_network_states_another_size(tmp_path: Path) -> None:
    view = View(mean=(0, 0, 0), std=(1, 1, 1), resize_px=48, crop_px=48)
    asked = "apgd-fab-square:iterations=2,queries=2,must_break=false,cross_checks=false"
    result = hardiness.evaluate(OfAnyHeight(), asked, written_crops(tmp_path), view=view, name="net", progress=False)
    assert result.run.input.fed == "32 px, bicubic to 48 px"
    said = "cifar10: its pictures are resized (32 px, bicubic to 48 px) for net, which takes or states that size"
    assert said in [text(fact) for fact in result.warnings]


def test_only_what_is_of_any_size_has_the_option() -> None:
    taking = {name for name in registry.names() if issubclass(registry.get(name), OfAnySize)}
    assert taking == {*NAMES, "shift-consistency"}
