"""One batch under attack: every sample's earliest success, and everything scored judged at the end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hardiness.attacks.kit import Budget, Iterate
from hardiness.attacks.kit import registry as attacks
from hardiness.attacks.threats import threat
from hardiness.core.attack_plan import AttackPlan, Round
from hardiness.core.benchmark import Benchmark
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError, AttackError, ModelError, line_of
from hardiness.core.random import rng
from hardiness.core.table import Columns, Failure, Records
from hardiness.engine.backward_pass import given_backward
from hardiness.engine.batch import QueuedPicture
from hardiness.engine.batch_sizes import BatchSize
from hardiness.engine.cross_checks import Suspect, missing_columns, with_columns
from hardiness.engine.ensemble import Ensemble
from hardiness.engine.members import Members
from hardiness.engine.saved_pictures import SavedPictures
from hardiness.engine.substitution import substitute
from hardiness.engine.victims import Network, RoundOutcome, Victims, targets_of
from hardiness.models.classifier import Classifier
from hardiness.models.failures import is_out_of_memory
from hardiness.models.preprocessing import InputPolicy, link_to, to_pixels

if TYPE_CHECKING:
    from torch import Tensor


_BACK = "problem.within(pixels) brings pixels back"
"""Advice to whoever writes an attack."""

NEVER = 2**30
"""Stands for a step where the attack has not broken a sample (yet)."""


def run_round(
    network: Network,
    victims: Victims,
    plan: Round,
    seed: int,
    keep_pixels: bool = False,
    judge: Network | None = None,
    last: bool = False,
    members: Members | None = None,
) -> list[RoundOutcome]:
    """The outcome of one round at each of its marks.

    Args:
        network: pixels to fp32 logits, through autograd where the attack needs it.
        victims: the batch; a sample that the criterion already holds for is not attacked.
        plan: the round.
        seed: keys the start noise, together with sample and restart alone, so that curves over epsilons are paired.
        keep_pixels: whether the judged pictures are wanted as well.
        judge: the network whose word counts for every picture that is scored; by default ``network``. What an attack
            says of its own pictures decides nothing.
        last: whether a sample's picture is where the attack stands at a mark, not its first success; a success is then
            one that the judge sees in that picture. For one start alone.
        members: where it is kept how each member of an ensemble has ended; ``None`` where it is not.

    Raises:
        AttackError: an iterate lies outside the budget or outside [0, 1].
    """
    state = RoundState(network, judge or network, victims, plan, last, members, keep_pixels)
    state.run(seed)
    return [state.at(steps, keep_pixels) for steps in sorted(plan.marks)]


@dataclass
class _Trace:
    """The latest iterate of each sample, its step, and what its gradients were like on the way."""

    latest: Tensor
    logits: Tensor
    pixels: Tensor | None
    loss: Tensor
    zero_sum: Tensor
    steps: Tensor
    finite: Tensor

    def follow(self, rows: Tensor, iterate: Iterate) -> None:
        self.latest[rows] = iterate.step
        self.logits[rows] = iterate.logits
        if self.pixels is not None:
            self.pixels[rows] = iterate.pixels
        self.loss[rows] = iterate.loss
        self.zero_sum[rows] += iterate.zero_gradient
        self.steps[rows] += 1
        self.finite[rows] &= iterate.finite_gradient

    def copy(self) -> _Trace:
        pixels = None if self.pixels is None else self.pixels.clone()
        return replace(
            self,
            latest=self.latest.clone(),
            logits=self.logits.clone(),
            pixels=pixels,
            loss=self.loss.clone(),
            zero_sum=self.zero_sum.clone(),
            steps=self.steps.clone(),
            finite=self.finite.clone(),
        )


@dataclass
class _Claims:
    """The earliest success of each sample in one restart, as the attack tells it."""

    step: Tensor
    pixels: Tensor
    logits: Tensor

    @classmethod
    def none(cls, state: RoundState) -> _Claims:
        import torch

        return cls(torch.full_like(state.step, NEVER), state.victims.pixels.clone(), state.victims.clean.clone())

    def keep(self, rows: Tensor, iterate: Iterate) -> None:
        earlier = iterate.reached & (iterate.step < self.step[rows])
        fallen = rows[earlier]
        self.step[fallen] = iterate.step
        self.pixels[fallen] = iterate.pixels[earlier]
        self.logits[fallen] = iterate.logits[earlier].to(self.logits.dtype)


class RoundState:
    """The state of one round; `run_round` is its only user."""

    def __init__(
        self,
        network: Network,
        judge: Network,
        victims: Victims,
        plan: Round,
        last: bool = False,
        members: Members | None = None,
        keep_pixels: bool = False,
    ) -> None:
        import torch

        self.network, self.judge, self.victims, self.plan = network, judge, victims, plan
        self.last, self.members = last, members
        self.criterion = victims.criterion(plan.targeted)
        is_reached = self.criterion.reached(victims.clean)
        self.step = torch.where(is_reached, 0, NEVER)
        self.restart = torch.zeros_like(self.step)
        self.pixels, self.logits = victims.pixels.clone(), victims.clean.clone()
        self.told_error = torch.zeros(len(victims.samples), device=self.step.device)
        self.trace = _Trace(
            latest=torch.zeros_like(self.step),
            logits=victims.clean.clone(),
            pixels=victims.pixels.clone() if keep_pixels or last or plan.failed == "last" else None,
            loss=self.criterion.loss(victims.clean).clone(),
            zero_sum=torch.zeros_like(self.told_error),
            steps=torch.zeros_like(self.step),
            finite=torch.ones_like(is_reached),
        )
        self.traces: dict[int, _Trace] = {}

    def run(self, seed: int) -> None:
        """Run every restart on the samples that could still fall earlier than they have, as the judge sees it."""
        for restart in range(self.plan.restarts if self.plan.epsilon > 0 else 0):
            entering = (self.step > 1).nonzero()[:, 0]
            if not len(entering):
                break
            claims = _Claims.none(self)
            for iterate in self._iterates(entering, restart, seed):
                rows = entering[iterate.index]
                self._check(iterate, rows)
                claims.keep(rows, iterate)
                if restart == 0:
                    self.trace.follow(rows, iterate)
                    if iterate.step in self.plan.marks:
                        self.traces[iterate.step] = self.trace.copy()
            if not self.last:
                self._confirm(claims, restart)
        for steps in self.plan.marks:
            self.traces.setdefault(steps, self.trace)

    def _iterates(self, entering: Tensor, restart: int, seed: int) -> Iterator[Iterate]:
        victims = self.victims.rows(entering)
        steps = (self.step[entering] - 1).clamp(max=self.plan.steps)
        generators = [rng(seed, "start", restart, sample) for sample in victims.samples]
        attack = attacks.get(self.plan.attack)(**self.plan.options)
        budget = Budget(self.plan.norm, self.plan.epsilon, steps)
        checkpoints = self.members.of_batch(self.plan, restart, victims.samples) if self.members else None
        ended = checkpoints.read(generators, steps.device) if checkpoints else []
        if ended:
            attack = attack.resumed(ended)  # type: ignore[attr-defined]  # only such attacks have members
        for iterate in attack(self.network, victims.pixels, self.criterion.rows(entering), budget, generators):
            if checkpoints and iterate.step > len(ended):
                checkpoints.write(iterate, generators)
            yield iterate

    def _check(self, iterate: Iterate, rows: Tensor) -> None:
        """Raise unless the iterate keeps to its budget and to [0, 1]."""
        pixels, clean, plan = iterate.pixels, self.victims.pixels[rows], self.plan
        limits = threat(plan.norm)
        if not bool(((pixels >= 0) & (pixels <= 1)).all()):
            raise AttackError(
                f"attack {plan.attack} gave pixels outside [0, 1] at step {iterate.step}; none is kept, and {_BACK}"
            )
        if not bool(limits.contains(pixels, clean, plan.epsilon).all()):
            raise AttackError(
                f"attack {plan.attack} left its budget: {plan.norm} distance "
                f"{float(limits.distance(pixels, clean).max()):.6g} at step {iterate.step}, must be at most "
                f"{plan.epsilon:.6g}; no result of it is kept, and {_BACK}"
            )

    def _confirm(self, claims: _Claims, restart: int) -> None:
        """Ask the judge about each success that was claimed; what it denies changes nothing."""
        claimed = (claims.step < self.step).nonzero()[:, 0]
        if not len(claimed):
            return
        logits = self._judge_logits(claims.pixels[claimed])
        self.told_error[claimed] = self.told_error[claimed].maximum(_difference(claims.logits[claimed], logits))
        granted = self.criterion.rows(claimed).reached(logits)
        fallen = claimed[granted]
        self.restart[fallen[self.step[fallen] == NEVER]] = restart  # the first that broke it, however early others do
        self.step[fallen] = claims.step[fallen]
        self.pixels[fallen], self.logits[fallen] = claims.pixels[fallen], logits[granted]

    def _judge_logits(self, pixels: Tensor) -> Tensor:
        import torch

        with torch.no_grad():
            return self.judge(pixels).float()

    def at(self, steps: int, keep_pixels: bool) -> RoundOutcome:
        """The outcome when the round had taken ``steps`` steps; marks are asked for in ascending order."""
        import torch

        trace, last, error = self.traces[steps], self.victims.clean.clone(), self.told_error.clone()
        if self.last:
            self._stand(trace, error)
            last = self.logits if self.plan.failed == "last" else last
        elif self.plan.failed == "last":
            assert trace.pixels is not None, "the last iterates are judged"
            # An attack may tell of one sample, or of one target, after another: of later steps nothing counts here.
            moved = ((self.step > steps) & (trace.steps > 0) & (trace.latest <= steps)).nonzero()[:, 0]
            if len(moved):
                last[moved] = self._judge_logits(trace.pixels[moved])
                error[moved] = error[moved].maximum(_difference(trace.logits[moved], last[moved]))
                self._fell_unseen(moved, last[moved], trace.pixels[moved], steps)
        success = self.step <= steps
        logits = torch.where(success[:, None], self.logits, last)
        standing = last if self.plan.failed == "last" else trace.logits.float()
        pixels = None
        stood = None
        if keep_pixels:
            assert trace.pixels is not None, "pixels that are kept are followed"
            fallback = torch.where((trace.latest <= steps)[:, None, None, None], trace.pixels, self.victims.pixels)
            stood = torch.where(success[:, None, None, None], self.pixels, fallback)
            is_clean = (~success)[:, None, None, None] & (self.plan.failed == "clean")
            pixels = torch.where(is_clean, self.victims.pixels, stood)
        columns = {
            "success": success.cpu().numpy(),
            "step": torch.where(success, self.step, -1).to(torch.int32).cpu().numpy(),
            "restart": self.restart.to(torch.int32).cpu().numpy(),
            "target": self._targets(),
            "loss": trace.loss.float().cpu().numpy(),
            "zero_gradient": (trace.zero_sum / trace.steps.clamp(min=1)).float().cpu().numpy(),
            "finite_gradient": trace.finite.cpu().numpy(),
            "told_error": error.cpu().numpy(),
        }
        reached = torch.where(success[:, None], self.logits, standing)
        return RoundOutcome(self.plan.marks[steps], logits.cpu().numpy(), pixels, columns, reached, stood)

    def _stand(self, trace: _Trace, error: Tensor) -> None:
        """Make what the attack tells now each sample's picture, and a success where the judge sees one in it."""
        import torch

        assert trace.pixels is not None, "the last iterates are judged"
        moved = trace.steps > 0
        self.pixels, self.logits = trace.pixels, self.victims.clean.clone()
        if bool(moved.any()):
            self.logits[moved] = self._judge_logits(trace.pixels[moved])
            error[moved] = error[moved].maximum(_difference(trace.logits[moved], self.logits[moved]))
        fell = torch.where(self.criterion.reached(self.logits), trace.steps, NEVER)
        self.step = torch.where(moved, fell, self.step)

    def _fell_unseen(self, rows: Tensor, logits: Tensor, pixels: Tensor, steps: int) -> None:
        """Count as fallen here what the judge finds fallen though the attack did not say so."""
        fallen = self.criterion.rows(rows).reached(logits)
        self.step[rows[fallen]] = steps
        self.logits[rows[fallen]] = logits[fallen]
        self.pixels[rows[fallen]] = pixels[fallen]
        self.restart[rows[fallen]] = 0

    def _targets(self) -> NDArray[np.int32]:
        if not self.plan.targeted:
            return np.full(len(self.victims.samples), -1, np.int32)
        return self.victims.targets.to("cpu").numpy().astype(np.int32)


