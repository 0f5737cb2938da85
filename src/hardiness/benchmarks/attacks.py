"""Accuracy under attack: white box, black box and the standard ensemble, over epsilons and steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal, final

import numpy as np
from numpy.typing import NDArray

from hardiness import attacks, imaging
from hardiness.benchmarks import decisions
from hardiness.benchmarks.attack_checks import attack_report
from hardiness.benchmarks.attack_effort import effort
from hardiness.benchmarks.card import Baseline, Card, register
from hardiness.benchmarks.cell_calibration import condition_calibration
from hardiness.benchmarks.losses import nll_column
from hardiness.benchmarks.options import check_attack, registry
from hardiness.benchmarks.presentation import sweep
from hardiness.benchmarks.shares import CLEAN_ACCURACY, CONDITION_METRICS, answered, classes
from hardiness.benchmarks.small_sets import OfAnySize
from hardiness.benchmarks.validation_subsets import HELP as SUBSET_HELP
from hardiness.benchmarks.validation_subsets import check_subset, part_of
from hardiness.core.attack_plan import AttackPlan, CrossChecks, Round, usual_epsilon
from hardiness.core.benchmark import DataRoot, DataSet, Expansion, Item, Selection
from hardiness.core.bounds import MOST_STEPS, require_within
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError, UnknownNameError
from hardiness.core.fact import Fact
from hardiness.core.model import Canvas
from hardiness.core.result import Metric, Score
from hardiness.core.run import Run
from hardiness.core.table import RIGHT, ImageTable, Records
from hardiness.statistics.clusters import basis_of_share
from hardiness.statistics.measures import Measurable, share
from hardiness.statistics.spreads.shares import ShareOfImages

NOT_ABOUT_ATTACK = (
    *("sample", "image", "condition", "frame", "label"),
    *("prediction", "confidence", "logsumexp", "label_logit", "target"),
)
"""Columns of rows that do not say how the attack went; all other numbers do, and are kept."""

FLAGS = ("success", "finite_gradient")
"""Columns about the attack that are true or false."""

ACCURACY = Metric(
    "accuracy",
    "accuracy under attack",
    explanation="the share of pictures still answered rightly after an attack changed each by at most ε (pixels range "
    "from 0 to 1); the attack report says whether the attack was strong enough to show robustness.",
)

ATTACK_SUCCESS = Metric(
    "attack_success",
    higher_is_better=False,
    explanation="the share of all pictures for which the attack made the model answer its target class or, without a "
    "target, any wrong class.",
)

SURROGATE_SUCCESS = Metric(
    "surrogate_success",
    higher_is_better=False,
    explanation="the share of all pictures on which the attack succeeded against its surrogate, the model that it was "
    "made on.",
)

ACCURACIES, SUCCESSES = (CLEAN_ACCURACY, ACCURACY), (ATTACK_SUCCESS, SURROGATE_SUCCESS)

MUST_BREAK = Condition(epsilon=1.0, steps=10, group="must break")

TARGETED = Condition(epsilon=1.0, steps=30, group="must break, targeted")

EUCLIDEAN = Condition(epsilon=1000.0, steps=20, group="must break, l2")

ROUNDS = (
    Round(
        "pgd",
        "linf",
        1.0,
        {10: MUST_BREAK},
        options={"relative_step": 0.25, "random_start": False, "loss": "margin"},
    ),
    Round(
        "pgd",
        "linf",
        1.0,
        {30: TARGETED},
        targeted=True,
        among_labels=True,
        options={"step": 8 / 255, "random_start": False, "loss": "margin"},
    ),
    Round(
        "pgd",
        "l2",
        1000.0,
        {20: EUCLIDEAN},
        options={"step": 4.0, "random_start": False, "loss": "margin"},
    ),
)
"""The rounds in which every model must fall. They start at the image itself, since a start far away is another picture
already, and go by differences of logits, which large ones cannot hide. Ordinary networks fall within ten steps, small
adversarially trained ones as well."""

CLEAN = Condition()


@register("attack")
@final
class AttackCard(Card):
    """Clean accuracy, then accuracy, attack success and, under a surrogate, its success by condition.

    Accuracy is the share of all images that what is judged is right on: under ``orhan2019`` the adversarial picture of
    a success and the clean one of a failure. Attack success is the share of all images at the target, or misclassified
    where there is none.

    Source: Orhan (2019), arXiv:1907.07640, ``evaluate_whitebox.py`` and ``evaluate_blackbox.py``.
    """

    columns: ClassVar[tuple[str, ...] | None] = None
    stops_on: ClassVar[str] = "accuracy at the largest epsilon"
    metrics: ClassVar[tuple[Metric, ...]] = (*ACCURACIES, *SUCCESSES, *CONDITION_METRICS)
    keys: ClassVar[tuple[str, ...]] = ("epsilon", "steps", "surrogate", "group", "protocol")
    place: ClassVar[int] = 52
    places: ClassVar[Mapping[str, int]] = {"standard": 52}
    group: ClassVar[str] = "adversarial"
    swept: ClassVar[Metric | None] = ACCURACY
    names_protocol: ClassVar[bool] = True

    def filled_table(self, records: Records, run: Run) -> ImageTable:
        """Right or wrong, the answer, its likelihood, the target and how the attack went, by image and mark."""
        attack_columns = {
            name: values
            for name, values in records.columns.items()
            if name not in NOT_ABOUT_ATTACK and values.ndim == 1 and values.dtype.kind in "bif"
        }
        cells = {**answered(records), **nll_column(records), "target": classes(records["target"]), **attack_columns}
        return ImageTable.from_rows(records, run.conditions, cells)

    def scores(self, table: ImageTable, run: Run, baseline: Baseline | None) -> list[Score]:
        """Shares by condition, in the run's order, then calibration of what is judged.

        Calibration is left out where every model must fall.
        """
        scores: list[Score] = []
        for condition in table.present:
            ids, right = table.ids_under(condition), table.cell(RIGHT, condition) == 1
            if not condition:
                scores.append(_share(CLEAN_ACCURACY, ids, right, condition))
                continue
            target, answer = table.cell("target", condition), table.cell("answer", condition)
            fooled = np.where(target >= 0, answer == target, ~right)
            scores.append(_share(ACCURACY, ids, right, condition))
            scores.append(_share(ATTACK_SUCCESS, ids, fooled, condition))
            if "surrogate_success" in table:
                reached = table.cell("surrogate_success", condition) > 0
                scores.append(_share(SURROGATE_SUCCESS, ids, reached, condition))
        return scores + condition_calibration(table, without="group")

    def measurables(self, table: ImageTable, run: Run, baseline: Baseline | None) -> list[Measurable]:
        """Clean accuracy and accuracy by condition; first that at the largest epsilon, at the steps of the overview."""
        right, cells = table.equals(RIGHT), table.present
        swept = sweep(ACCURACY, [ACCURACY.score(0.0, 0, condition=cell) for cell in cells if cell])
        shares = [share(ACCURACY if cell else CLEAN_ACCURACY, right[:, at], cell) for at, cell in enumerate(cells)]
        if not swept:  # a run must not stop by another condition
            return [share(ACCURACY, np.full(len(table), np.nan), compared=False), *shares]
        return sorted(shares, key=lambda measurable: measurable.condition != swept[-1].condition)

    def findings(self, table: ImageTable, scores: Sequence[Score], run: Run) -> list[Fact]:
        """The report on the attack; nothing for attacks by other models."""
        return attack_report(_rows(table), run, scores)

    def details(self, table: ImageTable, run: Run) -> dict[str, Any]:
        """Galleries, and accuracy against the effort of the attack and under noise."""
        return {**super().details(table, run), "effort": effort(_rows(table), run)}


def _rows(table: ImageTable) -> Records:
    """The table's cells as rows again, which the attack report reads."""
    image, place = np.nonzero(table.evaluated)
    columns = {name: column[image, place] for name, column in table.columns.items() if column.ndim == 2}
    for name in FLAGS:
        if name in columns:
            columns[name] = columns[name] > 0
    columns |= {"image": image, "condition": table.cells[place], "label": table.label[image]}
    return Records({**columns, "prediction": columns["answer"]})


