"""Evidence that can be filed, from output folders: one JSON with its schema, and one page that prints."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from hardiness.api.collection import comparisons_of, open_stores, problems_of
from hardiness.api.grouping import GroupingArguments, Mix
from hardiness.api.page import Report
from hardiness.core.columns import NO_GROUPING, Grouping
from hardiness.core.errors import ArgumentError, StoreError
from hardiness.core.fact import Fact, lines_of
from hardiness.core.result import Result
from hardiness.data.column_descriptions import describe_columns
from hardiness.data.columns import GivenColumns
from hardiness.reference.files import reference_file
from hardiness.report.evidence.about import read_about
from hardiness.report.evidence.changes import FILE, read_former
from hardiness.report.evidence.page import evidence_page
from hardiness.report.evidence.record import SCHEMA, ColumnRecord, FileDigest
from hardiness.report.evidence.tested import PictureFacts
from hardiness.report.evidence.writing import (
    EvidenceSources,
    FolderVerdicts,
    evidence_json,
    evidence_record,
)
from hardiness.results.dependence import dependence_note, dependences_of
from hardiness.results.folder import Folder
from hardiness.results.gate import kept_gate
from hardiness.results.runs import ScoredRun
from hardiness.store.local_files import LocalFiles
from hardiness.store.lock import WAIT_S
from hardiness.store.writing import PARTIAL

PAGE = "evidence.html"


@dataclass(frozen=True, slots=True)
class EvidenceRequest:
    """One evidence file.

    Attributes:
        outs: output folders.
        folder: where JSON, schema and page are written.
        about: the TOML file of what a person states; ``None`` for nothing.
        since: an earlier evidence file, or its folder; ``None`` for none.
        baseline: a model whose stored runs ratios divide by, instead of the published baseline.
        grouping: the clusters and slices that results are asked for.
        wait_s: how long to wait for a folder whose lock somebody else holds.
    """

    outs: tuple[str, ...]
    folder: str
    about: str | None = None
    since: str | None = None
    baseline: str | None = None
    grouping: Grouping = field(default=NO_GROUPING)
    wait_s: float = WAIT_S


@dataclass(frozen=True, slots=True)
class WrittenEvidence:
    """Where the page and the JSON are, what of the folders could not be read, and what else to know of them."""

    page: str
    file: str
    problems: tuple[Fact, ...] = ()
    remarks: tuple[Fact, ...] = ()


def file_evidence(request: EvidenceRequest) -> WrittenEvidence:
    """Write the evidence of output folders; nothing in these changes, and equal folders give equal bytes.

    Raises:
        ArgumentError: a file that is named cannot be read or is wrong, or there is no folder; nothing is written.
        DataError: the one folder holds no records.
        StoreError: a run cannot be read, or the files cannot be written.
    """
    if not request.outs:
        raise ArgumentError("evidence needs OUT, the folder of an earlier 'hardiness run'")
    if not request.folder:
        raise ArgumentError("evidence must name a folder, was empty")
    if "://" in request.folder:
        raise ArgumentError(f"evidence must name a folder on a disk, was {request.folder}")
    target = Path(request.folder).resolve()
    if out := next((out for out in request.outs if target.is_relative_to(Path(out).resolve())), None):
        raise ArgumentError(
            f"evidence must name a folder outside of {out}, in which nothing changes, was {request.folder}; name "
            "another one"
        )
    if Path(request.folder).exists() and not Path(request.folder).is_dir():
        raise ArgumentError(f"evidence must name a folder, and {request.folder} is a file; name another one")
    about = read_about(request.about)
    former = read_former(request.since) if request.since is not None else None
    stores, missing = open_stores(tuple(dict.fromkeys(request.outs)), wait_s=request.wait_s)
    folder = Folder.open(*stores, grouping=request.grouping, baseline=request.baseline)
    if folder.problems:
        raise StoreError(f"evidence must hold every run, and cannot: {'; '.join(lines_of(folder.problems))}")
    problems, comparisons = problems_of(folder, missing), comparisons_of(folder, details=False)
    verdicts = [
        FolderVerdicts(*last, [result for result in folder.results if result.is_of(folder.keys_in(store))])
        for store in stores
        if (last := kept_gate(store))
    ]
    sources = EvidenceSources(folder.results, comparisons, verdicts, picture_facts(folder), about, former, problems)
    record = evidence_record(sources)
    content = evidence_json(record)
    page, schema = evidence_page(record, content).encode(errors="backslashreplace"), reference_file(SCHEMA).read_bytes()
    files = LocalFiles(target)  # all is made by now: who stops this has three files or none
    files.write(SCHEMA, schema)
    files.write(PAGE, page)
    files.write(FILE, content)
    with suppress(OSError):  # a folder that is handed over holds the three files alone
        (files.folder / PARTIAL).rmdir()
    return WrittenEvidence(f"{files.address}/{PAGE}", f"{files.address}/{FILE}", tuple(problems), folder.renamed)


def report_evidence(report: Report) -> WrittenEvidence:
    """Write the evidence that a ``hardiness report --evidence DIR`` asks for.

    Raises:
        ArgumentError: an option stands beside it that is of a page alone; else as `file_evidence`.
    """
    assert report.evidence is not None, "a folder is named"
    of_pages = {
        "published": report.published,
        "to": report.to,
        "no-images": not report.images,
        "show": report.show,
        "column": report.column,
        "trained-with": report.trained_with,
        "data": report.data,
    }
    for name, value in of_pages.items():
        if value:
            raise ArgumentError(f"{name} does not go with evidence, which holds measurements alone; leave one out")
    return file_evidence(
        EvidenceRequest(
            report.outs, report.evidence, report.about, report.since, report.baseline, report.grouping, report.wait_s
        )
    )


def picture_facts(folder: Folder) -> dict[str, PictureFacts]:
    """Facts about the pictures of each run of a folder beyond its results, by the run's key."""
    facts = {}
    for run in folder.runs:
        if run.counts().images:
            facts[run.stored.key] = _facts(run, folder.grouping.cluster)
        run.save()
        run.release()
    return facts


