"""ImageNet-C and its kin: errors by cell, corruption errors against a baseline, mCE and relative mCE."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from hardiness.core import RIGHT, ArgumentError, Condition, Grid, ImageTable, Records, Result, Run, Score, Section
from hardiness.reference import DistortionSet, distortion_set, set_names
from hardiness.scoring.card import Baseline, Card, ScoreTexts, published_baseline, register
from hardiness.scoring.cells import cell_means, is_whole, means_of
from hardiness.scoring.corruption_charts import corruption_charts, noise_loss
from hardiness.scoring.corruption_scores import error_scores, ratio_scores
from hardiness.scoring.grids import Lookup
from hardiness.scoring.rows import answered
from hardiness.scoring.shift_calibration import TITLES as CALIBRATION_TITLES
from hardiness.scoring.shift_calibration import calibration_by_severity, shift_calibration
from hardiness.scoring.statistics.measurable import Measurable
from hardiness.scoring.statistics.measures import corruption_weights, mean, relative_corruption, weighted
from hardiness.scoring.stopping.weighted_sum import WeightedSum, mean_of
from hardiness.scoring.temperature import nll_column


@register("corruption")
@final
class CorruptionCard(Card):
    """The mCE, the relative mCE and the mean error; then CE and error by corruption, group, severity and cell.

    A set whose headline is no ratio has mCE only where a stored run stands in for a baseline. Corruptions that are not
    of the set have their errors beside, and are in no mean.

    Source: Hendrycks & Dietterich (2019), arXiv:1903.12261; Orhan (2019), arXiv:1907.07640, ``evaluate_imagenetc.py``.
    """

    version: ClassVar[int] = 7
    columns: ClassVar[tuple[str, ...] | None] = ("prediction", "confidence", "logsumexp", "label_logit")
    stops_on: ClassVar[str] = "mCE, or the mean error where the set has no mCE"
    draws_cells: ClassVar[bool] = True
    divides: ClassVar[bool] = True
    titles: ClassVar[Mapping[str, str]] = {
        "mce": "mCE",
        "mce_partial": "mCE of a part",
        "relative_mce": "relative mCE",
        "relative_mce_partial": "relative mCE of a part",
        "mean_error_partial": "mean error of a part",
        "imagenet_c_mean_error": "ImageNet-C mean error",
        **CALIBRATION_TITLES,
    }
    keys: ClassVar[tuple[str, ...]] = ("corruption", "severity", "group", "protocol")
    place: ClassVar[int] = 30
    explanations: ClassVar[Mapping[str, str]] = {
        "mCE": "the error under 15 corruptions at five severities, each corruption divided by AlexNet's, then "
        "averaged: below 100 is better than AlexNet.",
        "relative mCE": "the same with the clean error taken off both: how much is lost, not how much is wrong.",
        "mean ECE": "the expected calibration error, over 15 bins of equal width or equal mass, of each corruption at "
        "each severity, then averaged.",
    }

    def filled_table(self, records: Records, run: Run) -> ImageTable:
        """Right or wrong, the answer, its confidence and the label's likelihood, image by image and cell by cell."""
        return ImageTable.from_rows(records, run.conditions, {**answered(records), **nll_column(records)})

    def scores(self, table: ImageTable, run: Run, baseline: Baseline | None) -> list[Score]:
        """Each once for all severities and corruptions that were run."""
        errors, members = cell_means(table, _wrong(table), "corruption"), set_of(run)
        present = [cell for cell in errors.cells if cell]
        names = [name for name in dict.fromkeys(cell["corruption"] for cell in present) if name in members.members]
        cells = {cell for cell in run.conditions if cell and cell["corruption"] in members.members}
        whole = is_whole(table, cells, run.seed)
        # Where the mean error is the headline, a part must not pass for the whole; beside mCE it keeps its name.
        mean_error = "mean_error" if whole or members.baseline else "mean_error_partial"
        headlines = error_scores(errors, present, names, (mean_error, members.groups))
        if members.baseline or baseline:
            headlines = [*ratio_scores(errors, present, names, whole, baseline), *headlines]
        headlines += shift_calibration(table, names, whole)
        return [*(s for s in headlines if not s.condition), *(s for s in headlines if s.condition)]

    def measurables(self, table: ImageTable, run: Run) -> list[Measurable]:
        """The mCE and relative mCE, where there is a baseline, and the mean error, over the members that were run."""
        return self._measurables(table, run, published_baseline(run) if set_of(run).baseline else None)

    def measurables_over(self, table: ImageTable, run: Run, baseline: Baseline) -> list[Measurable]:
        """The same with ratios to another baseline."""
        return self._measurables(table, run, baseline)

    def _measurables(self, table: ImageTable, run: Run, known: Baseline | None) -> list[Measurable]:
        wrong, members = table[RIGHT] != 1, set_of(run)
        at = [k for k, cell in enumerate(table.present) if cell and cell["corruption"] in members.members]
        if not at:
            return []
        whole = len(at) == len(members.members) * len(members.levels)
        names = [table.present[k]["corruption"] for k in at]
        levels = [table.present[k]["severity"] for k in at]
        part = "" if whole else "_partial"
        found = []
        if known and _divides((names, levels), known["error_by_severity"]):
            weights = corruption_weights(names, levels, known["error_by_severity"])
            found.append(Measurable(f"mce{part}", Condition(), False, lambda on: weighted(wrong[on][:, at], weights)))
        pair = (known["clean_error"], known["error_by_severity"]) if known else (0.0, {})
        if Condition() in table.present and _divides((names, levels), pair[1], pair[0]):
            clean = table.present.index(Condition())
            found.append(
                Measurable(
                    f"relative_mce{part}",
                    Condition(),
                    False,
                    lambda on: relative_corruption(wrong[on][:, at], wrong[on, clean], (names, levels), pair),
                )
            )
        metric = "mean_error" if members.baseline else f"mean_error{part}"
        return [*found, Measurable(metric, Condition(), False, lambda on: mean(wrong[on][:, at]))]

    def sums(self, table: ImageTable, run: Run, baseline: Baseline | None) -> list[WeightedSum]:
        """The mCE where there is one, relative mCE where the clean pictures are there, mean and clean error."""
        members, wrong = set_of(run), _wrong(table)
        cells = np.array([cell.get("corruption") in members.members for cell in table.present])
        if not cells.any():
            return []
        whole = is_whole(table, {c for c in run.conditions if c and c["corruption"] in members.members}, run.seed)
        suffix = "" if whole else "_partial"
        found = [mean_of(f"mean_error{'' if members.baseline else suffix}", wrong, cells, False)]
        clean = np.array([not cell for cell in table.present])
        if clean.any():
            found.append(mean_of("clean_error", wrong, clean, False))
        if baseline:
            ratios = (("mce", 0.0), ("relative_mce", float(baseline["clean_error"])))
            found[:0] = [
                WeightedSum(f"{name}{suffix}", wrong, weights, higher_is_better=False)
                for name, below in ratios
                if (weights := _ratio_weights(table.present, cells, baseline, below)) is not None
            ]
        return found

    def as_baseline(self, table: ImageTable, run: Run) -> Baseline:
        """The errors of a run in the form of a published baseline; NaN where it has no rows."""
        known = dict(zip(table.present, means_of(_wrong(table)).tolist(), strict=True))
        names = dict.fromkeys(condition["corruption"] for condition in run.conditions if condition)
        levels = set_of(run).levels
        return {
            "clean_error": known.get(Condition(), float("nan")),
            "error_by_severity": {
                name: [known.get(Condition(corruption=name, severity=severity), float("nan")) for severity in levels]
                for name in names
            },
        }

    def is_headline(self, score: Score) -> bool:
        """Errors are always shown; calibration is where everything is asked for."""
        return score.metric not in CALIBRATION_TITLES

    def view(self, results: Sequence[Result]) -> Section:
        """The table of models, errors and calibration by severity, and a grid of errors for each model."""
        calibration = calibration_by_severity(results)
        return replace(
            super().view(results),
            charts=[*corruption_charts(results), *([calibration] if calibration else [])],
            grids=[grid for result in results if (grid := _grid(result))],
        )

    def shown(self, key: str, value: Any) -> str:
        """``fog``, ``severity 3``, or the value itself."""
        return f"severity {value}" if key == "severity" else str(value).replace("_", " ")

    def place_of(self, run: Run) -> int:
        """The set of the paper, which has a published baseline, before its relatives."""
        return self.place if set_of(run).baseline else self.place + 1

    def group_of(self, run: Run) -> str:
        """Noise, blur and their kin; shuffled cells leave textures and take shapes away."""
        return "shape" if run.benchmark.name == "patch-shuffle" else "noise and blur"

    def saying_of(self, result: Result, known: ScoreTexts) -> str:
        """How much is lost under the worst group of corruptions."""
        found = noise_loss(result)
        if found is None:
            error = known.value("mean_error")
            return "" if error is None else f"errs on {100 * error:.0f} % of corrupted pictures"
        loss = found.value or 0.0
        where = found.condition["group"]
        return f"loses {100 * loss:.0f} points under {where}" if loss > 0 else "loses nothing under corruptions"

    def saying_score(self, result: Result) -> Score | None:
        """The loss under that group; the mean error where there are no groups."""
        mean = (s for s in result.scores if s.metric == "mean_error" and not s.condition)
        return noise_loss(result) or next(mean, None)


