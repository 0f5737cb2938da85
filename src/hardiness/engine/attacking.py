"""One round of an attack on one batch: the earliest success of each sample, and everything scored judged at the end."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hardiness import attacks
from hardiness.attacks import Budget, Iterate
from hardiness.attacks.threats import threat
from hardiness.core import AttackError, AttackPlan, Round, StoreError, rng
from hardiness.engine.victims import Network, RoundOutcome, Victims
from hardiness.store.run import RunFolder

if TYPE_CHECKING:
    import torch
    from torch import Tensor

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
    state = RoundState(network, judge or network, victims, plan, last, members)
    state.run(seed)
    return [state.at(steps, keep_pixels) for steps in sorted(plan.marks)]


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
        return replace(
            self,
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
    ) -> None:
        import torch

        self.network, self.judge, self.victims, self.plan = network, judge, victims, plan
        self.last, self.members = last, members
        self.criterion = victims.criterion(plan.targeted)
        held = self.criterion.reached(victims.clean)
        self.step = torch.where(held, 0, NEVER)
        self.restart = torch.zeros_like(self.step)
        self.pixels, self.logits = victims.pixels.clone(), victims.clean.clone()
        self.told_error = torch.zeros(len(victims.samples), device=self.step.device)
        self.trace = _Trace(
            logits=victims.clean.clone(),
            pixels=victims.pixels.clone() if last or plan.failed == "last" else None,
            loss=self.criterion.loss(victims.clean).clone(),
            zero_sum=torch.zeros_like(self.told_error),
            steps=torch.zeros_like(self.step),
            finite=torch.ones_like(held),
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
        victims = self.victims.of(entering)
        steps = (self.step[entering] - 1).clamp(max=self.plan.steps)
        generators = [rng(seed, "start", restart, sample) for sample in victims.samples]
        attack = attacks.registry.get(self.plan.attack)(**self.plan.options)
        budget = Budget(self.plan.norm, self.plan.epsilon, steps)
        kept = self.members.of_batch(self.plan, restart, victims.samples) if self.members else None
        ended = kept.read(generators, steps.device) if kept else []
        if ended:
            attack = attack.resumed(ended)  # type: ignore[attr-defined]  # only such attacks have members
        for iterate in attack(self.network, victims.pixels, self.criterion.of(entering), budget, generators):
            if kept and iterate.step > len(ended):
                kept.write(iterate, generators)
            yield iterate

    def _check(self, iterate: Iterate, rows: Tensor) -> None:
        """Raise unless the iterate keeps to its budget and to [0, 1]."""
        given, clean, plan = iterate.pixels, self.victims.pixels[rows], self.plan
        limits = threat(plan.norm)
        if not bool(((given >= 0) & (given <= 1)).all()):
            raise AttackError(f"attack {plan.attack} gave pixels outside [0, 1] at step {iterate.step}; none is kept")
        if not bool(limits.contains(given, clean, plan.epsilon).all()):
            raise AttackError(
                f"attack {plan.attack} left its budget: {plan.norm} distance "
                f"{float(limits.distance(given, clean).max()):.6g} at step {iterate.step}, must be at most "
                f"{plan.epsilon:.6g}; no result of it is kept"
            )

    def _confirm(self, claims: _Claims, restart: int) -> None:
        """Ask the judge about each success that was claimed; what it denies changes nothing."""
        claimed = (claims.step < self.step).nonzero()[:, 0]
        if not len(claimed):
            return
        logits = self._judged(claims.pixels[claimed])
        self.told_error[claimed] = self.told_error[claimed].maximum(_difference(claims.logits[claimed], logits))
        granted = self.criterion.of(claimed).reached(logits)
        fallen = claimed[granted]
        self.restart[fallen[self.step[fallen] == NEVER]] = restart  # the first that broke it, however early others do
        self.step[fallen] = claims.step[fallen]
        self.pixels[fallen], self.logits[fallen] = claims.pixels[fallen], logits[granted]

    def _judged(self, pixels: Tensor) -> Tensor:
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
            moved = ((self.step > steps) & (trace.steps > 0)).nonzero()[:, 0]
            if len(moved):
                last[moved] = self._judged(trace.pixels[moved])
                error[moved] = error[moved].maximum(_difference(trace.logits[moved], last[moved]))
                self._fell_unseen(moved, last[moved], trace.pixels[moved], steps)
        success = self.step <= steps
        logits = torch.where(success[:, None], self.logits, last)
        standing = last if self.plan.failed == "last" else trace.logits.float()
        pixels = None
        if keep_pixels:
            kept = trace.pixels if self.plan.failed == "last" else None
            instead = self.victims.pixels if kept is None else kept
            pixels = torch.where(success[:, None, None, None], self.pixels, instead)
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
        return RoundOutcome(self.plan.marks[steps], logits.cpu().numpy(), pixels, columns, reached)

    def _stand(self, trace: _Trace, error: Tensor) -> None:
        """Make what the attack tells now each sample's picture, and a success where the judge sees one in it."""
        import torch

        assert trace.pixels is not None, "the last iterates are judged"
        moved = trace.steps > 0
        self.pixels, self.logits = trace.pixels, self.victims.clean.clone()
        if bool(moved.any()):
            self.logits[moved] = self._judged(trace.pixels[moved])
            error[moved] = error[moved].maximum(_difference(trace.logits[moved], self.logits[moved]))
        fell = torch.where(self.criterion.reached(self.logits), trace.steps, NEVER)
        self.step = torch.where(moved, fell, self.step)

    def _fell_unseen(self, rows: Tensor, logits: Tensor, pixels: Tensor, steps: int) -> None:
        """Count as fallen here what the judge finds fallen though the attack did not say so."""
        fallen = self.criterion.of(rows).reached(logits)
        self.step[rows[fallen]] = steps
        self.logits[rows[fallen]] = logits[fallen]
        self.pixels[rows[fallen]] = pixels[fallen]
        self.restart[rows[fallen]] = 0

    def _targets(self) -> NDArray[np.int32]:
        if not self.plan.targeted:
            return np.full(len(self.victims.samples), -1, np.int32)
        return self.victims.targets.to("cpu").numpy().astype(np.int32)


