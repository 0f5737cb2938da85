"""One batch attacked on the model itself: images in, a row for each condition out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from hardiness.core import AttackPlan, Benchmark, Columns, Condition, Failure, ModelError, Records
from hardiness.core.errors import line_of
from hardiness.engine.attacking import Members, run_round
from hardiness.engine.batches import BatchSize
from hardiness.engine.cross_checks import Suspect, cross_checked, nothing, with_columns
from hardiness.engine.ensemble import Ensemble
from hardiness.engine.forward import QueuedPicture
from hardiness.engine.saving import SavedPictures
from hardiness.engine.substitutes import substitute
from hardiness.engine.victims import Network, RoundOutcome, Victims, targets_of
from hardiness.models import Classifier, InputPolicy, is_out_of_memory
from hardiness.models.execution.device_link import link_to
from hardiness.models.pixels import to_pixels

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Attacker:
    """Attacks batches of one benchmark.

    Attributes:
        benchmark: whose plan and decision rule count.
        plan: its rounds.
        conditions: every condition of the benchmark, for the index of each.
        seed: keys targets and start noise.
        gallery: where adversarial pictures are kept; ``None`` where they are not.
    """

    benchmark: Benchmark
    plan: AttackPlan
    conditions: tuple[Condition, ...]
    seed: int
    gallery: SavedPictures | None = None

    def records(
        self,
        classifier: Classifier,
        feed: InputPolicy,
        rows: Sequence[QueuedPicture],
        batch: BatchSize | None = None,
        members: Members | None = None,
    ) -> Records:
        """The records of one batch under every condition that its rows want.

        Where the accelerator has too little memory it is halved, and so is ``batch`` for the rest of the run. How
        members of an ensemble end is kept in ``members``.
        """
        import torch

        try:
            return self._records(classifier, feed, rows, members)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            if len(rows) == 1:
                raise ModelError(
                    f"{classifier.spec.name} and its gradients do not fit the accelerator's memory, one image at a "
                    f"time: {line_of(error)}"
                ) from None
        torch.cuda.empty_cache()
        if batch:
            batch.halve(len(rows))
        half = len(rows) // 2
        parts = (rows[:half], rows[half:])
        return Records.concatenate([self.records(classifier, feed, part, batch, members) for part in parts])

    def _records(
        self, classifier: Classifier, feed: InputPolicy, rows: Sequence[QueuedPicture], members: Members | None
    ) -> Records:
        suspect = suspect_of(classifier, feed, self.plan.bpda)
        victims, lost = victims_of(suspect.judge, classifier, rows, self.seed)
        kept = [row for row, gone in zip(rows, lost, strict=True) if not gone]
        reason = f"{classifier.spec.name} gave NaN or infinite logits"
        failures = [
            Failure(row.sample, f"{reason} for {row.sample}", row.conditions)
            for row, gone in zip(rows, lost, strict=True)
            if gone
        ]
        parts = [Records({}, tuple(failures))]
        if kept:
            parts += [self._rows(kept, judged) for judged in self._judged(suspect, classifier, victims, kept, members)]
        return Records.concatenate(parts)

    def _judged(
        self,
        suspect: Suspect,
        classifier: Classifier,
        victims: Victims,
        rows: Sequence[QueuedPicture],
        members: Members | None,
    ) -> list[RoundOutcome]:
        wanted = {self.conditions[index] for row in rows for index in row.conditions}
        found = [untouched(victims, self.plan)] if Condition() in wanted else []
        beside, at = nothing(len(victims.samples)), None
        for number, plan in enumerate(self.plan.rounds):
            if wanted.isdisjoint(plan.marks.values()):
                continue
            keep = self.gallery is not None
            network = suspect.network or suspect.judge
            outcomes = run_round(network, victims, plan, self.seed, keep, suspect.judge, members=members)
            found += [outcome for outcome in outcomes if outcome.condition in wanted]
            if self.gallery:
                self.gallery.keep(classifier.spec.name, suspect.judge, victims, plan, outcomes)
            checks = self.plan.checks
            if checks and checks.round == number and outcomes[-1].condition in wanted:
                at = outcomes[-1]
                beside = dict(cross_checked(suspect, victims, plan, at, checks, self.seed))
        return with_columns(found, beside, at)

    def _rows(self, rows: Sequence[QueuedPicture], judged: RoundOutcome) -> Records:
        """One condition's records; rows that do not want it are left out, those without finite logits fail."""
        index = self.conditions.index(judged.condition)
        asked = np.array([index in row.conditions for row in rows])
        finite = np.asarray(np.isfinite(judged.logits).all(axis=1))
        failures = tuple(
            Failure(row.sample, f"NaN or infinite logits under attack ({judged.condition}) for {row.sample}", (index,))
            for row, ask, fine in zip(rows, asked.tolist(), finite.tolist(), strict=True)
            if ask and not fine
        )
        chosen = asked & finite
        kept = [row for row, take in zip(rows, chosen.tolist(), strict=True) if take]
        if not kept:
            return Records({}, failures)
        labels = np.array([row.label for row in kept], np.int32)
        columns: Columns = {
            "sample": np.array([row.sample for row in kept], np.str_),
            "condition": np.full(len(kept), index, np.int16),
            "frame": np.zeros(len(kept), np.int16),
            "label": labels,
            **self.benchmark.decide(judged.logits[chosen], labels),
            **{name: column[chosen] for name, column in judged.columns.items()},
        }
        return Records(columns, failures)


