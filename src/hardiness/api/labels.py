"""Labels and answers in, intervals out: without pictures, an output folder or a framework."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hardiness.api.arrays import array_of, columns_of, picture_columns_of, place_names, require_length
from hardiness.api.grouping import grouping_of
from hardiness.api.held_scores import USUAL, HeldScores
from hardiness.benchmarks.decisions import argmax
from hardiness.benchmarks.options import registry
from hardiness.benchmarks.ratios import DENOMINATOR, MEAN_RATIO, NUMERATOR, RATIO
from hardiness.benchmarks.score_file import PREFIX, condition_of, score_file
from hardiness.core.answers import SCORES
from hardiness.core.columns import Columns
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError, UnknownNameError
from hardiness.core.result import CLASSES
from hardiness.core.run import BenchmarkIdentity, DataIdentity, ModelIdentity, Run
from hardiness.core.table import Records
from hardiness.metrics.picture_scores import SCORE
from hardiness.models.activation import log_probabilities
from hardiness.reference.small_pictures import small_pictures
from hardiness.store.held import HeldStore

KINDS = {"classes": CLASSES, "probabilities": "probabilities", "logits": ""}
"""What answers may be, and what that is called in `ModelIdentity.outputs`."""

ONE = "model"
"""The name of the one model where nobody names it."""

SUM_TOLERANCE = 0.05
"""How far probabilities of one picture may sum beside 1."""


def score(
    labels: Any,
    answers: Any,
    *,
    kind: str = "classes",
    classes: Sequence[str] = (),
    groups: Any = None,
    cluster: str | None = None,
    slices: str | Sequence[str] = (),
    metrics: Sequence[str] | None = None,
    level: float = 0.95,
    name: str = "labels",
) -> HeldScores:
    """The scores of answers to labelled pictures, each with its interval: what an output folder gives, without one.

    Arrays may be lists, or of numpy, torch, pandas, polars or Arrow. N is the number of pictures, K that of classes.

    Args:
        labels: ``(N,)`` the right class of each picture, as integers or names; or a mapping to these from names of
            `small_pictures`, such as ``"cifar10"`` and ``"cifar10.1"``, then of answers, too. What was published of
            these stands beside, and effective robustness.
        answers: ``(N,)`` classes as labels have them; or ``(N, K)`` with another `kind`; or a mapping, or of classes
            also a data frame, from models to these; or from models to conditions (``"clean"``, ``"fog"``, ``"fog/3"``)
            to these.
        kind: ``"classes"``, ``"probabilities"`` (rows sum to 1; ``(N,)`` is that of the second of two classes) or
            ``"logits"``.
        classes: the names of the classes in the order of the outputs; integers are places among them. By default the
            classes that labels and answers have, or the numbers from 0 to K - 1.
        groups: by name columns ``(N,)`` of the pictures, or a data frame of them.
        cluster: the column that says which pictures belong together, as those of one patient: intervals are over these.
        slices: columns by whose values scores are given.
        metrics: names of the scores that are shown; by default `USUAL`, and of none all that there are.
        level: of the intervals in ``.table()``; what is printed has intervals of 95 %.
        name: of the data, for tables.

    Raises:
        ArgumentError: an argument is none of these, or a label or an answer is missing; the message says where.
    """
    if kind not in KINDS:
        raise UnknownNameError("kind", kind, KINDS)
    if not isinstance(labels, Mapping):
        answered = [_answered("", name, labels, answers, kind, classes, groups)]
    elif not isinstance(answers, Mapping) or labels.keys() != answers.keys() or groups is not None:
        raise ArgumentError(f"answers must be a mapping from {', '.join(map(str, labels))}, as labels, without groups")
    else:
        answered = [_answered(of, of, labels[of], answers[of], kind, classes, None) for of in labels]
    store = _store_of(name, answered, ModelIdentity(outputs=KINDS[kind]))
    return HeldScores(store, grouping_of((), cluster, slices), USUAL if metrics is None else metrics, level)


@dataclass(frozen=True)
class _Answered:
    """Answers to one set of pictures.

    Attributes:
        benchmark, data: of their runs.
        labels: class of each picture, int32 ``(N,)``.
        columns: of the pictures.
        held: by model and condition the columns of rows, one a picture.
    """

    benchmark: BenchmarkIdentity
    data: DataIdentity
    labels: NDArray[np.int32]
    columns: Columns
    held: Mapping[str, Mapping[Condition, Mapping[str, NDArray[Any]]]]


def _answered(
    benchmark: str, name: str, labels: Any, answers: Any, kind: str, classes: Sequence[str], groups: Any
) -> _Answered:
    """Answers with a class for each picture; arguments as of `score`, whose errors it raises.

    Args:
        benchmark: the set of small pictures whose labels these are; empty for a person's own.
        name: of the data.
        labels, answers, kind, classes, groups: as of `score`.
    """
    described = small_pictures().get(benchmark)
    if benchmark and described is None:
        raise UnknownNameError("benchmark", benchmark, small_pictures())
    classes = described.classes if described else classes
    right = array_of(labels, "labels")
    _refuse_several(right)
    outputs = {
        model: {cell: _checked(values, kind, len(right), f"answers of {model}") for cell, values in each.items()}
        for model, each in _by_model(answers, "answers", with_frames=kind == "classes").items()
    }
    names, are_places = _class_names(right, outputs, kind, classes), bool(len(classes))
    codes = _codes(right, names, are_places, "labels")
    columns = picture_columns_of(groups, len(codes))
    held = {
        model: {
            _with_severity(cell): argmax(_logits(values, kind, names, are_places, f"answers of {model}"), codes)
            for cell, values in each.items()
        }
        for model, each in outputs.items()
    }
    is_corrupted = any(cell for each in held.values() for cell in each)
    card, protocol, of = "corruption" if is_corrupted else "classification", "own", "answers"
    if described:
        of = described.corrupted if is_corrupted else described.name
        protocol = registry.get(of).protocol
    data = DataIdentity(name, _digest(codes, *names), len(codes), len(names), classes=names)
    return _Answered(BenchmarkIdentity(of, card, protocol), data, codes, columns, held)


def score_values(
    values: Any,
    *,
    value_range: tuple[float, float] = (0.0, 1.0),
    groups: Any = None,
    cluster: str | None = None,
    slices: str | Sequence[str] = (),
    metrics: Sequence[str] = (),
    level: float = 0.95,
    name: str = "values",
) -> HeldScores:
    """The means of a value that each picture has, of any task, each with its interval, as `score` gives others.

    Args:
        values: ``(N,)`` a number of each picture, more is better, such as its Dice or IoU; or by model, as a mapping or
            a data frame; or by model and condition.
        value_range: the least and the largest that a value can be; results are shares of it.
        groups, cluster, slices, metrics, level: as of `score`; all scores are shown by default.
        name: of the benchmark, for tables: letters, digits, ``.``, ``_`` and ``-``.

    Raises:
        ArgumentError: an argument is none of these, or a value is missing or beyond the range; the message says where.
    """
    low, high = map(float, value_range)
    if not (np.isfinite([low, high]).all() and low < high):
        raise ArgumentError(f"value_range must be the least and the largest value, as (0, 100), was {value_range!r}")
    kind, _ = score_file(f"{PREFIX}{name}")
    benchmark, count, of = kind(range=f"{low!r}..{high!r}"), -1, ""
    held: dict[str, dict[Condition, dict[str, NDArray[Any]]]] = {}
    for model, each in _by_model(values, "values", with_frames=True).items():
        held[model] = {}
        for cell, numbers in each.items():
            argument = f"values of {model}"
            array = array_of(numbers, argument)
            if array.ndim != 1 or array.dtype.kind not in "iuf" or not len(array):
                raise ArgumentError(f"{argument} must be (N,) numbers, was {array.dtype} of shape {array.shape}")
            count, of = (count, of) if of else (len(array), argument)
            require_length(array, count, argument, of)
            beyond = np.flatnonzero(~((array >= low) & (array <= high)))
            if len(beyond):
                raise ArgumentError(
                    f"{argument} must be from {low:g} to {high:g}, was {array[beyond[0]]} at [{beyond[0]}]; say "
                    "value_range=(LEAST, LARGEST)"
                )
            held[model][cell] = {SCORE: (array.astype(np.float64) - low) / (high - low)}
    columns = picture_columns_of(groups, count)
    identity = BenchmarkIdentity(benchmark.name, benchmark.card, benchmark.protocol, benchmark.identity())
    data, labels = DataIdentity(name, _digest(str(count)), count, 1), np.zeros(count, np.int32)
    store = _store_of(name, [_Answered(identity, data, labels, columns, held)], ModelIdentity(outputs=SCORES))
    return HeldScores(store, grouping_of((), cluster, slices), metrics, level)


def score_ratio(
    numerator: Any,
    denominator: Any,
    *,
    by: Sequence[str] = (),
    groups: Any = None,
    cluster: str | None = None,
    slices: str | Sequence[str] = (),
    level: float = 0.95,
    name: str = "ratio",
) -> HeldScores:
    """The ratio of two sums over pictures, such as mIoU, Dice, precision or recall, with its interval.

    Pixels of one picture depend on each other, so that intervals are over pictures, or clusters of them.

    Args:
        numerator: ``(N,)`` or ``(N, C)`` counts of each picture, for each of C classes, as of pixels in the
            intersection; or by model, as a mapping.
        denominator: the same, as of pixels in the union; none is less than its numerator. One array is of all models.
        by: names of the C classes, whose ratios are averaged and stand beside the mean.
        groups, cluster, slices, level: as of `score`.
        name: of the data, for tables.

    Raises:
        ArgumentError: an argument is none of these, or a count is missing; the message says where.
    """
    above = numerator if isinstance(numerator, Mapping) else {ONE: numerator}
    held: dict[str, dict[Condition, dict[str, NDArray[Any]]]] = {}
    shape: tuple[int, ...] = ()
    for model, counts in above.items():
        if isinstance(denominator, Mapping) and model not in denominator:
            raise ArgumentError(f"denominator must have every model of numerator, has none called {model!r}")
        divisor = denominator[model] if isinstance(denominator, Mapping) else denominator
        tops, whole = _counts(counts, f"numerator of {model}"), _counts(divisor, f"denominator of {model}")
        shape = shape or tops.shape
        for array, argument in ((tops, "numerator"), (whole, "denominator")):
            if array.shape != shape:
                raise ArgumentError(f"{argument} of {model} must be of shape {shape}, was {array.shape}")
        larger = np.argwhere(tops > whole).tolist()
        if larger:
            row, place = larger[0]
            raise ArgumentError(
                f"denominator of {model} must be no less than numerator, was {whole[row, place]:g} and "
                f"{tops[row, place]:g} at [{row}, {place}]"
            )
        names = tuple(map(str, by)) or tuple(map(str, range(shape[1])))
        if len(set(names)) != shape[1]:
            raise ArgumentError(f"by must name each of the {shape[1]} columns of numerator once, was {list(by)}")
        held[str(model)] = {
            Condition(by=text) if len(names) > 1 else Condition(): {
                NUMERATOR: tops[:, place],
                DENOMINATOR: whole[:, place],
            }
            for place, text in enumerate(names)
        }
    if not held:
        raise ArgumentError("numerator must be of one model or more, was empty")
    count = shape[0]
    data, labels = DataIdentity(name, _digest(str(count)), count, 1), np.zeros(count, np.int32)
    identity = BenchmarkIdentity("counts", "ratios", "own")
    columns = picture_columns_of(groups, count)
    store = _store_of(name, [_Answered(identity, data, labels, columns, held)], ModelIdentity(outputs=SCORES))
    return HeldScores(store, grouping_of((), cluster, slices), (MEAN_RATIO.name, RATIO.name)[: len(names)], level)


def _counts(values: Any, name: str) -> NDArray[np.float64]:
    """Counts as float64 ``(N, C)``.

    Raises:
        ArgumentError: they are none.
    """
    array = array_of(values, name)
    array = array[:, None] if array.ndim == 1 else array
    if (
        array.ndim != 2
        or not array.size
        or array.dtype.kind not in "iuf"
        or not (np.isfinite(array) & (array >= 0)).all()
    ):
        raise ArgumentError(f"{name} must be (N,) or (N, C) counts from 0 on, was {array.dtype} of shape {array.shape}")
    return array.astype(np.float64)


def _store_of(name: str, answered: Sequence[_Answered], model: ModelIdentity) -> HeldStore:
    """The runs of some models in memory, each known by its answers to all sets of pictures.

    Args:
        name: what the store is called.
        answered: the answers to each set.
        model: what all models have in common.
    """
    store, runs = HeldStore(name), list[tuple[str, _Answered, tuple[Condition, ...], Records]]()
    for each in answered:
        ids = np.array(place_names(len(each.labels)))
        conditions = tuple(sorted(dict.fromkeys(cell for own in each.held.values() for cell in own), key=bool))
        for own_name, own in each.held.items():
            rows = [
                Records(
                    {
                        "sample": ids,
                        "image": np.arange(len(ids), dtype=np.int32),
                        "condition": np.full(len(ids), conditions.index(cell), np.int16),
                        "frame": np.zeros(len(ids), np.int16),
                        "label": each.labels,
                        **row,
                    }
                )
                for cell, row in own.items()
            ]
            runs.append((own_name, each, conditions, Records.concatenate(rows)))
    digests = {
        own_name: _digest(
            *(c for n, *_, rows in runs if n == own_name for c in rows.columns.values() if c.dtype.kind in "if")
        )
        for own_name, *_ in runs
    }
    for own_name, each, conditions, records in runs:
        options = {"predictions": "Python"}
        own_model = replace(
            model, name=own_name, weights_sha256=digests[own_name], options=options, classes=each.data.classes
        )
        run = Run(model=own_model, benchmark=each.benchmark, data=each.data, conditions=conditions)
        store.add(run, records, each.columns)
    return store


def _logits(
    values: NDArray[Any], kind: str, names: tuple[str, ...], are_places: bool, name: str
) -> NDArray[np.float32]:
    """Answers as logits, float32 ``(N, K)``: log-probabilities, or 1 at the class."""
    if kind != "classes":
        return log_probabilities(values) if kind == "probabilities" else values
    logits = np.zeros((len(values), len(names)), np.float32)
    logits[np.arange(len(values)), _codes(values, names, are_places, name)] = 1
    return logits


def _refuse_several(labels: NDArray[Any]) -> None:
    """Raise where a picture has several labels.

    Raises:
        ArgumentError: it has; the message says what to call.
    """
    if labels.ndim != 1 or not len(labels):
        several = "; where a picture has several labels, call score once for each: score(labels[:, 0], answers[:, 0])"
        raise ArgumentError(
            f"labels must be (N,), one class of each of one picture or more, was of shape {labels.shape}"
            f"{several if labels.ndim > 1 else ''}"
        )


def _by_model(values: Any, name: str, with_frames: bool) -> dict[str, dict[Condition, Any]]:
    """The arrays of an argument by model and condition.

    Raises:
        ArgumentError: there is none.
    """
    columns = columns_of(values) if with_frames or isinstance(values, Mapping) else None
    models = {ONE: values} if columns is None else columns
    if not models:
        raise ArgumentError(f"{name} must be of one model or more, was empty")
    return {
        model: {condition_of(str(text)): array for text, array in _by_condition(each).items()}
        for model, each in models.items()
    }


def _by_condition(values: Any) -> Mapping[Any, Any]:
    """The arrays of one model by condition, which is the clean one where nobody says another."""
    return values if isinstance(values, Mapping) else {"": values}


def _with_severity(condition: Condition) -> Condition:
    """The condition as a corruption has it, whose severity is 1 where nobody says one."""
    return condition and Condition(**{"severity": 1, **condition})


def _checked(values: Any, kind: str, count: int, name: str) -> NDArray[Any]:
    """The answers of one model under one condition: ``(N,)``, or float32 ``(N, K)``.

    Raises:
        ArgumentError: they have another shape, are not finite, or are no probabilities.
    """
    array = array_of(values, name)
    require_length(array, count, name, "labels")
    if kind == "classes":
        if array.ndim != 1:
            raise ArgumentError(
                f"{name} must be (N,) classes, was of shape {array.shape}; of outputs for each class say "
                "kind='probabilities' or kind='logits'"
            )
        return array
    if array.dtype.kind not in "iuf":
        raise ArgumentError(f"{name} must be numbers, as they are {kind}, and are names; say kind='classes'")
    outputs = array.astype(np.float32)
    if outputs.ndim == 1 and kind == "probabilities":
        outputs = np.stack([1 - outputs, outputs], axis=1)
    if outputs.ndim != 2 or outputs.shape[1] < 2:
        raise ArgumentError(f"{name} must be (N, K) {kind} of two classes or more, was of shape {array.shape}")
    bad = np.flatnonzero(~np.isfinite(outputs).all(axis=1))
    if len(bad):
        raise ArgumentError(f"{name} must be finite numbers, was {outputs[bad[0]]} at [{bad[0]}]")
    if kind == "probabilities":
        off = np.flatnonzero((outputs.min(1) < 0) | (np.abs(outputs.sum(1) - 1) > SUM_TOLERANCE))
        if len(off):
            raise ArgumentError(
                f"{name} must be probabilities from 0 on that sum to 1, was {outputs[off[0]]} at [{off[0]}]; of logits "
                "say kind='logits'"
            )
    return outputs


def _class_names(
    labels: NDArray[Any], outputs: Mapping[str, Mapping[Condition, NDArray[Any]]], kind: str, classes: Sequence[str]
) -> tuple[str, ...]:
    """The names of the classes, in the order of outputs and places.

    Raises:
        ArgumentError: a name is there twice, or classes and outputs are not as many.
    """
    arrays = [(model, array) for model, each in outputs.items() for array in each.values()]
    names = tuple(map(str, classes))
    if len(set(names)) < len(names):
        raise ArgumentError(f"classes must name each class once, was {', '.join(names)}")
    if kind == "classes":
        if names:
            return names
        values = {value for array in (labels, *(array for _, array in arrays)) for value in np.unique(array).tolist()}
        has_names = any(isinstance(value, str) for value in values)
        return (
            tuple(sorted(map(str, values)))
            if has_names
            else tuple(_whole(value, "labels and answers") for value in sorted(values))
        )
    count = len(names) or arrays[0][1].shape[1]
    for model, array in arrays:
        if array.shape[1] != count:
            raise ArgumentError(f"answers of {model} must have {count} {kind} a picture, has {array.shape[1]}")
    if not names and labels.dtype.kind == "O":
        raise ArgumentError(f"labels are names, so classes must name the {count} outputs in their order; was empty")
    return names or tuple(map(str, range(count)))


def _whole(value: float, name: str) -> str:
    """The text of a whole number.

    Raises:
        ArgumentError: it is none.
    """
    if value != int(value):
        raise ArgumentError(f"{name} must be integers or names, had {value!r}; of numbers for each class say kind=")
    return str(int(value))


def _codes(values: NDArray[Any], names: tuple[str, ...], are_places: bool, name: str) -> NDArray[np.int32]:
    """The place of each value among the classes, ``(N,)``.

    Args:
        values: names or integers.
        names: of the classes.
        are_places: whether an integer is a place among them, and not a name.
        name: of the argument, for messages.

    Raises:
        ArgumentError: a value is no class.
    """
    different, inverse = np.unique(values, return_inverse=True)
    places = {text: place for place, text in enumerate(names)}
    codes = []
    for number, value in enumerate(different.tolist()):
        text = value if isinstance(value, str) else _whole(value, name)
        place = int(text) if are_places and not isinstance(value, str) else places.get(text, -1)
        if not 0 <= place < len(names):
            at = int(np.flatnonzero(inverse == number)[0])
            known = f"{', '.join(names[:6])}{', …' if len(names) > 6 else ''}"
            raise ArgumentError(f"{name} must be of the {len(names)} classes ({known}), was {value!r} at [{at}]")
        codes.append(place)
    return np.array(codes, np.int32)[inverse]


def _digest(*parts: NDArray[Any] | str) -> str:
    """Hexadecimal digits over arrays and texts."""
    digest = sha256()
    for part in parts:
        digest.update(part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part.tobytes())
    return digest.hexdigest()
