"""Checkpoints of an ensemble attack's finished members."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from hardiness.attacks.kit import Iterate
from hardiness.attacks.kit import registry as attacks
from hardiness.core.attack_plan import AttackPlan, Round
from hardiness.core.errors import StoreError
from hardiness.core.forms import json_form
from hardiness.store.run import RunFolder

if TYPE_CHECKING:
    import torch


UNFINISHED = "unfinished"
"""The folder of finished members, in a run's."""


@dataclass(frozen=True)
class Members:
    """Checkpoints of an ensemble's finished members, in files beside the unit's records until it is stored.

    A file a member, whole or not at all. What an ensemble does next follows from them and from the generators as they
    were then, so that a run that was stopped continues with the next member, and gives the same rows.

    Attributes:
        stored: the folder of the run.
        shard: index of the unit.
        tell: called with a few words on which member has ended, or is at work behind those that were kept.
        note: called with a line where members were kept of an earlier command.
        batch: digest of the batch and the round; empty before `of_batch`.
        last: number of the round's last member; 0 before `of_batch`.
    """

    stored: RunFolder
    shard: int
    tell: Callable[[str], None] = field(default=lambda text: None)
    note: Callable[[str], None] = field(default=lambda line: None)
    batch: str = ""
    last: int = 0

    @staticmethod
    def has(plan: AttackPlan) -> bool:
        """Whether any attack of a plan has members that end one after the other."""
        return any(hasattr(attacks.get(attack_round.attack), "resumed") for attack_round in plan.rounds)

    def of_batch(self, plan: Round, restart: int, samples: Sequence[str]) -> Members | None:
        """The members of one round on one batch; ``None`` where its attack has none."""
        if not hasattr(attacks.get(plan.attack), "resumed"):
            return None
        text = json.dumps([json_form(plan), restart, list(samples)], sort_keys=True)
        return replace(self, batch=hashlib.sha256(text.encode()).hexdigest()[:12], last=max(plan.marks, default=0))

    def read(self, generators: Sequence[np.random.Generator], device: torch.device) -> list[Iterate]:
        """Read how the first members ended, in order, as far as that is kept; generators are set to where they were.

        What is kept counts as finished when its unit is stored, which may take hours: until then it is told.
        """
        iterates: list[Iterate] = []
        while (checkpoint := _unpack(self.stored.content(self._name(len(iterates) + 1)), device)) is not None:
            iterate, states = checkpoint
            if iterate.step != len(iterates) + 1 or len(states) != len(generators):
                break
            iterates.append(iterate)
            for generator, state in zip(generators, states, strict=True):
                generator.bit_generator.state = state
        if iterates:
            self._tell_of_kept(len(iterates), len(generators))
        return iterates

    def _tell_of_kept(self, members: int, pictures: int) -> None:
        names = "member 1 is" if members == 1 else f"members 1 to {members} are"
        text = f"{names} kept of {self.last}, {members * pictures:,} image-conditions that count when all have ended"
        text += f"; member {members + 1} is at work" if members < self.last else ""
        self.note(f"the attack on {pictures:,} pictures goes on where it was stopped: {text}")
        self.tell(text)

    def write(self, iterate: Iterate, generators: Sequence[np.random.Generator]) -> None:
        """Keep how a member ended; where nothing can be written, the run goes on without."""
        states = [generator.bit_generator.state for generator in generators]
        with suppress(StoreError):
            self.stored.keep(self._name(iterate.step), _pack(iterate, states))
        fallen = int(iterate.reached.sum())
        self.tell(f"member {iterate.step} of the attack took {fallen} of {len(iterate.reached)} pictures")

    def remove(self) -> None:
        """Take the files of this unit away: it is stored."""
        files, folder = self.stored.files, f"{self.stored.path}/{UNFINISHED}"
        files.remove_all([path for path in files.list_files(folder) if path.startswith(f"{folder}/{self.shard:06d}-")])

    def _name(self, member: int) -> str:
        return f"{UNFINISHED}/{self.shard:06d}-{self.batch}-{member}.npz"


def _pack(iterate: Iterate, states: Sequence[Mapping[str, Any]]) -> bytes:
    buffer = io.BytesIO()
    tensors = {name: tensor.cpu().numpy() for name, tensor in iterate._asdict().items() if name != "step"}
    facts = json.dumps({"step": iterate.step, "states": list(states)})
    np.savez_compressed(buffer, facts=np.array(facts), **tensors)
    return buffer.getvalue()


def _unpack(content: bytes, device: torch.device) -> tuple[Iterate, list[dict[str, Any]]] | None:
    """The iterate and states in a file of `_pack`; ``None`` where it is empty or damaged: the member is run again."""
    import torch

    if not content:
        return None
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            facts = json.loads(str(archive["facts"]))
            tensors = {name: torch.from_numpy(archive[name]).to(device) for name in Iterate._fields if name != "step"}
        return Iterate(step=int(facts["step"]), **tensors), list(facts["states"])
    except (ValueError, KeyError, TypeError, EOFError, OSError, zipfile.BadZipFile, zlib.error):
        return None
