"""The order of a network's outputs: which class each stands for, by WordNet id, by name, or as a person states it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cache

from hardiness.core.errors import ArgumentError, ModelError
from hardiness.core.model import IMAGENET_CLASSES, ModelSpec
from hardiness.reference.classes import class_name, wnids

_BACKGROUND = ("background", "__background__")


def is_generic(labels: Sequence[str]) -> bool:
    """Whether labels carry no meaning, as ``LABEL_0``, ``class_3`` or bare numbers do."""
    return all(label.lower().removeprefix("label").removeprefix("class").lstrip("_ ").isdecimal() for label in labels)


def order_by_name(labels: Sequence[str], where: str) -> tuple[int, ...]:
    """For each ImageNet class, in wnid order, the output whose label names it.

    A label is a wnid, all of a class's names as WordNet lists them, or one of them, whatever the case. Some names
    belong to two classes ("crane"); then the labels are taken to stand in wnid order if every one of them fits it.
    A background class is dropped.

    Raises:
        ModelError: the labels are not ImageNet's 1,000, or leave the order open; the message gives the first that does.
    """
    outputs = [output for output, label in enumerate(labels) if label.strip().lower() not in _BACKGROUND]
    if len(outputs) != len(wnids()):
        raise ModelError(f"{where}: {len(outputs)} labels cannot be ImageNet's {len(wnids())} classes")
    candidates = [_classes_named(labels[output]) for output in outputs]
    by_class = {min(classes): output for output, classes in zip(outputs, candidates, strict=True) if len(classes) == 1}
    if len(by_class) == len(wnids()):
        return tuple(by_class[position] for position in range(len(wnids())))
    loose = _names()[-1]
    misfits = [
        labels[output]
        for position, output in enumerate(outputs)
        if position not in loose.get(_folded(labels[output]), frozenset())
    ]
    if not misfits:
        return tuple(outputs)
    unknown = [labels[output] for output, classes in zip(outputs, candidates, strict=True) if not classes]
    problem = "is the name of no ImageNet class" if unknown else "stands out of order while other names are ambiguous"
    raise ModelError(
        f"{where}: label {(unknown or misfits)[0]!r} {problem}, so the order of the outputs is not known; "
        "state it with class_order=wnid, or class_order=own for classes of the model's own"
    )


def looks_like_imagenet(labels: Sequence[str]) -> bool:
    """Whether most of about 1,000 labels are names of ImageNet classes, so that failing to map all is an error."""
    return (
        len(labels) in (IMAGENET_CLASSES, 1 + IMAGENET_CLASSES)
        and sum(bool(_classes_named(label)) for label in labels) > len(labels) // 2
    )


def _classes_named(label: str) -> frozenset[int]:
    """The classes that a label names in the strictest way in which it names any."""
    for names in _names():
        if classes := names.get(label) or names.get(_folded(label)):
            return classes
    return frozenset()


def _folded(label: str) -> str:
    return " ".join(label.replace("_", " ").casefold().split())


@cache
def _names() -> tuple[Mapping[str, frozenset[int]], ...]:
    """Names to classes, strictest first: whole entry, one name, whole entry in any case, anything in any case."""
    tiers: tuple[defaultdict[str, set[int]], ...] = tuple(defaultdict(set) for _ in range(4))
    for position, wnid in enumerate(wnids()):
        entry = class_name(position)
        single = [name.strip() for name in entry.split(",")]
        folded = [_folded(name) for name in (wnid, entry, *single)]
        for tier, names in zip(tiers, ([wnid, entry], single, folded[1:2], folded), strict=True):
            for name in names:
                tier[name].add(position)
    return tuple({name: frozenset(classes) for name, classes in tier.items()} for tier in tiers)


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
