"""``py:FILE.py:NAME``: a network that a function in a file of one's own makes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from hardiness.core import ModelError, ModelSpec, View
from hardiness.models.catalogue import Built, Scheme, override, schemes, split
from hardiness.models.own_file import OwnFile
from hardiness.models.stated_views import PREPROCESSING, assumed_geometry, require_view

_OPTIONS = {"tag": "a name for the code, in place of a hash over it: then edits are yours to answer for"}


def spec(name: str, options: Mapping[str, str]) -> ModelSpec:
    """The spec of a factory; the file runs when the model is built.

    Raises:
        ArgumentError: it does not read ``FILE.py:FACTORY``, or there is no such file.
    """
    own = OwnFile.named(name, "py:")
    return ModelSpec(
        name=f"py:{name}",
        build=f"{__name__}:build",
        num_classes=0,
        options=tuple((key, value) for key, value in options.items() if key in (*View.__dataclass_fields__, "tag")),
        summary=f"{own.name} of {own.file.name}",
    )


def build(spec: ModelSpec) -> Built:
    """What the factory returns: a network, or a network and its `View`; a view given by options goes before it.

    Raises:
        UnknownNameError: the file has no such function.
        ArgumentError: neither the factory nor an option states the view.
        ModelError: the file does not import, or the factory returns something else.
    """
    from torch import nn

    own = OwnFile.named(spec.name.removeprefix("py:"), "py:")
    made = own.called(own.value("factory"))
    network, view = made if isinstance(made, tuple) and len(made) == 2 else (made, None)
    if not isinstance(network, nn.Module) or not isinstance(view, View | None):
        raise ModelError(
            f"{spec.name} must return a torch.nn.Module, or one and a View; returned {type(made).__name__}"
        )
    _, options = split(spec.asked)
    notes: tuple[str, ...] = ()
    if view is None or PREPROCESSING in options:
        require_view(spec.name, {**dict(spec.options), **options})
        view, notes = spec.view, assumed_geometry(spec.view, {**dict(spec.options), **options})
    view = override(view, dict(spec.options))
    return Built(network, spec=replace(spec, view=view), code=own.text, notes=notes)


schemes.register(
    "py", Scheme("py:FILE.py:FACTORY", "a network made by a function of your own", spec, _OPTIONS), __name__
)
