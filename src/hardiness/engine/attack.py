"""One batch under attack: every sample's earliest success, and everything scored judged at the end."""

from __future__ import annotations

import hashlib
import io
import json
import threading
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hardiness.attacks.kit import Budget, Iterate, sole_answers
from hardiness.attacks.kit import registry as attacks
from hardiness.attacks.threats import threat
from hardiness.core.attack_plan import AttackPlan, Norm, Round
from hardiness.core.benchmark import Benchmark, DataSet, Image
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError, AttackError, ModelError, StoreError, line_of, suggestion
from hardiness.core.forms import json_form
from hardiness.core.random import rng
from hardiness.core.table import Columns, Failure, Records
from hardiness.data.photographs import CLASSES, MANIFEST
from hardiness.engine.backward_pass import given_backward
from hardiness.engine.batch import BatchSize, Ensemble, Network, QueuedPicture, RoundOutcome, Victims, targets_of
from hardiness.engine.cross_checks import Suspect, missing_columns, with_columns
from hardiness.engine.pictures import place_of
from hardiness.engine.tasks import Task
from hardiness.imaging.codecs import decode, png
from hardiness.models.classifier import Classifier
from hardiness.models.failures import is_out_of_memory
from hardiness.models.preprocessing import InputPolicy, link_to, to_pixels
from hardiness.store.run import RunFolder
from hardiness.store.store import Store
from hardiness.store.writing import PARTIAL, refuse_links, write

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn


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
        victims = self.victims.rows(entering)
        steps = (self.step[entering] - 1).clamp(max=self.plan.steps)
        generators = [rng(seed, "start", restart, sample) for sample in victims.samples]
        attack = attacks.get(self.plan.attack)(**self.plan.options)
        budget = Budget(self.plan.norm, self.plan.epsilon, steps)
        kept = self.members.of_batch(self.plan, restart, victims.samples) if self.members else None
        ended = kept.read(generators, steps.device) if kept else []
        if ended:
            attack = attack.resumed(ended)  # type: ignore[attr-defined]  # only such attacks have members
        for iterate in attack(self.network, victims.pixels, self.criterion.rows(entering), budget, generators):
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
            moved = ((self.step > steps) & (trace.steps > 0)).nonzero()[:, 0]
            if len(moved):
                last[moved] = self._judge_logits(trace.pixels[moved])
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


@dataclass(frozen=True)
class Members:
    """Checkpoints of an ensemble's finished members, in files beside the unit's records until it is stored.

    A file a member, whole or not at all. What an ensemble does next follows from them and from the generators as they
    were then, so that a run that was stopped continues with the next member, and gives the same rows.

    Attributes:
        stored: the folder of the run.
        shard: index of the unit.
        tell: what is called with a few words on which member has ended.
        batch: what tells the batch and the round from others; empty before `of_batch`.
    """

    stored: RunFolder
    shard: int
    tell: Callable[[str], None] = field(default=lambda text: None)
    batch: str = ""

    @staticmethod
    def has(plan: AttackPlan) -> bool:
        """Whether any attack of a plan has members that end one after the other."""
        return any(hasattr(attacks.get(each.attack), "resumed") for each in plan.rounds)

    def of_batch(self, plan: Round, restart: int, samples: Sequence[str]) -> Members | None:
        """Those of one round on one batch; ``None`` where its attack has none."""
        if not hasattr(attacks.get(plan.attack), "resumed"):
            return None
        text = json.dumps([json_form(plan), restart, list(samples)], sort_keys=True)
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
        files.remove_all([path for path in files.list_files(folder) if path.startswith(f"{folder}/{self.shard:06d}-")])

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


