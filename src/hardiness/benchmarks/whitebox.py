"""``whitebox``: projected gradient descent against the model itself, over epsilons and steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal, final

from hardiness import attacks
from hardiness.benchmarks.attack_options import check_attack
from hardiness.benchmarks.attacked import AttackedPhotographs, check_steps
from hardiness.benchmarks.image_subset import HELP as SUBSET_HELP
from hardiness.benchmarks.image_subset import check_subset
from hardiness.benchmarks.must_break import ROUNDS as MUST_BREAK_ROUNDS
from hardiness.benchmarks.registry import registry
from hardiness.core import (
    ArgumentError,
    AttackPlan,
    Condition,
    CrossChecks,
    DataRoot,
    DataSet,
    Round,
    UnknownNameError,
    require_within,
    usual_epsilon,
)


@dataclass(frozen=True)
class AttackProtocol:
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
    "orhan2019": AttackProtocol(
        epsilons=(0.01, 0.02, 0.04, 0.06, 0.08, 0.10),
        sweep_steps=10,
        marks=(1, 2, 3, 5, 10, 20, 30, 40, 50),
        marks_at=(0.06,),
        targeted=True,
        failed="clean",
        every_other=True,
        options={"step": 2 / 255, "clip_start": False},
    ),
    "standard": AttackProtocol(
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
    """Accuracy under an attack on the model itself, over epsilons and steps; projected gradient descent if not said.

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
    method: str = field(
        default="pgd", metadata={"name": "attack", "help": "any of 'hardiness attacks'; its options beside"}
    )
    method_options: tuple[tuple[str, Any], ...] = field(
        default=(), metadata={"of": "method", "help": "the options of the attack, each by its own name"}
    )
    norm: str = field(default="linf", metadata={"help": "threat model: what epsilon bounds"})
    targeted: bool = field(default=False, metadata={"help": "towards a drawn class, whatever the protocol says"})
    restarts: int = field(default=1, metadata={"help": "random starts for images that have not fallen"})
    must_break: bool = field(default=True, metadata={"help": "also the budgets at which every model must fall"})
    cross_checks: bool = field(default=True, metadata={"help": "also noise, Square and slopes beside the attack"})
    subset: str = field(default="", metadata={"help": SUBSET_HELP})
    bpda: str = field(
        default="", metadata={"help": "MODULE or MODULE=FILE.py:FUNCTION: a module whose backward pass is given"}
    )

    def __post_init__(self) -> None:
        if self.protocol not in PROTOCOLS:
            raise UnknownNameError("protocol of whitebox", self.protocol, PROTOCOLS)
        if self.norm != "linf" and not self.epsilons:
            example = {"l2": "0.5+3.0", "l0": "10+50", "l1": "12", "patch": "0.05", "spatial": "1"}.get(self.norm, "1")
            check_attack("whitebox", self.method, self.norm, (), self.aimed)
            raise ArgumentError(
                f"whitebox:norm={self.norm} needs its own epsilons, as in whitebox:norm={self.norm},epsilons={example}"
            )
        check_subset("whitebox", self.subset)
        require_within("whitebox:restarts", self.restarts, 1, 10_000)
        check_attack("whitebox", self.method, self.norm, self.epsilons, self.aimed)
        check_attack("whitebox", self.method, self.norm, self.steps_at, self.aimed)
        attacks.registry.get(self.method)(**dict(self.method_options))
        if self.steps:
            check_steps("whitebox", "steps", self.steps)

    def dataset(self, data: DataRoot) -> DataSet:
        """The photographs; every other one, sorted by class and name, where the protocol says so."""
        found = super().dataset(data)
        return replace(found, items=found.items[::2]) if PROTOCOLS[self.protocol].every_other else found

    @property
    def aimed(self) -> bool:
        """Whether the attack is towards a drawn class."""
        return self.targeted or PROTOCOLS[self.protocol].targeted

    @property
    def attack(self) -> AttackPlan:
        """A round for each epsilon, and those that must break every model."""
        chosen = PROTOCOLS[self.protocol]
        epsilons = self.epsilons or chosen.epsilons
        curves = self.steps_at or self._marked(chosen, epsilons)
        rounds = [self._round(chosen, e, e in curves) for e in dict.fromkeys((*epsilons, *curves))]
        checks = CrossChecks(_longest(rounds)) if self.cross_checks and any(each.epsilon for each in rounds) else None
        if self.must_break:
            rounds += MUST_BREAK_ROUNDS if attacks.needs_gradients(self.method) else ()
        return AttackPlan(tuple(rounds), checks=checks, bpda=self.bpda)

    def _marked(self, chosen: AttackProtocol, epsilons: tuple[float, ...]) -> tuple[float, ...]:
        """The epsilons at which all steps are recorded: the protocol's, or, where none of them is asked for, all."""
        return tuple(e for e in chosen.marks_at if e in epsilons) or epsilons

    def _round(self, chosen: AttackProtocol, epsilon: float, curve: bool) -> Round:
        marks = self.steps or chosen.marks
        steps = sorted({*marks, *(() if self.steps else (chosen.sweep_steps,))}) if curve else [self._sweep(chosen)]
        return Round(
            attack=self.method,
            norm=self.norm,
            epsilon=epsilon,
            marks={mark: Condition(epsilon=epsilon, steps=mark) for mark in steps},
            restarts=self.restarts,
            targeted=self.aimed,
            failed=chosen.failed,
            options=method_options(chosen, self.method, self.method_options),
        )

    def _sweep(self, chosen: AttackProtocol) -> int:
        """The steps at which epsilons are compared: the protocol's, or the last of those asked for."""
        return chosen.sweep_steps if not self.steps or chosen.sweep_steps in self.steps else max(self.steps)


def method_options(chosen: AttackProtocol, method: str, given: tuple[tuple[str, Any], ...]) -> dict[str, Any]:
    """The protocol's options, which are PGD's, or an attack's own defaults; over both what was given."""
    own = dict(given)
    if method != "pgd":
        return own
    instead = {"step", "relative_step"} if {"step", "relative_step"} & own.keys() else set()
    return {**{name: value for name, value in chosen.options.items() if name not in instead}, **own}


def _longest(rounds: Sequence[Round]) -> int:
    """The round that the report's verdict is about: with most marks, most steps, nearest to the usual budget."""

    def rank(number: int) -> tuple[int, int, float]:
        each = rounds[number]
        return len(each.marks), each.steps, -abs(each.epsilon - usual_epsilon(each.targeted))

    return max((number for number, each in enumerate(rounds) if each.epsilon > 0), key=rank)