def _difference(claimed: Tensor, judged: Tensor) -> Tensor:
    """Largest difference of each row's logits, as a share of the largest of them; 1 where one side is not finite."""
    scale = judged.abs().amax(1).clamp(min=1e-12)
    share = (claimed.float() - judged).abs().amax(1) / scale
    return share.nan_to_num(nan=1.0, posinf=1.0)


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
        labelled: NDArray[np.integer],
        batch: BatchSize | None = None,
        members: Members | None = None,
    ) -> Records:
        """The records of one batch under every condition that its rows want.

        Args:
            classifier: the model.
            feed: how pictures become its input.
            rows: the batch.
            labelled: the model's classes that pictures of the data set are labelled with, ascending.
            batch: halved for the rest of the run where the accelerator has too little memory; ``None`` for nothing.
            members: where it is kept how members of an ensemble end; ``None`` for nowhere.
        """
        import torch

        try:
            return self._records(classifier, feed, rows, labelled, members)
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
        return Records.concatenate([self.records(classifier, feed, part, labelled, batch, members) for part in parts])

    def _records(
        self,
        classifier: Classifier,
        feed: InputPolicy,
        rows: Sequence[QueuedPicture],
        labelled: NDArray[np.integer],
        members: Members | None,
    ) -> Records:
        suspect = suspect_of(classifier, feed, self.plan.bpda)
        victims, are_lost = victims_of(suspect.judge, classifier, rows, self.seed)
        finite_rows = [row for row, is_lost in zip(rows, are_lost, strict=True) if not is_lost]
        reason = f"{classifier.spec.name} gave NaN or infinite logits"
        failures = [
            Failure(row.sample, f"{reason} for {row.sample}", row.conditions)
            for row, is_lost in zip(rows, are_lost, strict=True)
            if is_lost
        ]
        parts = [Records({}, tuple(failures))]
        if finite_rows:
            parts += [
                self._rows(finite_rows, judged)
                for judged in self._outcomes(suspect, classifier, victims, finite_rows, labelled, members)
            ]
        return Records.concatenate(parts)

    def _outcomes(
        self,
        suspect: Suspect,
        classifier: Classifier,
        victims: Victims,
        rows: Sequence[QueuedPicture],
        labelled: NDArray[np.integer],
        members: Members | None,
    ) -> list[RoundOutcome]:
        conditions = {self.conditions[index] for row in rows for index in row.conditions}
        chosen = [clean_rows(victims, self.plan)] if Condition() in conditions else []
        beside, checked = missing_columns(len(victims.samples)), None
        for number, plan in enumerate(self.plan.rounds):
            if conditions.isdisjoint(plan.marks.values()):
                continue
            checks = self.plan.checks
            is_checked = checks is not None and checks.round == number
            keep = self.gallery is not None or is_checked
            network = suspect.network or suspect.judge
            has_others = plan.among_labels and len(labelled) > 1
            aimed = victims.towards(labelled, self.seed) if has_others else victims
            outcomes = run_round(network, aimed, plan, self.seed, keep, suspect.judge, members=members)
            chosen += [outcome for outcome in outcomes if outcome.condition in conditions]
            if self.gallery:
                self.gallery.keep(classifier.spec.name, suspect.judge, aimed, plan, outcomes)
            if checks and is_checked and outcomes[-1].condition in conditions:
                checked = outcomes[-1]
                beside = dict(suspect.cross_check(aimed, plan, checked, checks, self.seed))
        return with_columns(chosen, beside, checked)

    def _rows(self, rows: Sequence[QueuedPicture], judged: RoundOutcome) -> Records:
        """One condition's records; rows that do not want it are left out, those without finite logits fail."""
        index = self.conditions.index(judged.condition)
        is_requested = np.array([index in row.conditions for row in rows])
        finite = np.asarray(np.isfinite(judged.logits).all(axis=1))
        failures = tuple(
            Failure(row.sample, f"NaN or infinite logits under attack ({judged.condition}) for {row.sample}", (index,))
            for row, ask, fine in zip(rows, is_requested.tolist(), finite.tolist(), strict=True)
            if ask and not fine
        )
        is_chosen = is_requested & finite
        chosen_rows = [row for row, take in zip(rows, is_chosen.tolist(), strict=True) if take]
        if not chosen_rows:
            return Records({}, failures)
        labels = np.array([row.label for row in chosen_rows], np.int32)
        columns: Columns = {
            "sample": np.array([row.sample for row in chosen_rows], np.str_),
            "condition": np.full(len(chosen_rows), index, np.int16),
            "frame": np.zeros(len(chosen_rows), np.int16),
            "label": labels,
            **self.benchmark.decide(judged.logits[is_chosen], labels),
            **{name: column[is_chosen] for name, column in judged.columns.items()},
        }
        return Records(columns, failures)


