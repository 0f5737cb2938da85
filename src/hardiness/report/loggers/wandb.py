"""``wandb``: runs of the project ``hardiness``; offline, in ``OUT/wandb``, unless ``WANDB_MODE`` says otherwise."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from hardiness.report.loggers.logger import TrackerRun, register

PROJECT = "hardiness"


class WeightsAndBiases:
    """One run; ``wandb sync OUT/wandb/offline-run-*`` sends it."""

    def __init__(self, run: Any) -> None:
        self._run = run

    def log(self, numbers: Mapping[str, float], step: int) -> None:
        """A number each; wandb keeps no step that goes back, so images are a number beside them."""
        self._run.log({**numbers, "images": step})

    def close(self) -> None:
        self._run.finish()


@register(
    "wandb",
    "wandb",
    quiet={"WANDB_ERROR_REPORTING": "false"},
    summary="A new run beside those that are open, with what was run as its config.",
)
def open_wandb(tracked: TrackerRun) -> WeightsAndBiases:
    """The run of a tracker, opened."""
    import wandb

    mode: Any = os.environ.get("WANDB_MODE", "offline")
    run = wandb.init(
        project=os.environ.get("WANDB_PROJECT", PROJECT),
        name=tracked.name,
        dir=str(tracked.folder),
        config=dict(tracked.about),
        mode=mode,
        reinit="create_new",
        settings=wandb.Settings(silent=True, console="off"),
    )
    return WeightsAndBiases(run)
