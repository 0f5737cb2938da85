"""Sets of photographs whose labels are sets of classes, as data: one JSON file each."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from hardiness.core.condition import Condition
from hardiness.core.errors import UnknownNameError
from hardiness.core.model import Canvas

CLASS_SETS = ("objectnet", "imagenet-hard", "imagenet-es", "imagenet-d", "imagenet-9", "pug-imagenet")
"""Names of these sets, in the order in which they are listed."""


@dataclass(frozen=True, slots=True)
class SetPart:
    """Some of the photographs, under one condition.

    Attributes:
        folder: where they lie below the set's top, e.g. ``"param_control/l1/param_3"``.
        condition: what they were made under.
        counted: whether the headline counts them.
    """

    folder: str
    condition: Condition
    counted: bool


@dataclass(frozen=True, slots=True)
class ClassSet:
    """One set of photographs whose labels are sets of classes.

    Attributes:
        name, title, question, paper, protocol, source: as of any benchmark.
        labels: the class indices that are right, by folder; empty where each photograph brings its own.
        among: ``"labels"``: the answer is sought among the classes of all labels; ``"all"``: among all 1,000.
        classes_of: what the labels are, for messages.
        among_all_protocol: the published rules by which the answer is sought among all classes instead; may be empty.
        own_view_protocol: name of the rules under which models see it in their own view, where both are published.
        canvas: the canvas that every model is shown; ``None`` for each model's own view.
        border_px, first_crop_px: what is cut off each side, and the centre square that is kept, before the view; 0 for
            neither.
        border_rgb: of the border that a copy must keep; empty where it has none.
        never_right: labels whose pictures the published scoring can never count as right; the own view's scoring can.
        shown_when_asked: whether its licence wants pictures shown to who asks for them alone.
        parts: its conditions, which are folders; empty where it has none.
        headline: of parts: ``"all"`` photographs, the ``"mean"`` of the counted parts, or the ``"first"`` part.
        top: the folder above the parts, where other folders hold parts of the same names.
        gap: a metric, and the two parts whose difference it is, ``""`` for the mean of the counted ones; may be empty.
        levels: by part, the column of `levels_table` or of the Parquet files that says of each photograph what was set.
        levels_table: the csv beside the folders that has these columns, and one called ``filename``.
        questions: the folder of tables (``*.csv``, tab-separated) that name a wrong answer for each picture, between
            which and the right one a closed question chooses; empty where there is none.
        level: the key of conditions that holds what was set; empty where `levels` is.
        axes: the keys of conditions that rows and columns of a figure are made of.
        clean_twin: the benchmark of clean photographs of the same labels; empty for none.
        images: how many were published; 0 where nobody says.
        published, published_source: accuracies by part (its folder or the first value of its condition, ``""`` for the
            headline) and model, fractions of 1.
    """

    name: str
    title: str
    question: str
    paper: str
    protocol: str
    source: str
    labels: Mapping[str, tuple[int, ...]]
    among: str
    classes_of: str
    among_all_protocol: str = ""
    own_view_protocol: str = ""
    canvas: Canvas | None = None
    border_px: int = 0
    first_crop_px: int = 0
    border_rgb: tuple[int, ...] = ()
    never_right: tuple[str, ...] = ()
    shown_when_asked: bool = False
    parts: tuple[SetPart, ...] = ()
    headline: str = "all"
    top: str = ""
    gap: tuple[str, ...] = ()
    levels: Mapping[str, str] = field(default_factory=dict)
    levels_table: str = ""
    questions: str = ""
    level: str = ""
    axes: tuple[tuple[str, ...], ...] = ()
    clean_twin: str = ""
    images: int = 0
    published: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    published_source: str = ""

    @property
    def classes(self) -> tuple[int, ...]:
        """The indices of all classes that some label holds, ascending."""
        return tuple(sorted({index for indices in self.labels.values() for index in indices}))

    def label_of(self, words: str) -> str:
        """The label that its tables write in words, as in ``"iron (for clothes)"``; empty where none is."""
        label = re.sub(r"[^a-z0-9]+", "_", words.casefold()).strip("_")
        return label if label in self.labels else ""

    def right(self, group: str) -> tuple[int, ...]:
        """The classes that are right for photographs of a group: a folder, or indices joined by ``+``; else none."""
        if group in self.labels:
            return self.labels[group]
        return tuple(map(int, group.split("+"))) if re.fullmatch(r"\d{1,3}(\+\d{1,3})*", group) else ()


@cache
def class_set(name: str) -> ClassSet:
    """The set of that name.

    Raises:
        UnknownNameError: there is none.
    """
    if name not in CLASS_SETS:
        raise UnknownNameError("class set", name, CLASS_SETS)
    facts: dict[str, Any] = json.loads(Path(__file__).parent.joinpath(f"{name}.json").read_text("utf-8"))
    parts = tuple(
        SetPart(part["folder"], Condition(**part["condition"]), part["counted"]) for part in facts.pop("parts", ())
    )
    labels = {folder: tuple(indices) for folder, indices in facts.pop("labels").items()}
    canvas = Canvas(*facts.pop("canvas")) if "canvas" in facts else None
    gap, axes = tuple(facts.pop("gap", ())), tuple(map(tuple, facts.pop("axes", ())))
    border, never_right = tuple(facts.pop("border_rgb", ())), tuple(facts.pop("never_right", ()))
    plain = {
        **facts,
        "border_rgb": border,
        "never_right": never_right,
        "name": name,
        "labels": labels,
        "parts": parts,
        "canvas": canvas,
        "gap": gap,
        "axes": axes,
    }
    return ClassSet(**plain)
