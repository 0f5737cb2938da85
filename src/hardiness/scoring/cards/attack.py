"""Attacks: accuracy and success at each epsilon and number of steps, and whether the attack was any good."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from hardiness.core import (
    RIGHT,
    Chart,
    Column,
    Condition,
    Finding,
    ImageTable,
    Note,
    Records,
    Result,
    Run,
    Score,
    Section,
    epsilon_text,
)
from hardiness.scoring.attack_checks.verdict import trust
from hardiness.scoring.attack_curves import (
    PUBLISHED_PROTOCOL,
    accuracy_grid,
    accuracy_under_attack,
    surrogate_matrix,
    sweep,
)
from hardiness.scoring.attack_effort import effort, strength_of_attack
from hardiness.scoring.attack_report import attack_report
from hardiness.scoring.card import Baseline, Card, ScoreTexts, register
from hardiness.scoring.condition_calibration import (
    CALIBRATION_EXPLANATIONS,
    CALIBRATION_TITLES,
    condition_calibration,
    is_calibration,
)
from hardiness.scoring.intervals import wilson
from hardiness.scoring.leaderboard import leaderboard_note
from hardiness.scoring.rows import answered, classes
from hardiness.scoring.statistics.measurable import Measurable
from hardiness.scoring.statistics.measures import share
from hardiness.scoring.stopping.weighted_sum import WeightedSum
from hardiness.scoring.temperature import nll_column

NOT_TOLD = (
    *("sample", "image", "condition", "frame", "label"),
    *("prediction", "confidence", "logsumexp", "label_logit", "target"),
)
"""Columns of rows that do not say how the attack went; all other numbers do, and are kept."""

FLAGS = ("success", "finite_gradient")
"""Those of them that are true or false."""


@register("attack")
@final
class AttackCard(Card):
    """Clean accuracy, then accuracy, attack success and, under a surrogate, its success by condition.

    Accuracy is the share of all images that what is judged is right on: under ``orhan2019`` the adversarial picture of
    a success and the clean one of a failure. Attack success is the share of all images at the target, or misclassified
    where there is none.

    Source: Orhan (2019), arXiv:1907.07640, ``evaluate_whitebox.py`` and ``evaluate_blackbox.py``.
    """

    version: ClassVar[int] = 8
    columns: ClassVar[tuple[str, ...] | None] = None
    stops_on: ClassVar[str] = "accuracy at the largest epsilon"
    titles: ClassVar[Mapping[str, str]] = {"clean_accuracy": "clean accuracy", **CALIBRATION_TITLES}
    keys: ClassVar[tuple[str, ...]] = ("epsilon", "steps", "surrogate", "group", "protocol")
    place: ClassVar[int] = 50
    group: ClassVar[str] = "adversarial"
    explanations: ClassVar[Mapping[str, str]] = {
        "accuracy under attack": "the share of pictures still answered rightly after each was changed by at most ε "
        "(of a range from 0 to 1) so as to make the model err.",
        "the attack report": "checks of whether the attack was strong enough for that number to mean robustness.",
        **CALIBRATION_EXPLANATIONS,
    }

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
            right = table.of(RIGHT, condition) == 1
            if not condition:
                scores.append(_share("clean_accuracy", right, condition))
                continue
            target, answer = table.of("target", condition), table.of("answer", condition)
            fooled = np.where(target >= 0, answer == target, ~right)
            scores.append(_share("accuracy", right, condition))
            scores.append(_share("attack_success", fooled, condition, higher_is_better=False))
            if "surrogate_success" in table:
                reached = table.of("surrogate_success", condition) > 0
                scores.append(_share("surrogate_success", reached, condition, higher_is_better=False))
        return scores + condition_calibration(table, without="group")

    def sums(self, table: ImageTable, run: Run, baseline: Baseline | None) -> list[WeightedSum]:
        """Accuracy at the largest epsilon, at the number of steps that the overview shows."""
        swept = sweep([Score("accuracy", 0.0, "fraction", 0, condition=cell) for cell in table.present if cell])
        if not swept:
            return []
        right = table[RIGHT][:, table.present.index(swept[-1].condition)]
        values = np.where(right < 0, np.nan, right == 1).astype(np.float64)[:, None]
        return [WeightedSum("accuracy", values, np.ones(1), swept[-1].condition)]

    def measurables(self, table: ImageTable, run: Run) -> list[Measurable]:
        """Clean accuracy, and accuracy by condition."""
        right = table[RIGHT] == 1

        def accuracy(column: int, condition: Condition) -> Measurable:
            metric = "accuracy" if condition else "clean_accuracy"
            return Measurable(metric, condition, True, lambda at: share(right[at, column]))

        return [accuracy(column, condition) for column, condition in enumerate(table.present)]

    def findings(self, table: ImageTable, scores: Sequence[Score], run: Run) -> list[Finding]:
        """The report on the attack; nothing for attacks by other models."""
        return attack_report(_rows(table), run, scores)

    def details(self, table: ImageTable, run: Run) -> dict[str, Any]:
        """Also accuracy against the effort of the attack, and under noise."""
        return {**super().details(table, run), "effort": effort(_rows(table), run)}

    def view(self, results: Sequence[Result]) -> Section:
        """The table of models over epsilons, curves, and for each model a grid by epsilon and steps."""
        return replace(
            super().view(results),
            charts=[chart for chart in (accuracy_under_attack(results), strength_of_attack(results)) if chart],
            grids=[grid for result in results if (grid := accuracy_grid(result, self.shown))],
        )

    def notes_of(self, result: Result) -> list[Note]:
        """Also what RobustBench lists of the model."""
        listed = leaderboard_note(result)
        return [*super().notes_of(result), *([listed] if listed else [])]

    def place_of(self, run: Run) -> int:
        """White box, then black box, then attacks of other protocols."""
        if run.benchmark.protocol != PUBLISHED_PROTOCOL:
            return self.place + 2
        return self.place + 1 if run.surrogate else self.place

    def across(self, results: Sequence[Result]) -> list[Chart]:
        """Surrogates x models, where several surrogates were attacked."""
        return [matrix] if (matrix := surrogate_matrix(results)) else []

    def headline_of(self, columns: Sequence[Column]) -> Column | None:
        """Accuracy at the largest epsilon that most models were attacked with."""
        attacked = [column for column in columns if column.metric == "accuracy" and column.headline]
        return attacked[-1] if attacked else super().headline_of(columns)

    def saying_of(self, result: Result, known: ScoreTexts) -> str:
        """What becomes of the accuracy at the largest epsilon; nothing for pictures made on the model itself."""
        swept, clean = sweep(result.scores), known.value("clean_accuracy")
        surrogate = result.run.surrogate.model if result.run.surrogate else ""
        if not swept or swept[-1].value is None or clean is None or surrogate == result.model:
            return ""
        epsilon = epsilon_text(float(swept[-1].condition["epsilon"]))
        before, left = round(100 * clean), round(100 * swept[-1].value)
        stays = "holds" if trust(result.findings) == "yes" else "keeps"
        change = f"falls from {before} to {left} %" if left < before else f"{stays} its {before} %"
        if surrogate:
            return f"{change} on pictures attacked on {surrogate}"
        doubt = swept[-1].doubt
        return f"{change} under attack at ε {epsilon}{f' ({doubt})' if doubt else ''}"

    def saying_score(self, result: Result) -> Score | None:
        """The accuracy at the largest epsilon, under a name that says so without the budget."""
        swept = sweep(result.scores)
        return replace(swept[-1], metric="accuracy_left", condition=Condition()) if swept else None

    def variant(self, run: Run) -> tuple[str, ...]:
        """The protocol, the surrogate, and a norm other than L-infinity."""
        surrogate = (f"made on {run.surrogate.model}",) if run.surrogate else ()
        norm = ("L2",) if {each.norm for each in run.attack} == {"l2"} else ()
        subset = run.benchmark.options.get("subset")
        return (f"protocol {run.benchmark.protocol}", *surrogate, *norm, *((f"subset {subset}",) if subset else ()))

    def shown(self, key: str, value: Any) -> str:
        """``ε 4/255``, ``10 steps``, or the value itself."""
        if key == "epsilon":
            return f"ε {epsilon_text(value)}"
        if key == "steps":
            return f"{value} step" if value == 1 else f"{value} steps"
        return str(value)

    def title(self, score: Score) -> str:
        """An accuracy is named by its condition alone; the heading of the table says which surrogate it is about."""
        condition = Condition(**{key: value for key, value in score.condition.items() if key != "surrogate"})
        if score.metric == "accuracy" and "epsilon" in condition:
            return self.named(condition)
        return super().title(replace(score, condition=condition))

    def is_headline(self, score: Score) -> bool:
        """Accuracies are always shown."""
        return not is_calibration(score) and super().is_headline(score)

    def column_scores(self, scores: Sequence[Score]) -> list[Score]:
        """Headlines, then accuracies over epsilons."""
        return [*super().column_scores(scores), *sweep(scores)]


def _rows(table: ImageTable) -> Records:
    """The table's cells as rows again: what the attack report reads."""
    image, place = np.nonzero(table.evaluated)
    found = {name: column[image, place] for name, column in table.columns.items() if column.ndim == 2}
    for name in FLAGS:
        if name in found:
            found[name] = found[name] > 0
    found |= {"image": image, "condition": table.cells[place], "label": table.label[image]}
    return Records({**found, "prediction": found["answer"]})


def _share(metric: str, hits: NDArray[np.bool_], condition: Condition, higher_is_better: bool = True) -> Score:
    n, count = len(hits), int(np.count_nonzero(hits))
    return Score(metric, count / n, "fraction", n, wilson(count, n), higher_is_better, condition)