def _facts(run: ScoredRun, cluster: str) -> PictureFacts:
    return PictureFacts(
        columns=tuple(
            ColumnRecord(each.name, each.kind, each.values, each.missing, each.counts, each.range)
            for each in describe_columns(run.picture_columns, run.ids.tolist(), cluster)
        ),
        sources=tuple(FileDigest(source.name, source.sha256) for source in run.picture_columns.sources),
        dependence=dependences_of(run),
        dependence_note=dependence_note(run),
        companions=tuple(map(_without_scores, run.companions)),
    )


def _without_scores(run: ScoredRun) -> Result:
    """The result of a stored run that is shown with another one: where its rows are from, and no score."""
    identity = run.stored.run
    return Result(
        model=identity.model.name,
        benchmark=identity.benchmark.name,
        data=identity.data.name,
        protocol=identity.benchmark.protocol,
        scores=(),
        counts=run.counts(),
        run=identity,
        measured={"sessions": run.sessions()},
        key=run.stored.key,
        plan=run.stored.plan,
    )


def write_evidence(
    out: str | Path | Sequence[str | Path],
    folder: str | Path,
    *,
    about: str | Path | None = None,
    since: str | Path | None = None,
    baseline: str | None = None,
    columns: GivenColumns | Sequence[GivenColumns] = (),
    cluster: str | None = None,
    slices: str | Sequence[str] = (),
    mix: Mix | None = None,
) -> str:
    """Write evidence that can be filed of what was evaluated, and return where its page is.

    ``evidence.json``, the schema that it follows and ``evidence.html``, which prints on A4, are written into a folder;
    nothing in ``out`` changes, and the same ``out`` gives the same bytes.

    Args:
        out: the ``out=`` or ``--out`` of earlier evaluations, or several.
        folder: where the three files are written.
        about: a TOML file of what a person states: intended use, domain, who is responsible, the date.
        since: an earlier ``evidence.json``, or its folder: what changed since is said.
        baseline: a model whose stored runs ratios divide by, instead of the published baseline.
        columns, cluster, slices, mix: as of `evaluate`.

    Raises:
        ArgumentError: a file that is named cannot be read or is wrong; nothing is written.
        DataError: the folder holds no records.
        StoreError: a run cannot be read, or the files cannot be written.
    """
    outs = [out] if isinstance(out, str | Path) else list(out)
    request = EvidenceRequest(
        tuple(map(str, outs)),
        str(folder),
        None if about is None else str(about),
        None if since is None else str(since),
        baseline,
        GroupingArguments(columns, cluster, slices, mix).grouping,
    )
    return file_evidence(request).page
