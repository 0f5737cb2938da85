"""Adversarial pictures in a folder, and their manifest."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hardiness.attacks.criteria import sole_answers
from hardiness.attacks.threats import threat
from hardiness.core.attack_plan import Norm, Round
from hardiness.core.benchmark import Benchmark, DataSet, Image
from hardiness.core.codes import RunRemark
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError
from hardiness.core.fact import Fact
from hardiness.data.saved_pictures import CLASSES, MANIFEST
from hardiness.engine.pictures import place_of
from hardiness.engine.tasks import Task
from hardiness.engine.victims import Network, RoundOutcome, Victims
from hardiness.imaging.codecs import decode, png
from hardiness.models.preprocessing import to_pixels
from hardiness.store.store import Store
from hardiness.store.writing import PARTIAL, refuse_links, write

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
    def in_store(cls, store: Store, benchmark: Benchmark, data: DataSet) -> SavedPictures | None:
        """The folder of a benchmark's pictures in a store; ``None`` where it makes none.

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
        import torch

        for outcome in outcomes:
            assert outcome.pixels is not None, "a gallery needs the pictures"
            images = rounded(outcome.pixels, victims.pixels, plan.norm, plan.epsilon)
            fallen = np.flatnonzero(outcome.columns["success"]).tolist()
            files = [self._write(model, outcome.condition, victims.samples[i], images[i]) for i in fallen]
            if not files:
                continue
            predictions = sole_answers(torch.from_numpy(outcome.logits[fallen])).tolist()
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
                for i, prediction, (path, _) in zip(fallen, predictions, files, strict=True)
            ]
            self._count(network, to_pixels([image for _, image in files]).to(victims.pixels.device), entries)

    def lacking(self, task: Task, names: Sequence[str], rows: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
        """The rows among ``rows``, sample and index of a condition, that are stored successes without a picture.

        Args:
            task: the model's; with a surrogate its successes are meant, and its pictures.
            names: files of the shard.
            rows: of the shard.
        """
        run, without_picture = task.stored.run, []
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
                    without_picture.append((sample, index))
        missing = set(without_picture)
        return [row for row in rows if row in missing]

    def _write(self, model: str, condition: Condition, sample: str, image: Image) -> tuple[Path, Image]:
        path = self.folder / place_of(model, condition, sample)
        content = png(image)
        refuse_links(path, self.folder.parents[1])  # the output folder
        write(path, content, self.folder / PARTIAL)
        return path, decode(content, str(path))

    def _count(self, network: Network, pixels: Tensor, entries: Sequence[dict[str, Any]]) -> None:
        """Classify the pictures that were read again, and list each in the manifest."""
        import torch

        with torch.no_grad():
            predictions = sole_answers(network(pixels)).cpu().tolist()
        checked = [{**entry, "read_again": prediction} for entry, prediction in zip(entries, predictions, strict=True)]
        with self._lock:
            self.written += len(checked)
            self.changed += sum(entry["read_again"] != entry["prediction"] for entry in checked)
            if self.classes and not (self.folder / CLASSES).exists():
                names = json.dumps({"names": list(self.classes)}).encode()
                write(self.folder / CLASSES, names, self.folder / PARTIAL)
            manifest = self.folder / MANIFEST
            known_lines = dict.fromkeys(manifest.read_text().splitlines()) if manifest.exists() else {}
            known_lines |= dict.fromkeys(json.dumps(entry, sort_keys=True) for entry in checked)
            lines = {json.loads(line)["file"]: line for line in known_lines}
            content = "".join(f"{line}\n" for _, line in sorted(lines.items()))
            write(manifest, content.encode(), self.folder / PARTIAL)

    @property
    def remark(self) -> Fact | None:
        """The pictures that were written; ``None`` where there are none."""
        counts = {"pictures": self.written, "folder": str(self.folder), "changed": self.changed}
        return Fact(RunRemark.SAVED_PICTURES, counts) if self.written else None


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
