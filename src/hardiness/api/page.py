"""The page of one or more output folders, with the photographs behind its numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hardiness import data as datasets
from hardiness.api.collection import (
    comparisons_of,
    gate_tables,
    open_stores,
    problems_of,
    stated_accuracy,
    with_published,
)
from hardiness.api.grouping import GroupingArguments, Mix, grouping_asked
from hardiness.api.grouping_options import MixedGroupingOptions
from hardiness.api.paper_claims import claims_table, published_claims
from hardiness.core.benchmark import DataRoot
from hardiness.core.columns import Grouping
from hardiness.core.errors import ArgumentError, HardinessError, UnknownNameError
from hardiness.core.fact import Fact, error_of
from hardiness.core.options import above_option, argument, baseline_option, option, wait_option
from hardiness.core.result import Result
from hardiness.data.columns import GivenColumns
from hardiness.engine.pictures import PictureSource
from hardiness.reference.class_sets import CLASS_SETS, class_set
from hardiness.report.commands import data_argument, flatten
from hardiness.report.page import PageOptions, put_page
from hardiness.report.pictures import FeatureGrid, FeaturePicture
from hardiness.report.results_file import rebuild_results
from hardiness.report.training_overlap import declared
from hardiness.results.folder import Folder
from hardiness.sources.files import shown
from hardiness.store.files import Files
from hardiness.store.local_files import LocalFiles, refuse_special
from hardiness.store.lock import WAIT_S
from hardiness.store.store import Store
from hardiness.visualise.stored import folders, read

PAGE = "report.html"


@dataclass(frozen=True, slots=True)
class Report:
    """One ``hardiness report``.

    Attributes:
        outs: output folders; their results stand in one page.
        data: where the photographs are now, as ``--data``; where they were when they were evaluated if empty.
        baseline: a model whose stored runs ratios divide by, instead of the published baseline.
        published: show the published results, beside those of ``outs`` if there are some.
        images: whether the page holds photographs.
        show: sets whose pictures are shown only where they are named here, as the licence of ``objectnet`` wants.
        column: whether figures are written at the width of one column of a paper too.
        titles: whether figures as files have their headings on them.
        trained_with: what models were trained with beyond what their names say, as ``MODEL=RECIPE+…``.
        above: the accuracy up to which operating limits are told, as ``0.9`` or ``90 %``; half of the clean one if
            ``None``.
        to: the file; in the one output folder, else in the working folder, if ``None``.
        evidence: the folder of evidence that can be filed, which is written in place of the page.
        about: the TOML file of what a person states in it.
        since: an earlier evidence file, or its folder.
        wait_s: how long to wait for the one output folder, where somebody else is changing it.
    """

    outs: tuple[str, ...] = argument("[OUT]…", ())
    data: tuple[str, ...] = option(
        "Where the photographs are now; where they were when they were evaluated if not given.",
        (),
        metavar="ROOT|NAME=PATH|embedded",
    )
    baseline: str | None = baseline_option()
    published: bool = option("The paper's own results, beside those of OUT if it is given.", False)
    images: bool = option("Whether the page holds photographs.", True, off="--no-images")
    show: tuple[str, ...] = option(
        "Also pictures of this set, which are shown to who asks: objectnet, each in its red border.", (), metavar="SET"
    )
    column: bool = option("Write each figure as wide as one column of a paper too: NAME--column.pdf.", False)
    titles: bool = option(
        "Whether figures as files have their headings on them, which a paper says in its captions.",
        True,
        off="--no-titles",
    )
    trained_with: tuple[str, ...] = option(
        "What a model was trained with: augmix, deepaugment, ant, sin …, or names of corruptions.",
        (),
        metavar="MODEL=RECIPE+…",
    )
    above: str | None = above_option()
    to: Path | None = option("The file to write; nothing in OUT changes then.", None, name="--to --out")
    evidence: str | None = option(
        "Write evidence that can be filed into this folder instead: JSON, its schema, a page that prints.",
        None,
        metavar="DIR",
    )
    about: str | None = option(
        "With --evidence: intended use, domain, who is responsible, date.", None, metavar="FILE.toml"
    )
    since: str | None = option(
        "With --evidence: an earlier one; what changed since is said.", None, metavar="DIR|evidence.json"
    )
    wait_s: float = wait_option(WAIT_S)
    grouped: MixedGroupingOptions = field(default_factory=MixedGroupingOptions)
    arguments: GroupingArguments | None = None

    @property
    def grouping(self) -> Grouping:
        """The clusters and slices that the command, or Python, asks for; raises as `grouping_of`."""
        return self.arguments.grouping if self.arguments else grouping_asked(self.grouped)

    @property
    def into_out(self) -> bool:
        """Whether the page goes into the one output folder, whose ``results.json`` is then made anew too."""
        return self.to is None and len(self.outs) == 1 and not self.published

    def place(self, stores: Sequence[Store]) -> tuple[Files, str]:
        """Where the page goes, and its name there.

        Args:
            stores: its folders, those that hold records.
        """
        if self.into_out:
            return stores[0].files if stores else LocalFiles(Path(self.outs[0])), PAGE
        path = self.to or Path()
        if path.is_dir():
            path /= PAGE
        refuse_special(path)  # before its figures are written beside it
        return LocalFiles(path.parent.resolve()), path.name


@dataclass(frozen=True, slots=True)
class WrittenPage:
    """Where a page is, a line for each thing of the folders that could not be read, and what else to know of them."""

    address: str
    problems: tuple[Fact, ...] = ()
    remarks: tuple[Fact, ...] = ()


def write_page(report: Report) -> WrittenPage:
    """Write the page; where it is, and what could not be read.

    Raises:
        ArgumentError: there is neither a folder nor ``published``.
        DataError: the one folder holds no records.
        StoreError: records cannot be read, or the page cannot be written; the former page is then as it was.
    """
    if not report.outs and not report.published:
        raise ArgumentError("report needs OUT, the folder of an earlier 'hardiness run', or --published")
    recipes = declared(report.trained_with)
    for name in report.show:
        if name not in (guarded := [each for each in CLASS_SETS if class_set(each).shown_when_asked]):
            raise UnknownNameError("set to show", name, guarded)
    grids, problems = _features(report.outs)
    stores, missing = open_stores(report.outs, bool(grids), report.wait_s)
    grouping, above = report.grouping, stated_accuracy(report.above)
    if report.into_out and stores:  # page and results.json of a folder say the same
        folder = rebuild_results(stores[0], report.baseline, grouping, above)
    else:
        folder = Folder.open(*stores, grouping=grouping, baseline=report.baseline, above=above)
    problems = problems_of(folder, [*problems, *missing])
    results = with_published(folder.results) if report.published else folder.results
    claims = claims_table(folder) if stores else published_claims().view() if results else None
    title = ", ".join(_name_of(out) for out in report.outs) or "the published results"
    options = PageOptions(
        picture_of=_pictures(stores, report) if report.images and stores else None,
        images=report.images,
        column=report.column,
        titles=report.titles,
        problems=tuple(problems),
        comparisons=comparisons_of(folder),
        features=grids,
        declared=recipes,
        claims=claims,
        gates=gate_tables(stores),
        outs=report.outs,
    )
    files, name = report.place(stores)
    put_page(results, files, name, f"hardiness: {title}", options)
    return WrittenPage(f"{files.address}/{name}", tuple(problems), folder.renamed)


def write_report(
    out: str | Path | Result | Sequence[str | Path] | Sequence[Result],
    *,
    data: str | Sequence[str] = (),
    baseline: str | None = None,
    images: bool = True,
    column: bool = False,
    titles: bool = True,
    published: bool = False,
    show: str | Sequence[str] = (),
    trained_with: str | Sequence[str] = (),
    above: float | None = None,
    to: str | Path | None = None,
    columns: GivenColumns | Sequence[GivenColumns] = (),
    cluster: str | None = None,
    slices: str | Sequence[str] = (),
    mix: Mix | None = None,
) -> str:
    """Write a page of what was evaluated, with its figures beside it, and return where it is.

    Args:
        out: the ``out=`` or ``--out`` of earlier evaluations, or several, whose page has comparisons, claims and
            photographs too; or results that are at hand, whose page has their scores and figures.
        data: where the photographs are now, as ``--data``; where they were when they were evaluated if empty.
        baseline: a model whose stored runs ratios divide by, instead of the published baseline.
        images: whether the page holds photographs.
        column: whether each figure is written as wide as one column of a paper too.
        titles: whether figures as files have their headings on them.
        published: whether the paper's own results stand beside those of the folders.
        show: sets whose pictures are shown only where they are named, such as ``"objectnet"``.
        trained_with: what models were trained with beyond what their names say, as ``"MODEL=RECIPE+…"``.
        above: the accuracy up to which operating limits are told, as of `load_results`.
        to: the file; ``report.html`` in the one folder by default, else in the working folder.
        columns, cluster, slices, mix: of folders, as of `evaluate`.

    Raises:
        ArgumentError: there is nothing to show, or an argument that is for folders stands beside results.
        DataError: the folder holds no records.
        StoreError: records cannot be read, or the page cannot be written.
    """
    place = None if to is None else Path(to)
    parts: list[Any] = [out] if isinstance(out, str | Path | Result) else list(out)
    if not parts:
        raise ArgumentError("write_report needs a folder of an earlier evaluation or a result; had none")
    if all(isinstance(part, Result) for part in parts):
        if data or baseline:
            raise ArgumentError(
                "data= and baseline= go with the folder of an evaluation; results that are at hand have none"
            )
        if published or show or trained_with:
            raise ArgumentError("published=, show= and trained_with= go with the folder of an evaluation; name it")
        if cluster is not None or len(slices):
            raise ArgumentError("cluster= and slices= go with the folder of an evaluation; name it")
        files, name = Report((), to=place).place(())
        put_page(parts, files, name, "hardiness", PageOptions(images=False, column=column, titles=titles))
        return f"{files.address}/{name}"
    report = Report(
        tuple(map(str, parts)),
        _texts(data),
        baseline,
        published,
        images,
        _texts(show),
        column,
        titles,
        _texts(trained_with),
        None if above is None else str(above),
        place,
        arguments=GroupingArguments(columns, cluster, slices, mix),
    )
    return write_page(report).address


def _texts(texts: str | Sequence[str]) -> tuple[str, ...]:
    return (texts,) if isinstance(texts, str) else tuple(texts)


def publish(folder: Folder, out: str) -> str:
    """Write the page of a run that has just ended, as `write_page` does, and its figures as SVG alone; where it is.

    Pixels of a figure take half a second each, and ``hardiness report`` writes them when they are wanted.

    Args:
        folder: of the run.
        out: its address, as it was named.

    Raises:
        StoreError: it cannot be written; the former page is then as it was.
    """
    grids, problems = _features((out,))
    (store,) = folder.stores
    options = PageOptions(
        picture_of=_pictures([store], Report((out,))),
        figures=("svg",),
        problems=tuple(problems),
        comparisons=comparisons_of(folder),
        features=grids,
        claims=claims_table(folder),
        gates=gate_tables([store]),
        outs=(out,),
    )
    put_page(folder.results, store.files, PAGE, f"hardiness: {_name_of(out)}", options)
    return f"{store.address}/{PAGE}"


def write_held(folder: Folder, results: Sequence[Result], to: str | Path, title: str) -> str:
    """Write the page of answers that are held in memory, with their comparisons and last gate; where it is.

    Args:
        folder: of the answers.
        results: those of its results that the page shows.
        to: the file.
        title: of the page.

    Raises:
        StoreError: it cannot be written.
    """
    files, name = Report((), to=Path(to)).place(())
    options = PageOptions(
        images=False,
        problems=folder.problems,
        comparisons=comparisons_of(folder),
        gates=gate_tables(folder.stores),
    )
    put_page(results, files, name, title, options)
    return f"{files.address}/{name}"


def _name_of(out: str) -> str:
    return shown(Path(out).resolve().name)


def _features(outs: Sequence[str]) -> tuple[list[FeatureGrid], list[Fact]]:
    """The pictures of units in folders on a disk, and a fact for each record of them that cannot be read."""
    grids, problems = [], []
    for folder in dict.fromkeys(folder for out in outs for folder in folders(Path(out))):
        try:
            exhibition = read(folder)
        except HardinessError as error:
            problems.append(error_of(error))
            continue
        settings = ", ".join(f"{name} {value}" for name, value in flatten(exhibition.settings))
        features = [FeaturePicture(each.label, each.facts, each.file) for each in exhibition.features]
        grids.append(FeatureGrid(exhibition.model, exhibition.protocol, f"{folder.name}: {settings}", features))
    return grids, problems


def _pictures(stores: Sequence[Store], report: Report) -> PictureSource:
    named = datasets.locate(list(report.data)) if report.data else None

    def root(result: Result) -> DataRoot:
        if named is not None:
            return named
        if result.run.data.is_embedded:
            return datasets.locate([result.data])
        stated = [session["asked"]["data"] for session in result.measured.get("sessions", ()) if "asked" in session]
        return datasets.locate(stated[-1] if stated else [data_argument(result)])

    return PictureSource(root, [store.files for store in stores], report.show)