def set_of(run: Run) -> DistortionSet:
    """The set that a run is of; one that no data file describes counts every corruption of the run."""
    name = run.benchmark.name or "imagenet-c"
    if name in set_names():
        return distortion_set(name)
    cells = [condition for condition in run.conditions if condition]
    found = dict.fromkeys(cell["corruption"] for cell in cells)
    levels = sorted({cell["severity"] for cell in cells})
    return DistortionSet(name, "still", "", "", "", "", "", tuple(found), tuple(levels))


def _divides(
    cells: tuple[Sequence[str], Sequence[int]], errors: Mapping[str, Sequence[float]], clean: float = 0.0
) -> bool:
    """Whether a baseline errs more than ``clean`` under every corruption of some cells: a stored one may not."""
    try:
        corruption_weights(*cells, {name: [error - clean for error in own] for name, own in errors.items()})
    except ArgumentError:
        return False
    return True


def _ratio_weights(
    present: Sequence[Condition], cells: NDArray[np.bool_], baseline: Baseline, below: float
) -> NDArray[np.float64] | None:
    """What each cell's error weighs in the mCE, ``(M,)``; with the baseline's clean error ``below``, in the relative.

    ``None`` where a baseline has no error to divide by, or clean pictures are needed and were not run.
    """
    clean = Condition() in present
    members = [cell for cell, is_member in zip(present, cells, strict=True) if is_member]
    names, levels = ([cell[key] for cell in members] for key in ("corruption", "severity"))
    above = {name: [error - below for error in baseline["error_by_severity"][name]] for name in set(names)}
    try:
        of_cells = corruption_weights(names, levels, above)
    except ArgumentError:
        return None
    weights = np.zeros(len(present))
    weights[cells] = of_cells
    if below and clean:
        weights[present.index(Condition())] = -of_cells.sum()
    return None if below and not clean else weights


