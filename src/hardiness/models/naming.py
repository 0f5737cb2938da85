"""From what a person types to a spec: registered names, schemes, options."""

from __future__ import annotations

from hardiness.core import ModelSpec, UnknownNameError
from hardiness.models.catalogue import known_names, registry, schemes
from hardiness.models.options import apply, split


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
        spec = scheme.spec(rest, options)
        return apply(spec, {key: value for key, value in options.items() if key not in scheme.options})
    if name not in registry:
        raise UnknownNameError("model", name, known_names())
    return apply(registry.get(name), options)