def network_of(classifier: Classifier | Ensemble, feed: InputPolicy) -> Network:
    """What attacks see: canvas pixels to fp32 logits, through autograd where the model has gradients."""

    def network(pixels: Tensor) -> Tensor:
        return classifier.differentiable(feed(pixels))

    return network if classifier.has_gradients else judge_of(classifier, feed)


def judge_of(classifier: Classifier | Ensemble, feed: InputPolicy) -> Network:
    """Who judges: canvas pixels to logits by plain fp32 torch, or by a runtime without gradients; no graph."""
    import torch

    def judge(pixels: Tensor) -> Tensor:
        with torch.no_grad():
            return classifier.plain_logits(feed(pixels))

    return judge


def suspect_of(classifier: Classifier, feed: InputPolicy, bpda: str = "") -> Suspect:
    """A classifier as its attackers and its judge see it."""
    network = network_of(classifier, feed) if classifier.has_gradients else None
    if network is not None and bpda:
        network = substituted(classifier, feed, bpda)
    return Suspect(network, judge_of(classifier, feed))


@lru_cache(maxsize=4)
def substituted(classifier: Classifier, feed: InputPolicy, bpda: str) -> Network:
    """`network_of` with the backward pass of one module replaced; made once."""
    logits = classifier.differentiable_through(lambda network: substitute(network, bpda))
    return lambda pixels: logits(feed(pixels))


def victims_of(
    judge: Network, classifier: Classifier | Ensemble, rows: Sequence[QueuedPicture], seed: int
) -> tuple[Victims, list[bool]]:
    """The rows as a batch to be attacked, without those whose clean logits are not finite; and which those are."""
    import torch

    # A model without gradients takes pixels, and gives logits, in main memory, wherever it computes.
    pixels = to_pixels([row.image for row in rows], link_to(classifier.device if classifier.has_gradients else "cpu"))
    clean = judge(pixels)
    finite = torch.isfinite(clean).all(dim=1)
    labels = [row.label for row in rows]
    samples = [row.sample for row in rows]
    targets = targets_of(samples, labels, clean.shape[1], seed)
    victims = Victims(
        samples,
        pixels,
        torch.tensor(labels, device=clean.device, dtype=torch.int64),
        torch.from_numpy(targets).to(clean.device),
        clean,
    )
    return victims.of(finite.nonzero()[:, 0]), (~finite).tolist()


def untouched(victims: Victims, plan: AttackPlan) -> RoundOutcome:
    """The clean pictures under the condition that stands for them, with the columns that attacked ones have."""
    n = len(victims.samples)
    targeted = any(each.targeted for each in plan.rounds)
    criterion = victims.criterion(targeted)
    held = criterion.reached(victims.clean).cpu().numpy()
    columns = {
        "success": held,
        "step": np.where(held, 0, -1).astype(np.int16),
        "restart": np.zeros(n, np.int16),
        "target": victims.targets.cpu().numpy().astype(np.int32) if targeted else np.full(n, -1, np.int32),
        "loss": criterion.loss(victims.clean).float().cpu().numpy(),
        "zero_gradient": np.zeros(n, np.float32),
        "finite_gradient": np.ones(n, np.bool_),
        "told_error": np.zeros(n, np.float32),
    }
    return RoundOutcome(Condition(), victims.clean.float().cpu().numpy(), victims.pixels, columns)