def network_of(classifier: Classifier | Ensemble, feed: InputPolicy) -> Network:
    """The network that attacks see: canvas pixels to fp32 logits, through autograd where the model has gradients."""

    def network(pixels: Tensor) -> Tensor:
        return classifier.differentiable(feed(pixels))

    return network if classifier.has_gradients else judge_of(classifier, feed)


def judge_of(classifier: Classifier | Ensemble, feed: InputPolicy) -> Network:
    """The network that judges: canvas pixels to logits by fp32 torch, or a runtime without gradients; no graph."""
    import torch

    def judge(pixels: Tensor) -> Tensor:
        with torch.no_grad():
            return classifier.plain_logits(feed(pixels))

    return judge


def suspect_of(classifier: Classifier, feed: InputPolicy, bpda: str = "") -> Suspect:
    """A classifier as its attackers and its judge see it."""
    network = network_of(classifier, feed) if classifier.has_gradients else None
    if network is not None and bpda:
        network = substitute_network(classifier, feed, bpda)

    def afresh() -> Network | None:
        other = classifier.afresh()
        return judge_of(other, feed) if other else None

    return Suspect(network, judge_of(classifier, feed), afresh)


def substitute_network(classifier: Classifier, feed: InputPolicy, bpda: str) -> Network:
    """`network_of` with the backward pass of one module replaced; made once, and again where its code was edited."""
    replacement = given_backward(bpda)
    return _substitute_network(classifier, feed, bpda, replacement[1] if replacement else "")


