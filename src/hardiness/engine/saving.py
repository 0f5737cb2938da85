"""Adversarial pictures as PNG files, and whether they still do what they did when they are read again."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hardiness.attacks.threats import threat
from hardiness.core import ArgumentError, Benchmark, Condition, DataSet, Image, Norm, Round
from hardiness.data.saved_pictures import CLASSES, MANIFEST
from hardiness.engine.plan import Task
from hardiness.engine.victims import Network, RoundOutcome, Victims
from hardiness.imaging import decode, png
from hardiness.models.pixels import to_pixels
from hardiness.store import Store
from hardiness.store.files import PARTIAL, refuse_links, write

if TYPE_CHECKING:
    from torch import Tensor


@dataclass
class SavedPictures:
    """The folder of one benchmark's adversarial pictures: ``<model>/<condition>/<sample>.png``, and their manifest.

    ``manifest.jsonl`` has a line a picture: file, sample, label and prediction (class indices), what was predicted when
    the file was read again, model, attack, norm, epsilon, condition. Any model can be evaluated on the folder of one
    condition: ``-b imagenet-val --data adversarial=FOLDER``.

    Attributes:
        folder: where it is.
        classes: the data set's own, where they are not ImageNet's.
        written: pictures written by this session.
        changed: those among them whose prediction is another after they were rounded to 8 bits and read again.
    """

    folder: Path
    classes: tuple[str, ...] = ()
    written: int = 0
    changed: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def of(cls, store: Store, benchmark: Benchmark, data: DataSet) -> SavedPictures | None:
        """Where the pictures of a benchmark are kept; ``None`` where it makes none.

        Raises:
            ArgumentError: the store is no folder.
        """
        if store.folder is None:
            raise ArgumentError(f"--save-images needs a folder to write to, and --out is {store.address}")
        if benchmark.attack is None:
            return None
        return cls(store.folder / "images" / benchmark.name, data.class_names or ())

    def keep(
        self, model: str, network: Network, victims: Victims, plan: Round, outcomes: Sequence[RoundOutcome]
    ) -> None:
        """Write the successes of a round, each mark in a folder of its own, and read them again.

        Raises:
            StoreError: disk full or no permission.
        """
        for outcome in outcomes:
            assert outcome.pixels is not None, "a gallery needs the pictures"
            images = rounded(outcome.pixels, victims.pixels, plan.norm, plan.epsilon)
            fallen = np.flatnonzero(outcome.columns["success"]).tolist()
            written = [self._written(model, outcome.condition, victims.samples[i], images[i]) for i in fallen]
            if not written:
                continue
            predictions = outcome.logits[fallen].argmax(axis=1).tolist()
            entries = [
                {
                    "file": path.relative_to(self.folder).as_posix(),
                    "sample": victims.samples[i],
                    "label": int(victims.labels[i]),
                    "prediction": prediction,
                    "model": model,
                    "attack": plan.attack,
                    "norm": plan.norm,
                    "epsilon": plan.epsilon,
                    "condition": dict(outcome.condition),
                }
                for i, prediction, (path, _) in zip(fallen, predictions, written, strict=True)
            ]
            self._count(network, to_pixels([image for _, image in written]).to(victims.pixels.device), entries)

    def lacking(self, task: Task, names: Sequence[str], wanted: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
        """The rows among ``wanted``, sample and index of a condition, that are stored successes without a picture.

        Args:
            task: the model's; with a surrogate its successes are meant, and its pictures.
            names: files of the shard.
            wanted: rows of it.
        """
        run, found = task.stored.run, []
        column, model = ("surrogate_success", run.surrogate.model) if run.surrogate else ("success", run.model.name)
        for name in names:
            records = task.stored.read(name, ["sample", "condition", column])
            if records is None or not len(records):
                continue
            for sample, index, success in zip(
                *(records[c].tolist() for c in ("sample", "condition", column)), strict=True
            ):
                place = place_of(model, run.conditions[index], sample)
                if success and run.conditions[index] and not (self.folder / place).is_file():
                    found.append((sample, index))
        rows = set(found)
        return [row for row in wanted if row in rows]

    def _written(self, model: str, condition: Condition, sample: str, image: Image) -> tuple[Path, Image]:
        path = self.folder / place_of(model, condition, sample)
        content = png(image)
        refuse_links(path, self.folder.parents[1])  # the output folder
        write(path, content, self.folder / PARTIAL)
        return path, decode(content, str(path))

    def _count(self, network: Network, pixels: Tensor, entries: Sequence[dict[str, Any]]) -> None:
        """Classify what was read again, and tell each picture in the manifest."""
        import torch

        with torch.no_grad():
            again = network(pixels).argmax(dim=1).cpu().tolist()
        told = [{**entry, "read_again": prediction} for entry, prediction in zip(entries, again, strict=True)]
        with self._lock:
            self.written += len(told)
            self.changed += sum(entry["read_again"] != entry["prediction"] for entry in told)
            if self.classes and not (self.folder / CLASSES).exists():
                names = json.dumps({"names": list(self.classes)}).encode()
                write(self.folder / CLASSES, names, self.folder / PARTIAL)
            at = self.folder / MANIFEST
            known = dict.fromkeys(at.read_text().splitlines()) if at.exists() else {}
            known |= dict.fromkeys(json.dumps(entry, sort_keys=True) for entry in told)
            lines = {json.loads(line)["file"]: line for line in known}
            content = "".join(f"{line}\n" for _, line in sorted(lines.items()))
            write(at, content.encode(), self.folder / PARTIAL)

    @property
    def remark(self) -> str | None:
        """What to tell of it; ``None`` where nothing was written."""
        if not self.written:
            return None
        told = f"{self.written:,} adversarial pictures were written to {self.folder}"
        return f"{told}; {self.changed:,} of them get another prediction once they are rounded to 8 bits"


def place_of(model: str, condition: Condition, sample: str) -> str:
    """Where a picture lies below the folder of its benchmark, with ``/`` between folders."""
    at = "-".join(
        f"{key}_{value:.4g}" if isinstance(value, float) else f"{key}_{value}" for key, value in condition.items()
    )
    parts = (re.sub(r"[^\w.-]+", "_", name) for name in (model, at))
    return "/".join((*parts, f"{sample}.png"))


def rounded(pixels: Tensor, clean: Tensor, norm: Norm, epsilon: float) -> list[Image]:
    """Pixels as images ``uint8 (H, W, 3)`` that keep to the budget.

    Each value goes to the nearest level; a sample that leaves the budget by that goes towards its clean image instead.
    """
    import torch

    levels = (pixels * 255).round()
    far = ~threat(norm).contains(levels / 255, clean, epsilon)
    inward = (clean * 255).round() + ((pixels - clean) * 255).trunc()
    levels = torch.where(far[:, None, None, None], inward, levels)
    return list(levels.clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).contiguous().cpu().numpy())
