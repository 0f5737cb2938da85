"""The look at stored rows: which changes of outputs are taken for the same code, and what is kept of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from hardiness.core.model import View
from hardiness.core.run import ModelIdentity, Plan, Run
from hardiness.engine.look import TOLERANCE, StoredLook
from hardiness.imaging.codecs import decode
from hardiness.imaging.resizing import on_canvas
from hardiness.models.loading import load, wrap
from hardiness.models.preprocessing import to_pixels
from hardiness.store.store import Store

VIEW = View(72, 64)


def looked(*rows: list[float]) -> StoredLook:
    return StoredLook({f"picture {place}": np.array(row, np.float32) for place, row in enumerate(rows)})


def test_the_picture_that_changes_most_is_named() -> None:
    one = looked([1.0, -4.0], [2.0, 0.0], [0.0, 0.0])
    assert one.change(one) == ("picture 0", 0.0)
    assert one.change(looked([1.0, -4.0], [2.0, 0.5], [0.0, 0.0])) == ("picture 1", pytest.approx(0.25))
    assert one.change(looked([1.0, -4.0, 0.0])) == ("picture 0", float("inf")), "it has another number of classes"
    assert one.change(StoredLook()) == ("", 0.0)


def test_only_pictures_of_both_are_compared() -> None:
    one = StoredLook({}, {"a fog": "1", "b fog": "2"})
    assert one.changed_picture(StoredLook({}, {"a fog": "1", "c fog": "3"})) == ""
    assert one.changed_picture(StoredLook({}, {"b fog": "3", "a fog": "1"})) == "b fog"


def test_what_is_kept_is_what_was_looked_at(tmp_path: Path) -> None:
    run = Store.create(tmp_path).run(Run(ModelIdentity("net", code_sha256="0")), Plan(1, "", 0, 1))
    assert StoredLook.of_run(run) is None
    kept = StoredLook(looked([1.0, 2.0]).outputs, {"a fog": "1"})
    kept.keep(run)
    found = StoredLook.of_run(run)
    assert found is not None
    assert (found.change(kept)[1], found.pictures) == (0.0, kept.pictures)
    run.keep("look.npz", b"PK damaged")
    assert StoredLook.of_run(run) is None


class InBfloat16(nn.Module):
    """A network that computes in bfloat16."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network.bfloat16()

    def forward(self, pixels: Tensor) -> Tensor:
        logits: Tensor = self.network(pixels.bfloat16()).float()
        return logits


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_another_batch_size_or_number_of_threads_is_the_same_code(dtype: torch.dtype, photographs: list[Path]) -> None:
    network = load("squeezenet1_1", device="cpu", runtime="torch")._original.network
    network = InBfloat16(network) if dtype == torch.bfloat16 else network
    classifier = wrap(network, VIEW, name="net", device="cpu", runtime="torch")
    pictures = [on_canvas(decode(path.read_bytes(), path.name), VIEW.canvas) for path in photographs]
    pixels = to_pixels([*pictures, *pictures][:64])
    assert len(pixels) == 64
    together = classifier.logits(pixels)[:16]
    alone = np.concatenate([classifier.logits(pixels[place : place + 1]) for place in range(16)])
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        in_one_thread = classifier.logits(pixels)[:16]
    finally:
        torch.set_num_threads(threads)
    for other in (alone, in_one_thread):
        _, change = looked(*together.tolist()).change(looked(*other.tolist()))
        assert change < TOLERANCE / 10
