"""Options after a model's name: read, and applied to its spec."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import fields, replace

from hardiness.core.errors import ArgumentError, UnknownNameError
from hardiness.core.model import MAX_PX, ModelSpec, View
from hardiness.reference import robustbench

RANDOM = "random"
"""The value of ``weights`` that stands for seeded random weights, for benches and tests."""

CLASS_ORDERS = ("wnid", "background+wnid", "own")

COMMON = {
    "weights": f"checkpoint file to load instead of the published weights, or {RANDOM!r}",
    "class_order": "how the outputs are ordered, asserted by you: " + ", ".join(CLASS_ORDERS),
    "input_px": "the one input size that the network accepts",
    "preprocessing": "file with its view: timm's, transformers' or albumentations' own, or py:FILE.py:TRANSFORM",
    "published": "its name on RobustBench's ImageNet leaderboard, whose numbers then stand beside yours",
    **{field.name: f"field of the view, e.g. {field.name}={{}}" for field in fields(View)},
}
"""Options that every model has, and their help."""

_ROW = re.compile(r"([^:/,=]+)=(.+)", re.DOTALL)
_OPTIONS_BEGIN = re.compile(r":(?=[^\W\d]\w*=)")

_OPTION_AFTER_COMMA = re.compile(r",([^\W\d]\w*)=")


def row_and_model(text: str) -> tuple[str, str]:
    """``"NAME=MODEL"`` as the name of a row and the model; an empty name where none is given.

    What stands before the first ``=`` is a name only where it has no ``:``, ``/`` or ``,``: options follow a ``:``.
    """
    parts = _ROW.fullmatch(text)
    return (parts[1].strip(), parts[2]) if parts else ("", text)


def split(text: str) -> tuple[str, dict[str, str]]:
    """``"NAME:key=value,…"`` as name and options, which begin at the first ``:word=``.

    Raises:
        ArgumentError: an option has no ``=`` or is given twice, or the first follows a comma.
    """
    begin = _OPTIONS_BEGIN.search(text)
    if begin is None:
        comma = _OPTION_AFTER_COMMA.search(text)
        if comma is not None and comma[1] in COMMON:
            meant = f"{text[: comma.start()]}:{text[comma.start() + 1 :]}"
            raise ArgumentError(f"the options of a model follow a colon, as in {meant}; was {text}")
        return text, {}
    name, tail = text[: begin.start()], text[begin.start() + 1 :]
    options: dict[str, str] = {}
    for place, part in enumerate(tail.split(","), 1):  # values are not repeated: an address may hold a key
        key, equals, value = part.partition("=")
        if not equals or not value:
            what = f"option {place} of {name!r}"
            raise ArgumentError(
                f"model options must read key=value,key=value; {what} has no {'value' if equals else '='}"
            )
        if key in options:
            raise ArgumentError(f"option {key!r} of model {name!r} is given twice; give it once")
        options[key.strip()] = value.strip()
    return name, options


def with_option(text: str, key: str, value: str) -> str:
    """``"NAME:key=value,…"`` with one option more, or with another value of it."""
    name, options = split(text)
    return f"{name}:{','.join(f'{option}={setting}' for option, setting in {**options, key: value}.items())}"


def apply(spec: ModelSpec, options: Mapping[str, str], others: Iterable[str] = ()) -> ModelSpec:
    """The spec with the options of `COMMON` applied.

    Args:
        spec: of the model.
        options: as typed.
        others: options that its source has beside them, for messages.

    Raises:
        UnknownNameError: there is no such option.
        ArgumentError: a value is not what its option takes.
    """
    for key in options:
        if key == "takes":
            raise ArgumentError(
                f"takes= is for functions and services (py:FILE.py:NAME, http://HOST/PATH), and {spec.name} is "
                "neither: it is shown pictures in its view; leave it out, or write a function that calls it"
            )
        if key not in COMMON:
            raise UnknownNameError(f"option of model {spec.name!r}", key, [*COMMON, *others])
    changes: dict[str, object] = {"view": override(spec.view, options)}
    if "weights" in options:
        changes["weights"] = options["weights"]
    if "input_px" in options:
        changes["input_px"] = _integer("input_px", options["input_px"])
    if "published" in options:
        name = options["published"]
        if name not in robustbench.entries():
            raise UnknownNameError("RobustBench model", name, robustbench.entries())
        changes["published"] = name
    if "class_order" in options:
        order = options["class_order"]
        if order not in CLASS_ORDERS:
            raise UnknownNameError("class_order", order, CLASS_ORDERS)
        changes["options"] = (*spec.options, ("class_order", order))
    return replace(spec, **changes)  # type: ignore[arg-type]  # keys are fields of ModelSpec


def override(view: View, options: Mapping[str, str]) -> View:
    """The view with those of its fields replaced that the options name.

    Raises:
        ArgumentError: a value cannot be that field's.
    """
    changes: dict[str, object] = {}
    for item in fields(View):
        if item.name not in options:
            continue
        text, default = options[item.name], item.default
        if isinstance(default, int):
            changes[item.name] = _integer(item.name, text)
        elif isinstance(default, tuple):
            changes[item.name] = _numbers(item.name, text)
        else:
            changes[item.name] = text
    return replace(view, **changes)  # type: ignore[arg-type]  # keys are fields of View


def _integer(key: str, text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or len(text) > len(str(MAX_PX)) or not 1 <= int(text) <= MAX_PX:
        raise ArgumentError(f"{key} must be a whole number of at least 1 and at most {MAX_PX:,}, was {text[:40]!r}")
    return int(text)


def _numbers(key: str, text: str) -> tuple[float, ...]:
    try:
        values = tuple(float(part) for part in text.split("/"))
    except ValueError:
        values = ()
    if len(values) not in (1, 3):
        raise ArgumentError(
            f"{key} must be one number or three, one per channel, as in {key}=0.5/0.5/0.5; was {text!r}"
        )
    return values * 3 if len(values) == 1 else values