@lru_cache(maxsize=4)
def _substitute_network(classifier: Classifier, feed: InputPolicy, bpda: str, code: str) -> Network:
    logits = classifier.differentiable_through(lambda network: substitute(network, bpda))
    return lambda pixels: logits(feed(pixels))


def require_module(classifier: Classifier, benchmark: Benchmark) -> None:
    """Raise unless the model has the module whose backward pass is given, if one is.

    Raises:
        ModelError: it has none, or the backward pass cannot be read.
    """
    if benchmark.attack is not None and benchmark.attack.bpda and classifier.has_gradients:
        canvas = benchmark.canvas or classifier.spec.view.canvas
        try:
            substitute_network(classifier, classifier.feed(canvas.crop_px), benchmark.attack.bpda)
        except ArgumentError as error:
            raise ModelError(f"{classifier.spec.name}: {error}") from None


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
    targets = targets_of(samples, labels, np.arange(clean.shape[1]), seed)
    victims = Victims(
        samples,
        pixels,
        torch.tensor(labels, device=clean.device, dtype=torch.int64),
        torch.from_numpy(targets).to(clean.device),
        clean,
    )
    return victims.rows(finite.nonzero()[:, 0]), (~finite).tolist()


def clean_rows(victims: Victims, plan: AttackPlan) -> RoundOutcome:
    """The rows of the clean pictures, with the columns of attacked ones filled."""
    n = len(victims.samples)
    targeted = any(attack_round.targeted for attack_round in plan.rounds)
    criterion = victims.criterion(targeted)
    is_reached = criterion.reached(victims.clean).cpu().numpy()
    columns = {
        "success": is_reached,
        "step": np.where(is_reached, 0, -1).astype(np.int16),
        "restart": np.zeros(n, np.int16),
        "target": victims.targets.cpu().numpy().astype(np.int32) if targeted else np.full(n, -1, np.int32),
        "loss": criterion.loss(victims.clean).float().cpu().numpy(),
        "zero_gradient": np.zeros(n, np.float32),
        "finite_gradient": np.ones(n, np.bool_),
        "told_error": np.zeros(n, np.float32),
    }
    return RoundOutcome(Condition(), victims.clean.float().cpu().numpy(), victims.pixels, columns)
