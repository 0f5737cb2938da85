"""What an image table can be compared by: each score as a function of chosen images."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hardiness.core import RIGHT, Condition, ImageTable, Run, epsilon_text
from hardiness.reference import IMAGENET_C, IMAGENET_P, baseline
from hardiness.scoring.cards.cue_conflict import HEADLINE, answers
from hardiness.scoring.cards.perturbation import FLIPS
from hardiness.scoring.statistics.measures import (
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

Places = NDArray[np.int64]


@dataclass(frozen=True)
class Measurable:
    """One score of one run.

    Attributes:
        metric: its name, with the condition where it has one.
        higher_is_better: its direction.
        of: from places among the run's images to the score of those.
    """

    metric: str
    higher_is_better: bool
    of: Callable[[Places], Measure]


@dataclass(frozen=True)
class Measured:
    """A run by image.

    Attributes:
        ids: ``(N,)`` of the images that have every condition that any has, sorted.
        label: ``(N,)`` class of each.
        scores: what it can be compared by.
        right: ``(N, M)`` whether each answer is right.
        confidence: ``(N, M)`` of each answer; 0 where it was not kept.
        conditions: of the M columns.
        left_out: images that lack a condition and are compared nowhere.
    """

    ids: NDArray[np.object_]
    label: NDArray[np.int32]
    right: NDArray[np.bool_]
    confidence: NDArray[np.floating]
    conditions: tuple[Condition, ...]
    left_out: int
    scores: tuple[Measurable, ...] = ()


def measured(table: ImageTable, run: Run) -> Measured | None:
    """A run by image; ``None`` where no image has every condition, or its card's scores are not known here."""
    whole = table.evaluated.all(axis=1)
    if run.benchmark.card not in _CARDS or not whole.any():
        return None
    kept = replace(
        table,
        ids=table.ids[whole],
        label=table.label[whole],
        columns={name: column[whole] for name, column in table.columns.items()},
    )
    right = kept[RIGHT] == 1
    found = Measured(
        ids=kept.ids,
        label=kept.label,
        right=right,
        confidence=kept["confidence"] if "confidence" in kept else np.zeros(right.shape, np.float32),
        conditions=kept.present,
        left_out=int(np.count_nonzero(~whole)),
    )
    return replace(found, scores=tuple(_CARDS[run.benchmark.card](found, kept, run)))


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
        scores.append(Measurable("mce", False, lambda at: weighted(wrong[at][:, at15], weights)))
        if Condition() in found.conditions:
            clean = found.conditions.index(Condition())
            pair = (float(known["clean_error"]), known["error_by_severity"])
            scores.append(
                Measurable(
                    "relative_mce",
                    False,
                    lambda at: relative_corruption(wrong[at][:, at15], wrong[at, clean], (names, levels), pair),
                )
            )
    part = "" if whole else "_partial"
    if at15:
        scores.append(Measurable(f"mean_error{part}", False, lambda at: mean(wrong[at][:, at15])))
    return scores


def _perturbation(found: Measured, table: ImageTable, _: Run) -> list[Measurable]:
    flips, known = FLIPS.values(table), (baseline("imagenet-p") or {}).get("flip_probability", {})
    wanted = [Condition(perturbation=name) for name in IMAGENET_P.members]
    test = [found.conditions.index(each) for each in wanted if each in found.conditions]
    scores, whole = [], len(test) == len(IMAGENET_P.members)
    if whole:
        weights = np.array([1 / (len(test) * known[name]) for name in IMAGENET_P.members])
        scores.append(Measurable("mfr", False, lambda at: weighted(flips[at][:, test], weights)))
    part = "" if whole else "_partial"
    if test:
        scores.append(Measurable(f"flip_probability{part}", False, lambda at: mean(flips[at][:, test])))
    return scores


def _cue_conflict(_: Measured, table: ImageTable, run: Run) -> list[Measurable]:
    read = answers(table, run.data.categories, HEADLINE)
    by_shape, by_texture = read.by_shape, read.by_texture
    return [
        Measurable("shape_bias", True, lambda at: shape_bias(by_shape[at], by_texture[at])),
        Measurable("cue_accuracy", True, lambda at: share((by_shape | by_texture)[at])),
    ]


def _attack(found: Measured, *_: object) -> list[Measurable]:
    def accuracy(column: int, condition: Condition) -> Measurable:
        parts = [f"ε {epsilon_text(condition['epsilon'])}"] if "epsilon" in condition else []
        parts += [f"{condition['steps']} steps"] if "steps" in condition else []
        parts += [str(condition["group"])] if "group" in condition else []
        return Measurable(", ".join(parts) or "clean_accuracy", True, lambda at: share(found.right[at, column]))

    return [accuracy(column, condition) for column, condition in enumerate(found.conditions)]


_CARDS: Mapping[str, Callable[..., Sequence[Measurable]]] = {
    "classification": _classification,
    "subset_classification": _classification,
    "corruption": _corruption,
    "perturbation": _perturbation,
    "cue_conflict": _cue_conflict,
    "attack": _attack,
}
