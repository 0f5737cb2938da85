"""One round of an attack on one batch: the earliest success of each sample, judged again by the network itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hardiness import attacks
from hardiness.attacks import Budget, Criterion, Iterate, Misclassified, TargetClass
from hardiness.core import AttackError, Columns, Condition, Round, rng

if TYPE_CHECKING:
    from torch import Tensor

NEVER = 2**30
"""Stands for a step where the attack has not broken a sample (yet)."""

LINF_TOLERANCE, L2_TOLERANCE = 1e-6, 1e-5
"""How far rounding may carry an iterate out of its budget: absolute for L-infinity, relative for L2."""


@dataclass(frozen=True)
class Victims:
    """A batch to be attacked.

    Attributes:
        samples: N ids.
        pixels: float32 ``(N, 3, H, W)`` in [0, 1].
        labels, targets: int64 ``(N,)``.
        clean: float32 ``(N, K)``, the network's logits for ``pixels``.
    """

    samples: Sequence[str]
    pixels: Tensor
    labels: Tensor
    targets: Tensor
    clean: Tensor

    def of(self, index: Tensor) -> Victims:
        """Some of them."""
        return Victims(
            [self.samples[i] for i in index.tolist()],
            self.pixels[index],
            self.labels[index],
            self.targets[index],
            self.clean[index],
        )

    def criterion(self, targeted: bool) -> Criterion:
        """What counts as a success."""
        return TargetClass(self.targets) if targeted else Misclassified(self.labels)


@dataclass(frozen=True)
class Judged:
    """One round at one mark; everything has one entry a sample.

    Attributes:
        condition: the mark's.
        logits: float32 ``(N, K)`` of what is judged: the success, or what the protocol puts in its place.
        pixels: float32 ``(N, 3, H, W)`` of the same; ``None`` where they were not kept.
        columns: how the attack went, as columns of records.
    """

    condition: Condition
    logits: NDArray[np.float32]
    pixels: Tensor | None
    columns: Columns


Network = Callable[["Tensor"], "Tensor"]


def targets_of(samples: Sequence[str], labels: Sequence[int], classes: int, seed: int) -> NDArray[np.int64]:
    """A target for each sample, uniform over the classes other than its label; the same for every epsilon and step.

    Source: Orhan (2019), arXiv:1907.07640, ``evaluate_whitebox.py``.
    Differs: drawn by seed and sample; the published ones by numpy's global generator, without a seed.
    """
    drawn = [int(rng(seed, "target", sample).integers(classes - 1)) for sample in samples]
    return np.array([draw + (draw >= label) for draw, label in zip(drawn, labels, strict=True)], np.int64)


def strike(network: Network, victims: Victims, plan: Round, seed: int, keep_pixels: bool = False) -> list[Judged]:
    """The outcome of one round at each of its marks.

    Args:
        network: pixels to fp32 logits, through autograd.
        victims: the batch; a sample that the criterion already holds for is not attacked.
        plan: the round.
        seed: keys the start noise, together with sample and restart alone, so that curves over epsilons are paired.
        keep_pixels: whether the judged pictures are wanted as well.

    Raises:
        AttackError: an iterate lies outside the budget or outside [0, 1].
    """
    bout = Bout(network, victims, plan, keep_pixels)
    bout.fight(seed)
    bout.judge()
    return [bout.at(steps) for steps in sorted(plan.marks)]


@dataclass
class _Trace:
    """The latest iterate of each sample, and what its gradients were like on the way."""

    logits: Tensor
    pixels: Tensor | None
    loss: Tensor
    zero_sum: Tensor
    steps: Tensor
    finite: Tensor

    def follow(self, rows: Tensor, iterate: Iterate) -> None:
        self.logits[rows] = iterate.logits
        if self.pixels is not None:
            self.pixels[rows] = iterate.pixels
        self.loss[rows] = iterate.loss
        self.zero_sum[rows] += iterate.zero_gradient
        self.steps[rows] += 1
        self.finite[rows] &= iterate.finite_gradient

    def copy(self) -> _Trace:
        pixels = None if self.pixels is None else self.pixels.clone()
        return _Trace(
            self.logits.clone(),
            pixels,
            self.loss.clone(),
            self.zero_sum.clone(),
            self.steps.clone(),
            self.finite.clone(),
        )


class Bout:
    """The state of one round; `strike` is its only user."""

    def __init__(self, network: Network, victims: Victims, plan: Round, keep_pixels: bool) -> None:
        import torch

        self.network, self.victims, self.plan = network, victims, plan
        self.criterion = victims.criterion(plan.targeted)
        self.held = self.criterion.reached(victims.clean)
        self.step = torch.where(self.held, 0, NEVER)
        self.restart = torch.zeros_like(self.step)
        self.pixels, self.logits = victims.pixels.clone(), victims.clean.clone()
        self.keep_pixels = keep_pixels
        n = len(victims.samples)
        self.trace = _Trace(
            logits=victims.clean.clone(),
            pixels=victims.pixels.clone() if keep_pixels and plan.failed == "last" else None,
            loss=self.criterion.loss(victims.clean).clone(),
            zero_sum=torch.zeros(n, device=self.step.device),
            steps=torch.zeros_like(self.step),
            finite=torch.ones_like(self.held),
        )
        self.traces: dict[int, _Trace] = {}

    def fight(self, seed: int) -> None:
        """Run every restart on the samples that could still fall earlier than they have."""
        for restart in range(self.plan.restarts if self.plan.epsilon > 0 else 0):
            entering = (self.step > 1).nonzero()[:, 0]
            if not len(entering):
                break
            for iterate in self._iterates(entering, restart, seed):
                rows = entering[iterate.index]
                self._check(iterate, rows)
                self._keep(iterate, rows, restart)
                if restart == 0:
                    self.trace.follow(rows, iterate)
                    if iterate.step in self.plan.marks:
                        self.traces[iterate.step] = self.trace.copy()
        for steps in self.plan.marks:
            self.traces.setdefault(steps, self.trace)

    def _iterates(self, entering: Tensor, restart: int, seed: int) -> Iterator[Iterate]:
        victims = self.victims.of(entering)
        steps = (self.step[entering] - 1).clamp(max=self.plan.steps)
        generators = [rng(seed, "start", restart, sample) for sample in victims.samples]
        attack = attacks.registry.get(self.plan.attack)(**self.plan.options)
        budget = Budget(self.plan.norm, self.plan.epsilon, steps)
        return attack(self.network, victims.pixels, self.criterion.of(entering), budget, generators)

    def _check(self, iterate: Iterate, rows: Tensor) -> None:
        """Raise unless the iterate keeps to its budget and to [0, 1]."""
        given = iterate.pixels
        plan, epsilon = self.plan, self.plan.epsilon
        distance = attacks.distance(plan.norm, given - self.victims.pixels[rows])
        allowed = epsilon + LINF_TOLERANCE if plan.norm == "linf" else epsilon * (1 + L2_TOLERANCE)
        if not bool((distance <= allowed).all()):
            raise AttackError(
                f"attack {plan.attack} left its budget: {plan.norm} distance {float(distance.max()):.6g} at step "
                f"{iterate.step}, must be at most {epsilon:.6g}; no result of it is kept"
            )
        if not bool(((given >= 0) & (given <= 1)).all()):
            raise AttackError(f"attack {plan.attack} gave pixels outside [0, 1] at step {iterate.step}; none is kept")

    def _keep(self, iterate: Iterate, rows: Tensor, restart: int) -> None:
        earlier = iterate.reached & (iterate.step < self.step[rows])
        fallen = rows[earlier]
        self.step[fallen] = iterate.step
        self.restart[fallen] = restart
        self.pixels[fallen] = iterate.pixels[earlier]

    def judge(self) -> None:
        """Judge every claimed success again, by the network: what it denies is none."""
        import torch

        claimed = ((self.step > 0) & (self.step < NEVER)).nonzero()[:, 0]
        if not len(claimed):
            return
        with torch.no_grad():
            logits = self.network(self.pixels[claimed])
        self.logits[claimed] = logits
        denied = claimed[~self.criterion.of(claimed).reached(logits)]
        self.step[denied] = NEVER

    def at(self, steps: int) -> Judged:
        """The outcome when the round had taken ``steps`` steps."""
        import torch

        trace, success = self.traces[steps], self.step <= steps
        clean = self.plan.failed == "clean"
        failed_logits = self.victims.clean if clean else trace.logits
        logits = torch.where(success[:, None], self.logits, failed_logits)
        pixels = None
        if self.keep_pixels:
            instead = self.victims.pixels if trace.pixels is None else trace.pixels
            pixels = torch.where(success[:, None, None, None], self.pixels, instead)
        columns = {
            "success": success.cpu().numpy(),
            "step": torch.where(success, self.step, -1).to(torch.int16).cpu().numpy(),
            "restart": self.restart.to(torch.int16).cpu().numpy(),
            "target": self._targets(),
            "loss": trace.loss.float().cpu().numpy(),
            "zero_gradient": (trace.zero_sum / trace.steps.clamp(min=1)).float().cpu().numpy(),
            "finite_gradient": trace.finite.cpu().numpy(),
        }
        return Judged(self.plan.marks[steps], logits.float().cpu().numpy(), pixels, columns)

    def _targets(self) -> NDArray[np.int32]:
        if not self.plan.targeted:
            return np.full(len(self.victims.samples), -1, np.int32)
        return self.victims.targets.to("cpu").numpy().astype(np.int32)
