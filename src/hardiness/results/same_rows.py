"""Runs under two names whose rows are the same, because what differs between them changes no picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hardiness.core.model import View
from hardiness.core.run import Run

_ON_CANVAS = ("resize_px", "crop_px", "interpolation", "crop_mode")
"""The fields of a view that say nothing where a benchmark has a canvas of its own."""


def twins_of(runs: Sequence[Run]) -> dict[int, int]:
    """The place of another run of the same rows, by the place of each that is not ranked beside it.

    Two runs have the same rows where they differ by their models' names alone, or, on a benchmark with a canvas of its
    own, by what their views say of size and crop. The one with the first key stands for all of them, whatever their
    order.

    Args:
        runs: of one table.
    """
    places: dict[str, list[int]] = {}
    for place, run in enumerate(runs):
        if run.model.weights_sha256 and not run.model.is_foreign:
            places.setdefault(_rows_key(run), []).append(place)
    twins = {}
    for alike in places.values():
        first = min(alike, key=lambda place: runs[place].key)
        twins.update({place: first for place in alike if place != first})
    return twins


def why_same(run: Run, other: Run) -> str:
    """The reason why two runs are one, as the end of a sentence."""
    if run.model.view == other.model.view:
        return "they are one model under two names"
    return f"{run.benchmark.name} sets its own picture size"


def _rows_key(run: Run) -> str:
    view, options = run.model.view, dict(run.model.options)
    if run.input.canvas == "fixed":
        view = replace(view, **{name: getattr(View(), name) for name in _ON_CANVAS})
        options = {name: value for name, value in options.items() if name not in _ON_CANVAS}  # as they were stated
    return replace(run, model=replace(run.model, name="", view=view, options=options)).key
