"""A surrogate's attack, made once for all evaluated models and kept: clean pictures come in, adversarial ones go on."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hardiness.attacks.kit import made_to_transfer
from hardiness.core.attack_plan import AttackPlan
from hardiness.core.benchmark import Expansion, PictureFault, Pixels
from hardiness.core.codes import RunRemark
from hardiness.core.condition import Condition
from hardiness.core.errors import SampleError, StoreError
from hardiness.core.fact import Fact
from hardiness.core.model import CANVAS_224
from hardiness.core.run import InputIdentity, ModelIdentity, Run
from hardiness.engine.attack import clean_rows, judge_of, network_of, run_round, victims_of
from hardiness.engine.batch import QueuedPicture
from hardiness.engine.ensemble import Ensemble
from hardiness.engine.saved_pictures import SavedPictures
from hardiness.engine.unit import Job, Pictures
from hardiness.engine.victims import RoundOutcome
from hardiness.models.classifier import Classifier
from hardiness.store.files import Files

FOLDER, FACTS = "surrogates", "facts.json"

MOST_BYTES = 32 * 10**9
"""Bytes that kept pictures may take: 7 budgets on 5,000 photographs do, on all of ImageNet's they would take 210 GB."""

PICTURE_BYTES = CANVAS_224.crop_px**2 * 3 * 4

LEVEL = 1
"""Level of compression: values pressed against the budget are nearly free, and the rest hardly shrinks at all."""

Decoded = tuple[Job, Pictures | SampleError]


@dataclass
class SurrogatePictures:
    """A file a photograph with its pictures under every condition, exactly as they were shown: float32, lossless.

    Attributes:
        files: of the output folder.
        folder: there; its name changes with the surrogate, the attacks, the seed and the data.
        conditions: every condition of the benchmark.
        failed: why no further file is written; empty while all can be.
    """

    files: Files
    folder: str
    conditions: tuple[Condition, ...]
    failed: str = ""

    @classmethod
    def for_run(cls, files: Files, run: Run, pictures: int) -> SurrogatePictures | None:
        """The pictures that the models of such a run are shown, whichever model it is of; ``None`` without a surrogate.

        Args:
            files: of the output folder.
            run: of any of the models.
            pictures: how many were asked for; where they might take more than `MOST_BYTES`, no further are kept.
        """
        if run.surrogate is None:
            return None
        benchmark = replace(run.benchmark, columns=())
        anyone = replace(run, model=ModelIdentity(), benchmark=benchmark, input=InputIdentity(), precision="fp32")
        name = re.sub(r"[^\w.-]+", "_", run.surrogate.model)[:60]
        size = pictures * PICTURE_BYTES
        large = f"they might take {size / 1e9:.0f} GB, and at most {MOST_BYTES / 1e9:.0f} GB are kept"
        return cls(files, f"{FOLDER}/{name}--{anyone.key}", run.conditions, large if size > MOST_BYTES else "")

    def read(self, sample: str, indices: Sequence[int]) -> list[Expansion] | None:
        """The pictures of a photograph under these conditions, by index; ``None`` unless all are there and whole."""
        try:
            content = self.files.read(self._path(sample))
            if content is None:
                return None
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                facts = json.loads(archive.read(FACTS))
                return [self._expansion(index, facts[str(index)], archive.read(str(index))) for index in indices]
        except (StoreError, zipfile.BadZipFile, LookupError, ValueError, TypeError):
            return None  # it is made again

    def write(self, sample: str, expansions: Iterable[Expansion]) -> None:
        """Keep the pictures of a photograph; where the folder takes no more, nothing is kept from then on."""
        if self.failed:
            return
        buffer, facts = io.BytesIO(), {}
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL) as archive:
            for expansion in expansions:
                index, pixels = self.conditions.index(expansion.condition), np.asarray(expansion.images[0], np.float32)
                facts[str(index)] = {"shape": pixels.shape, "facts": expansion.facts}
                archive.writestr(zipfile.ZipInfo(str(index)), _bytes(pixels), zipfile.ZIP_DEFLATED, LEVEL)
            archive.writestr(zipfile.ZipInfo(FACTS), json.dumps(facts))
        try:
            self.files.write(self._path(sample), buffer.getvalue())
        except StoreError as error:
            self.failed = str(error)

    @property
    def remark(self) -> Fact | None:
        """Why pictures are not kept; ``None`` where all are."""
        return Fact(RunRemark.NOT_KEPT, {"line": self.failed}) if self.failed else None

    def _path(self, sample: str) -> str:
        return f"{self.folder}/{sample}.zip"

    def _expansion(self, index: int, described: dict[str, object], content: bytes) -> Expansion:
        pixels = _pixels(content, tuple(described["shape"]))  # type: ignore[arg-type]  # as `write` wrote it
        facts = tuple((str(name), float(value)) for name, value in described["facts"])  # type: ignore[attr-defined]
        return Expansion(self.conditions[index], 0, (pixels,), facts)


def _bytes(pixels: Pixels) -> bytes:
    """The bytes of pixels, all first bytes, then all second ones …: exponents lie beside exponents."""
    return np.ascontiguousarray(pixels, "<f4").reshape(-1, 1).view(np.uint8).T.tobytes()


