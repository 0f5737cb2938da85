"""ImageNet-P: flip probability and top-5 distance of sequences, and their ratios to a baseline."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from hardiness.core import RIGHT, Condition, Gallery, Grid, ImageTable, Records, Result, Run, Sample, Score, Section
from hardiness.reference import IMAGENET_P, compared_with_first
from hardiness.scoring.card import Baseline, Card, ScoreTexts, published_baseline, register
from hardiness.scoring.cells import CellMeans, MadeOf, cell_means, is_whole, means_of
from hardiness.scoring.galleries import SHOWN
from hardiness.scoring.grids import Lookup
from hardiness.scoring.perturbation_charts import flips
from hardiness.scoring.statistics.measurable import Measurable
from hardiness.scoring.statistics.measures import mean, weighted
from hardiness.scoring.stopping.weighted_sum import WeightedSum, mean_of

DISTANCE = "top-5 distance"
"""Unit: 0 where the same five classes stand in the same order, 15 where there are five others, 18 at most."""

BLOCK = 1 << 16
"""Rows whose top-5 classes are compared at a time: a few megabytes."""

_RANKS = np.arange(1, 6)
_GONE = 5 - (_RANKS - 1)  # what a class adds that was ranked i and is no longer among the five
_MATCHED = (np.abs(_RANKS[:, None] - _RANKS) - _GONE[:, None]).astype(np.float32).ravel()


def top5_distance(reference: NDArray[np.integer], later: NDArray[np.integer]) -> NDArray[np.int64]:
    """How far the five first classes of a frame have moved in a later one, ``int64 (N,)``, 0 to 18.

    With ``C(r) = min(r - 1, 5)`` and ``s(i)`` the later rank of the class that was ranked ``i``: the sum over the five
    of ``|C(i) - C(s(i))|``. A rank beyond the fifth counts as 5 whatever it is, so five classes a frame are enough.

    Args:
        reference, later: ``(N, 5)`` classes by falling logit; ``-1`` where there are fewer classes.

    Source: Hendrycks & Dietterich (2019), arXiv:1903.12261, and its script.
    """
    found = np.empty(len(reference), np.int64)
    for start in range(0, len(reference), BLOCK):
        before, after = reference[start : start + BLOCK], later[start : start + BLOCK]
        is_class = before >= 0
        same = (before[:, :, None] == after[:, None, :]) & is_class[:, :, None]
        moved = same.reshape(-1, 25).astype(np.float32) @ _MATCHED
        found[start : start + BLOCK] = is_class @ _GONE + np.rint(moved).astype(np.int64)
    return found


def sequences(records: Records, run: Run) -> Records:
    """One row for each sequence: its ``steps`` from frame to frame, ``flips``, and how far the first five ``moved``.

    Args:
        records: whole sequences, in any order.
        run: names the conditions.

    Returns:
        Also the sample, condition, label and prediction of each sequence's first frame.

    Source: Hendrycks & Dietterich (2019), arXiv:1903.12261: the reference is the first frame for noises,
        else the frame before.
    """
    rows, starts = _by_sequence(records)
    lengths = np.diff(np.append(starts, len(rows)))
    fixed = np.array([compared_with_first(condition["perturbation"]) for condition in run.conditions])
    before = np.maximum(np.arange(len(rows)) - 1, 0)
    reference = np.where(fixed[rows["condition"]], np.repeat(starts, lengths), before)
    flipped = rows["prediction"] != rows["prediction"][reference]
    moved = top5_distance(rows["top5_class"][reference], rows["top5_class"])

    def total(values: NDArray[Any], dtype: type[np.signedinteger]) -> NDArray[Any]:
        values[starts] = 0
        return np.add.reduceat(values, starts, dtype=np.int64).astype(dtype)

    named = ("sample", "image", "condition", "label", "prediction")
    kept = {name: rows[name][starts] for name in named if name in rows}
    steps = {"steps": (lengths - 1).astype(np.int16), "flips": total(flipped, np.int16)}
    return Records({**kept, **steps, "moved": total(moved, np.int32)}, records.failures)


def _by_sequence(records: Records) -> tuple[Records, NDArray[np.int64]]:
    """The rows sorted by sample, condition and frame, and where each sequence starts."""
    image = records["image"] if "image" in records else np.unique(records["sample"], return_inverse=True)[1]
    sequence = image.astype(np.int64) * (int(records["condition"].max()) + 1) + records["condition"]
    key = sequence * (int(records["frame"].max()) + 1) + records["frame"]
    if not (np.diff(key) > 0).all():
        order = np.argsort(key, kind="stable")
        records, sequence = records.where(order), sequence[order]
    return records, np.flatnonzero(np.diff(sequence, prepend=-1))


def mean_ratio(values: NDArray[np.floating], baseline: NDArray[np.floating]) -> NDArray[np.float64]:
    """The mFR or mT5D: the mean over perturbations of the ratios to the baseline's, ``(…)``.

    Args:
        values: ``(…, P)``.
        baseline: ``(P,)``.

    Source: Hendrycks & Dietterich (2019), arXiv:1903.12261.
    """
    return np.asarray(np.mean(values / baseline, axis=-1))


@dataclass(frozen=True, slots=True)
class SequenceMeasure:
    """One of the two things that are measured: names of its score, its ratio and the mean ratio, its unit, its most."""

    column: str
    metric: str
    ratio: str
    mean_ratio: str
    unit: str
    top: float

    def values(self, table: ImageTable) -> NDArray[np.float64]:
        """Its mean over the steps of each sequence, float64 ``(N, M)``, NaN where there is none."""
        nothing = np.full(table[RIGHT].shape, np.nan)
        return np.asarray(np.divide(table[self.column], table["steps"], out=nothing, where=table.evaluated))


FLIPS = SequenceMeasure("flips", "flip_probability", "flip_rate", "mfr", "fraction", 1.0)
DISTANCES = SequenceMeasure("moved", "top5_distance", "t5d", "mt5d", DISTANCE, 18.0)


@register("perturbation")
@final
class PerturbationCard(Card):
    """The mFR, flip probability, mT5D and top-5 distance; then each by perturbation.

    Means are over those of the ten test perturbations that were run, at difficulty 1.

    Source: Hendrycks & Dietterich (2019), arXiv:1903.12261; Orhan (2019), arXiv:1907.07640, ``evaluate_imagenetp.py``.
    """

    columns: ClassVar[tuple[str, ...] | None] = ("frame", "prediction", "top5_class")
    stops_on: ClassVar[str] = "mFR, or flip probability where nothing is there to divide by"
    draws_cells: ClassVar[bool] = True
    divides: ClassVar[bool] = True
    titles: ClassVar[Mapping[str, str]] = {
        "mfr": "mFR",
        "mfr_partial": "mFR of a part",
        "mt5d": "mT5D",
        "mt5d_partial": "mT5D of a part",
        "t5d": "T5D",
        "top5_distance": "top-5 distance",
    }
    keys: ClassVar[tuple[str, ...]] = ("perturbation", "severity")
    place: ClassVar[int] = 40
    group: ClassVar[str] = "noise and blur"
    explanations: ClassVar[Mapping[str, str]] = {
        "flip probability": "the share of steps of a sequence at which the first answer changes.",
        "mFR": "flip probabilities divided by AlexNet's, averaged over the ten perturbations: below 100 is steadier.",
        "top-5 distance": "how far the five first answers move in a step: 0 where they stay as they are.",
    }

    def filled_table(self, records: Records, run: Run) -> ImageTable:
        """Of each sequence its steps, flips and distances; right or wrong is its first frame."""
        found = sequences(records, run)
        counted = {name: found[name] for name in ("steps", "flips", "moved")}
        return ImageTable.from_rows(found, run.conditions, {RIGHT: found["prediction"] == found["label"], **counted})

    def scores(self, table: ImageTable, run: Run, baseline: Baseline | None) -> list[Score]:
        """Flips, then distances."""
        scores = [score for quantity in (FLIPS, DISTANCES) for score in _scores(table, quantity, baseline, run.seed)]
        return [*(s for s in scores if not s.condition), *(s for s in scores if s.condition)]

    def sums(self, table: ImageTable, run: Run, baseline: Baseline | None) -> list[WeightedSum]:
        """Of flips, then of distances: the mean ratio where there is one, and the mean itself."""
        cells = np.array([cell in _test(table) for cell in table.present])
        suffix = "" if _is_whole(table, run.seed) else "_partial"
        found = []
        for quantity in (FLIPS, DISTANCES) if cells.any() else ():
            values, known = quantity.values(table), (baseline or {}).get(quantity.metric) or {}
            divisors = np.array([known.get(cell["perturbation"], np.nan) for cell in table.present])
            if (divisors[cells] > 0).all():
                weights = np.zeros(len(cells))
                weights[cells] = 1 / (np.count_nonzero(cells) * divisors[cells])
                found.append(WeightedSum(f"{quantity.mean_ratio}{suffix}", values, weights, higher_is_better=False))
            found.append(mean_of(quantity.metric, values, cells, False))
        return found

    def as_baseline(self, table: ImageTable, run: Run) -> Baseline:
        """Flip probability and top-5 distance of a run by perturbation, in the form of the published baseline."""
        found: dict[str, dict[str, float]] = {}
        for quantity in (FLIPS, DISTANCES):
            values = zip(table.present, means_of(quantity.values(table)).tolist(), strict=True)
            found[quantity.metric] = {cell["perturbation"]: value for cell, value in values if "severity" not in cell}
        return found

    def measurables(self, table: ImageTable, run: Run) -> list[Measurable]:
        """The mFR, where there is a baseline, and flip probability, over the test perturbations that were run."""
        return self._measurables(table, published_baseline(run))

    def measurables_over(self, table: ImageTable, run: Run, baseline: Baseline) -> list[Measurable]:
        """The same with ratios to another baseline."""
        return self._measurables(table, baseline)

    def _measurables(self, table: ImageTable, baseline: Baseline | None) -> list[Measurable]:
        values, known = FLIPS.values(table), (baseline or {}).get(FLIPS.metric, {})
        names = [name for name in IMAGENET_P.members if Condition(perturbation=name) in table.present]
        test = [table.present.index(Condition(perturbation=name)) for name in names]
        found = []
        if names and all(known.get(name, 0) > 0 for name in names):
            weights = np.array([1 / (len(names) * known[name]) for name in names])
            metric = FLIPS.mean_ratio if len(names) == len(IMAGENET_P.members) else f"{FLIPS.mean_ratio}_partial"
            found.append(Measurable(metric, Condition(), False, lambda at: weighted(values[at][:, test], weights)))
        if names:
            found.append(Measurable(FLIPS.metric, Condition(), False, lambda at: mean(values[at][:, test])))
        return found

    def view(self, results: Sequence[Result]) -> Section:
        """The table of models, how often answers flip, and for each a grid of its sequences."""
        grids = [grid for result in results if (grid := _grid(result, self.titles))]
        return replace(super().view(results), charts=flips(results), grids=grids)

    def details(self, table: ImageTable, run: Run) -> dict[str, Any]:
        """The sequences whose answer flips most."""
        return {"galleries": [gallery.as_dict() for gallery in _restless(table, self.class_namer(run))]}

    def shown(self, key: str, value: Any) -> str:
        """``shot noise``, ``difficulty 2``, or the value itself."""
        return f"difficulty {value}" if key == "severity" else str(value).replace("_", " ")

    def saying_of(self, result: Result, known: ScoreTexts) -> str:
        """The share of answers that stay from frame to frame."""
        flip = known.value("flip_probability")
        return f"keeps {100 * (1 - flip):.1f} % of its answers from frame to frame" if flip is not None else ""

    def saying_score(self, result: Result) -> Score | None:
        """The flip probability."""
        return next((s for s in result.scores if s.metric == "flip_probability" and not s.condition), None)


def _restless(table: ImageTable, name: Callable[[int], str]) -> Iterator[Gallery]:
    """The sequences with most flips, no photograph twice."""
    flips = np.where(table.evaluated, table["flips"], -1)
    order = np.argsort(-flips, axis=None, kind="stable")
    chosen: dict[int, int] = {}
    for row, cell in zip(*np.unravel_index(order, flips.shape), strict=True):
        if flips[row, cell] > 0:
            chosen.setdefault(int(row), int(cell))
    if not chosen:
        return
    samples = tuple(
        Sample(
            str(table.ids[row]),
            table.present[cell],
            name(int(table.label[row])),
            note=f"the answer flips at {int(flips[row, cell])} of {int(table['steps'][row, cell])} steps",
        )
        for row, cell in list(chosen.items())[:SHOWN]
    )
    rule = "The sequences whose answer flips most often, no photograph twice; shown is the last frame."
    yield Gallery("Most restless sequences", rule, samples)


def _test(table: ImageTable) -> list[Condition]:
    """Those of the ten test perturbations that were run."""
    wanted = (Condition(perturbation=name) for name in IMAGENET_P.members)
    return [cell for cell in wanted if cell in table.present]


def _is_whole(table: ImageTable, seed: int) -> bool:
    return is_whole(table, {Condition(perturbation=name) for name in IMAGENET_P.members}, seed)


def _scores(table: ImageTable, quantity: SequenceMeasure, baseline: Baseline | None, seed: int) -> list[Score]:
    means = cell_means(table, quantity.values(table), "perturbation", quantity.top)
    test = _test(table)
    scores = _ratios(means, quantity, test, "" if _is_whole(table, seed) else "_partial", baseline)
    if test:
        overall = means.of(*test).mean(axis=1)
        scores.insert(1, means.score(quantity.metric, overall, quantity.unit, None, MadeOf(test, quantity.top)))
    for cell in means.cells:
        of = MadeOf([cell], quantity.top)
        scores.append(means.score(quantity.metric, means.of(cell)[:, 0], quantity.unit, cell, of))
    return scores


def _ratios(
    means: CellMeans, quantity: SequenceMeasure, test: Sequence[Condition], suffix: str, baseline: Baseline | None
) -> list[Score]:
    """The mean ratio and its parts, or why it is undefined."""
    metric, known = f"{quantity.mean_ratio}{suffix}", (baseline or {}).get(quantity.metric)
    divisors = np.array([(known or {}).get(cell["perturbation"], np.nan) for cell in test])
    if reason := _why_undefined(quantity, test, divisors, baseline):
        return [Score(metric, None, "ratio", int(means.n.max()), higher_is_better=False, reason=reason)]
    ratios, highest = means.of(*test) / divisors, quantity.top / divisors
    return [
        means.score(metric, mean_ratio(means.of(*test), divisors), "ratio", None, MadeOf(test, float(highest.mean()))),
        *(
            means.score(quantity.ratio, ratios[:, k], "ratio", cell, MadeOf([cell], float(highest[k])))
            for k, cell in enumerate(test)
        ),
    ]


def _why_undefined(
    quantity: SequenceMeasure, test: Sequence[Condition], divisors: NDArray[np.float64], baseline: Baseline | None
) -> str:
    if baseline is None:
        return "there is no baseline for these classes"
    if not test:
        return "none of the ten test perturbations was run"
    if baseline.get(quantity.metric) is None:
        return (
            f"no source gives AlexNet's {quantity.metric.replace('_', ' ')}; its raw mean stands beside this. Run a "
            "model to divide by on the same data (-m alexnet -b imagenet-p), and name it with --baseline alexnet"
        )
    for cell, divisor in zip(test, divisors.tolist(), strict=True):
        if not divisor > 0:
            return f"the baseline has no {quantity.metric.replace('_', ' ')} above 0 under {cell['perturbation']}"
    return ""


def _grid(result: Result, titles: Mapping[str, str]) -> Grid | None:
    """Both quantities of each sequence, and their ratios to the baseline's where there is one."""
    at = Lookup(result.scores)
    cells = list(dict.fromkeys(score.condition for score in result.scores if "perturbation" in score.condition))
    measured = ("flip_probability", "flip_rate", "top5_distance", "t5d")
    metrics = [metric for metric in measured if any((metric, cell) in at for cell in cells)]
    rows = [
        (
            " ".join(str(value).replace("_", " ") for value in cell.values()),
            tuple(at.cell(metric, shaded=metric == "flip_probability", **cell) for metric in metrics),
        )
        for cell in cells
    ]
    heads = tuple(titles.get(metric, metric.replace("_", " ")) for metric in metrics)
    return Grid(result.name, "by perturbation", "perturbation", heads, tuple(rows)) if rows else None
