"""ImageNet-A and -R: decided among 200 classes, with the decision among 1,000 beside it; which is which, by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

import hardiness
from hardiness.reference.classes import subset, wnids

BRIGHT, DARK = 6, 2


class Brightness(torch.nn.Module):
    """Bright: 2 for the class ``inside``, 3 for ``outside``. Dark: 1 and 9. All other logits are 0."""

    def __init__(self, inside: int, outside: int) -> None:
        super().__init__()
        self.inside, self.outside = inside, outside

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        bright = x.mean((1, 2, 3)) > 0
        logits = torch.zeros(len(x), 1000)
        logits[:, self.inside] = torch.where(bright, 2.0, 1.0)
        logits[:, self.outside] = torch.where(bright, 3.0, 9.0)
        return logits


@pytest.mark.parametrize("name", ["imagenet-a", "imagenet-r"])
def test_subset_classification_is_200_way_and_has_the_1000_way_score_beside_it(name: str, tmp_path: Path) -> None:
    """Six bright photographs of ``inside``, two dark ones of another of the 200 classes.

    Among the 200 the answer is always ``inside``: 6 of 8 are right, and the right ones are the surer ones. Among the
    1,000 it is always ``outside``: none is right, and the dark ones are the surer ones. Exchanging the two anywhere
    changes every number below.
    """
    inside, other = subset(name)[3], subset(name)[7]
    outside = next(index for index in range(1000) if index not in subset(name))
    for number in range(BRIGHT + DARK):
        label, grey = (inside, 255) if number < BRIGHT else (other, 0)
        folder = tmp_path / "root" / name / wnids()[label]
        folder.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (32, 32), (grey, grey, grey)).save(folder / f"{number}.png")
    view = hardiness.View(resize_px=32, crop_px=32, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
    result = hardiness.evaluate(
        Brightness(inside, outside), name, str(tmp_path / "root"), view=view, out=tmp_path / "out", runtime="torch"
    )
    top1 = result.score("top1")
    assert (top1.condition, top1.value, top1.n) == (hardiness.Condition(), 6 / 8, 8)
    assert result.score("top1", decision="1000-way").value == 0
    right_first = (6 * 1 + 6 / 7 + 6 / 8) / 8  # mean accuracy of the k surest, right ones first
    assert result.score("aurra").value == pytest.approx(right_first)
    (file,) = (tmp_path / "out" / "records").glob("*/*.parquet")
    rows = pq.read_table(file)
    e = np.exp
    bright = np.array(rows["label"]) == inside
    among_200 = np.where(bright, e(2) / (e(2) + 199), e(1) / (e(1) + 199))
    among_1000 = np.where(bright, e(3) / (e(3) + e(2) + 998), e(9) / (e(9) + e(1) + 998))
    np.testing.assert_allclose(np.array(rows["subset_confidence"]), among_200, rtol=1e-5)
    np.testing.assert_allclose(np.array(rows["confidence"]), among_1000, rtol=1e-5)
    assert set(rows["subset_prediction"].to_pylist()) == {inside}
    assert set(rows["prediction"].to_pylist()) == {outside}
