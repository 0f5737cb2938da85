"""A surrogate's attack, made once for all evaluated models: clean pictures come in, adversarial ones go on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hardiness import attacks
from hardiness.core import AttackPlan, Condition, Expansion, SampleError, Unreadable
from hardiness.engine.attacking import run_round
from hardiness.engine.ensemble import Ensemble
from hardiness.engine.forward import QueuedPicture
from hardiness.engine.saving import SavedPictures
from hardiness.engine.surrogate_pictures import SurrogatePictures
from hardiness.engine.units import Job, Pictures
from hardiness.engine.victims import RoundOutcome
from hardiness.engine.whitebox import judge_of, network_of, untouched, victims_of
from hardiness.models import Classifier

Decoded = tuple[Job, Pictures | SampleError]


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

    def transferred(self, decoded: Iterable[Decoded]) -> Iterator[Decoded]:
        """Each job, in order, with its adversarial pictures under every condition it asks for."""
        waiting: list[Decoded] = []
        for job, outcome in decoded:
            waiting.append((job, outcome))
            if job.ends_unit or len(waiting) == self.batch_size:
                yield from self._attacked(waiting)
                waiting = []

    def _attacked(self, batch: list[Decoded]) -> list[Decoded]:
        """The batch with its pictures attacked; what could not be read, or gives no finite logits, says so instead."""
        readable = [(job, outcome[0]) for job, outcome in batch if not isinstance(outcome, SampleError)]
        rows = [
            QueuedPicture(job.item.id, job.conditions, 0, int(self.labels[job.item.label]), picture.images[0])
            for job, picture in readable
            if isinstance(picture, Expansion)
        ]
        pictures = self._known(rows)
        made = self._pictures([row for row in rows if row.sample not in pictures])
        for sample, found in made.items() if self.kept else ():
            whole = [each for each in found if isinstance(each, Expansion)]
            if self.kept and len(whole) == len(found):
                self.kept.write(sample, whole)
        pictures |= made
        return [(job, outcome if isinstance(outcome, SampleError) else pictures[job.item.id]) for job, outcome in batch]

    def _known(self, rows: list[QueuedPicture]) -> dict[str, list[Expansion | Unreadable]]:
        """The pictures that are kept already; none where they are to be saved as files, which the attack does."""
        if self.kept is None or self.gallery is not None:
            return {}
        found = {row.sample: self.kept.read(row.sample, row.conditions) for row in rows}
        return {sample: [*pictures] for sample, pictures in found.items() if pictures is not None}

    def _pictures(self, rows: list[QueuedPicture]) -> dict[str, list[Expansion | Unreadable]]:
        if not rows:
            return {}
        feed = self.classifier.feed()
        network, judge = network_of(self.classifier, feed), judge_of(self.classifier, feed)
        victims, lost = victims_of(judge, self.classifier, rows, self.seed)
        found: dict[str, list[Expansion | Unreadable]] = {row.sample: [] for row in rows}
        reason = f"surrogate {self.classifier.spec.name} gave NaN or infinite logits for"
        for row, gone in zip(rows, lost, strict=True):
            if gone:
                found[row.sample] = [Unreadable(self.conditions[i], f"{reason} {row.sample}") for i in row.conditions]
        if not len(victims.samples):
            return found
        wanted = {self.conditions[index] for row in rows for index in row.conditions}
        outcomes = [untouched(victims, self.plan)]
        for plan in self.plan.rounds:
            if wanted.intersection(plan.marks.values()):
                judged = run_round(
                    network,
                    victims,
                    plan,
                    self.seed,
                    keep_pixels=True,
                    judge=judge,
                    last=attacks.made_to_transfer(plan.attack),
                )
                outcomes += judged
                if self.gallery:
                    self.gallery.keep(self.classifier.spec.name, judge, victims, plan, judged)
        for outcome in outcomes:
            for sample, picture in zip(victims.samples, _expansions(outcome), strict=True):
                if outcome.condition in wanted:
                    found[sample].append(picture)
        return found


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
