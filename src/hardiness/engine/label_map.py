"""Which of a model's classes each label of a data set is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hardiness.core.benchmark import DataSet
from hardiness.core.errors import ModelError
from hardiness.engine.ensemble import Ensemble
from hardiness.models.classifier import Classifier


def label_map(model: str, num_classes: int, class_names: Sequence[str] | None, data: DataSet) -> NDArray[np.int32]:
    """Which of the model's classes each label of the data set is.

    Args:
        model: its name, for messages.
        num_classes: width of its logits.
        class_names: its own class names, or ``None`` where it has none, which then are those of the data in the order
            of `DataSet.outputs`, or they are ImageNet's.
        data: the data set.

    Returns:
        int32 ``(data.num_classes,)``: the identity, or, where both sides name their classes, a match by name.

    Raises:
        ModelError: the numbers of classes differ, or both sides have names and these are not the same.
    """
    if num_classes != data.num_classes:
        raise ModelError(
            f"{model} has {num_classes} classes and data set {data.name!r}{_place(data)} has {data.num_classes}; "
            f"use a model and a data set with the same classes ({_own_classes(data)})"
        )
    if class_names is not None and data.categories and data.class_names is None:
        raise ModelError(
            f"{model} has classes of its own ({', '.join(class_names[:4])} …), and the categories of data set "
            f"{data.name!r}{_place(data)} are made of ImageNet's 1,000; use a model with those"
        )
    class_names = class_names or data.outputs
    if not class_names or data.class_names is None:
        return np.arange(num_classes, dtype=np.int32)
    index = {name.casefold(): position for position, name in enumerate(class_names)}
    unknown = [name for name in data.class_names if name.casefold() not in index]
    if unknown:
        kind, place = ("folder", data.location) if data.location else ("class", data.name)
        raise ModelError(
            f"{model} has no class {unknown[0]!r}, which is a {kind} of {place}; its classes are "
            f"{', '.join(class_names[:8])}{' …' if len(class_names) > 8 else ''}: name the folders after them"
        )
    return np.array([index[name.casefold()] for name in data.class_names], np.int32)


def _place(data: DataSet) -> str:
    return f" ({data.location})" if data.location else ""


def _own_classes(data: DataSet) -> str:
    """How data for a model with classes of its own are named."""
    if data.categories:
        return "categories of one's own classes: a categories.csv beside the stimuli, and --data NAME=FOLDER:classes=N"
    if not data.location:
        return "a name for each output of the network, as in data=(images, labels, names)"
    if data.class_names is not None:
        return "a folder or, with :classes=FILE, a line of FILE for each output of the network, in its order"
    return "a folder of one's own classes: --data own=FOLDER"


def labels_for(classifier: Classifier | Ensemble, data: DataSet) -> NDArray[np.int32]:
    """The model's class for each label of the data set.

    Raises:
        ModelError: it does not have the data set's classes.
    """
    return label_map(classifier.spec.name, classifier.num_classes, classifier.spec.class_names, data)
