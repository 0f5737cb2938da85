"""``blackbox``: attacks made on one model and shown to others."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, final

from hardiness import attacks
from hardiness.benchmarks.attack_options import check_attack
from hardiness.benchmarks.attacked import AttackedPhotographs, check_steps
from hardiness.benchmarks.image_subset import HELP as SUBSET_HELP
from hardiness.benchmarks.image_subset import check_subset
from hardiness.benchmarks.registry import registry
from hardiness.benchmarks.whitebox import PROTOCOLS, method_options
from hardiness.core import ArgumentError, AttackPlan, Condition, Round, UnknownNameError


@registry.add("blackbox")
@final
@dataclass(frozen=True)
class Blackbox(AttackedPhotographs):
    """Accuracy on pictures that fool a surrogate model, over epsilons; each attack is made once for all models.

    A model that is evaluated is fed the surrogate's adversarial picture, or, under ``orhan2019``, the clean one where
    the attack on the surrogate failed. Its clean accuracy is that on the same canvas.

    Source: Orhan (2019), arXiv:1907.07640, ``evaluate_blackbox.py``.
    Differs: targets and start noise are drawn by seed and image, the published ones without a seed.
    """

    name: ClassVar[str] = "blackbox"
    question: ClassVar[str] = "Does the model fall for pictures that were made to fool another one?"
    paper: ClassVar[str] = "Orhan 2019, arXiv:1907.07640"

    protocol: str = field(default="orhan2019", metadata={"help": "orhan2019 (targeted) or standard (untargeted)"})  # type: ignore[misc]  # an option here
    surrogate: str = field(default="resnext50_32x4d", metadata={"help": "the attacked model, or several: a+b"})
    method: str = field(
        default="pgd", metadata={"name": "attack", "help": "any of 'hardiness attacks'; its options beside"}
    )
    method_options: tuple[tuple[str, Any], ...] = field(
        default=(), metadata={"of": "method", "help": "the options of the attack, each by its own name"}
    )
    norm: str = field(default="linf", metadata={"help": "threat model: what epsilon bounds"})
    targeted: bool = field(default=False, metadata={"help": "towards a drawn class, whatever the protocol says"})
    epsilons: tuple[float, ...] = field(
        default=(), metadata={"help": "budgets, as in 4/255+0.06; the protocol's if empty", "item": float}
    )
    steps: int = field(default=10, metadata={"help": "steps of each attack"})
    subset: str = field(default="", metadata={"help": SUBSET_HELP})

    keep: bool = field(
        default=True,
        metadata={"help": "keep the surrogate's pictures in OUT for models added later", "request": True},
    )

    def __post_init__(self) -> None:
        if self.protocol not in PROTOCOLS:
            raise UnknownNameError("protocol of blackbox", self.protocol, PROTOCOLS)
        if self.norm != "linf" and not self.epsilons:
            raise ArgumentError(f"blackbox:norm={self.norm} needs its own epsilons, as in norm=l2,epsilons=0.5+3.0")
        check_subset("blackbox", self.subset)
        aimed = self.targeted or PROTOCOLS[self.protocol].targeted
        check_attack("blackbox", self.method, self.norm, self.epsilons, aimed)
        check_steps("blackbox", "steps", (self.steps,))
        attacks.registry.get(self.method)(**dict(self.method_options))

    @property
    def attack(self) -> AttackPlan:
        """A round for each epsilon, on the surrogate."""
        chosen = PROTOCOLS[self.protocol]
        rounds = tuple(
            Round(
                attack=self.method,
                norm=self.norm,
                epsilon=epsilon,
                marks={self.steps: Condition(epsilon=epsilon, steps=self.steps, surrogate=self.surrogate)},
                targeted=self.targeted or chosen.targeted,
                failed=chosen.failed,
                options=method_options(chosen, self.method, self.method_options),
            )
            for epsilon in self.epsilons or chosen.epsilons
        )
        return AttackPlan(rounds, self.surrogate, keep=self.keep)
