"""What a model is, as data: importing a spec loads and downloads nothing."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hardiness.core.view import View


@dataclass(frozen=True, slots=True)
class Source:
    """Where weights come from and what is known of them.

    Attributes:
        paper: citation, or empty.
        url: address of the checkpoint, or empty.
        sha256: full hash of the file, or the prefix that its name carries; empty where none is published.
        parameters: learnable parameters the built model must have, or ``None`` where unknown.
        licence: licence of the weights.
        package: distribution that carries the file (embedded models).
        path: path of the file inside that distribution.
    """

    paper: str = ""
    url: str = ""
    sha256: str = ""
    parameters: int | None = None
    licence: str = ""
    package: str = ""
    path: str = ""


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A model's identity: name, builder, view, classes and source.

    Attributes:
        name: registered name or scheme form, e.g. ``"resnext101_32x16d_wsl"``, ``"timm:resnet50.a1_in1k"``.
        build: ``"module:function"``, imported when used; the function takes the spec and returns the network.
        view: preprocessing that belongs to the weights.
        num_classes: width of the logits after ``class_order`` was applied.
        source: where the weights come from.
        weights: file on disk that replaces the source's, or ``None``.
        input_px: the one input size the network accepts, or ``None`` where it accepts any.
        class_names: the model's own labels where its classes are not ImageNet's 1,000.
        options: further builder arguments, part of the identity.
        summary: one line for listings.
        published: the name under which others have published numbers of these weights; no part of the identity.
        asked: what a person typed for it, with options; empty where it was made in Python. No part of the identity.
    """

    name: str
    build: str
    view: View = View()
    num_classes: int = 1000
    source: Source = Source()
    weights: str | None = None
    input_px: int | None = None
    class_names: tuple[str, ...] | None = None
    options: tuple[tuple[str, Any], ...] = field(default=())
    summary: str = ""
    published: str = ""
    asked: str = field(default="", compare=False)

    def builder(self) -> Callable[[ModelSpec], Any]:
        """The function that `build` names."""
        module, _, function = self.build.partition(":")
        return getattr(importlib.import_module(module), function)  # type: ignore[no-any-return]
