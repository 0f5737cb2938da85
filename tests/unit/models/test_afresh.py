"""A copy of a model that has seen no image: loaded anew, or kept from when a module was handed over."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from hardiness.core.model import View
from hardiness.models.loading import load, wrap

Noise = Callable[..., Tensor]
VIEW = View(36, 32)
OWN = """
import torch
import beside

class Counts(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.scale, self.own = torch.nn.Parameter(torch.arange(3.0)), 0

    def forward(self, x):
        self.own += len(x)
        beside.SHOWN.extend(range(len(x)))
        return self.scale + x.mean((2, 3)) + self.own + len(beside.SHOWN)

def net():
    return Counts()
"""


class Counts(nn.Module):
    """A network that counts the images that it is shown."""

    def __init__(self) -> None:
        super().__init__()
        self.scale, self.own = nn.Parameter(torch.arange(3.0)), 0

    def forward(self, x: Tensor) -> Tensor:
        self.own += len(x)
        return self.scale + x.mean((2, 3)) + self.own


@pytest.mark.slow
def test_a_file_of_ones_own_is_run_anew_with_what_lies_beside_it(tmp_path: Path, noise: Noise) -> None:
    (tmp_path / "beside.py").write_text("SHOWN = []\n")
    (tmp_path / "own.py").write_text(OWN)
    try:
        classifier = load(f"py:{tmp_path / 'own.py'}:net:mean=0,std=1,crop_px=32", device="cpu")
        first = classifier.plain_logits(noise(1))
        assert not classifier.plain_logits(noise(1)).equal(first), "it counts"
        before = sys.modules["beside"]
        for _ in range(2):
            other = classifier.afresh()
            assert other is not None
            assert other.plain_logits(noise(1)).equal(first)
        assert sys.modules["beside"] is before
        (tmp_path / "own.py").write_text(OWN.replace("arange(3.0)", "ones(3)"))
        assert classifier.afresh() is None, "a file that was edited meanwhile is another model"
    finally:
        sys.modules.pop("beside", None)
        sys.path.remove(str(tmp_path))


def test_a_module_that_was_handed_over_has_a_copy_from_then(noise: Noise) -> None:
    classifier = wrap(Counts(), VIEW, name="counts", device="cpu")
    first = classifier.plain_logits(noise(1))
    assert not classifier.plain_logits(noise(1)).equal(first)
    for _ in range(2):
        other = classifier.afresh()
        assert other is not None
        assert other.plain_logits(noise(1)).equal(first)


def test_weights_that_change_while_images_are_shown_leave_no_copy(noise: Noise) -> None:
    class Adapts(Counts):
        def forward(self, x: Tensor) -> Tensor:
            self.scale.data += x.mean()
            return self.scale + x.mean((2, 3))

    classifier = wrap(Adapts(), VIEW, name="adapts", device="cpu", runtime="torch")
    classifier.plain_logits(noise(1))
    assert classifier.afresh() is None


def test_a_function_cannot_be_copied(noise: Noise) -> None:
    classifier = wrap(lambda images: images.reshape(len(images), 3, -1).mean(2) - 100.0, VIEW, name="f", device="cpu")
    assert classifier.afresh() is None


@pytest.mark.slow
def test_a_library_s_model_is_loaded_once_more_and_kept() -> None:
    classifier = load("torchvision:squeezenet1_1:weights=random", device="cpu")
    other = classifier.afresh()
    assert other is not None
    assert other is not classifier
    assert classifier.afresh() is other