def _share(metric: Metric, ids: NDArray[np.object_], hits: NDArray[np.bool_], condition: Condition) -> Score:
    n, count = len(hits), int(np.count_nonzero(hits))
    return metric.score(count / n, n, ShareOfImages(count, n), condition, basis=basis_of_share(ids, hits))


class AttackedPhotographs(OfAnySize):
    """Photographs on the 224 canvas or small pictures as they are, which the engine attacks by the benchmark's plan."""

    card: ClassVar[str] = "attack"
    shard_items: ClassVar[int] = 16

    subset: str

    def dataset(self, data: DataRoot) -> DataSet:
        """The pictures, or a published part of them."""
        return part_of(super().dataset(data), self.subset)

    def usual_epsilons(self, norm: str) -> tuple[float, ...]:
        """The budget at which its small pictures are usually attacked; none for photographs."""
        return (self.small.budgets[norm],) if self.small and norm in self.small.budgets else ()

    def selection(self) -> Selection:
        """Clean, then every mark of every round."""
        plan = self.attack
        assert plan is not None, "an attacked benchmark has a plan"
        return Selection((CLEAN, *(condition for tried in plan.rounds for condition in tried.marks.values())))

    def expand(
        self, item: Item, conditions: Sequence[Condition], canvases: Sequence[Canvas], seed: int
    ) -> Iterator[Expansion]:
        """The clean picture on each canvas, once."""
        photograph = imaging.decode(item.file.read(), item.file.name)
        images = tuple(imaging.on_canvas(photograph, canvas) for canvas in canvases)
        for condition in conditions:
            yield Expansion(condition, 0, images)

    decide = staticmethod(decisions.under_attack)