def substitute(network: nn.Module, asked: str) -> nn.Module:
    """A copy of ``network`` in which one module's backward pass is the given one; the forward pass is the same.

    Args:
        network: any.
        asked: ``MODULE`` for the identity, which fits modules that hardly change their input, as JPEG does; or
            ``MODULE=FILE.py:FUNCTION`` with a function of `hardiness.engine.backward_pass.Backward`.

    Raises:
        ArgumentError: there is no such module, file or function.

    Source: Athalye et al. (2018), arXiv:1802.00420, section 4.1.
    """
    import copy

    import torch

    name = asked.partition("=")[0]
    modules = dict(network.named_modules())
    if name not in modules or not name:
        names = sorted(filter(None, modules))
        raise ArgumentError(f"bpda names no module {name!r} of this model{suggestion(name, names)}")
    replacement = given_backward(asked)
    backward = replacement[0] if replacement else _identity
    result = copy.deepcopy(network)

    class SubstituteGradient(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:
            ctx.save_for_backward(x)
            found: Tensor = module(x.detach())
            return found.clone()

        @staticmethod
        def backward(ctx: Any, slope: Tensor) -> Tensor:
            (x,) = ctx.saved_tensors
            return backward(x, slope)

    class SubstituteModule(torch.nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            found: Tensor = SubstituteGradient.apply(x)  # type: ignore[no-untyped-call]
            return found

    module = result.get_submodule(name)
    result.set_submodule(name, SubstituteModule())
    return result


def _identity(given: Tensor, slope: Tensor) -> Tensor:
    if slope.shape != given.shape:
        raise ArgumentError(
            f"bpda: the module turns {tuple(given.shape)} into {tuple(slope.shape)}, so the identity is no backward "
            "pass for it; give one, as bpda=MODULE=FILE.py:FUNCTION"
        )
    return slope


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
        import torch

        for outcome in outcomes:
            assert outcome.pixels is not None, "a gallery needs the pictures"
            images = rounded(outcome.pixels, victims.pixels, plan.norm, plan.epsilon)
            fallen = np.flatnonzero(outcome.columns["success"]).tolist()
            written = [self._written(model, outcome.condition, victims.samples[i], images[i]) for i in fallen]
            if not written:
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
            again = sole_answers(network(pixels)).cpu().tolist()
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
            parts += [
                self._rows(kept, judged) for judged in self._outcomes(suspect, classifier, victims, kept, members)
            ]
        return Records.concatenate(parts)

    def _outcomes(
        self,
        suspect: Suspect,
        classifier: Classifier,
        victims: Victims,
        rows: Sequence[QueuedPicture],
        members: Members | None,
    ) -> list[RoundOutcome]:
        wanted = {self.conditions[index] for row in rows for index in row.conditions}
        found = [clean_rows(victims, self.plan)] if Condition() in wanted else []
        beside, at = missing_columns(len(victims.samples)), None
        for number, plan in enumerate(self.plan.rounds):
            if wanted.isdisjoint(plan.marks.values()):
                continue
            checks = self.plan.checks
            is_checked = checks is not None and checks.round == number
            keep = self.gallery is not None or is_checked
            network = suspect.network or suspect.judge
            outcomes = run_round(network, victims, plan, self.seed, keep, suspect.judge, members=members)
            found += [outcome for outcome in outcomes if outcome.condition in wanted]
            if self.gallery:
                self.gallery.keep(classifier.spec.name, suspect.judge, victims, plan, outcomes)
            if checks and is_checked and outcomes[-1].condition in wanted:
                at = outcomes[-1]
                beside = dict(suspect.cross_check(victims, plan, at, checks, self.seed))
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

    def afresh() -> Network | None:
        other = classifier.afresh()
        return judge_of(other, feed) if other else None

    return Suspect(network, judge_of(classifier, feed), afresh)


def substituted(classifier: Classifier, feed: InputPolicy, bpda: str) -> Network:
    """`network_of` with the backward pass of one module replaced; made once, and again where its code was edited."""
    replacement = given_backward(bpda)
    return _substituted(classifier, feed, bpda, replacement[1].digits if replacement else "")


@lru_cache(maxsize=4)
def _substituted(classifier: Classifier, feed: InputPolicy, bpda: str, code: str) -> Network:
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
            substituted(classifier, classifier.feed(canvas.crop_px), benchmark.attack.bpda)
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
    targets = targets_of(samples, labels, clean.shape[1], seed)
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
