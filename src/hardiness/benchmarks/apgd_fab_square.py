"""Robust accuracy of networks with few classes, under an ensemble of attacks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, final

from hardiness.benchmarks.attacks import ROUNDS, AttackedPhotographs
from hardiness.benchmarks.options import check_attack, registry
from hardiness.core.attack_plan import AttackPlan, CrossChecks, Norm, Round
from hardiness.core.bounds import MOST_STEPS, require_within
from hardiness.core.condition import Condition

ATTACK = "apgd-fab-square"

STAGES = ("apgd-ce", "+ fab-t", "+ square")
"""The attacks that have been run at each mark; the last is the whole ensemble."""

EPSILONS: dict[Norm, tuple[float, ...]] = {"linf": (4 / 255,), "l2": (0.5, 3.0)}


@registry.add(ATTACK)
@final
@dataclass(frozen=True)
class ApgdFabSquareAccuracy(AttackedPhotographs):
    """Robust accuracy under APGD-CE, FAB towards the classes there are, and Square, each on the survivors.

    For networks of two or three classes, of which `autoattack` has no definition; a network with one output is one of
    two classes (``activation=sigmoid``). No published number is of it.

    Source: its members are those of Croce & Hein (2020), arXiv:2003.01690; their composition is ours.
    """

    name: ClassVar[str] = ATTACK
    stands_for: ClassVar[str] = "attacked"
    precedence: ClassVar[int] = 1
    display_name: ClassVar[str] = "APGD, FAB and Square"
    question: ClassVar[str] = (
        "What accuracy is left under an ensemble of attacks that two or three classes suffice for?"
    )
    paper: ClassVar[str] = "ours; its members: Croce & Hein 2020, arXiv:2003.01690"
    protocol: ClassVar[str] = ATTACK
    place: ClassVar[int | None] = 53

    norm: str = field(default="linf", metadata={"help": "linf or l2: what epsilon bounds"})
    epsilons: tuple[float, ...] = field(
        default=(),
        metadata={
            "help": "budgets; if empty 4/255 for linf, 0.5+3.0 for l2; 8/255 and 0.5 for small pictures",
            "item": float,
        },
    )
    iterations: int = field(default=100, metadata={"help": "of APGD and, for each target, of FAB"})
    queries: int = field(default=5000, metadata={"help": "of Square, for each image that is left"})
    must_break: bool = field(default=True, metadata={"help": "also the budgets at which every model must fall"})
    cross_checks: bool = field(default=True, metadata={"help": "also noise and slopes beside the attack"})

    subset: ClassVar[str] = ""  # type: ignore[misc]  # published parts are of 1,000 classes

    def __post_init__(self) -> None:
        super().__post_init__()
        require_within(f"{ATTACK}:queries", self.queries, 1, MOST_STEPS)
        require_within(f"{ATTACK}:iterations", self.iterations, 1, MOST_STEPS)
        check_attack(ATTACK, ATTACK, self.norm, self.epsilons, targeted=False)

    @property
    def attack(self) -> AttackPlan:
        """A round for each epsilon, with a mark after each of its attacks, and those that must break every model."""
        rounds = tuple(
            Round(
                attack=ATTACK,
                norm=self.norm,
                epsilon=epsilon,
                marks={
                    number: Condition(epsilon=epsilon, **({"group": stage} if number < len(STAGES) else {}))
                    for number, stage in enumerate(STAGES, start=1)
                },
                options={"iterations": self.iterations, "queries": self.queries},
            )
            for epsilon in self.epsilons or self.usual_epsilons(self.norm) or EPSILONS[self.norm]
        )
        checks = CrossChecks(0, queries=0) if self.cross_checks else None
        return AttackPlan((*rounds, *(ROUNDS if self.must_break else ())), checks=checks)
