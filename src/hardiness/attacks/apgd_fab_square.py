"""An ensemble for networks of any number of classes, of two or three as well, where the usual one is not defined."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from hardiness.attacks.apgd import APGD
from hardiness.attacks.fab import TargetedFAB
from hardiness.attacks.kit import registry
from hardiness.attacks.square import Square
from hardiness.attacks.stages import Stage, StagedAttack
from hardiness.core.bounds import MOST_STEPS, require_within


@registry.add("apgd-fab-square")
@dataclass(frozen=True)
class ApgdFabSquare(StagedAttack):
    """The ensemble for a few classes.

    For two or three classes, where the losses of the leaderboards' ensemble are not defined; it takes more, too.

    Attributes:
        iterations: of the first two, for each target.
        targets: how many other classes FAB tries, the likeliest first; all of them where there are fewer.
        queries: of Square.

    Source: the members are those of Croce & Hein 2020, arXiv:2003.01690, section 5, without targeted APGD: its
        difference-of-logits ratio needs four classes. Their composition is ours, and no published number is of it.
    """

    summary: ClassVar[str] = (
        "APGD on the cross-entropy, FAB towards the other classes, and Square, each on images that none before has "
        "fooled."
    )
    title: ClassVar[str] = "apgd-fab-square"
    threats: ClassVar[tuple[str, ...]] = ("linf", "l2")
    can_target: ClassVar[bool] = False

    iterations: int = 100
    targets: int = 9
    queries: int = 5000

    def __post_init__(self) -> None:
        for name in ("iterations", "targets", "queries"):
            require_within(name, getattr(self, name), 1, MOST_STEPS)

    def stages(self) -> tuple[Stage, ...]:
        return (
            Stage(APGD(), self.iterations),
            Stage(TargetedFAB(self.targets), self.iterations),
            Stage(Square(), self.queries),
        )
