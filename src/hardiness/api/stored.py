"""Results that are stored in output folders, from Python."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hardiness.api.grouping import Mix, grouping_of
from hardiness.data.columns import GivenColumns
from hardiness.report.stored_results import StoredResults
from hardiness.results.folder import Folder


def load_results(
    out: str | Path,
    *,
    baseline: str | None = None,
    below: float | None = None,
    above: float | None = None,
    columns: GivenColumns | Sequence[GivenColumns] = (),
    cluster: str | None = None,
    slices: str | Sequence[str] = (),
    mix: Mix | None = None,
) -> StoredResults:
    """The results of everything that is stored in a folder; ``.table()`` gives all their scores as rows.

    Runs that could not be read stand as ``problems``.

    Args:
        out: the ``out=`` or ``--out`` of earlier evaluations.
        baseline: a model whose stored runs ratios divide by, instead of the published baseline.
        below: of one's own classes, the share of the clean accuracy below which it falls at some severity; half by
            default.
        above: the accuracy up to which `operating_limit` is told of each corruption that has a quantity, in place of
            the severity; without it there is one at half of the clean accuracy where levels were run.
        columns, cluster, slices, mix: as of `evaluate`.

    Raises:
        ArgumentError: the baseline model has no stored run to divide by, or a share is not in (0, 1).
        DataError: the folder holds no records.
    """
    grouping = grouping_of(columns, cluster, slices, mix)
    folder = Folder.open(out, grouping=grouping, baseline=baseline, below=below, above=above)
    return StoredResults(folder.results, folder.problems)