def _wrong(table: ImageTable) -> NDArray[np.float64]:
    return np.where(table.evaluated, 1.0 - table[RIGHT], np.nan)


def _grid(result: Result) -> Grid | None:
    """Errors by corruption and severity, with each row's mean and CE; ``None`` where a result has no such cells."""
    cells = [score.condition for score in result.scores if set(score.condition) == {"corruption", "severity"}]
    if not cells:
        return None
    at = Lookup(result.scores)
    severities = sorted({cell["severity"] for cell in cells})
    names = list(dict.fromkeys(cell["corruption"] for cell in cells))
    rows = [
        (
            name.replace("_", " "),
            (
                *(at.cell("error", corruption=name, severity=severity) for severity in severities),
                at.cell("error", corruption=name),
                at.cell("ce", shaded=False, corruption=name),
            ),
        )
        for name in names
    ]
    means = [at.cell("error", severity=severity) for severity in severities]
    if len(names) > 1 and any(means):
        whole = at.cell("mce", shaded=False) or at.cell("mce_partial", shaded=False)
        mean = at.cell("mean_error") or at.cell("mean_error_partial")
        rows.append(("all of the set", (*means, mean, whole)))
    heads = (*(f"severity {severity}" for severity in severities), "mean", "CE")
    return Grid(result.name, "error by corruption and severity", "corruption", heads, tuple(rows))
