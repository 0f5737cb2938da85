"""Where models are found by name: registered specs, and schemes such as ``timm:NAME`` that make a spec from a name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hardiness.core import ModelSpec, Registry

registry: Registry[ModelSpec] = Registry("model", "hardiness.models.zoo", "hardiness.models")
"""Every model that has a name of its own."""


@dataclass(frozen=True)
class Scheme:
    """A prefix and what it means.

    Attributes:
        form: what a person types, e.g. ``"timm:NAME"``.
        summary: one line for listings.
        spec: makes the spec from what follows the prefix and from the options of `options`.
        options: this scheme's own options and their help, beside those that every model has.
        names: all names that may follow the prefix, where they can be listed without a network; for searching.
        need_weights: raises a `DataError` where the published weights of what follows the prefix surely cannot be had;
            asked before the library is imported. Its second argument is the model's name, for the message.
    """

    form: str
    summary: str
    spec: Callable[[str, Mapping[str, str]], ModelSpec]
    options: Mapping[str, str] = field(default_factory=dict)
    names: Callable[[], list[str]] | None = None
    need_weights: Callable[[str, str], None] | None = None


schemes: Registry[Scheme] = Registry("model scheme", "hardiness.models.zoo", "hardiness.model_schemes")
"""Every prefix, e.g. ``"timm"``; one file each."""


@dataclass(frozen=True)
class Built:
    """What a builder returns where the network alone does not say it all.

    Attributes:
        network: a ``torch.nn.Module``, or an `OnnxFile`.
        columns: which outputs to keep, in the order of the classes; ``None`` keeps all.
        spec: the spec as completed by building (view, number of classes), or ``None`` where nothing was learnt.
        code: source text of a person's own that made the network; ``None`` where a library did.
        rename: from a name in published checkpoints to the network's own, where a library has changed its names.
        notes: what a person should know about how it was built.
    """

    network: Any
    columns: tuple[int, ...] | None = None
    spec: ModelSpec | None = None
    code: str | None = None
    rename: Callable[[str], str] | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class OnnxFile:
    """A network that is no torch module: the path of an ONNX graph."""

    path: str


def known_names() -> list[str]:
    """Every registered name, then every scheme's form, for listings and messages."""
    return registry.names() + [schemes.get(prefix).form for prefix in schemes]
