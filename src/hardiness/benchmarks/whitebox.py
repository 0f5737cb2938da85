"""``whitebox``: projected gradient descent against the model itself, over epsilons and steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal, final

from hardiness.benchmarks.attacked import AttackedPhotographs, check_epsilons, check_steps
from hardiness.benchmarks.registry import registry
from hardiness.core import ArgumentError, AttackPlan, Condition, DataRoot, DataSet, Norm, Round, UnknownNameError

MUST_BREAK = Condition(epsilon=1.0, steps=10, group="must break")
"""A budget that holds every image, and steps that reach all of it: what still stands was never attacked properly."""

NORMS = ("linf", "l2")


@dataclass(frozen=True)
class Protocol:
    """The defaults of one published or usual way to attack.

    Attributes:
        epsilons: budgets, in units of the [0, 1] range.
        sweep_steps: steps at each of them.
        marks: numbers of steps that are recorded where curves over steps are drawn.
        marks_at: the budgets at which they are; empty for all.
        targeted, failed: as in `core.Round`.
        every_other: whether images 0, 2, 4, … alone are attacked.
        options: of PGD.
    """

    epsilons: tuple[float, ...]
    sweep_steps: int
    marks: tuple[int, ...]
    marks_at: tuple[float, ...]
    targeted: bool
    failed: Literal["clean", "last"]
    every_other: bool
    options: Mapping[str, Any]


PROTOCOLS = {
    "orhan2019": Protocol(
        epsilons=(0.01, 0.02, 0.04, 0.06, 0.08, 0.10),
        sweep_steps=10,
        marks=(1, 2, 3, 5, 10, 20, 30, 40, 50),
        marks_at=(0.06,),
        targeted=True,
        failed="clean",
        every_other=True,
        options={"step": 2 / 255, "clip_start": False},
    ),
    "standard": Protocol(
        epsilons=(0.5 / 255, 1 / 255, 2 / 255, 4 / 255, 8 / 255),
        sweep_steps=50,
        marks=(1, 2, 3, 5, 10, 20, 30, 40, 50),
        marks_at=(),
        targeted=False,
        failed="last",
        every_other=False,
        options={"relative_step": 0.25},
    ),
}


@registry.add("whitebox")
@final
@dataclass(frozen=True)
class Whitebox(AttackedPhotographs):
    """Accuracy under projected gradient descent that sees the model's gradients, over epsilons and steps.

    ``orhan2019`` is targeted, with steps of 2/255 at every epsilon, on every other image; a failed attack is scored on
    the clean image. ``standard`` is untargeted, from a random start, with steps of epsilon/4; an image is broken if any
    judged iterate is misclassified, so accuracy can only fall with steps and restarts.

    Source: Orhan (2019), arXiv:1907.07640, ``evaluate_whitebox.py``; Madry et al. (2018), arXiv:1706.06083.
    Differs: targets and start noise are drawn by seed and image, the published ones without a seed.
    """

    name: ClassVar[str] = "whitebox"
    question: ClassVar[str] = "How little must an attacker who knows the model change a picture to fool it?"
    paper: ClassVar[str] = "Orhan 2019, arXiv:1907.07640"

    protocol: str = field(default="orhan2019", metadata={"help": "orhan2019 (targeted) or standard (untargeted)"})  # type: ignore[misc]  # an option here
    epsilons: tuple[float, ...] = field(
        default=(), metadata={"help": "budgets, as in 4/255+0.06; the protocol's if empty", "item": float}
    )
    steps: tuple[int, ...] = field(
        default=(), metadata={"help": "steps to record, as in 1+10+50; the protocol's if empty", "item": int}
    )
    steps_at: tuple[float, ...] = field(
        default=(), metadata={"help": "epsilons at which all of these are recorded", "item": float}
    )
    norm: str = field(default="linf", metadata={"help": "linf or l2: what epsilon bounds"})
    restarts: int = field(default=1, metadata={"help": "random starts for images that have not fallen"})
    must_break: bool = field(default=True, metadata={"help": "also the budget at which every model must fall"})

    def __post_init__(self) -> None:
        if self.protocol not in PROTOCOLS:
            raise UnknownNameError("protocol of whitebox", self.protocol, PROTOCOLS)
        if self.norm not in NORMS:
            raise UnknownNameError("norm of whitebox", self.norm, NORMS)
        if self.norm == "l2" and not self.epsilons:
            raise ArgumentError("whitebox:norm=l2 needs its own epsilons, as in whitebox:norm=l2,epsilons=0.5+3.0")
        if self.restarts < 1:
            raise ArgumentError(f"whitebox:restarts must be at least 1, was {self.restarts}")
        largest = 1.0 if self.norm == "linf" else 1000.0
        check_epsilons("whitebox", self.epsilons, largest)
        check_epsilons("whitebox", self.steps_at, largest)
        if self.steps:
            check_steps("whitebox", "steps", self.steps)

    def dataset(self, data: DataRoot) -> DataSet:
        """The photographs; every other one, sorted by class and name, where the protocol says so."""
        found = data.dataset("imagenet")
        return replace(found, items=found.items[::2]) if PROTOCOLS[self.protocol].every_other else found

    @property
    def attack(self) -> AttackPlan:
        """A round for each epsilon, and the one that must break every model."""
        chosen = PROTOCOLS[self.protocol]
        epsilons = self.epsilons or chosen.epsilons
        curves = self.steps_at or chosen.marks_at or epsilons
        rounds = [self._round(chosen, e, e in curves) for e in dict.fromkeys((*epsilons, *curves))]
        if self.must_break and self.norm == "linf":
            rounds.append(Round("pgd", "linf", 1.0, {MUST_BREAK["steps"]: MUST_BREAK}, options={"relative_step": 0.25}))
        return AttackPlan(tuple(rounds))

    def _round(self, chosen: Protocol, epsilon: float, curve: bool) -> Round:
        marks = self.steps or chosen.marks
        steps = sorted({*marks, *(() if self.steps else (chosen.sweep_steps,))}) if curve else [self._sweep(chosen)]
        return Round(
            attack="pgd",
            norm=_norm(self.norm),
            epsilon=epsilon,
            marks={mark: Condition(epsilon=epsilon, steps=mark) for mark in steps},
            restarts=self.restarts,
            targeted=chosen.targeted,
            failed=chosen.failed,
            options=chosen.options,
        )

    def _sweep(self, chosen: Protocol) -> int:
        """The steps at which epsilons are compared: the protocol's, or the last of those asked for."""
        return chosen.sweep_steps if not self.steps or chosen.sweep_steps in self.steps else max(self.steps)


def _norm(name: str) -> Norm:
    return "l2" if name == "l2" else "linf"
