"""Can this model answer this benchmark? Checked before anything is decoded."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hardiness.core import DataSet, ModelError


def label_map(model: str, num_classes: int, class_names: Sequence[str] | None, data: DataSet) -> NDArray[np.int32]:
    """Which of the model's classes each label of the data set is.

    Args:
        model: its name, for messages.
        num_classes: width of its logits.
        class_names: its own class names, or ``None`` where it has none or they are ImageNet's.
        data: the data set.

    Returns:
        int32 ``(data.num_classes,)``: the identity, or, where both sides name their classes, a match by name.

    Raises:
        ModelError: the numbers of classes differ, or both sides have names and these are not the same.
    """
    if num_classes != data.num_classes:
        raise ModelError(
            f"{model} has {num_classes} classes and data set {data.name!r} ({data.location}) has {data.num_classes}; "
            f"use a model and a data set with the same classes ({_own_classes(data)})"
        )
    if class_names is not None and data.categories and data.class_names is None:
        raise ModelError(
            f"{model} has classes of its own ({', '.join(class_names[:4])} …), and the categories of data set "
            f"{data.name!r} ({data.location}) are made of ImageNet's 1,000; use a model with those"
        )
    if class_names is None or data.class_names is None:
        return np.arange(num_classes, dtype=np.int32)
    index = {name.casefold(): position for position, name in enumerate(class_names)}
    unknown = [name for name in data.class_names if name.casefold() not in index]
    if unknown:
        raise ModelError(
            f"{model} has no class {unknown[0]!r}, which is a folder of {data.location}; its classes are "
            f"{', '.join(class_names[:8])}{' …' if len(class_names) > 8 else ''}: name the folders after them"
        )
    return np.array([index[name.casefold()] for name in data.class_names], np.int32)


def _own_classes(data: DataSet) -> str:
    """How data for a model with classes of its own are named."""
    if data.categories:
        return "categories of one's own classes: a categories.csv beside the stimuli, and --data NAME=FOLDER:classes=N"
    return "a folder of one's own classes: --data imagenet=FOLDER:classes=folders"
