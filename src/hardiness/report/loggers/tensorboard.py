"""``tensorboard``: event files in ``OUT/tensorboard``, a folder for each model."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from hardiness.report.loggers.logger import TrackerRun, register


class TensorBoard:
    """Event files that ``tensorboard --logdir OUT/tensorboard`` shows."""

    def __init__(self, writer: Any) -> None:
        self._writer = writer

    def log(self, numbers: Mapping[str, float], step: int) -> None:
        for name, value in numbers.items():
            self._writer.add_scalar(name, value, step)
        self._writer.flush()

    def close(self) -> None:
        self._writer.close()


@register("tensorboard", "tensorboard", summary="The event file of one run; what was run is its text.")
def open_tensorboard(tracked: TrackerRun) -> TensorBoard:
    """The run of a tracker, opened."""
    from torch.utils.tensorboard import SummaryWriter

    writer = SummaryWriter(str(tracked.folder / "tensorboard" / re.sub(r"[^\w.-]+", "_", tracked.name)))
    for name, text in tracked.about.items():
        writer.add_text(name, text)
    return TensorBoard(writer)
