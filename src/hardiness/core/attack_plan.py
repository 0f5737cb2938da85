"""The attacks of a benchmark: at which epsilons and steps, and with which checks."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Literal

from hardiness.core.condition import Condition

Norm = str
"""Name of a threat model, which says what an epsilon bounds: ``"linf"``, ``"l2"`` and others in `attacks.threats`."""


@dataclass(frozen=True, slots=True)
class Round:
    """One attack at one epsilon, judged at one or more numbers of steps.

    Attributes:
        attack: registered name in `hardiness.attacks`.
        norm: distance that epsilon bounds.
        epsilon: budget, in units of the [0, 1] range.
        marks: the condition for each number of steps at which the outcome is recorded; the last is how far it runs.
        restarts: how often it begins anew, on the samples that could still fall earlier.
        targeted: whether it must reach a seeded target class, or any class but the label.
        failed: what is judged of an image whose attack has failed: ``"clean"`` or the ``"last"`` iterate.
        options: further options of the attack.
        among_labels: whether targets are drawn from the classes that pictures of the data set are labelled with, not
            from all of the model's: a class that nothing is labelled with may be one that no picture reaches.
    """

    attack: str
    norm: Norm
    epsilon: float
    marks: Mapping[int, Condition]
    restarts: int = 1
    targeted: bool = False
    failed: Literal["clean", "last"] = "last"
    options: Mapping[str, Any] = field(default_factory=dict)
    among_labels: bool = False

    @property
    def steps(self) -> int:
        """The largest number of steps that it takes."""
        return max(self.marks)


@dataclass(frozen=True, slots=True)
class CrossChecks:
    """The cross-checks of one round, which show whether the attack or the model is to be believed.

    Attributes:
        round: which of the plan's rounds; its last mark is looked at.
        queries: of Square, an attack without gradients, on each image that stands; 0 for none.
        draws: of random noise within the same budget.
    """

    round: int
    queries: int = 200
    draws: int = 10


@dataclass(frozen=True, slots=True)
class AttackPlan:
    """All rounds of a benchmark.

    Attributes:
        rounds: in the order of evaluation.
        surrogate: the model that is attacked in place of the evaluated ones, or several joined by ``+``; ``None`` where
            each is attacked itself.
        checks: what is tried beside one of the rounds; ``None`` for nothing.
        bpda: ``MODULE`` or ``MODULE=FILE.py:FUNCTION``: the module whose backward pass is given, else empty.
        keep: whether pictures made on the surrogate are kept for models that are added later.
    """

    rounds: tuple[Round, ...]
    surrogate: str | None = None
    checks: CrossChecks | None = None
    bpda: str = ""
    keep: bool = True


def usual_epsilon(targeted: bool) -> float:
    """The budget that results are usually compared at: Orhan's sweep over steps, or the leaderboards'."""
    return 0.06 if targeted else 4 / 255


SAME_EPSILON = 1e-3
"""How far a budget that a person has rounded may lie from one that was run, as a share of it."""


def condition_text(condition: Condition, separator: str = " ") -> str:
    """A condition as keys and values, its budget as people write it: ``epsilon=2/255 steps=10``."""
    values = {key: epsilon_text(value) if key == "epsilon" else value for key, value in condition.items()}
    return separator.join(f"{key}={value}" for key, value in values.items())


def is_same_condition(condition: Condition, typed: Condition) -> bool:
    """Whether a condition is the one that a person has typed: numbers may be texts, a budget rounded or ``"2/255"``.

    A text such as 1.10 is no decimal number, which does not say whether 1.1 or 1.10 was typed.
    """
    if condition.keys() != typed.keys():
        return False
    return all(
        _is_same_epsilon(value, typed[key]) if key == "epsilon" else _is_same_value(value, typed[key])
        for key, value in condition.items()
    )


def _is_same_value(value: str | float, typed: str | float) -> bool:
    return str(value) == str(typed) and not (isinstance(value, str) and isinstance(typed, float))


def _is_same_epsilon(epsilon: float, typed: str | float) -> bool:
    try:
        number = float(Fraction(typed)) if isinstance(typed, str) else float(typed)
    except (ValueError, TypeError, ZeroDivisionError):
        return False
    return math.isclose(epsilon, number, rel_tol=SAME_EPSILON)


def epsilon_text(epsilon: float) -> str:
    """A budget as people write it: ``4/255`` where it is a multiple of half a level, else ``0.06``.

    ``0.02/255`` where that is shorter than the number itself.
    """
    halves = 2 * 255 * epsilon
    hundredths = 100 * epsilon
    if abs(hundredths - round(hundredths)) > 1e-6 and abs(halves - round(halves)) < 1e-6:
        return f"{round(halves) / 2:g}/255"
    levels, plain = f"{255 * epsilon:.3g}", f"{epsilon:g}"
    is_exact = abs(float(levels) - 255 * epsilon) <= 1e-6 * abs(255 * epsilon)
    return f"{levels}/255" if is_exact and len(levels) + len("/255") < len(plain) else plain
