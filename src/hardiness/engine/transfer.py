"""A surrogate's attack, made once for all evaluated models: clean pictures come in, adversarial ones go on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hardiness.core import AttackPlan, Condition, Expansion, SampleError, Unreadable
from hardiness.engine.attacking import strike
from hardiness.engine.ensemble import Ensemble
from hardiness.engine.forward import Row
from hardiness.engine.saving import Gallery
from hardiness.engine.units import Job, Pictures
from hardiness.engine.victims import Judged
from hardiness.engine.whitebox import judge_of, network_of, untouched, victims_of
from hardiness.models import Classifier

Decoded = tuple[Job, Pictures | SampleError]


@dataclass(frozen=True)
class Surrogate:
    """The model that is attacked in place of the evaluated ones.

    Attributes:
        classifier: the model.
        plan: the rounds.
        conditions: every condition of the benchmark.
        seed: keys targets and start noise.
        batch_size: pictures attacked together at most; batches never cross shards.
        labels: its class for each label of the data set.
        gallery: where adversarial pictures are kept; ``None`` where they are not.
    """

    classifier: Classifier | Ensemble
    plan: AttackPlan
    conditions: tuple[Condition, ...]
    seed: int
    batch_size: int
    labels: NDArray[np.int32]
    gallery: Gallery | None = None

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
            Row(job.item.id, job.conditions, 0, int(self.labels[job.item.label]), picture.images[0])
            for job, picture in readable
            if isinstance(picture, Expansion)
        ]
        pictures = self._pictures(rows) if rows else {}
        return [(job, outcome if isinstance(outcome, SampleError) else pictures[job.item.id]) for job, outcome in batch]

    def _pictures(self, rows: list[Row]) -> dict[str, list[Expansion | Unreadable]]:
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
                judged = strike(network, victims, plan, self.seed, keep_pixels=True, judge=judge)
                outcomes += judged
                if self.gallery:
                    self.gallery.keep(self.classifier.spec.name, judge, victims, plan, judged)
        for outcome in outcomes:
            for sample, picture in zip(victims.samples, _expansions(outcome), strict=True):
                if outcome.condition in wanted:
                    found[sample].append(picture)
        return found


def _expansions(outcome: Judged) -> Iterator[Expansion]:
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
