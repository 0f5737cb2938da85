"""Whether models of output folders differ."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import overload

from hardiness.api.comparisons import Comparisons, compare_folder
from hardiness.api.grouping import grouping_of
from hardiness.api.ladder import Ladders, climb
from hardiness.core.columns import Grouping
from hardiness.core.errors import ArgumentError
from hardiness.data.columns import GivenColumns
from hardiness.results.equivalence import EquivalenceMargin
from hardiness.results.folder import Folder


@overload
def compare(
    out: str | Path | Sequence[str | Path],
    *models: str,
    reference: Sequence[str] = (),
    columns: GivenColumns | Sequence[GivenColumns] = (),
    cluster: str | None = None,
    slices: str | Sequence[str] = (),
    within: str | float | None = None,
    ladder: None = None,
    data: str | Sequence[str] = (),
) -> Comparisons: ...


@overload
def compare(
    out: str | Path | Sequence[str | Path],
    *models: str,
    reference: Sequence[str] = (),
    columns: GivenColumns | Sequence[GivenColumns] = (),
    cluster: str | None = None,
    slices: str | Sequence[str] = (),
    within: str | float | None = None,
    ladder: str | Sequence[str],
    data: str | Sequence[str] = (),
) -> Ladders: ...


def compare(
    out: str | Path | Sequence[str | Path],
    *models: str,
    reference: Sequence[str] = (),
    columns: GivenColumns | Sequence[GivenColumns] = (),
    cluster: str | None = None,
    slices: str | Sequence[str] = (),
    within: str | float | None = None,
    ladder: str | Sequence[str] | None = None,
    data: str | Sequence[str] = (),
) -> Comparisons | Ladders:
    """Whether models of one or more output folders differ: paired on the same images, with intervals.

    Args:
        out: the ``out=`` or ``--out`` of earlier evaluations, or several; a run that several hold counts once.
        models: names of those to compare; all if none is given.
        reference: names of stored models that the line of effective robustness goes through, instead of the published
            ones.
        columns, cluster, slices: as of `evaluate`.
        within: a margin, as ``"0.5 %"`` or ``0.005``: every two models get a verdict of equivalence within it.
        ladder: names of models in the order of an export, as ``["torch", "onnx", "int8"]``: what each step changes is
            returned, instead of a comparison of all.
        data: with a ladder, photographs as ``--data`` takes them: the model of a rung is loaded and run again on
            pictures that other libraries have resized, where answers to clean pictures change. A rung that runs code
            of one's own is run again only where ``models`` has it as ``"NAME=MODEL"``.

    Raises:
        ArgumentError: there are fewer than two models of that name on one benchmark, or no picture has a column that
            is asked for; or the margin is none.
        DataError: a folder holds no records.
    """
    outs = list(out) if isinstance(out, Sequence) and not isinstance(out, str) else [out]
    grouping, margin = grouping_of(columns, cluster, slices), None if within is None else EquivalenceMargin.read(within)
    if ladder is None:
        if data:
            raise ArgumentError("data goes with a ladder, whose models are run again on these pictures; leave it out")
        return compare_grouped(outs, models, reference, grouping, margin)
    if reference or grouping.slices:
        raise ArgumentError("a ladder goes without reference and slices")
    return climb(outs, ladder, grouping, margin, [data] if isinstance(data, str) else list(data), models)


def compare_grouped(
    outs: Sequence[str | Path],
    models: Sequence[str],
    reference: Sequence[str],
    grouping: Grouping,
    within: EquivalenceMargin | None = None,
) -> Comparisons:
    """The comparison of models of output folders by clusters and slices; arguments and errors as of `compare`."""
    return compare_folder(Folder.open(*outs, grouping=grouping), models, reference, within)
