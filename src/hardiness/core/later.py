"""Fields that an identity got after its format was first stored: they are written only where they say something.

Whatever is stored keeps its key and its bytes when a dataclass gets a field: add the field with a default that stands
for what was done before, and nothing else. Fields of `FIRST` are always written, as they were then.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, fields
from typing import Any

FIRST: Mapping[str, tuple[str, ...]] = {
    "Run": (
        *("model", "benchmark", "data", "input", "conditions", "seed", "precision", "attack", "surrogate"),
        "versions",
    ),
    "ModelIdentity": ("name", "weights_sha256", "view", "options", "outputs_sha256", "code_sha256"),
    "View": ("resize_px", "crop_px", "interpolation", "crop_mode", "mean", "std", "channel_order", "range"),
    "InputIdentity": ("canvas", "fed"),
    "BenchmarkIdentity": ("name", "card", "protocol", "options", "columns"),
    "DataIdentity": ("name", "fingerprint", "samples", "num_classes", "categories"),
    "Surrogate": ("model", "weights_sha256", "outputs_sha256", "code_sha256"),
    "Round": ("attack", "norm", "epsilon", "marks", "restarts", "targeted", "failed", "options"),
    "Plan": ("batch_size", "location", "released", "unit_items", "whole"),
}
"""The fields of each class that every stored run has. This list never grows."""


def later_fields(kind: type[Any]) -> Iterator[Field[Any]]:
    """The fields that a class got after its format was first stored.

    Raises:
        TypeError: one of them has no default, so that no stored run could be read.
    """
    first = next(FIRST[each.__name__] for each in kind.__mro__ if each.__name__ in FIRST)
    for field in fields(kind):
        if field.name not in first:
            _default(field)
            yield field


def json_form(value: Any) -> dict[str, Any]:
    """The JSON form of a value: its first fields, then those of the later ones that are not at their defaults."""
    later = {field.name for field in later_fields(type(value))}
    first = {field.name: plain(getattr(value, field.name)) for field in fields(value) if field.name not in later}
    return first | later_part(value)


def later_part(value: Any, prefix: str = "") -> dict[str, Any]:
    """The JSON form of the later fields that are not at their defaults, by ``prefix`` and name."""
    found = {field: getattr(value, field.name) for field in later_fields(type(value))}
    return {f"{prefix}{field.name}": plain(each) for field, each in found.items() if each != _default(field)}


def read_later(kind: type[Any], found: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """The later fields that `later_part` wrote, for the class to be made with."""
    return {
        field.name: _as_before(found[f"{prefix}{field.name}"], _default(field))
        for field in later_fields(kind)
        if f"{prefix}{field.name}" in found
    }


def _as_before(read: Any, default: Any) -> Any:
    """What JSON gave back, as a tuple where the field holds one."""
    return tuple(read) if isinstance(default, tuple) else read


def plain(value: Any) -> Any:
    """As JSON will give it back: tuples as lists, mappings as objects."""
    if isinstance(value, Mapping):
        return {key: plain(each) for key, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, list | tuple) else value


def _default(field: Field[Any]) -> Any:
    if field.default is not MISSING:
        return field.default
    if field.default_factory is not MISSING:
        return field.default_factory()
    raise TypeError(f"the field {field.name!r} came later and must have a default, which stands for what was before")
