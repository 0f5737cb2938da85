"""Robust accuracy under AutoAttack."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar, final

from hardiness.benchmarks.attacks import ROUNDS, AttackedPhotographs
from hardiness.benchmarks.options import check_attack, registry
from hardiness.benchmarks.validation_subsets import HELP as SUBSET_HELP
from hardiness.benchmarks.validation_subsets import check_subset
from hardiness.core.attack_plan import AttackPlan, CrossChecks, Norm, Round
from hardiness.core.benchmark import DataRoot, DataSet
from hardiness.core.bounds import MOST_STEPS, require_within
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError, DataError, UnknownNameError
from hardiness.core.model import CANVAS_224, Canvas
from hardiness.reference.robustbench import OWN, PREPROCESSINGS

STAGES = {
    "standard": ("apgd-ce", "+ apgd-t", "+ fab-t", "+ square"),
    "rand": ("apgd-ce", "+ apgd-dlr"),
    "plus": ("apgd-ce", "+ apgd-dlr", "+ fab", "+ square", "+ apgd-t", "+ fab-t"),
}
"""The attacks that have been run at each mark of each version; the last is the whole ensemble."""

VERSIONS = tuple(STAGES)

LEAST_CLASSES = {"standard": 4, "rand": 3, "plus": 4}
"""The fewest classes for which the losses of each version are defined."""

CANVASES: dict[str, Canvas | None] = {
    "Res256Crop224": CANVAS_224,
    "BicubicRes256Crop224": replace(CANVAS_224, interpolation="bicubic"),
    "Res224": Canvas(224, 224, "bilinear", "squash"),
    "Crop288": Canvas(288, 288, "bilinear", "unresized"),
    OWN: None,
}
"""The canvases by RobustBench's names of preprocessings; ``None`` for each model's own view."""

EPSILONS: dict[Norm, tuple[float, ...]] = {"linf": (4 / 255,), "l2": (0.5, 3.0)}


@registry.add("autoattack")
@final
@dataclass(frozen=True)
class AutoAttackAccuracy(AttackedPhotographs):
    """Robust accuracy under AutoAttack, standard version: APGD-CE, APGD-T, FAB-T and Square, each on the survivors.

    A part is ``--limit`` of the seeded, class-stratified order, never the first of sorted folders, or the leaderboard's
    own 5,000 images, ``subset=robustbench``.

    Source: Croce & Hein (2020), arXiv:2003.01690; RobustBench (Croce et al. 2021, arXiv:2010.09670) for the budgets.
    """

    name: ClassVar[str] = "autoattack"
    stands_for: ClassVar[str] = "attacked"
    precedence: ClassVar[int] = 0
    display_name: ClassVar[str] = "AutoAttack"
    question: ClassVar[str] = "What accuracy is left under the ensemble that the leaderboards use?"
    paper: ClassVar[str] = "Croce & Hein 2020, arXiv:2003.01690"
    protocol: ClassVar[str] = "standard"

    norm: str = field(default="linf", metadata={"help": "linf or l2: what epsilon bounds"})
    epsilons: tuple[float, ...] = field(
        default=(),
        metadata={
            "help": "budgets; if empty 4/255 for linf, 0.5+3.0 for l2; 8/255 and 0.5 for small pictures",
            "item": float,
        },
    )
    queries: int = field(default=5000, metadata={"help": "of Square, for each image that is left"})
    version: str = field(
        default="standard",
        metadata={"help": "standard; rand for models that draw at random; plus, with fab and 5 starts"},
    )
    must_break: bool = field(default=True, metadata={"help": "also the budgets at which every model must fall"})
    cross_checks: bool = field(default=True, metadata={"help": "also noise and slopes beside the attack"})
    subset: str = field(default="", metadata={"help": SUBSET_HELP})
    preprocessing: str = field(
        default=PREPROCESSINGS[0],
        metadata={"help": f"how photographs are resized and cropped: {', '.join(PREPROCESSINGS)}"},
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        require_within("autoattack:queries", self.queries, 1, MOST_STEPS)
        check_subset("autoattack", self.subset)
        if self.preprocessing not in CANVASES:
            raise UnknownNameError("preprocessing of autoattack", self.preprocessing, CANVASES)
        if self.pictures and self.preprocessing != PREPROCESSINGS[0]:
            raise ArgumentError(f"autoattack:preprocessing is of photographs, and {self.pictures} is not resized")
        if self.version not in VERSIONS:
            raise UnknownNameError("version of autoattack", self.version, VERSIONS)
        check_attack("autoattack", "autoattack", self.norm, self.epsilons, targeted=False)

    def dataset(self, data: DataRoot) -> DataSet:
        """The photographs.

        Raises:
            DataError: they are of fewer classes than its losses are defined for.
        """
        photographs = super().dataset(data)
        least = LEAST_CLASSES[self.version]
        if photographs.num_classes < least:
            raise DataError(
                f"autoattack needs {least} classes or more, which its difference-of-logits ratio compares, and "
                f"{photographs.location or photographs.name} has {photographs.num_classes}; -b apgd-fab-square takes "
                "two or more"
            )
        return photographs

    @property
    def canvas(self) -> Canvas | None:  # type: ignore[override]  # an option here
        """The canvas that the leaderboard's name of a preprocessing stands for, or the small pictures' own size."""
        return super().canvas if self.pictures else CANVASES[self.preprocessing]

    @property
    def attack(self) -> AttackPlan:
        """A round for each epsilon, with a mark after each of its attacks, and those that must break every model."""
        stages = STAGES[self.version]
        rounds = tuple(
            Round(
                attack="autoattack",
                norm=self.norm,
                epsilon=epsilon,
                marks={
                    number: Condition(epsilon=epsilon, **({"group": stage} if number < len(stages) else {}))
                    for number, stage in enumerate(stages, start=1)
                },
                options={
                    "queries": self.queries,
                    **({} if self.version == "standard" else {"variant": self.version}),
                },
            )
            for epsilon in self.epsilons or self.usual_epsilons(self.norm) or EPSILONS[self.norm]
        )
        attacked = [number for number, tried in enumerate(rounds) if tried.epsilon > 0]
        checks = CrossChecks(attacked[0], queries=0) if self.cross_checks and attacked else None
        return AttackPlan((*rounds, *(ROUNDS if self.must_break else ())), checks=checks)