def _pixels(content: bytes, shape: tuple[int, ...]) -> Pixels:
    planes: NDArray[np.uint8] = np.frombuffer(content, np.uint8).reshape(4, -1)
    return np.ascontiguousarray(planes.T).view("<f4").reshape(shape).astype(np.float32)


@dataclass(frozen=True)
class SurrogateAttack:
    """The model that is attacked in place of the evaluated ones.

    Attributes:
        classifier: the model.
        plan: the rounds.
        conditions: every condition of the benchmark.
        seed: keys targets and start noise.
        batch_size: pictures attacked together at most; batches never cross shards.
        labels: its class for each label of the data set.
        gallery: where adversarial pictures are kept to be looked at; ``None`` where they are not.
        kept: where they are kept for models that come later; ``None`` where they are not.
    """

    classifier: Classifier | Ensemble
    plan: AttackPlan
    conditions: tuple[Condition, ...]
    seed: int
    batch_size: int
    labels: NDArray[np.int32]
    gallery: SavedPictures | None = None
    kept: SurrogatePictures | None = None

    def transfer(self, decoded: Iterable[Decoded]) -> Iterator[Decoded]:
        """Each job, in order, with its adversarial pictures under every condition it asks for."""
        waiting: list[Decoded] = []
        for job, outcome in decoded:
            waiting.append((job, outcome))
            if job.ends_unit or len(waiting) == self.batch_size:
                yield from self._attack(waiting)
                waiting = []

    def _attack(self, batch: list[Decoded]) -> list[Decoded]:
        """The batch with its pictures attacked; what could not be read, or gives no finite logits, says so instead."""
        readable = [(job, outcome[0]) for job, outcome in batch if not isinstance(outcome, SampleError)]
        rows = [
            QueuedPicture(job.item.id, job.conditions, 0, int(self.labels[job.item.label]), picture.images[0])
            for job, picture in readable
            if isinstance(picture, Expansion)
        ]
        pictures = self._kept_pictures(rows)
        attacked = self._pictures([row for row in rows if row.sample not in pictures])
        for sample, outcomes in attacked.items() if self.kept else ():
            whole = [picture for picture in outcomes if isinstance(picture, Expansion)]
            if self.kept and len(whole) == len(outcomes):
                self.kept.write(sample, whole)
        pictures |= attacked
        return [(job, outcome if isinstance(outcome, SampleError) else pictures[job.item.id]) for job, outcome in batch]

    def _kept_pictures(self, rows: list[QueuedPicture]) -> dict[str, list[Expansion | PictureFault]]:
        """The pictures that are kept already; none where they are to be saved as files, which the attack does."""
        if self.kept is None or self.gallery is not None:
            return {}
        stored = {row.sample: self.kept.read(row.sample, row.conditions) for row in rows}
        return {sample: [*pictures] for sample, pictures in stored.items() if pictures is not None}

    def _pictures(self, rows: list[QueuedPicture]) -> dict[str, list[Expansion | PictureFault]]:
        if not rows:
            return {}
        feed = self.classifier.feed()
        network, judge = network_of(self.classifier, feed), judge_of(self.classifier, feed)
        victims, are_lost = victims_of(judge, self.classifier, rows, self.seed)
        pictures: dict[str, list[Expansion | PictureFault]] = {row.sample: [] for row in rows}
        reason = f"surrogate {self.classifier.spec.name} gave NaN or infinite logits for"
        for row, is_lost in zip(rows, are_lost, strict=True):
            if is_lost:
                pictures[row.sample] = [
                    PictureFault(self.conditions[i], f"{reason} {row.sample}") for i in row.conditions
                ]
        if not len(victims.samples):
            return pictures
        conditions = {self.conditions[index] for row in rows for index in row.conditions}
        outcomes = [clean_rows(victims, self.plan)]
        for plan in self.plan.rounds:
            if conditions.intersection(plan.marks.values()):
                judged = run_round(
                    network,
                    victims,
                    plan,
                    self.seed,
                    keep_pixels=True,
                    judge=judge,
                    last=made_to_transfer(plan.attack),
                )
                outcomes += judged
                if self.gallery:
                    self.gallery.keep(self.classifier.spec.name, judge, victims, plan, judged)
        for outcome in outcomes:
            for sample, picture in zip(victims.samples, _expansions(outcome), strict=True):
                if outcome.condition in conditions:
                    pictures[sample].append(picture)
        return pictures


def _expansions(outcome: RoundOutcome) -> Iterator[Expansion]:
    """A picture for each sample of one condition, with how the attack on the surrogate went."""
    assert outcome.pixels is not None, "a transfer needs the pictures"
    pixels = outcome.pixels.cpu().numpy()
    columns = outcome.columns
    for i, image in enumerate(pixels):
        facts = (
            ("surrogate_success", float(columns["success"][i])),
            ("target", float(columns["target"][i])),
            ("step", float(columns["step"][i])),
        )
        yield Expansion(outcome.condition, 0, (np.ascontiguousarray(image),), facts)
