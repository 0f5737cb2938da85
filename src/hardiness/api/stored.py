"""What earlier evaluations left in a folder, from Python."""

from __future__ import annotations

from pathlib import Path

from hardiness import scoring
from hardiness.report import StoredResults
from hardiness.store import Store


def load_results(out: str | Path, *, baseline: str | None = None) -> StoredResults:
    """The results of everything that is stored in a folder; ``.table()`` gives all their scores as rows.

    Args:
        out: the ``out=`` or ``--out`` of earlier evaluations.
        baseline: a model whose stored runs ratios divide by, instead of the published baseline.

    Raises:
        ArgumentError: the baseline model has no stored run to divide by.
        DataError: the folder holds no records.
    """
    return StoredResults(scoring.results(Store.open(out), baseline))