def check_steps(benchmark: str, name: str, steps: Sequence[int]) -> None:
    """Raise an error unless every number of steps can be used.

    Raises:
        ArgumentError: there is none, or one below 1 or above a million, or one twice.
    """
    if not steps or min(steps) < 1 or len(set(steps)) < len(steps):
        had = "+".join(map(str, steps)) or "none"
        raise ArgumentError(f"{benchmark}:{name} must be different whole numbers of 1 or more, had {had}")
    require_within(f"{benchmark}:{name}", max(steps), 1, MOST_STEPS)


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

    def options_of(self, method: str, chosen: tuple[tuple[str, Any], ...]) -> dict[str, Any]:
        """The options of an attack: the protocol's, which are PGD's, or its own defaults; those chosen go before."""
        own = dict(chosen)
        if method != "pgd":
            return own
        instead = {"step", "relative_step"} if {"step", "relative_step"} & own.keys() else set()
        return {**{name: value for name, value in self.options.items() if name not in instead}, **own}


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
    stands_for: ClassVar[str] = "attacked"
    precedence: ClassVar[int] = 2
    display_name: ClassVar[str] = "white box"
    question: ClassVar[str] = "How little must an attacker who knows the model change a picture to fool it?"
    paper: ClassVar[str] = "Orhan 2019, arXiv:1907.07640"
    place: ClassVar[int | None] = 50

    protocol: str = field(default="orhan2019", metadata={"help": "orhan2019 (targeted) or standard (untargeted)"})  # type: ignore[misc]  # an option here
    epsilons: tuple[float, ...] = field(
        default=(),
        metadata={
            "help": "budgets, as in 4/255+0.06; if empty the protocol's, or those of small pictures",
            "item": float,
        },
    )
    steps: tuple[int, ...] = field(
        default=(), metadata={"help": "steps to record, as in 1+10+50; the protocol's if empty", "item": int}
    )
    steps_at: tuple[float, ...] = field(
        default=(), metadata={"help": "epsilons at which all of these are recorded", "item": float}
    )
    method: str = field(
        default="pgd", metadata={"name": "attack", "help": "any of 'hardiness list attacks'; its options beside"}
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
        super().__post_init__()
        if self.protocol not in PROTOCOLS:
            raise UnknownNameError("protocol of whitebox", self.protocol, PROTOCOLS)
        if self.norm != "linf" and not (self.epsilons or self.usual_epsilons(self.norm)):
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
        photographs = super().dataset(data)
        return (
            replace(photographs, items=photographs.items[::2]) if PROTOCOLS[self.protocol].every_other else photographs
        )

    @property
    def aimed(self) -> bool:
        """Whether the attack is towards a drawn class."""
        return self.targeted or PROTOCOLS[self.protocol].targeted

    @property
    def attack(self) -> AttackPlan:
        """A round for each epsilon, and those that must break every model."""
        chosen = PROTOCOLS[self.protocol]
        epsilons = self.epsilons or self.usual_epsilons(self.norm) or chosen.epsilons
        curves = self.steps_at or self._marked(chosen, epsilons)
        rounds = [self._round(chosen, e, e in curves) for e in dict.fromkeys((*epsilons, *curves))]
        checks = CrossChecks(_longest(rounds)) if self.cross_checks and any(tried.epsilon for tried in rounds) else None
        if self.must_break:
            rounds += ROUNDS if attacks.needs_gradients(self.method) else ()
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
            options=chosen.options_of(self.method, self.method_options),
        )

    def _sweep(self, chosen: AttackProtocol) -> int:
        """The steps at which epsilons are compared: the protocol's, or the last of those asked for."""
        return chosen.sweep_steps if not self.steps or chosen.sweep_steps in self.steps else max(self.steps)


