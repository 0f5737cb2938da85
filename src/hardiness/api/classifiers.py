"""From what a person hands over (a name, a classifier, a module) to a classifier."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from hardiness import models
from hardiness.api.placement import Placement
from hardiness.core import ArgumentError, View
from hardiness.models import Classifier

if TYPE_CHECKING:
    from torch import nn


def load_model(name: str, placement: Placement | None = None) -> Classifier:
    """The classifier of that name, e.g. ``"resnext101_32x8d_wsl"`` or ``"timm:resnet50.a1_in1k"``.

    Raises:
        UnknownNameError: nothing has that name.
        ModelError: its weights cannot be had or do not fit.
    """
    return models.load(models.resolve(name), **asdict(placement or Placement()))


def classifier_of(model: str | Classifier | nn.Module, view: View | None, placement: Placement) -> Classifier:
    """The classifier that ``model`` names, is, or becomes with its ``view``.

    Raises:
        ArgumentError: a module has no view, something else has one, or a loaded classifier has a placement.
    """
    if isinstance(model, str | Classifier) and view is not None:
        raise ArgumentError("view goes with an nn.Module; a named model has its own (override it in its name)")
    if isinstance(model, str):
        return load_model(model, placement)
    if isinstance(model, Classifier):
        if placement != Placement():
            raise ArgumentError("device, precision and runtime go with a name or a module; a classifier has its own")
        return model
    if view is None:
        raise ArgumentError("an nn.Module needs view=hardiness.View(...): without its preprocessing no number is right")
    return models.wrap(model, view, name=type(model).__name__, **asdict(placement))
