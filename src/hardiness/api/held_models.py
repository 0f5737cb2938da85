"""Models as Python holds them: names, loaded classifiers, modules and functions, and the names that they bear."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from hardiness import models
from hardiness.core.errors import ArgumentError
from hardiness.core.model import View
from hardiness.core.request import Placement
from hardiness.models.classifier import Classifier
from hardiness.models.frameworks import require_torch
from hardiness.models.options import row_and_model
from hardiness.models.whole_pictures import WholePictureModel

DIGITS = 6
"""How much of the hash of its weights an unnamed module's name carries, so that two of one class are told apart."""


def load_model(name: str, placement: Placement | None = None) -> Classifier:
    """The classifier of that name, e.g. ``"resnext101_32x8d_wsl"`` or ``"timm:resnet50.a1_in1k"``.

    Raises:
        UnknownNameError: nothing has that name.
        ModelError: its weights cannot be had or do not fit.
        ArgumentError: torch is not installed.
    """
    require_torch()
    return models.load(models.resolve(name), **asdict(placement or Placement()))


Model = str | Classifier | Callable[[Any], Any]
"""A name, a loaded classifier, a module of torch, or a plain function."""

LOADED = (Classifier, WholePictureModel)
"""The types of models that were loaded already: a function that takes whole pictures stands where classifiers do."""


def classifier_of(model: Model, view: View | None, placement: Placement, **own: str | None) -> Classifier:
    """The classifier that ``model`` names, is, or becomes with its ``view``.

    Args:
        model: which.
        view: of a module or function.
        placement: where it runs.
        own: ``tag``, ``output`` and ``activation`` of a module or function, as of `evaluate`.

    Raises:
        ArgumentError: a module has no view, something else has one, or a loaded classifier has a placement.
    """
    stated: dict[str, Any] = {key: value for key, value in own.items() if value is not None}
    require_described((model,), view, placement, stated)
    if isinstance(model, str):
        return load_model(model, placement)
    if isinstance(model, LOADED):
        return model
    return models.wrap(model, view, name=model_name(model), **asdict(placement), **stated)


def require_described(
    described: Sequence[Model], view: View | None, placement: Placement, stated: Mapping[str, str]
) -> None:
    """Raise where what describes a module or a function stands beside none of them.

    Raises:
        ArgumentError: naming the argument, and where it is written instead.
    """
    if any(isinstance(model, LOADED) for model in described) and placement != Placement():
        raise ArgumentError("device, precision and runtime go with a name or a module; a classifier has its own")
    if not all(isinstance(model, (str, *LOADED)) for model in described):
        return
    if stated:
        key = min(stated)
        raise ArgumentError(f"{key} goes with a module or a function; write it behind a name (NAME:{key}=…)")
    if view is not None:
        raise ArgumentError("view goes with an nn.Module; a named model has its own (override it in its name)")


Models = Sequence[Model] | Mapping[str, Model]
"""Several models, or several with the names that their results bear."""


def model_name(model: Model) -> str:
    """The name of a model before it is loaded."""
    if isinstance(model, str):
        return model
    if isinstance(model, LOADED):
        return model.spec.name
    return str(getattr(model, "__name__", type(model).__name__))


def with_name(classifier: Classifier, model: Model, name: str | None) -> Classifier:
    """The classifier under the name that its results get."""
    if isinstance(model, (str, *LOADED)) and name in (None, classifier.spec.name):
        return classifier
    named = copy.copy(classifier)  # one that was handed over keeps its own name
    own = name or f"{classifier.spec.name}-{classifier.weights_sha256[:DIGITS]}"
    named.spec = replace(classifier.spec, name=own, asked="")
    return named


def is_typed(name: str) -> bool:
    """Whether a command can name a model so, as in ``-m NAME=MODEL``."""
    return row_and_model(f"{name}=model")[0] == name


def typed_text(name: str | None, model: str) -> str:
    """A model as ``-m`` takes it, with the name that its results get where a command can say it."""
    return f"{name}={model}" if name is not None and is_typed(name) else model
