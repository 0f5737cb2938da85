"""How many images a unit has: what a killed run can lose, what a batch must find room in, what models share."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from hardiness.benchmarks.options import parse
from hardiness.core.model import View
from hardiness.core.progress import Silence
from hardiness.core.request import Request
from hardiness.data.root import locate
from hardiness.engine import tasks
from hardiness.engine.batch_sizes import LARGEST, LARGEST_WITH_GRADIENTS, batch_size_by_doubling, largest_batch
from hardiness.engine.evaluation import prepared
from hardiness.engine.tasks import unit_images
from hardiness.models.loading import wrap
from hardiness.store.store import Store


@pytest.mark.parametrize(
    ("benchmark", "batch_size", "images"),
    [
        ("imagenet-val", 32, 256),
        ("imagenet-val", 1024, 1024),
        ("imagenet-c", 1024, 16),
        ("imagenet-c:corruptions=fog,severities=3", 1024, 512),  # fog and the clean pictures,
        ("imagenet-p", 1024, 4),
        ("whitebox:attack=pgd", 8, 16),
        ("whitebox:attack=pgd", 100, 100),
    ],
)
def test_a_batch_finds_room_in_a_unit(benchmark: str, batch_size: int, images: int) -> None:
    for on_gpu in (False, True):
        assert unit_images(parse(benchmark), batch_size, on_gpu) == images


def test_units_of_small_pictures_are_larger_and_those_of_attacks_are_not() -> None:
    assert unit_images(parse("cifar10"), None, on_gpu=False, are_small=True) == 8 * 256
    assert unit_images(parse("cifar10-c"), 1024, on_gpu=False, are_small=True) == 8 * 16
    assert unit_images(parse("whitebox:attack=pgd"), None, on_gpu=False, are_small=True) == 32


@pytest.mark.parametrize(
    ("benchmark", "on_cpu", "on_gpu"),
    [("imagenet-val", 256, 1024), ("imagenet-c", 16, 16), ("imagenet-p", 1, 4), ("whitebox:attack=pgd", 32, 128)],
)
@pytest.mark.parametrize("gradients", [False, True])
def test_where_the_batch_is_found_a_unit_has_room_for_the_largest_and_no_clock_decides(
    benchmark: str, on_cpu: int, on_gpu: int, gradients: bool
) -> None:
    assert unit_images(parse(benchmark), None, on_gpu=False) == on_cpu
    assert unit_images(parse(benchmark), None, on_gpu=True) == on_gpu
    found = batch_size_by_doubling(float, largest_batch(True, gradients))
    assert found == (LARGEST_WITH_GRADIENTS if gradients else LARGEST), "however fast it is"


def test_models_with_different_batches_share_the_decoding(
    tmp_path: Path, photographs: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def network(width: int) -> torch.nn.Module:
        return torch.nn.Sequential(
            torch.nn.Conv2d(3, width, 7, 4),
            torch.nn.AdaptiveAvgPool2d(1),
            torch.nn.Flatten(),
            torch.nn.Linear(width, 1000),
        )

    small, large = (wrap(network(width), View(), name=f"of {width}", runtime="torch") for width in (2, 8))
    monkeypatch.setattr(tasks, "automatic_batch_size", lambda model, *_: 32 if model is small else 8)
    for photograph in photographs[:3]:
        folder = tmp_path / "data" / "imagenet" / "val" / photograph.parent.name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / photograph.name).symlink_to(photograph.resolve())
    data = locate([str(tmp_path / "data")]).dataset("imagenet")
    begun = prepared(
        parse("whitebox:attack=pgd"), [small, large], data, Store.create(tmp_path / "x"), Request(), Silence()
    )
    (worker,) = begun.workers
    assert [task.batch.current for task in worker.tasks] == [32, 8]
    (unit,) = worker.units()
    assert len(unit.parts) == 2
    assert len(list(unit.jobs(worker.items, apart=False))) == 3, "each photograph is read once"