@dataclass(frozen=True)
class Members:
    """How the members of an ensemble ended on the batches of one unit, in files beside its records until it is stored.

    A file a member, whole or not at all. What an ensemble does next follows from them and from the generators as they
    were then, so that a run that was stopped continues with the next member, and gives the same rows.

    Attributes:
        stored: the folder of the run.
        shard: index of the unit.
        tell: hears in a few words which member has ended.
        batch: what tells the batch and the round from others; empty before `of_batch`.
    """

    stored: RunFolder
    shard: int
    tell: Callable[[str], None] = field(default=lambda text: None)
    batch: str = ""

    @staticmethod
    def has(plan: AttackPlan) -> bool:
        """Whether any attack of a plan has members that end one after the other."""
        return any(hasattr(attacks.registry.get(each.attack), "resumed") for each in plan.rounds)

    def of_batch(self, plan: Round, restart: int, samples: Sequence[str]) -> Members | None:
        """Those of one round on one batch; ``None`` where its attack has none."""
        if not hasattr(attacks.registry.get(plan.attack), "resumed"):
            return None
        text = json.dumps([plan.as_dict(), restart, list(samples)], sort_keys=True)
        return replace(self, batch=hashlib.sha256(text.encode()).hexdigest()[:12])

    def read(self, generators: Sequence[np.random.Generator], device: torch.device) -> list[Iterate]:
        """How the first members ended, in order, as far as that is kept; generators are brought to where they were."""
        found: list[Iterate] = []
        while (kept := _unpacked(self.stored.content(self._name(len(found) + 1)), device)) is not None:
            iterate, states = kept
            if iterate.step != len(found) + 1 or len(states) != len(generators):
                break
            found.append(iterate)
            for generator, state in zip(generators, states, strict=True):
                generator.bit_generator.state = state
        return found

    def write(self, iterate: Iterate, generators: Sequence[np.random.Generator]) -> None:
        """Keep how a member ended; where nothing can be written, the run goes on without."""
        states = [generator.bit_generator.state for generator in generators]
        with suppress(StoreError):
            self.stored.keep(self._name(iterate.step), _packed(iterate, states))
        fallen = int(iterate.reached.sum())
        self.tell(f"member {iterate.step} of the attack took {fallen} of {len(iterate.reached)} pictures")

    def remove(self) -> None:
        """Take the files of this unit away: it is stored."""
        files, folder = self.stored.files, f"{self.stored.path}/{UNFINISHED}"
        files.remove_all([path for path in files.listed(folder) if path.startswith(f"{folder}/{self.shard:06d}-")])

    def _name(self, member: int) -> str:
        return f"{UNFINISHED}/{self.shard:06d}-{self.batch}-{member}.npz"


UNFINISHED = "unfinished"
"""The folder of these files in a run's."""


def _packed(iterate: Iterate, states: Sequence[Mapping[str, Any]]) -> bytes:
    buffer = io.BytesIO()
    tensors = {name: tensor.cpu().numpy() for name, tensor in iterate._asdict().items() if name != "step"}
    facts = json.dumps({"step": iterate.step, "states": list(states)})
    np.savez_compressed(buffer, facts=np.array(facts), **tensors)
    return buffer.getvalue()


def _unpacked(content: bytes, device: torch.device) -> tuple[Iterate, list[dict[str, Any]]] | None:
    """What `_packed` was given; ``None`` where there is nothing or it is damaged, and the member is run again."""
    import torch

    if not content:
        return None
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as found:
            facts = json.loads(str(found["facts"]))
            tensors = {name: torch.from_numpy(found[name]).to(device) for name in Iterate._fields if name != "step"}
        return Iterate(step=int(facts["step"]), **tensors), list(facts["states"])
    except (ValueError, KeyError, TypeError, EOFError, OSError, zipfile.BadZipFile, zlib.error):
        return None


def _difference(told: Tensor, judged: Tensor) -> Tensor:
    """Largest difference of each row's logits, as a share of the largest of them; 1 where one side is not finite."""
    scale = judged.abs().amax(1).clamp(min=1e-12)
    found = (told.float() - judged).abs().amax(1) / scale
    return found.nan_to_num(nan=1.0, posinf=1.0)