def _longest(rounds: Sequence[Round]) -> int:
    """The round of the report's verdict: with most marks, most steps, nearest to the usual budget."""

    def rank(number: int) -> tuple[int, int, float]:
        tried = rounds[number]
        return len(tried.marks), tried.steps, -abs(tried.epsilon - usual_epsilon(tried.targeted))

    return max((number for number, tried in enumerate(rounds) if tried.epsilon > 0), key=rank)


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
    place: ClassVar[int | None] = 51

    protocol: str = field(default="orhan2019", metadata={"help": "orhan2019 (targeted) or standard (untargeted)"})  # type: ignore[misc]  # an option here
    surrogate: str = field(default="resnext50_32x4d", metadata={"help": "the attacked model, or several: a+b"})
    method: str = field(
        default="pgd", metadata={"name": "attack", "help": "any of 'hardiness list attacks'; its options beside"}
    )
    method_options: tuple[tuple[str, Any], ...] = field(
        default=(), metadata={"of": "method", "help": "the options of the attack, each by its own name"}
    )
    norm: str = field(default="linf", metadata={"help": "threat model: what epsilon bounds"})
    targeted: bool = field(default=False, metadata={"help": "towards a drawn class, whatever the protocol says"})
    epsilons: tuple[float, ...] = field(
        default=(),
        metadata={
            "help": "budgets, as in 4/255+0.06; if empty the protocol's, or those of small pictures",
            "item": float,
        },
    )
    steps: int = field(default=10, metadata={"help": "steps of each attack"})
    subset: str = field(default="", metadata={"help": SUBSET_HELP})

    keep: bool = field(
        default=True,
        metadata={"help": "keep the surrogate's pictures in OUT for models added later", "request": True},
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.protocol not in PROTOCOLS:
            raise UnknownNameError("protocol of blackbox", self.protocol, PROTOCOLS)
        if self.norm != "linf" and not (self.epsilons or self.usual_epsilons(self.norm)):
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
                options=chosen.options_of(self.method, self.method_options),
            )
            for epsilon in self.epsilons or self.usual_epsilons(self.norm) or chosen.epsilons
        )
        return AttackPlan(rounds, self.surrogate, keep=self.keep)
