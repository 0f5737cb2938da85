"""A benchmark from its command-line form, ``NAME`` or ``NAME:option=value,…``; its fields are its options."""

from __future__ import annotations

from dataclasses import MISSING, Field, fields
from typing import Any

from hardiness.benchmarks.registry import registry
from hardiness.core import ArgumentError, Benchmark, suggestion

TRUE, FALSE = ("true", "yes", "1"), ("false", "no", "0")


def parse(text: str) -> Benchmark:
    """The benchmark that ``text`` names, with its options set.

    Raises:
        UnknownNameError: no benchmark has that name.
        ArgumentError: an option is unknown or has an impossible value.
    """
    name, _, given = text.partition(":")
    benchmark = registry.get(name)
    known = {option.name: option for option in fields(benchmark)}  # type: ignore[arg-type]
    values = {}
    for pair in filter(None, given.split(",")):
        key, equals, value = pair.partition("=")
        if not equals or key not in known:
            raise ArgumentError(f"benchmark {name} has no option {key!r}{suggestion(key, sorted(known))}")
        values[key] = _value(name, known[key], value)
    return benchmark(**values)


def describe(benchmark: type[Benchmark]) -> list[tuple[str, Any, str]]:
    """Name, default and help text of each option."""
    return [
        (option.name, None if option.default is MISSING else option.default, option.metadata.get("help", ""))
        for option in fields(benchmark)  # type: ignore[arg-type]
    ]


def _value(benchmark: str, option: Field[Any], text: str) -> Any:
    """The option's value: the type is that of its default; tuples are written with ``+`` between their items.

    An empty tuple says the type of its items in the field's ``metadata["item"]``; without it they are text.
    """
    default = option.default
    if isinstance(default, tuple):
        item = type(default[0]) if default else option.metadata.get("item", str)
        return tuple(_scalar(benchmark, option.name, item, part) for part in text.split("+"))
    return _scalar(benchmark, option.name, type(default), text)


def _scalar(benchmark: str, option: str, kind: type, text: str) -> Any:
    if kind is bool:
        if text.lower() not in TRUE + FALSE:
            raise ArgumentError(f"{benchmark}:{option} must be true or false, was {text!r}")
        return text.lower() in TRUE
    try:
        if kind is float:
            above, divided, below = text.partition("/")  # epsilons are written as 4/255
            return float(above) / float(below) if divided else float(above)
        return kind(text)
    except (ValueError, ZeroDivisionError):
        raise ArgumentError(f"{benchmark}:{option} must be of type {kind.__name__}, was {text!r}") from None
