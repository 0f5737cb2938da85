"""Recipes of training, and which benchmarks they touch."""

from __future__ import annotations

import fnmatch
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

ALL = "all"
"""The word in place of members for the whole of a benchmark."""


@dataclass(frozen=True)
class Recipe:
    """One way of training.

    Attributes:
        name, title: as it is typed, and as people write it.
        source: where that stands.
        models: patterns of names of models that were trained so.
        overlaps: by benchmark, the members that are trained on.
        made_for: benchmarks that it was made to do well on.
    """

    name: str
    title: str
    source: str
    models: tuple[str, ...] = ()
    overlaps: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    made_for: tuple[str, ...] = ()


@cache
def recipes() -> Mapping[str, Recipe]:
    """Every known recipe by its name."""
    rows = tomllib.loads(Path(__file__).with_name("recipes.toml").read_text("utf-8"))["recipe"]
    entries = [
        Recipe(
            name=row["name"],
            title=row["title"],
            source=row["source"],
            models=tuple(row["models"]),
            overlaps={benchmark: tuple(members) for benchmark, members in row["overlaps"].items()},
            made_for=tuple(row.get("made_for", ())),
        )
        for row in rows
    ]
    return {recipe.name: recipe for recipe in entries}


def recipes_of(model: str, weights: str = "") -> tuple[Recipe, ...]:
    """The recipes that a model is known by its name to be trained with.

    Args:
        model: its name, e.g. ``"timm:resnet50.ram_in1k"``.
        weights: which of its published weights, where it has several, e.g. ``"IMAGENET1K_V2"``.
    """
    name = f"{model}:{weights}" if weights else model
    return tuple(
        recipe
        for recipe in recipes().values()
        if any(fnmatch.fnmatchcase(name.lower(), pattern.lower()) for pattern in recipe.models)
    )
