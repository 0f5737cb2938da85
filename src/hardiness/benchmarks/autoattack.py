"""``autoattack``: the standard ensemble of parameter-free attacks, as the leaderboards run it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, final

from hardiness.benchmarks.attacked import AttackedPhotographs, check_epsilons
from hardiness.benchmarks.registry import registry
from hardiness.benchmarks.whitebox import NORMS
from hardiness.core import ArgumentError, AttackPlan, Condition, Norm, Round, UnknownNameError

STAGES = ("apgd-ce", "+ apgd-t", "+ fab-t", "+ square")
"""What has been run at each of its four marks; the last is the whole ensemble."""

EPSILONS: dict[Norm, tuple[float, ...]] = {"linf": (4 / 255,), "l2": (0.5, 3.0)}


@registry.add("autoattack")
@final
@dataclass(frozen=True)
class Autoattack(AttackedPhotographs):
    """Robust accuracy under AutoAttack, standard version: APGD-CE, APGD-T, FAB-T and Square, each on the survivors.

    The subset is ``--limit`` of the seeded, class-stratified order, never the first of sorted folders.

    Source: Croce & Hein (2020), arXiv:2003.01690; RobustBench (Croce et al. 2021, arXiv:2010.09670) for the budgets.
    Differs: RobustBench lists 5,000 images of its own; here a published seed and limit say which.
    """

    name: ClassVar[str] = "autoattack"
    question: ClassVar[str] = "What accuracy is left under the ensemble that the leaderboards use?"
    paper: ClassVar[str] = "Croce & Hein 2020, arXiv:2003.01690"
    protocol: ClassVar[str] = "standard"

    norm: str = field(default="linf", metadata={"help": "linf or l2: what epsilon bounds"})
    epsilons: tuple[float, ...] = field(
        default=(), metadata={"help": "budgets; 4/255 for linf, 0.5+3.0 for l2 if empty", "item": float}
    )
    queries: int = field(default=5000, metadata={"help": "of Square, for each image that is left"})

    def __post_init__(self) -> None:
        if self.norm not in NORMS:
            raise UnknownNameError("norm of autoattack", self.norm, NORMS)
        if self.queries < 1:
            raise ArgumentError(f"autoattack:queries must be at least 1, was {self.queries}")
        check_epsilons("autoattack", self.epsilons, 1.0 if self.norm == "linf" else 1000.0)

    @property
    def attack(self) -> AttackPlan:
        """A round for each epsilon, with a mark after each of the four attacks."""
        norm: Norm = "l2" if self.norm == "l2" else "linf"
        rounds = tuple(
            Round(
                attack="autoattack",
                norm=norm,
                epsilon=epsilon,
                marks={
                    number: Condition(epsilon=epsilon, **({"group": stage} if number < len(STAGES) else {}))
                    for number, stage in enumerate(STAGES, start=1)
                },
                options={"queries": self.queries},
            )
            for epsilon in self.epsilons or EPSILONS[norm]
        )
        return AttackPlan(rounds)
