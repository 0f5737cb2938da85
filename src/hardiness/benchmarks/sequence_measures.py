"""Flips and top-5 distances of sequences, and their ratios to a baseline's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hardiness.benchmarks.card import Baseline
from hardiness.core.codes import Lack
from hardiness.core.condition import Condition
from hardiness.core.fact import Fact
from hardiness.core.result import Metric
from hardiness.core.run import Run
from hardiness.core.table import RIGHT, ImageTable, Records
from hardiness.reference.sets import compared_with_first

FLIP_PROBABILITY = Metric(
    "flip_probability",
    higher_is_better=False,
    explanation="the share of steps of a sequence at which the top-1 answer changes.",
)

DISTANCE = "top-5 distance"
"""The unit of `top5_distance`: 0 where the same five classes stand in the same order, 15 where there are five others,
18 at most."""

BLOCK = 1 << 16
"""Rows whose top-5 classes are compared at a time: a few megabytes."""

_RANKS = np.arange(1, 6)

_GONE = 5 - (_RANKS - 1)  # what a class adds that was ranked i and is no longer among the five

_MATCHED = (np.abs(_RANKS[:, None] - _RANKS) - _GONE[:, None]).astype(np.float32).ravel()

FLIP_RATE = Metric(
    "flip_rate",
    unit="ratio",
    higher_is_better=False,
    explanation="the flip probability under one perturbation, divided by AlexNet's.",
)

MFR = Metric(
    "mfr",
    "mFR",
    "ratio",
    higher_is_better=False,
    explanation="flip probabilities divided by AlexNet's, averaged over the ten perturbations: below 100 is steadier "
    "than AlexNet.",
)

TOP5_DISTANCE = Metric(
    "top5_distance",
    "top-5 distance",
    DISTANCE,
    higher_is_better=False,
    outputs="probabilities",
    explanation="how far the top five answers move in rank at a step of a sequence: 0 where they keep their order.",
)

T5D = Metric(
    "t5d",
    "T5D",
    "ratio",
    higher_is_better=False,
    outputs="probabilities",
    explanation="the top-5 distance under one perturbation, divided by the baseline's.",
)

MT5D = Metric(
    "mt5d",
    "mT5D",
    "ratio",
    higher_is_better=False,
    outputs="probabilities",
    explanation="top-5 distances divided by the baseline's, averaged over the ten perturbations.",
)


def top5_distance(reference: NDArray[np.integer], later: NDArray[np.integer]) -> NDArray[np.int64]:
    """How far the five first classes of a frame have moved in a later one, ``int64 (N,)``, 0 to 18.

    With ``C(r) = min(r - 1, 5)`` and ``s(i)`` the later rank of the class that was ranked ``i``: the sum over the five
    of ``|C(i) - C(s(i))|``. A rank beyond the fifth counts as 5 whatever it is, so five classes a frame are enough.

    Args:
        reference, later: ``(N, 5)`` classes by falling logit; ``-1`` where there are fewer classes.

    Source: Hendrycks & Dietterich (2019), arXiv:1903.12261, and its script.
    """
    distances = np.empty(len(reference), np.int64)
    for start in range(0, len(reference), BLOCK):
        before, after = reference[start : start + BLOCK], later[start : start + BLOCK]
        is_class = before >= 0
        same = (before[:, :, None] == after[:, None, :]) & is_class[:, :, None]
        moved = same.reshape(-1, 25).astype(np.float32) @ _MATCHED
        distances[start : start + BLOCK] = is_class @ _GONE + np.rint(moved).astype(np.int64)
    return distances


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
    columns = {name: rows[name][starts] for name in named if name in rows}
    steps = {"steps": (lengths - 1).astype(np.int16), "flips": total(flipped, np.int16)}
    return Records({**columns, **steps, "moved": total(moved, np.int32)}, records.failures)


def _by_sequence(records: Records) -> tuple[Records, NDArray[np.int64]]:
    """The rows sorted by sample, condition and frame, and where each sequence starts."""
    image = records["image"] if "image" in records else np.unique(records["sample"], return_inverse=True)[1]
    sequence = image.astype(np.int64) * (int(records["condition"].max()) + 1) + records["condition"]
    key = sequence * (int(records["frame"].max()) + 1) + records["frame"]
    if not (np.diff(key) > 0).all():
        order = np.argsort(key, kind="stable")
        records, sequence = records.where(order), sequence[order]
    return records, np.flatnonzero(np.diff(sequence, prepend=-1))


def ratio_weights(divisors: NDArray[np.float64]) -> NDArray[np.float64]:
    """The weight of each perturbation in the mFR or mT5D, the mean of the ratios to a baseline's, ``(P,)``.

    Args:
        divisors: ``(P,)``, the baseline's flip probabilities or distances.

    Source: Hendrycks & Dietterich (2019), arXiv:1903.12261.
    """
    return 1 / (len(divisors) * divisors)


@dataclass(frozen=True, slots=True)
class SequenceMeasure:
    """One of the two measures of sequences: its metric, ratio and mean ratio, and the most that it can be."""

    column: str
    metric: Metric
    ratio: Metric
    mean_ratio: Metric
    top: float

    def values(self, table: ImageTable) -> NDArray[np.float64]:
        """Its mean over the steps of each sequence, float64 ``(N, M)``, NaN where there is none."""
        nothing = np.full(table[RIGHT].shape, np.nan)
        return np.asarray(np.divide(table[self.column], table["steps"], out=nothing, where=table.evaluated))

    def why_undefined(
        self, test: Sequence[Condition], divisors: NDArray[np.float64], baseline: Baseline | None
    ) -> Fact | None:
        """Why the mean ratio to the baseline cannot be given; ``None`` where it can."""
        if baseline is None:
            return Fact(Lack.NO_BASELINE)
        if not test:
            return Fact(Lack.NONE_RUN, {"what": "the ten test perturbations"})
        if baseline.get(self.metric.name) is None:
            return Fact(Lack.NOT_PUBLISHED, {"metric": self.metric.name})
        for cell, divisor in zip(test, divisors.tolist(), strict=True):
            if not divisor > 0:
                about = {"metric": self.metric.name, "condition": cell["perturbation"], "beyond_clean": False}
                return Fact(Lack.BASELINE_ZERO, about)
        return None


FLIPS = SequenceMeasure("flips", FLIP_PROBABILITY, FLIP_RATE, MFR, 1.0)

DISTANCES = SequenceMeasure("moved", TOP5_DISTANCE, T5D, MT5D, 18.0)
