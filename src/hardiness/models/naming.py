"""From what a person types to a spec: registered names, schemes, options; and from a pattern to names."""

from __future__ import annotations

import difflib
import fnmatch
from collections.abc import Iterator
from dataclasses import replace

from hardiness.core import ArgumentError, ModelSpec, UnknownNameError
from hardiness.models.catalogue import known_names, registry, schemes
from hardiness.models.failures import told
from hardiness.models.options import apply, split

_WILD = "*?["


def resolve(text: str) -> ModelSpec:
    """The spec that ``NAME[:key=value,…]`` stands for.

    ``NAME`` is a registered name or ``SCHEME:…``, e.g. ``"resnext101_32x8d:weights=mine.pth"``,
    ``"timm:vit_tiny_patch16_224:crop_px=224,mean=0.5/0.5/0.5"``.

    Raises:
        UnknownNameError: there is no such model or option; the message offers close matches.
        ArgumentError: an option's value is wrong.
        ModelError: the model exists but cannot be described, e.g. its configuration cannot be read.
    """
    name, options = split(text)
    prefix, colon, rest = name.partition(":")
    if colon and rest and prefix in schemes:
        scheme = schemes.get(prefix)
        # A view given by hand is shown to the scheme too: it may be what the model's own files leave open.
        with told(name, "cannot be described"):
            spec = scheme.spec(rest, options)
        own = {key: value for key, value in options.items() if key not in scheme.options}
        return replace(apply(spec, own), asked=text)
    if name not in registry:
        raise _unknown(name)
    return replace(apply(registry.get(name), options), asked=text)


def need_weights(text: str) -> None:
    """Raise an error where the published weights that ``NAME[:key=value,…]`` asks for surely cannot be had.

    It is quick, imports no library of models, and says nothing where it is not sure.

    Raises:
        DataError: they are in no cache, and cannot be downloaded.
        ArgumentError: the options cannot be read.
    """
    name, options = split(text)
    prefix, colon, rest = name.partition(":")
    if colon and rest and prefix in schemes and "weights" not in options:
        asks = schemes.get(prefix).need_weights
        if asks:
            asks(rest, name)


def search(pattern: str) -> list[str]:
    """Sorted names that match a shell-style pattern: ``"resnext*"`` among the registered, ``"timm:resnet*"`` in timm.

    Raises:
        ArgumentError: the models of that prefix cannot be listed.
        UnknownNameError: nothing matches.
    """
    prefix, colon, rest = pattern.partition(":")
    if not colon:
        found = registry.names(pattern)
        if not found:
            raise UnknownNameError("model", pattern, known_names())
        return found
    names = schemes.get(prefix).names
    if names is None:
        raise ArgumentError(f"models of the form {schemes.get(prefix).form} cannot be listed; name one")
    matching = sorted(set(fnmatch.filter(names(), rest)))
    if not matching:
        raise UnknownNameError(f"{prefix} model", rest, names())
    return [f"{prefix}:{name}" for name in matching]


def is_pattern(text: str) -> bool:
    """Whether a name holds a wildcard."""
    return any(sign in text for sign in _WILD)


def _unknown(name: str) -> UnknownNameError:
    """The error for a name that is in no registry, with the libraries' models of that name first."""
    elsewhere = list(_elsewhere(name))
    if not elsewhere:
        return UnknownNameError("model", name, known_names())
    error = UnknownNameError("model", name, elsewhere)
    error.args = (f"unknown model {name!r}; did you mean {' or '.join(map(repr, elsewhere[:4]))}?",)
    return error


def _elsewhere(name: str) -> Iterator[str]:
    """The same name behind a library's prefix, exactly or nearly."""
    if difflib.get_close_matches(name, registry.names(), n=1, cutoff=0.75):
        return
    for prefix in schemes:
        names = schemes.get(prefix).names
        if names is None:
            continue
        known = names()
        if name in known:
            yield f"{prefix}:{name}"
        else:
            yield from (f"{prefix}:{each}" for each in difflib.get_close_matches(name, known, n=1, cutoff=0.85))
