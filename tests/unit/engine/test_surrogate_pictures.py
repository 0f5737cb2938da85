"""A surrogate's pictures are kept unless they would fill a disk."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hardiness.core.benchmark import Expansion
from hardiness.core.condition import Condition
from hardiness.core.run import BenchmarkIdentity, DataIdentity, ModelIdentity, Run, Surrogate
from hardiness.engine.transfer import MOST_BYTES, PICTURE_BYTES, SurrogatePictures
from hardiness.report.words import text
from hardiness.store.store import Store

CONDITION = Condition(epsilon=0.06, steps=10, surrogate="squeezenet1_1")
SHOWN = Expansion(CONDITION, 0, (np.full((3, 4, 4), 0.25, np.float32),), (("reached", 1.0),))


@pytest.fixture
def run() -> Run:
    """A black-box run of some model."""
    return Run(
        ModelIdentity("efficientnet_lite0", "a" * 64),
        BenchmarkIdentity("blackbox", "attack", "orhan2019", {}),
        DataIdentity("imagenet", "f" * 64, 6, 1000),
        conditions=(CONDITION,),
        surrogate=Surrogate("squeezenet1_1", "b" * 64),
    )


@pytest.mark.parametrize(("pictures", "kept"), [(6, True), (MOST_BYTES // PICTURE_BYTES + 1, False)])
def test_what_might_fill_a_disk_is_not_kept(tmp_path: Path, run: Run, pictures: int, kept: bool) -> None:
    found = SurrogatePictures.for_run(Store(tmp_path).files, run, pictures)
    assert found is not None
    found.write("n01440764/a", [SHOWN])
    assert (found.read("n01440764/a", [0]) is not None) is kept
    assert (found.remark is None) is kept
    assert kept or "at most 32 GB" in text(found.remark)


def test_every_model_is_shown_the_same(tmp_path: Path, run: Run) -> None:
    first = SurrogatePictures.for_run(Store(tmp_path).files, run, 1)
    assert first is not None
    first.write("a", [SHOWN])
    other = SurrogatePictures.for_run(Store(tmp_path).files, replace(run, model=ModelIdentity("other", "c" * 64)), 1)
    assert other is not None
    (back,) = other.read("a", [0]) or ()
    np.testing.assert_array_equal(back.images[0], SHOWN.images[0])
    assert back.facts == SHOWN.facts
