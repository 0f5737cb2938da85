"""Runs under two names whose rows are the same, because what differs between them changes no picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hardiness.core.codes import RunRemark
from hardiness.core.fact import Fact
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


def earlier_of(runs: Sequence[Run]) -> dict[int, int]:
    """The place of the run of today's code, by the place of each run of earlier code; neither ranked nor compared.

    Args:
        runs: of one table.
    """
    places: dict[str, list[int]] = {}
    for place, run in enumerate(runs):
        places.setdefault(run.with_ordinal(0).key, []).append(place)
    last = {key: max(alike, key=lambda place: runs[place].ordinal) for key, alike in places.items()}
    later = {place: last[key] for key, alike in places.items() for place in alike}
    return {place: other for place, other in later.items() if runs[place].ordinal < runs[other].ordinal}


def same_run(run: Run, other: Run, name: str, about: str = "") -> Fact:
    """The fact that two runs are one: they are of one model, or the benchmark sets its own picture size.

    Args:
        run, other: which.
        name: of the other.
        about: the name of the one.
    """
    sized_by = "" if run.model.view == other.model.view else run.benchmark.name
    return Fact(RunRemark.SAME_RUN, {"other": name, "sized_by": sized_by}, about)


def _rows_key(run: Run) -> str:
    view, options = run.model.view, dict(run.model.options)
    if run.input.canvas == "fixed":
        view = replace(view, **{name: getattr(View(), name) for name in _ON_CANVAS})
        options = {name: value for name, value in options.items() if name not in _ON_CANVAS}  # as they were stated
    return replace(run, model=replace(run.model, name="", view=view, options=options)).key
