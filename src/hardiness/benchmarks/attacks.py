"""Accuracy under attack: white box, black box and the standard ensemble, over epsilons and steps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal, final

import numpy as np
from numpy.typing import NDArray

from hardiness import attacks, imaging
from hardiness.benchmarks import decisions
from hardiness.benchmarks.attack_checks import attack_report
from hardiness.benchmarks.attack_curves import UNITS, curves_of, longest_of
from hardiness.benchmarks.card import Baseline, Card, register
from hardiness.benchmarks.confidence import (
    condition_calibration,
    nll_column,
)
from hardiness.benchmarks.leaderboard import series_beside
from hardiness.benchmarks.options import check_attack, registry
from hardiness.benchmarks.photographs import HELP as SUBSET_HELP
from hardiness.benchmarks.photographs import check_subset, part_of
from hardiness.benchmarks.presentation import ScoreTexts, sweep
from hardiness.benchmarks.score_words import Lookup
from hardiness.benchmarks.shares import CLEAN_ACCURACY, CONDITION_METRICS, answered, classes
from hardiness.core.attack_plan import AttackPlan, CrossChecks, Norm, Round, epsilon_text, usual_epsilon
from hardiness.core.benchmark import Benchmark, DataRoot, DataSet, Expansion, Item, Selection
from hardiness.core.condition import Condition
from hardiness.core.errors import MOST_STEPS, ArgumentError, UnknownNameError, require_within
from hardiness.core.model import CANVAS_224, Canvas
from hardiness.core.result import CANNOT_TELL, Finding, Metric, Result, Score, trust
from hardiness.core.run import Run
from hardiness.core.section import Chart, Curves, Grid, Heat, Layer, Line, Panel
from hardiness.core.table import RIGHT, ImageTable, Records
from hardiness.reference.robustbench import OWN, PREPROCESSINGS
from hardiness.statistics.intervals import proportion
from hardiness.statistics.measures import Measurable, share

TITLE = "Accuracy under attack"
PUBLISHED_PROTOCOL = "orhan2019"

ACCURACY = Metric(
    "accuracy",
    "accuracy under attack",
    explanation="the share of pictures still answered rightly after an attack changed each by at most ε (pixels range "
    "from 0 to 1); the attack report says whether the attack was strong enough to show robustness.",
)


def accuracy_grid(result: Result, shown: Callable[[str, Any], str]) -> Grid | None:
    """Accuracy by epsilon and steps, where several numbers of steps were recorded."""
    at = Lookup(result.scores)
    cells = [s.condition for s in result.scores if s.metric == "accuracy" and set(s.condition) == {"epsilon", "steps"}]
    steps = sorted({cell["steps"] for cell in cells})
    if len(steps) < 2:
        return None
    rows = tuple(
        (shown("epsilon", epsilon), tuple(at.cell("accuracy", epsilon=epsilon, steps=mark) for mark in steps))
        for epsilon in sorted({cell["epsilon"] for cell in cells})
    )
    if doubt := result.doubt:
        rows = tuple((head, tuple(cell and replace(cell, doubt=doubt) for cell in row)) for head, row in rows)
    heads = tuple(shown("steps", mark) for mark in steps)
    return Grid(result.name, "accuracy by epsilon and steps", "budget", heads, rows)


def accuracy_under_attack(results: Sequence[Result]) -> Curves | None:
    """A curve for each model over steps, where they were recorded, and one over epsilons.

    Source: Orhan (2019), arXiv:1907.07640, its figures of white-box and black-box accuracy; published values from
    `hardiness.reference`.
    """
    scored = [result for result in results if result.scores]
    panels = tuple(panel for panel in (_steps(scored), _epsilons(scored)) if panel) if scored else ()
    if not panels:
        return None
    caption = (
        "Share of images that are classified rightly; bands are 95 % intervals, the first point is without attack."
    )
    surrogate = scored[0].run.surrogate
    heading = f"{TITLE} made on {surrogate.model}" if surrogate else TITLE
    return Curves(
        "accuracy_under_attack",
        TITLE,
        f"{heading}{_message(standing(scored))}{doubts_of(scored)}",
        caption + dashes_of(scored),
        panels,
        "accuracy ↑ better",
        grey="Thin grey lines: the five ResNeXts as published, on ImageNet's validation set.",
    )


def _message(results: Sequence[Result]) -> str:
    """What is left at the largest epsilon."""
    last = [swept[-1] for result in results if (swept := sweep(ACCURACY, result.scores))]
    values = [score.value for score in last if score.value is not None]
    if not values:
        return ""
    low, high = (f"{100 * bound(values):.0f}" for bound in (min, max))
    epsilon = epsilon_text(max(float(score.condition["epsilon"]) for score in last))
    return f": {low if low == high else f'{low} to {high}'} % are left at ε {epsilon}"


def standing(results: Sequence[Result]) -> Sequence[Result]:
    """The results by whose numbers their reports stand; all where there is no such one."""
    return [result for result in results if not result.doubt] or results


def doubts_of(results: Sequence[Result]) -> str:
    """What a heading says behind the numbers of some results of which a report does not stand by all, or cannot tell.

    A range over several models is of those that are neither withdrawn nor unchecked (see `standing`).
    """
    words = [word for result in results if (word := result.caveat)]
    if not words:
        return ""
    if len(results) == 1:
        images = results[0].counts.images
        few = f", from {images:,} image{'' if images == 1 else 's'}" if words[0] == CANNOT_TELL else ""
        return f" ({words[0]}{few})"
    counted = ", ".join(f"{count} {word}" for word, count in sorted(Counter(words).items()))
    return f" (of {len(results)} models {counted})"


def dashes_of(results: Sequence[Result]) -> str:
    """What a caption says of the curves that are dashed; empty where none is."""
    words = sorted({result.doubt for result in results if result.doubt})
    return f" Dashed: {' or '.join(words)}, see what the report on the attack says." if words else ""


def surrogate_matrix(results: Sequence[Result]) -> Heat | None:
    """Accuracy by the surrogate that pictures were made on and the model that sees them; ``None`` for one surrogate."""
    found: dict[str, dict[str, Score]] = {}
    for result in results:
        if result.run.surrogate and (swept := sweep(ACCURACY, result.scores)):
            found.setdefault(result.run.surrogate.model, {})[result.name] = swept[-1]
    if len(found) < 2:
        return None
    victims = tuple(dict.fromkeys(name for row in found.values() for name in row))
    values = tuple(tuple(_value(row.get(victim)) for victim in victims) for row in found.values())
    epsilon = epsilon_text(max(float(score.condition["epsilon"]) for row in found.values() for score in row.values()))
    return Heat(
        "surrogates",
        f"What pictures made on one model leave of another's accuracy, at ε {epsilon}, in %",
        "Rows: the model that was attacked. Columns: the model that was shown the pictures. Pale: they fool it too.",
        "made on",
        victims,
        tuple(found),
        (Layer("", values),),
        higher_is_better=True,
    )


def _value(score: Score | None) -> float | None:
    return None if score is None else score.value


def _steps(results: Sequence[Result]) -> Panel | None:
    """The panel of the epsilon with most numbers of steps, of such the one most models were attacked at."""
    counted: dict[float, int] = {}
    for result in results:
        for score in _accuracies(result):
            if "surrogate" not in score.condition:
                counted[score.condition["epsilon"]] = counted.get(score.condition["epsilon"], 0) + 1
    usual = [
        epsilon for epsilon, points in counted.items() if points == max(counted.values()) and points > len(results)
    ]
    if not usual:
        return None
    epsilon = usual[len(usual) // 2]
    ours = tuple(
        _line(result, [s for s in _accuracies(result) if s.condition["epsilon"] == epsilon], "steps")
        for result in results
    )
    theirs = _published(results, lambda at: at.get("epsilon") == epsilon and "surrogate" not in at, "steps")
    marks = tuple(sorted({x for line in (*ours, *theirs) for x in line.x}))
    unit = UNITS.get(next((each.attack for each in results[0].run.attack), ""), "steps")
    return Panel(f"{unit}, at ε {epsilon_text(epsilon)}", ours, theirs, marks, tuple(f"{mark:g}" for mark in marks))


def _epsilons(results: Sequence[Result]) -> Panel | None:
    swept = [sweep(ACCURACY, result.scores) for result in results]
    if max(map(len, swept)) < 2:
        return None
    steps = next(scores[0].condition.get("steps") for scores in swept if scores)
    made_on = results[0].run.surrogate
    surrogate = made_on.model if made_on else None
    ours = tuple(_line(result, scores, "epsilon") for result, scores in zip(results, swept, strict=True))
    theirs = _published(results, lambda at: at.get("steps") == steps and at.get("surrogate") == surrogate, "epsilon")
    marks = tuple(sorted({x for line in ours for x in line.x}))
    named = tuple(epsilon_text(mark) if mark else "0" for mark in marks)
    return Panel(f"ε, at {steps} steps", ours, theirs, marks, named)


def _accuracies(result: Result) -> list[Score]:
    """Accuracies by epsilon and steps, and no others: not those at the budget that must break everything."""
    return [
        s for s in result.scores if s.metric == "accuracy" and "group" not in s.condition and "steps" in s.condition
    ]


def _line(result: Result, scores: Sequence[Score], key: str) -> Line:
    clean = [score for score in result.scores if score.metric == "clean_accuracy"]
    points = [(0.0, score) for score in clean] + [(float(score.condition[key]), score) for score in scores]
    known = sorted(((x, s) for x, s in points if s.value is not None and s.interval), key=lambda point: point[0])
    return Line(
        result.name,
        tuple(x for x, _ in known),
        tuple(s.value for _, s in known if s.value is not None),
        tuple(s.interval.low for _, s in known if s.interval),
        tuple(s.interval.high for _, s in known if s.interval),
        doubt=result.doubt,
    )


def _published(results: Sequence[Result], wanted: Callable[[Mapping[str, Any]], bool], key: str) -> tuple[Line, ...]:
    if results[0].protocol != PUBLISHED_PROTOCOL:
        return ()
    lines = []
    for model, rows in series_beside(results, "accuracy").items():
        points = sorted((float(row.condition[key]), row.value) for row in rows if wanted(row.condition))
        if len(points) > 1:
            lines.append(Line(model, tuple(x for x, _ in points), tuple(y for _, y in points)))
    return tuple(lines)


Point = tuple[float, float, float, float]
"""Steps or starts, accuracy, and the ends of its 95 % interval."""


def effort(records: Records, run: Run) -> dict[str, Any]:
    """Points by steps and by starts at the budget that the verdict is about, and accuracy under noise; as JSON.

    Nothing where a run has no attack on the model itself.
    """
    curve = longest_of(curves_of(records, run))
    if curve is None:
        return {}
    right, last = np.asarray(records["prediction"] == records["label"]), curve.rows[-1]
    starts = range(1, curve.round.restarts + 1)
    fallen_at = np.where(records["success"], records["restart"], curve.round.restarts)
    unattacked = _clean(records, run)
    clean = [_point(0, right[unattacked])] if unattacked.any() else []
    return {
        "epsilon": curve.epsilon,
        "unit": curve.unit,
        "members": list(curve.members),
        "steps": [*clean, *(_point(steps, right[rows]) for steps, rows in zip(curve.steps, curve.rows, strict=True))],
        "starts": [_point(k, (right | (fallen_at >= k))[last]) for k in starts] if len(starts) > 1 else [],
        "noise": _noise(records, unattacked & right, last),
    }


def _clean(records: Records, run: Run) -> NDArray[np.bool_]:
    """The rows without attack."""
    conditions = list(run.conditions)
    found: NDArray[np.bool_] = records["condition"] == (
        conditions.index(Condition()) if Condition() in conditions else -1
    )
    return found


def _noise(records: Records, clean_right: NDArray[np.bool_], last: NDArray[np.bool_]) -> list[float]:
    """Accuracy under the best of some draws, and the ends of its interval; empty where no noise was tried.

    An image that is wrong without attack counts as wrong, though a targeted attack has not reached its target there.
    """
    if "noise_lead" not in records:
        return []
    rows = last & np.isfinite(records["noise_lead"])
    if not rows.any():
        return []
    was_right = np.isin(records["image"][rows], records["image"][clean_right])
    stands = (records["noise_lead"][rows] > 0) & was_right
    return list(_point(0, stands)[1:])


def _point(at: float, stands: NDArray[np.bool_]) -> Point:
    n, count = len(stands), int(stands.sum())
    interval = proportion(count, n)
    return float(at), count / n, interval.low, interval.high


def strength_of_attack(results: Sequence[Result]) -> Curves | None:
    """A curve a model over steps and, where there were several, over starts; noise of the same budget thin beside."""
    tried_hard = [result for result in results if result.details.get("effort")]
    known = [(result.name, result.details["effort"] | {"doubt": result.doubt}) for result in tried_hard]
    panels = tuple(panel for panel in (_panel(known, "steps"), _panel(known, "starts")) if panel)
    if not panels:
        return None
    tried = any(found["noise"] for _, found in known)
    caption = "Share of images that are classified rightly; bands are 95 % intervals, 0 steps is without attack."
    noise = " Thin grey lines: under the best of ten random draws of the same budget." if tried else ""
    heading = f"An attack must leave less than noise does{_against_noise(known)}" if tried else _leaves(known)
    heading += doubts_of(tried_hard)
    return Curves(
        "attack_effort",
        "Was it an attack? Accuracy against steps, starts and noise",
        heading,
        caption + noise + dashes_of(tried_hard),
        panels,
        "accuracy ↑ better",
        beside="noise of the same budget",
    )


def _leaves(details: Sequence[tuple[str, dict[str, Any]]]) -> str:
    """What the whole effort leaves, over the models."""
    stands = [found for _, found in details if not found["doubt"]] or [found for _, found in details]
    values = [100 * found["steps"][-1][1] for found in stands if found["steps"]]
    if not values:
        return "Accuracy by effort of the attack"
    low, high = f"{min(values):.0f}", f"{max(values):.0f}"
    return f"The whole attack leaves {low if low == high else f'{low} to {high}'} %"


def _against_noise(details: Sequence[tuple[str, dict[str, Any]]]) -> str:
    """What attack and noise leave, where one model is shown."""
    if len(details) != 1 or not details[0][1]["noise"]:
        return ""
    found = details[0][1]
    return f": {100 * found['steps'][-1][1]:.0f} % against {100 * found['noise'][0]:.0f} %"


def _panel(details: Sequence[tuple[str, dict[str, Any]]], kind: str) -> Panel | None:
    shown = [(name, found) for name, found in details if len(found[kind]) > 1]
    if not shown:
        return None
    lines = tuple(
        Line(name, *(tuple(column) for column in zip(*found[kind], strict=True)), doubt=found["doubt"])
        for name, found in shown
    )
    marks = tuple(sorted({x for line in lines for x in line.x}))
    noise = tuple(
        Line(f"noise on {name}", (marks[0], marks[-1]), (found["noise"][0],) * 2)
        for name, found in shown
        if found["noise"]
    )
    epsilons = dict.fromkeys(epsilon_text(found["epsilon"]) for _, found in shown)
    what = kind if kind == "starts" else " or ".join(dict.fromkeys(found["unit"] for _, found in shown))
    label = f"{what}, at ε {' and '.join(epsilons)}"
    members = {number: name for _, found in shown for number, name in enumerate(found["members"], start=1)}
    names = {0: "none", **members} if kind == "steps" and members else {}
    return Panel(label, lines, noise, marks, tuple(names.get(int(mark), f"{mark:g}") for mark in marks))


NOT_TOLD = (
    *("sample", "image", "condition", "frame", "label"),
    *("prediction", "confidence", "logsumexp", "label_logit", "target"),
)
"""Columns of rows that do not say how the attack went; all other numbers do, and are kept."""

FLAGS = ("success", "finite_gradient")
"""Those of them that are true or false."""


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


@register("attack")
@final
class AttackCard(Card):
    """Clean accuracy, then accuracy, attack success and, under a surrogate, its success by condition.

    Accuracy is the share of all images that what is judged is right on: under ``orhan2019`` the adversarial picture of
    a success and the clean one of a failure. Attack success is the share of all images at the target, or misclassified
    where there is none.

    Source: Orhan (2019), arXiv:1907.07640, ``evaluate_whitebox.py`` and ``evaluate_blackbox.py``.
    """

    version: ClassVar[int] = 9
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
        told = {
            name: values
            for name, values in records.columns.items()
            if name not in NOT_TOLD and values.ndim == 1 and values.dtype.kind in "bif"
        }
        cells = {**answered(records), **nll_column(records), "target": classes(records["target"]), **told}
        return ImageTable.from_rows(records, run.conditions, cells)

    def scores(self, table: ImageTable, run: Run, baseline: Baseline | None) -> list[Score]:
        """By condition, in the run's order; then calibration of what is judged, but not where every model must fall."""
        scores: list[Score] = []
        for condition in table.present:
            right = table.cell(RIGHT, condition) == 1
            if not condition:
                scores.append(_share(CLEAN_ACCURACY, right, condition))
                continue
            target, answer = table.cell("target", condition), table.cell("answer", condition)
            fooled = np.where(target >= 0, answer == target, ~right)
            scores.append(_share(ACCURACY, right, condition))
            scores.append(_share(ATTACK_SUCCESS, fooled, condition))
            if "surrogate_success" in table:
                reached = table.cell("surrogate_success", condition) > 0
                scores.append(_share(SURROGATE_SUCCESS, reached, condition))
        return scores + condition_calibration(table, without="group")

    def measurables(self, table: ImageTable, run: Run, baseline: Baseline | None) -> list[Measurable]:
        """Clean accuracy and accuracy by condition; first that at the largest epsilon, at the steps of the overview."""
        right, cells = table.equals(RIGHT), table.present
        swept = sweep(ACCURACY, [ACCURACY.score(0.0, 0, condition=cell) for cell in cells if cell])
        found = [share(ACCURACY if cell else CLEAN_ACCURACY, right[:, at], cell) for at, cell in enumerate(cells)]
        if not swept:  # a run must not stop by another condition
            return [share(ACCURACY, np.full(len(table), np.nan), compared=False), *found]
        return sorted(found, key=lambda each: each.condition != swept[-1].condition)

    def findings(self, table: ImageTable, scores: Sequence[Score], run: Run) -> list[Finding]:
        """The report on the attack; nothing for attacks by other models."""
        return attack_report(_rows(table), run, scores)

    def details(self, table: ImageTable, run: Run) -> dict[str, Any]:
        """Also accuracy against the effort of the attack, and under noise."""
        return {**super().details(table, run), "effort": effort(_rows(table), run)}

    def figures(self, results: Sequence[Result]) -> Iterator[Chart | Grid]:
        """Curves over epsilons and steps, and for each model a grid of both."""
        yield from filter(None, (accuracy_under_attack(results), strength_of_attack(results)))
        yield from filter(None, (accuracy_grid(result, self.shown) for result in results))

    def sentence(self, result: Result, known: ScoreTexts) -> str | tuple[str, Score | None]:
        """What becomes of the accuracy at the largest epsilon; nothing for pictures made on the model itself."""
        swept, clean = sweep(ACCURACY, result.scores), known.value("clean_accuracy")
        surrogate = result.run.surrogate.model if result.run.surrogate else ""
        if not swept or swept[-1].value is None or clean is None or surrogate == result.model:
            return ""
        epsilon = epsilon_text(float(swept[-1].condition["epsilon"]))
        before, left = round(100 * clean), round(100 * swept[-1].value)
        stays = "holds" if trust(result.findings) == "yes" else "keeps"
        # The score under a name that says "at the largest epsilon" without the budget.
        about = replace(swept[-1], metric="accuracy_left", condition=Condition())
        change = f"falls from {before} to {left} %" if left < before else f"{stays} its {before} %"
        if surrogate:
            return f"{change} on pictures attacked on {surrogate}", about
        doubt = swept[-1].doubt
        return f"{change} under attack at ε {epsilon}{f' ({doubt})' if doubt else ''}", about


