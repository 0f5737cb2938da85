"""A data set under a corruption, and a worker that is told epochs: where spawned processes can import them."""

from __future__ import annotations

from typing import Any

import torch
from kernel_hashes import picture

from hardiness import Corrupt


class Pictures(torch.utils.data.Dataset[Any]):
    """Six pictures under a corruption."""

    def __init__(self, step: Corrupt) -> None:
        self.step = step

    def __len__(self) -> int:
        return 6

    def __getitem__(self, index: int) -> Any:
        return self.step(picture(40 + index, 40))[:40]


def epochs_of(step: Corrupt, asked: Any) -> None:
    """A worker: what it sees before and after its parent sets 1, and after it has set one itself."""
    asked.send(step.epoch)
    asked.recv()
    seen = step.epoch
    step.epoch = 7
    asked.send((seen, step.epoch))
    asked.recv()
    asked.send(step.epoch)
