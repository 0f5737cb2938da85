"""Which outputs of a network stand for which classes, where a person states it."""

from __future__ import annotations

from hardiness.core import ArgumentError, ModelSpec
from hardiness.reference import wnids


def stated_order(spec: ModelSpec) -> str | None:
    """The value of option ``class_order``, or ``None``."""
    return dict(spec.options).get("class_order")


def output_columns(spec: ModelSpec, width: int | None, named: tuple[int, ...] | None) -> tuple[int, ...] | None:
    """The outputs to keep, in class order, or ``None`` for all as they come; a stated order goes before ``named``.

    Raises:
        ArgumentError: the stated order does not go with ``width`` outputs.
    """
    order, classes = stated_order(spec), len(wnids())
    if order is None:
        return named
    if order == "wnid" and width != classes:
        raise ArgumentError(f"class_order=wnid needs {classes} outputs; {spec.name} has {width}")
    if order == "background+wnid":
        if width != classes + 1:
            raise ArgumentError(f"class_order=background+wnid needs {classes + 1} outputs; {spec.name} has {width}")
        return tuple(range(1, classes + 1))
    return None