def _rows(table: ImageTable) -> Records:
    """The table's cells as rows again: what the attack report reads."""
    image, place = np.nonzero(table.evaluated)
    found = {name: column[image, place] for name, column in table.columns.items() if column.ndim == 2}
    for name in FLAGS:
        if name in found:
            found[name] = found[name] > 0
    found |= {"image": image, "condition": table.cells[place], "label": table.label[image]}
    return Records({**found, "prediction": found["answer"]})


def _share(metric: Metric, hits: NDArray[np.bool_], condition: Condition) -> Score:
    n, count = len(hits), int(np.count_nonzero(hits))
    return metric.score(count / n, n, proportion(count, n), condition)


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
"""From the image itself, since a start far away is another picture already; on differences of logits, which large ones
cannot hide. Ordinary networks fall within ten steps, small adversarially trained ones as well."""


CLEAN = Condition()


class AttackedPhotographs(Benchmark):
    """ImageNet's validation photographs on the 224 canvas, which the engine attacks by the benchmark's plan."""

    needs: ClassVar[tuple[str, ...]] = ("imagenet",)
    card: ClassVar[str] = "attack"
    canvas: ClassVar[Canvas | None] = CANVAS_224
    shard_items: ClassVar[int] = 16

    subset: str

    def dataset(self, data: DataRoot) -> DataSet:
        """The photographs, or a published part of them."""
        return part_of(data.dataset("imagenet"), self.subset)

    def selection(self) -> Selection:
        """Clean, then every mark of every round."""
        plan = self.attack
        assert plan is not None, "an attacked benchmark has a plan"
        return Selection((CLEAN, *(condition for each in plan.rounds for condition in each.marks.values())))

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

    def options_of(self, method: str, given: tuple[tuple[str, Any], ...]) -> dict[str, Any]:
        """The protocol's options, which are PGD's, or an attack's own defaults; over both what was given."""
        own = dict(given)
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
    question: ClassVar[str] = "How little must an attacker who knows the model change a picture to fool it?"
    paper: ClassVar[str] = "Orhan 2019, arXiv:1907.07640"
    place: ClassVar[int | None] = 50

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
    """The round that the report's verdict is about: with most marks, most steps, nearest to the usual budget."""

    def rank(number: int) -> tuple[int, int, float]:
        each = rounds[number]
        return len(each.marks), each.steps, -abs(each.epsilon - usual_epsilon(each.targeted))

    return max((number for number, each in enumerate(rounds) if each.epsilon > 0), key=rank)


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
                options=chosen.options_of(self.method, self.method_options),
            )
            for epsilon in self.epsilons or chosen.epsilons
        )
        return AttackPlan(rounds, self.surrogate, keep=self.keep)


