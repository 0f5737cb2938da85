"""Adversarial pictures as PNG files, and whether they still do what they did when they are read again."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hardiness import attacks
from hardiness.core import Condition, Image, Norm, Round
from hardiness.engine.attacking import Judged, Network, Victims
from hardiness.imaging import decode, png
from hardiness.models.pixels import to_pixels
from hardiness.store import atomic

if TYPE_CHECKING:
    from torch import Tensor


@dataclass
class Gallery:
    """The folder of one benchmark's adversarial pictures: ``<model>/<condition>/<sample>.png``.

    Attributes:
        folder: where it is.
        written: pictures written by this session.
        changed: those among them whose prediction is another after they were rounded to 8 bits and read again.
    """

    folder: Path
    written: int = 0
    changed: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def keep(self, model: str, network: Network, victims: Victims, plan: Round, outcomes: Sequence[Judged]) -> None:
        """Write the successes of a round, each mark in a folder of its own, and read them again.

        Raises:
            StoreError: disk full or no permission.
        """
        for outcome in outcomes:
            assert outcome.pixels is not None, "a gallery needs the pictures"
            images = rounded(outcome.pixels, victims.pixels, plan.norm, plan.epsilon)
            fallen = np.flatnonzero(outcome.columns["success"]).tolist()
            again = [self._written(model, outcome.condition, victims.samples[i], images[i]) for i in fallen]
            if again:
                self._count(network, to_pixels(again).to(victims.pixels.device), outcome.logits[fallen].argmax(axis=1))

    def _written(self, model: str, condition: Condition, sample: str, image: Image) -> Image:
        at = "-".join(
            f"{key}_{value:.4g}" if isinstance(value, float) else f"{key}_{value}" for key, value in condition.items()
        )
        place = (re.sub(r"[^\w.-]+", "_", name) for name in (model, at))
        path = self.folder.joinpath(*place, f"{sample}.png")
        content = png(image)
        atomic.write(path, content, self.folder / atomic.PARTIAL)
        return decode(content, str(path))

    def _count(self, network: Network, pixels: Tensor, predictions: np.ndarray) -> None:
        import torch

        with torch.no_grad():
            again = network(pixels).argmax(dim=1).cpu().numpy()
        with self._lock:
            self.written += len(again)
            self.changed += int((again != predictions).sum())

    @property
    def remark(self) -> str | None:
        """What to tell of it; ``None`` where nothing was written."""
        if not self.written:
            return None
        told = f"{self.written:,} adversarial pictures were written to {self.folder}"
        return f"{told}; {self.changed:,} of them get another prediction once they are rounded to 8 bits"


def rounded(pixels: Tensor, clean: Tensor, norm: Norm, epsilon: float) -> list[Image]:
    """Pixels as images ``uint8 (H, W, 3)`` that keep to the budget.

    Each value goes to the nearest level; a sample that leaves the budget by that goes towards its clean image instead.
    """
    import torch

    levels = (pixels * 255).round()
    far = attacks.distance(norm, levels / 255 - clean) > epsilon * (1 + 1e-5) + 1e-6
    inward = (clean * 255).round() + ((pixels - clean) * 255).trunc()
    levels = torch.where(far[:, None, None, None], inward, levels)
    return list(levels.clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).contiguous().cpu().numpy())
