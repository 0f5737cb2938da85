"""What a stored run can be compared by: each score as a function of chosen images."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hardiness.core import Condition, Records
from hardiness.reference import IMAGENET_C, IMAGENET_P, baseline
from hardiness.report.format import shown
from hardiness.report.stand_in import read
from hardiness.scoring import answers
from hardiness.scoring.comparisons.measures import (
    Measure,
    area_under_response,
    calibration,
    corruption_weights,
    mean,
    relative_corruption,
    shape_bias,
    share,
    weighted,
)
from hardiness.store import StoredRun

Places = NDArray[np.int64]


@dataclass(frozen=True)
class Measurable:
    """One score of one run.

    Attributes:
        metric: its name, with the condition where it has one.
        higher_is_better: its direction.
        of: from places among the run's images to the score of those.
        unit: as in `hardiness.core.Score`.
    """

    metric: str
    higher_is_better: bool
    of: Callable[[Places], Measure]
    unit: str = "fraction"


@dataclass(frozen=True)
class Measured:
    """A run by image.

    Attributes:
        ids: ``(N,)`` of the images that have every condition that any has, sorted.
        labels: ``(N,)``.
        scores: what it can be compared by.
        right: ``(N, M)`` whether each answer is right, where answers are right or wrong.
        confidence: ``(N, M)`` of each answer.
        conditions: of the M columns.
        left_out: images that lack a condition and are compared nowhere.
    """

    ids: NDArray[np.str_]
    labels: NDArray[np.int64]
    scores: tuple[Measurable, ...]
    right: NDArray[np.bool_]
    confidence: NDArray[np.float32]
    conditions: tuple[Condition, ...]
    left_out: int


def measured(run: StoredRun) -> Measured | None:
    """The run by image; ``None`` where it has no row."""
    records, card = read(run), run.run.benchmark.card
    if not len(records) or card not in _CARDS:
        return None
    ids, first, image = np.unique(records["sample"], return_index=True, return_inverse=True)
    used = np.unique(records["condition"])
    column = np.searchsorted(used, records["condition"])
    present = np.zeros((len(ids), len(used)), bool)
    present[image, column] = True
    whole = present.all(axis=1)

    def table(values: NDArray[np.generic]) -> NDArray[np.generic]:
        found = np.zeros((len(ids), len(used)), values.dtype)
        found[image, column] = values
        return found[whole]

    conditions = tuple(run.run.conditions[place] for place in used)
    labelled = "label" in records
    prediction = records["subset_prediction" if "subset_prediction" in records else "prediction"] if labelled else None
    right = table(prediction == records["label"]) if prediction is not None else np.zeros((int(whole.sum()), 0), bool)
    sure = "subset_confidence" if "subset_confidence" in records else "confidence"
    confidence = table(records[sure]) if labelled and sure in records else np.zeros(right.shape, np.float32)
    found = Measured(
        ids=ids[whole].astype(np.str_),
        labels=(records["label"][first][whole] if labelled else np.zeros(int(whole.sum()))).astype(np.int64),
        scores=(),
        right=right.astype(bool),
        confidence=confidence.astype(np.float32),
        conditions=conditions,
        left_out=int(np.count_nonzero(~whole)),
    )
    columns = {name: table(records[name]) for name in ("flips",) if name in records}
    scores = _CARDS[card](found, columns, records, run)
    return Measured(
        **{**{name: getattr(found, name) for name in Measured.__dataclass_fields__}, "scores": tuple(scores)}
    )


def _classification(found: Measured, *_: object) -> list[Measurable]:
    right, confidence = found.right[:, 0], found.confidence[:, 0]
    return [
        Measurable("top1", True, lambda at: share(right[at])),
        Measurable("rms_calibration_error", False, lambda at: calibration(confidence[at], right[at])),
        Measurable("aurra", True, lambda at: area_under_response(confidence[at], right[at])),
    ]


def _corruption(found: Measured, *_: object) -> list[Measurable]:
    wrong, known = ~found.right, baseline("imagenet-c") or {}
    at15 = [k for k, each in enumerate(found.conditions) if each.get("corruption") in IMAGENET_C.members]
    scores, whole = [], len(at15) == len(IMAGENET_C.members) * len(IMAGENET_C.levels)
    if whole:
        names = [found.conditions[k]["corruption"] for k in at15]
        levels = [found.conditions[k]["severity"] for k in at15]
        weights = corruption_weights(names, levels, known["error_by_severity"])
        scores.append(Measurable("mce", False, lambda at: weighted(wrong[at][:, at15], weights), "ratio"))
        if Condition() in found.conditions:
            clean = found.conditions.index(Condition())
            pair = (float(known["clean_error"]), known["error_by_severity"])
            scores.append(
                Measurable(
                    "relative_mce",
                    False,
                    lambda at: relative_corruption(wrong[at][:, at15], wrong[at, clean], (names, levels), pair),
                    "ratio",
                )
            )
    part = "" if whole else "_partial"
    if at15:
        scores.append(Measurable(f"mean_error{part}", False, lambda at: mean(wrong[at][:, at15])))
    return scores


def _perturbation(found: Measured, columns: Mapping[str, NDArray[np.floating]], *_: object) -> list[Measurable]:
    flips, known = columns["flips"], (baseline("imagenet-p") or {}).get("flip_probability", {})
    test = [
        found.conditions.index(Condition(perturbation=name))
        for name in IMAGENET_P.members
        if Condition(perturbation=name) in found.conditions
    ]
    scores, whole = [], len(test) == len(IMAGENET_P.members)
    if whole:
        weights = np.array([1 / (len(test) * known[name]) for name in IMAGENET_P.members])
        scores.append(Measurable("mfr", False, lambda at: weighted(flips[at][:, test], weights), "ratio"))
    part = "" if whole else "_partial"
    if test:
        scores.append(Measurable(f"flip_probability{part}", False, lambda at: mean(flips[at][:, test])))
    return scores


def _cue_conflict(found: Measured, _: object, records: Records, run: StoredRun) -> list[Measurable]:
    read_off = answers(records, run.run.data.categories, "orhan2019")
    order = np.argsort(read_off.names)
    by_shape, by_texture = read_off.by_shape[order], read_off.by_texture[order]
    return [
        Measurable("shape_bias", True, lambda at: shape_bias(by_shape[at], by_texture[at])),
        Measurable("cue_accuracy", True, lambda at: share((by_shape | by_texture)[at])),
    ]


def _attack(found: Measured, *_: object) -> list[Measurable]:
    def accuracy(column: int, condition: Condition) -> Measurable:
        name = ", ".join(shown(key, value) for key, value in condition.items() if key != "surrogate")
        return Measurable(name or "clean_accuracy", True, lambda at: share(found.right[at, column]))

    return [accuracy(column, condition) for column, condition in enumerate(found.conditions)]


_CARDS: Mapping[str, Callable[..., Sequence[Measurable]]] = {
    "classification": _classification,
    "subset_classification": _classification,
    "corruption": _corruption,
    "perturbation": _perturbation,
    "cue_conflict": _cue_conflict,
    "attack": _attack,
}