STAGES = {
    "standard": ("apgd-ce", "+ apgd-t", "+ fab-t", "+ square"),
    "rand": ("apgd-ce", "+ apgd-dlr"),
    "plus": ("apgd-ce", "+ apgd-dlr", "+ fab", "+ square", "+ apgd-t", "+ fab-t"),
}
"""What has been run at each of the marks of each version; the last is the whole ensemble."""

VERSIONS = tuple(STAGES)

CANVASES: dict[str, Canvas | None] = {
    "Res256Crop224": CANVAS_224,
    "BicubicRes256Crop224": replace(CANVAS_224, interpolation="bicubic"),
    "Res224": Canvas(224, 224, "bilinear", "squash"),
    "Crop288": Canvas(288, 288, "bilinear", "unresized"),
    OWN: None,
}
"""What RobustBench calls preprocessings; ``None`` for each model's own view."""

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
    question: ClassVar[str] = "What accuracy is left under the ensemble that the leaderboards use?"
    paper: ClassVar[str] = "Croce & Hein 2020, arXiv:2003.01690"
    protocol: ClassVar[str] = "standard"

    norm: str = field(default="linf", metadata={"help": "linf or l2: what epsilon bounds"})
    epsilons: tuple[float, ...] = field(
        default=(), metadata={"help": "budgets; 4/255 for linf, 0.5+3.0 for l2 if empty", "item": float}
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
        require_within("autoattack:queries", self.queries, 1, MOST_STEPS)
        check_subset("autoattack", self.subset)
        if self.preprocessing not in CANVASES:
            raise UnknownNameError("preprocessing of autoattack", self.preprocessing, CANVASES)
        if self.version not in VERSIONS:
            raise UnknownNameError("version of autoattack", self.version, VERSIONS)
        check_attack("autoattack", "autoattack", self.norm, self.epsilons, targeted=False)

    @property
    def canvas(self) -> Canvas | None:  # type: ignore[override]  # an option here
        """The geometry that the leaderboard's name of it stands for."""
        return CANVASES[self.preprocessing]

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
            for epsilon in self.epsilons or EPSILONS[self.norm]
        )
        attacked = [number for number, each in enumerate(rounds) if each.epsilon > 0]
        checks = CrossChecks(attacked[0], queries=0) if self.cross_checks and attacked else None
        return AttackPlan((*rounds, *(ROUNDS if self.must_break else ())), checks=checks)
