"""What an attack benchmark asks the engine to do: attacks, each with its budget and the steps at which it is judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from hardiness.core.condition import Condition

Norm = Literal["linf", "l2"]
"""The distance that an epsilon bounds, on pixels in [0, 1]: the largest change of a value, or the root of their sum."""


@dataclass(frozen=True, slots=True)
class Round:
    """One attack at one epsilon, judged at one or more numbers of steps.

    Attributes:
        attack: registered name in `hardiness.attacks`.
        norm: distance that epsilon bounds.
        epsilon: budget, in units of the [0, 1] range.
        marks: the condition for each number of steps at which the outcome is recorded; the last is how far it runs.
        targeted: whether it must reach a seeded target class, or any class but the label.
        failed: what is judged of an image whose attack has failed: ``"clean"`` or the ``"last"`` iterate.
        options: further options of the attack.
    """

    attack: str
    norm: Norm
    epsilon: float
    marks: Mapping[int, Condition]
    targeted: bool = False
    failed: Literal["clean", "last"] = "last"
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def steps(self) -> int:
        """How many steps it takes at most."""
        return max(self.marks)


@dataclass(frozen=True, slots=True)
class AttackPlan:
    """All rounds of a benchmark.

    Attributes:
        rounds: in the order of evaluation.
        surrogate: the model that is attacked in place of the evaluated ones; ``None`` where each is attacked itself.
    """

    rounds: tuple[Round, ...]
    surrogate: str | None = None
