"""``hardiness.compare`` on what an output folder holds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from answers import stored

import hardiness
from hardiness.core.errors import DataError


@pytest.mark.slow
def test_two_models_are_compared_on_the_images_that_both_have(tmp_path: Path) -> None:
    images = np.arange(100)
    stored(tmp_path, "a", images >= 10)
    stored(tmp_path, "b", images >= 40)
    found = hardiness.compare(tmp_path, "a", "b")
    (benchmark,) = found
    assert (benchmark.benchmark, benchmark.n, len(found)) == ("imagenet-val", 100, 1)
    top1 = next(score for score in benchmark.scores if score.metric == "top1")
    assert top1.pairs["a", "b"].value == pytest.approx(0.3)
    text = repr(found)
    assert "imagenet-val on d" in text
    assert "+30.00" in text


def test_a_folder_without_records_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no records"):
        hardiness.compare(tmp_path)
