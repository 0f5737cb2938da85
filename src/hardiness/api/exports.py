"""Results and tables in the forms that papers and other tools read, from the command and from Python."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hardiness.api.collection import collect_results, gate_tables
from hardiness.api.grouping import Mix, grouping_of
from hardiness.core.errors import ArgumentError
from hardiness.core.fact import lines_of
from hardiness.core.result import Result
from hardiness.data.columns import GivenColumns
from hardiness.report.exports.exporter import registry, tables_in
from hardiness.store.local_files import LocalFiles


def write_export(content: bytes, to: Path) -> None:
    """Write an export to a file; a file of that name stays whole until it is replaced.

    Raises:
        StoreError: it cannot be written.
    """
    LocalFiles(to.parent.resolve()).write(to.name, content)


def refuse_folder(to: Path | None) -> None:
    """Raise where a folder stands for the file of an export.

    Raises:
        ArgumentError: naming it.
    """
    if to is not None and to.is_dir():
        raise ArgumentError(f"--to must be a file, but {to} is a folder; name a file in it")


def export(
    what: Any,
    form: str,
    *,
    to: str | Path | None = None,
    baseline: str | None = None,
    above: float | None = None,
    columns: GivenColumns | Sequence[GivenColumns] = (),
    cluster: str | None = None,
    slices: str | Sequence[str] = (),
    mix: Mix | None = None,
) -> str | bytes:
    """Results or tables in a form that papers and other tools read, such as ``latex``, ``csv`` or ``parquet``.

    Args:
        what: an output folder or several, whose results are compared too; results that are at hand; or what prints as
            tables: a comparison, verdicts of a gate or on claims, a study of noise.
        form: as ``hardiness list exports`` names it; of tables ``latex``, ``csv`` or ``markdown``.
        to: the file to write; none by default.
        baseline: of folders, a model whose stored runs ratios divide by, instead of the published baseline.
        above: of folders, the accuracy of operating limits, as of `load_results`.
        columns, cluster, slices, mix: of folders, as of `evaluate`.

    Returns:
        The content: text, or bytes of a binary form such as ``parquet``.

    Raises:
        UnknownNameError: there is no such form.
        ArgumentError: ``to`` is a folder, the form has no tables, or ``baseline`` stands beside what is no folder.
        DataError: the folder holds no records. What of it cannot be read is a warning of Python.
        StoreError: the file cannot be written.
    """
    file = None if to is None else Path(to)
    refuse_folder(file)
    exporter = registry.get(form)
    parts: list[Any] = list(what) if isinstance(what, list | tuple) else [what]
    if parts and all(isinstance(part, str | Path) for part in parts):
        grouping = grouping_of(columns, cluster, slices, mix)
        collection = collect_results([str(part) for part in parts], baseline, grouping, above)
        for line in lines_of(collection.problems):
            warnings.warn(line, stacklevel=2)
        gates = gate_tables(collection.folder.stores)
        content = exporter.content(collection.results, collection.comparisons, collection.folder.tables_of, gates)
    elif baseline is not None or cluster is not None or len(slices):
        name = "baseline" if baseline is not None else "cluster" if cluster is not None else "slices"
        raise ArgumentError(f"{name}= goes with the folder of an evaluation; results that are at hand have none")
    else:
        content = _of_objects(what, form)
    if file is not None:
        write_export(content, file)
    return content if exporter.binary else content.decode()


def _of_objects(what: Any, form: str) -> bytes:
    """The content for results, or for what prints as tables.

    Raises:
        ArgumentError: it is neither.
    """
    results = [what] if isinstance(what, Result) else what
    if hasattr(what, "text_in"):
        return str(what.text_in(form)).encode()
    if hasattr(what, "views"):
        return tables_in(form, what.views()).encode()
    if hasattr(what, "view") and not isinstance(what, Result):
        return tables_in(form, [what.view()]).encode()
    if isinstance(results, Sequence) and results and all(isinstance(each, Result) for each in results):
        return registry.get(form).content(list(results))
    raise ArgumentError(
        "export needs the folder of an evaluation, results, a comparison or verdicts, was "
        f"{'nothing' if isinstance(what, list | tuple) and not what else type(what).__name__}"
    )


def bibtex(what: Any) -> str:
    """The papers to cite for what was evaluated, as BibTeX: benchmarks, protocols, attacks and models.

    Args:
        what: an output folder or several, or results that are at hand.

    Raises:
        ArgumentError: it is none of these.
        DataError: the folder holds no records.
    """
    return str(export(what, "bibtex"))
