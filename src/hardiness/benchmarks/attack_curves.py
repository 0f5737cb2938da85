"""A run under attack as curves: one round's rows by mark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hardiness.attacks.kit import registry as attacks
from hardiness.benchmarks.cross_checks import TAKEN
from hardiness.benchmarks.gradient_checks import raised_if
from hardiness.core.attack_plan import Round, epsilon_text, usual_epsilon
from hardiness.core.codes import AttackCheck
from hardiness.core.fact import Fact
from hardiness.core.run import Run
from hardiness.core.table import Records

MUST_BREAK = "must break"

ENSEMBLES = ("autoattack", "apgd-fab-square")

LAST_MEMBER = {"standard": "+ square", "rand": "+ apgd-dlr", "plus": "+ fab-t"}
"""The member of each version after which the condition of the whole ensemble stands."""

UNITS = {"square": "queries", "sparse-rs": "queries", "hopskipjump": "queries"}


@dataclass(frozen=True)
class Curve:
    """One round's rows by mark.

    Attributes:
        round: the round.
        steps: its marks that have rows, ascending.
        rows: boolean mask over all records for each of them.
        groups: the group of each mark's condition, or empty.
    """

    round: Round
    steps: tuple[int, ...]
    rows: tuple[NDArray[np.bool_], ...]
    groups: tuple[str, ...]

    @property
    def epsilon(self) -> float:
        """The budget of the round."""
        return float(self.round.epsilon)

    @property
    def budget(self) -> str:
        """The budget as people write it."""
        return epsilon_text(self.epsilon)

    @property
    def length(self) -> float | None:
        """Length of one of its steps; ``None`` where the attack has no fixed one."""
        if self.round.attack != "pgd":
            return None
        options = self.round.options
        fixed = options.get("step")
        return float(fixed if fixed is not None else options.get("relative_step", 0.25) * self.epsilon)

    @property
    def rank(self) -> tuple[int, int, float]:
        """The fitness to stand for the run: most marks, most steps, nearest to the usual budget."""
        return len(self.steps), self.steps[-1], -abs(self.epsilon - usual_epsilon(self.round.targeted))

    @property
    def unit(self) -> str:
        """The name of its steps."""
        return "members of the ensemble" if self.members else UNITS.get(self.round.attack, "steps")

    @property
    def members(self) -> tuple[str, ...]:
        """The attacks of an ensemble that had been run at each mark; empty for other attacks."""
        if self.round.attack not in ENSEMBLES:
            return ()
        return tuple(group or LAST_MEMBER[self.round.options.get("variant", "standard")] for group in self.groups)

    @property
    def follows_gradients(self) -> bool | None:
        """Whether its attack asks for gradients; ``None`` where it does not say, or is not there to be asked."""
        if self.members:
            return True
        attack = attacks.get(self.round.attack) if self.round.attack in attacks else None
        return getattr(attack, "gradients", None)

    @property
    def must_break(self) -> bool:
        """Whether the budget holds any picture."""
        return self.groups[-1].startswith(MUST_BREAK)

    @property
    def kind(self) -> tuple[str, str]:
        """The use of a budget that holds everything: ``"targeted"`` or ``"untargeted"``, and the norm."""
        return "targeted" if self.round.targeted else "untargeted", self.round.norm

    def ensemble_check(self, accuracies: Sequence[float]) -> Fact:
        """Whether FAB or Square, on who is left, took more than the leader of gradient attacks should leave."""
        lost = {member: accuracies[i] - accuracies[i + 1] for i, member in enumerate(self.members[1:])}
        square, fab = lost.get("+ square", 0.0), max(lost.get("+ fab-t", 0.0), lost.get("+ fab", 0.0))
        images = int(self.rows[-1].sum())
        is_raised = max(fab, square) > TAKEN and round(max(fab, square) * images) > 1
        return Fact(
            AttackCheck.ENSEMBLE, {"fab": fab, "square": square, "images": images}, outcome=raised_if(is_raised)
        )


def curves_of(records: Records, run: Run) -> list[Curve]:
    """A curve for each round that has rows; none of a run that attacks another model."""
    if run.surrogate:
        return []
    conditions = list(run.conditions)
    curves = []
    for tried in run.attack:
        rows = {s: np.asarray(records["condition"] == conditions.index(tried.marks[s])) for s in sorted(tried.marks)}
        filled = {steps: mask for steps, mask in rows.items() if mask.any()}
        if filled and tried.epsilon > 0:
            groups = tuple(str(tried.marks[steps].get("group", "")) for steps in filled)
            curves.append(Curve(tried, tuple(filled), tuple(filled.values()), groups))
    return curves


def longest_of(curves: Sequence[Curve]) -> Curve | None:
    """The curve that the verdict is about: most marks, most steps, nearest to the usual budget."""
    return max((curve for curve in curves if not curve.must_break), key=lambda curve: curve.rank, default=None)
