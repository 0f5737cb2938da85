"""AutoAttack's standard ensemble: four attacks without parameters, each on images that none before has fooled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from hardiness.attacks.apgd import APGD, TargetedAPGD
from hardiness.attacks.fab import FAB, TargetedFAB
from hardiness.attacks.kit import registry
from hardiness.attacks.square import Square
from hardiness.attacks.stages import Stage, StagedAttack
from hardiness.core.bounds import MOST_STEPS, require_within
from hardiness.core.errors import UnknownNameError

SAMPLES, RESTARTS = 20, 5


@registry.add("autoattack")
@dataclass(frozen=True)
class AutoAttack(StagedAttack):
    """The ensemble of the leaderboards.

    One iterate at the end of each attack, about all samples that entered it: ``step`` counts them from 1, and the
    budget's steps are how many of them are run. A sample that was not reached has its last iterate there.

    Attributes:
        iterations: of the first three, for each target.
        targets: how many classes the targeted two try.
        queries: of Square.
        variant: ``"standard"``; ``"rand"``, for models that draw at random: APGD on the cross-entropy and on DLR, each
            gradient a mean of 20; ``"plus"``: APGD on both losses and FAB, five starts each, then Square, targeted
            APGD and targeted FAB.

    Source: Croce & Hein 2020, arXiv:2003.01690, section 5, the standard version: 100 iterations, one start, 9 targets,
        5,000 queries; the other two as in its code (fra31/auto-attack).

    Differs: restarts are taken one after the other by each attack on who is left.
    """

    summary: ClassVar[str] = (
        "APGD on the cross-entropy, targeted APGD, targeted FAB and Square, each on images that none before has fooled."
    )
    title: ClassVar[str] = "autoattack"
    version: ClassVar[int] = 2
    threats: ClassVar[tuple[str, ...]] = ("linf", "l2")
    can_target: ClassVar[bool] = False

    iterations: int = 100
    targets: int = 9
    queries: int = 5000
    variant: Literal["standard", "rand", "plus"] = "standard"

    def __post_init__(self) -> None:
        for name in ("iterations", "targets", "queries"):
            require_within(name, getattr(self, name), 1, MOST_STEPS)
        if self.variant not in ("standard", "rand", "plus"):
            raise UnknownNameError("variant of autoattack", self.variant, ("standard", "rand", "plus"))

    def stages(self) -> tuple[Stage, ...]:
        targeted = (
            Stage(TargetedAPGD(self.targets), self.iterations),
            Stage(TargetedFAB(self.targets), self.iterations),
        )
        square = Stage(Square(), self.queries)
        if self.variant == "rand":
            return tuple(Stage(APGD(loss, SAMPLES), self.iterations) for loss in ("ce", "dlr"))
        if self.variant == "plus":
            first = (Stage(APGD(loss), self.iterations, [APGD(loss)] * (RESTARTS - 1)) for loss in ("ce", "dlr"))
            near = Stage(FAB(self.targets), self.iterations, [FAB(self.targets, random_start=True)] * (RESTARTS - 1))
            return (*first, near, square, *targeted)
        return (Stage(APGD(), self.iterations), *targeted, square)
