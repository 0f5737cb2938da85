"""``py:FILE.py:NAME``: a network, or a plain function from images to answers, in a file of one's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from hardiness.core.errors import ArgumentError, ModelError
from hardiness.core.model import ModelSpec, View
from hardiness.models.activation import ACTIVATION, ACTIVATION_HELP
from hardiness.models.catalogue import BuilderResult, PlainFunction, Scheme, schemes
from hardiness.models.options import override, split
from hardiness.models.own_file import OwnFile
from hardiness.models.own_functions import foreign, is_factory
from hardiness.models.stated_views import PREPROCESSING, assumed_geometry, require_view
from hardiness.models.whole_pictures import TAKES, WHOLE_OPTIONS, refuse_view, whole_picture_of

_OPTIONS = {
    "tag": "a name for the code, in place of its source and of a look at it: then changes are yours to answer for",
    "output": "logits or probabilities, of a plain function; by default seen on a picture",
    ACTIVATION: ACTIVATION_HELP,
    **WHOLE_OPTIONS,
}


def spec(name: str, options: Mapping[str, str]) -> ModelSpec:
    """The spec of a factory; the file runs when the model is built.

    Raises:
        ArgumentError: it does not read ``FILE.py:FACTORY``, there is no such file, or what it takes is no known form.
    """
    own = OwnFile.named(name, "py:")
    whole_picture_of(options, f"py:{name}")
    return ModelSpec(
        name=f"py:{name}",
        build=f"{__name__}:build",
        num_classes=0,
        options=tuple((key, value) for key, value in options.items() if key in (*View.__dataclass_fields__, *_OPTIONS)),
        summary=f"{own.name} of {own.file.name}",
    )


def build(spec: ModelSpec) -> BuilderResult:
    """The network, or the network and its `View`, that the factory returns; a view by options goes before it.

    Raises:
        UnknownNameError: the file has no such function.
        ArgumentError: neither the factory nor an option states the view.
        ModelError: the file does not import, or the factory returns something else.
    """
    from torch import nn

    own = OwnFile.named(spec.name.removeprefix("py:"), "py:")
    value = own.value("factory")
    result = own.called(value) if is_factory(value) else value
    network, view = result if isinstance(result, tuple) and len(result) == 2 else (result, None)
    network = foreign(network) or network
    if not isinstance(network, nn.Module | PlainFunction) or not isinstance(view, View | None):
        raise ModelError(
            f"{spec.name} must return a torch.nn.Module or a function of images, or one of these and a View; "
            f"returned {type(result).__name__}"
        )
    options = {**dict(spec.options), **split(spec.asked)[1]}
    if isinstance(network, PlainFunction) and (network.bytes_in or TAKES in options):
        return _function(network, spec, view, options, own.text)
    if TAKES in options:
        raise ArgumentError(f"{TAKES}= is not for {spec.name}, which is a network and has a view; leave it out")
    stated = _stated(view, options)
    if view is None or PREPROCESSING in options:
        require_view(spec.name, options)
        view = spec.view
    notes = assumed_geometry(view, stated)
    view = override(view, dict(spec.options))
    return BuilderResult(network, spec=replace(spec, view=view), code=own.text, notes=notes)


def _function(
    network: PlainFunction, spec: ModelSpec, view: View | None, options: Mapping[str, str], text: str
) -> BuilderResult:
    """The built model of a function that gets the canvas as it is, or whole pictures: it normalises them itself."""
    if TAKES in options:
        refuse_view(spec.name, options, view)
        return BuilderResult(network, spec=spec, code=text)
    if view is None:
        require_view(spec.name, options, bytes_in=True)
    notes = assumed_geometry(view or spec.view, _stated(view, options))
    chosen = spec.view if view is None or PREPROCESSING in options else override(view, dict(spec.options))
    return BuilderResult(network, spec=replace(spec, view=chosen), code=text, notes=notes)


def _stated(view: View | None, options: Mapping[str, str]) -> set[str]:
    """Names of the fields that a view and options state."""
    return {*options, *(view.stated if view is not None else ())}


schemes.register("py", Scheme("py:FILE.py:NAME", "a network or function of your own", spec, _OPTIONS), __name__)
