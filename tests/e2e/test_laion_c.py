"""LAION-C's released layout through the Python surface, and the typographic attack on a network that cannot read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from chat_server import ChatServer
from PIL import Image
from torch import nn

import hardiness
from hardiness.benchmarks.laion_c import CELLS
from hardiness.core.model import View
from hardiness.reference.categories import laion_c

DOG, FRUIT = (laion_c()[name][0] for name in ("dog", "fruit"))


class DogsAreDark(nn.Module):
    """Answers dog where a picture is dark, and fruit where it is not."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        bright = x.mean(dim=(1, 2, 3))
        logits = torch.zeros(len(x), 1000)
        logits[:, list(laion_c()["dog"])] = -10 * (bright[:, None] - 0.5)
        logits[:, list(laion_c()["fruit"])] = 10 * (bright[:, None] - 0.5)
        return logits


VIEW = View(mean=(0, 0, 0), std=(1, 1, 1))


def test_the_released_layout_is_evaluated(tmp_path: Path) -> None:
    for cell in CELLS:
        for name, value in (("dog", 20), ("fruit", 20 if cell["severity"] == 5 else 230)):
            folder = tmp_path / "laion-c" / cell["corruption"] / f"intensity_level_{cell['severity']}" / name
            folder.mkdir(parents=True)
            Image.fromarray(np.full((224, 224, 3), value, np.uint8)).save(folder / "0.png")
    result = hardiness.evaluate(DogsAreDark(), "laion-c", str(tmp_path), view=VIEW, runtime="torch", progress=False)
    assert result.counts.complete
    assert result.score("mean_accuracy").value == 0.9  # at the last intensity the fruits are dark
    assert result.score("accuracy", severity=5).value == 0.5
    assert result.score("accuracy", corruption="mosaic", severity=1).value == 1.0


def test_a_network_that_cannot_read_is_a_control(data_root: Path) -> None:
    given = {"view": VIEW, "runtime": "torch", "limit": 3, "progress": False}
    result = hardiness.evaluate(DogsAreDark(), "typographic", str(data_root), **given)
    assert result.counts.evaluated == 6
    assert result.score("typographic_drop").n == 3
    assert result.score("word_answered").interval is not None


def test_a_chat_model_is_asked_for_the_superclass(tmp_path: Path) -> None:
    for number, cell in enumerate(CELLS[::5]):
        for name, value in (("dog", 20), ("fruit", 230)):
            folder = tmp_path / "laion-c" / cell["corruption"] / f"intensity_level_{cell['severity']}" / name
            folder.mkdir(parents=True)
            Image.fromarray(np.full((224, 224, 3), value + number, np.uint8)).save(folder / "0.png")
    with ChatServer(answer=lambda prompt, png: "Dog.") as chat:
        result = hardiness.evaluate(chat.model(repeats=2), "laion-c", str(tmp_path), progress=False)
        assert len(chat.asked) == 2 * 2 * 6
        text = chat.asked[0][0]["messages"][0]["content"][1]["text"]
        assert {line[3:] for line in text.splitlines()[1:-1]} == {name.replace("_", " ") for name in laion_c()}
    assert result.score("accuracy", corruption="mosaic").value == 0.5
    assert result.score("answer_changes").value == 0
    assert result.score("unanswered").value == 0
