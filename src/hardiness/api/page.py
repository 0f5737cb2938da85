"""The page of one or more output folders, with the photographs behind its numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

from hardiness import data as datasets
from hardiness.benchmarks.galleries import with_galleries_aside
from hardiness.core.benchmark import DataRoot
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError, HardinessError, UnknownNameError
from hardiness.core.options import argument, baseline_option, option, wait_option
from hardiness.core.result import Result, TextTable
from hardiness.engine.pictures import PictureSource
from hardiness.models.catalogue import registry
from hardiness.reference.class_sets import CLASS_SETS, class_set
from hardiness.report.commands import data_argument, flatten
from hardiness.report.format import as_text, terminal_table
from hardiness.report.gate import gate_view
from hardiness.report.page import PageOptions, put_page
from hardiness.report.pictures import FeatureGrid, FeaturePicture
from hardiness.report.sections import with_own_names
from hardiness.report.tables import Form, table_of
from hardiness.report.training_overlap import declared
from hardiness.results.claims.claim import ClaimVerdicts, Models, from_results, judge_claims, published_models
from hardiness.results.comparison import BenchmarkComparison, kept_comparisons
from hardiness.results.gate import kept_gate
from hardiness.results.results import each_once, group_of, published_results, rebuild_results, results_of
from hardiness.sources.files import shown
from hardiness.store.files import Files
from hardiness.store.local_files import LocalFiles, refuse_special
from hardiness.store.lock import WAIT_S
from hardiness.store.store import Store, surveyed
from hardiness.visualise.stored import folders, read


@dataclass(frozen=True, repr=False)
class ClaimReport(ClaimVerdicts):
    """The verdicts on every claim; prints as a table."""

    def __repr__(self) -> str:
        return as_text(terminal_table(self.view()))

    def table(self, form: Form = "pyarrow") -> Any:
        """A table, one row a claim: its name and sentence, the verdict, its two-sided p, and what it rests on.

        Args:
            form: ``"pyarrow"`` for a ``pyarrow.Table``, ``"pandas"`` for a ``pandas.DataFrame``.

        Raises:
            ArgumentError: there is no such form, or pandas is not installed.
        """
        rows = (
            (
                {
                    "claim": claim.name,
                    "sentence": claim.sentence,
                    "verdict": judgement.verdict,
                    "p": judgement.p,
                    "because": judgement.reason or "; ".join(contrast.name for contrast in judgement.contrasts),
                },
                Condition(),
            )
            for claim, judgement in self.claims
        )
        return table_of(rows, form)


def claims(out: str | Path, *family: str, reference: str | None = None) -> ClaimReport:
    """Whether the paper's sentences hold for the models of an output folder.

    Args:
        out: the ``out=`` or ``--out`` of earlier evaluations.
        family: models of one recipe, smallest first; all but the reference if none is given, by how many parameters
            they have, or by name (``8x`` before ``16x``) where that is not known of each.
        reference: the model that they are compared with.

    Raises:
        UnknownNameError: a model was not run.
        DataError: the folder holds no records.
    """
    store = Store.open(out)
    found = judge_claims(_models(store, family, reference).paired([store]))
    return ClaimReport(found.models, found.claims)


def claims_table(stores: Sequence[Store], results: Sequence[Result], baseline: str | None = None) -> TextTable | None:
    """The paper's sentences judged on all models of one or more folders, as a table; ``None`` where there is none.

    A name under which folders hold different weights is left out: which of the models is meant cannot be told. Nothing
    is judged on a person's own classes, of which the paper says nothing.

    Args:
        stores: the folders.
        results: what they hold, each run once.
        baseline: a model whose stored runs the ratios of ``results`` divide by, instead of the published baseline.
    """
    weights: dict[str, set[str]] = {}
    chat = dict.fromkeys(each.name for each in results if each.run.model.mark)
    for result in (each for each in results if not each.run.data.classes and not each.run.model.mark):
        weights.setdefault(result.run.model.name, set()).add(result.run.model.weights_sha256)
    family = [name for name, hashes in weights.items() if len(hashes) == 1]
    if not family:
        return None
    verdicts = judge_claims(models := _by_size(results, family, None))
    if verdicts.rest_on_numbers:  # else nothing is read off the images
        verdicts = judge_claims(models.paired(stores, baseline))
    view = verdicts.view()
    unclear = sorted(weights.keys() - set(family))
    left_out = [f"{name} is left out: runs of that name have different weights" for name in unclear]
    left_out += [f"{name} is left out: the paper speaks of networks, whose weights are known" for name in chat]
    return replace(view, notes=(*view.notes, *left_out))


def published_claims() -> ClaimReport:
    """Whether they hold for the five models of the paper by their published numbers."""
    found = judge_claims(published_models())
    return ClaimReport(found.models, found.claims)


def _models(store: Store, family: Sequence[str], reference: str | None) -> Models:
    found = results_of(store)
    known = list(dict.fromkeys(result.model for result in found))
    for name in (*family, *((reference,) if reference else ())):
        if name not in known:
            raise UnknownNameError(f"model in {store.address}", name, known)
    if family:
        return replace(from_results(found, family, reference), parameters=_parameters(found))
    chat = {result.model for result in found if result.run.model.mark}  # of which the paper says nothing
    return _by_size(found, [name for name in known if name != reference and name not in chat], reference)


def _by_size(results: Sequence[Result], names: Sequence[str], reference: str | None) -> Models:
    """The models, those with the fewest parameters first; by name where that is not known of each."""
    known = _parameters(results)
    by_parameters = all(name in known for name in names)
    family = sorted(names, key=lambda name: (known[name] if by_parameters else 0, _natural(name)))
    models = from_results(results, family, reference)
    return replace(models, order="parameters" if by_parameters else "name", parameters=known)


def _parameters(results: Sequence[Result]) -> dict[str, int]:
    """How many parameters models have, as was stored with their runs, or as the catalogue has it; none is loaded."""
    counts: dict[str, set[int]] = {}
    for result in results:
        stored = {count for each in result.measured.get("sessions", ()) if (count := each.get("parameters"))}
        if not stored and (spec := registry.find(result.model)) and (count := spec.source.parameters):
            stored = {count}
        counts.setdefault(result.model, set()).update(stored)
    return {model: next(iter(each)) for model, each in counts.items() if len(each) == 1}


def _natural(name: str) -> list[tuple[str, int]]:
    """Names by their letters, then by their numbers as numbers."""
    return [(letters, int(number or 0)) for letters, number in re.findall(r"(\D*)(\d*)", name)]


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
        trained_with: what models were trained with beyond what their names say, as ``MODEL=RECIPE+…``.
        to: the file; in the one output folder, else in the working folder, if ``None``.
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
    trained_with: tuple[str, ...] = option(
        "What a model was trained with: augmix, deepaugment, ant, sin …, or names of corruptions.",
        (),
        metavar="MODEL=RECIPE+…",
    )
    to: Path | None = option("The file to write; nothing in OUT changes then.", None, name="--to --out")
    wait_s: float = wait_option(WAIT_S)

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
    problems: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def write_page(asked: Report) -> WrittenPage:
    """Write the page; where it is, and what could not be read.

    Raises:
        ArgumentError: there is neither a folder nor ``published``.
        DataError: the one folder holds no records.
        StoreError: records cannot be read, or the page cannot be written; the former page is then as it was.
    """
    if not asked.outs and not asked.published:
        raise ArgumentError("report needs OUT, the folder of an earlier 'hardiness run', or --published")
    known = declared(asked.trained_with)
    for name in asked.show:
        if name not in (known_sets := [each for each in CLASS_SETS if class_set(each).shown_when_asked]):
            raise UnknownNameError("set to show", name, known_sets)
    grids, problems = _features(asked.outs)
    stores, problems = _opened(asked.outs, problems, bool(grids), asked.wait_s)
    found, problems, remarks = _results(stores, asked, problems)
    found = [with_galleries_aside(each) if each.benchmark in asked.show else each for each in found]
    with surveyed(*stores):  # runs that come meanwhile are on the next page
        comparisons = comparisons_of(stores, found, asked.baseline)
        claims, gates = _claims(stores, found, asked.baseline), gate_tables(stores)
    title = ", ".join(shown(Path(out).resolve().name) for out in asked.outs) or "the published results"
    options = PageOptions(
        picture_of=_pictures(stores, asked) if asked.images and stores else None,
        images=asked.images,
        column=asked.column,
        problems=tuple(problems),
        comparisons=comparisons,
        features=grids,
        declared=known,
        claims=claims,
        gates=gates,
    )
    files, name = asked.place(stores)
    put_page(found, files, name, f"hardiness: {title}", options)
    return WrittenPage(f"{files.address}/{name}", tuple(problems), tuple(remarks))


def write_report(
    out: str | Path | Result | Sequence[str | Path] | Sequence[Result],
    *,
    data: str | Sequence[str] = (),
    baseline: str | None = None,
    images: bool = True,
    column: bool = False,
    published: bool = False,
    show: str | Sequence[str] = (),
    trained_with: str | Sequence[str] = (),
    to: str | Path | None = None,
) -> str:
    """Write a page of what was evaluated, with its figures beside it, and return where it is.

    Args:
        out: the ``out=`` or ``--out`` of earlier evaluations, or several, whose page has comparisons, claims and
            photographs too; or results that are at hand, whose page has their scores and figures.
        data: where the photographs are now, as ``--data``; where they were when they were evaluated if empty.
        baseline: a model whose stored runs ratios divide by, instead of the published baseline.
        images: whether the page holds photographs.
        column: whether each figure is written as wide as one column of a paper too.
        published: whether the paper's own results stand beside those of the folders.
        show: sets whose pictures are shown only where they are named, such as ``"objectnet"``.
        trained_with: what models were trained with beyond what their names say, as ``"MODEL=RECIPE+…"``.
        to: the file; ``report.html`` in the one folder by default, else in the working folder.

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
        files, name = Report((), to=place).place(())
        put_page(parts, files, name, "hardiness", PageOptions(images=False, column=column))
        return f"{files.address}/{name}"
    report = Report(
        tuple(map(str, parts)),
        _texts(data),
        baseline,
        published,
        images,
        _texts(show),
        column,
        _texts(trained_with),
        place,
    )
    return write_page(report).address


def _texts(texts: str | Sequence[str]) -> tuple[str, ...]:
    return (texts,) if isinstance(texts, str) else tuple(texts)


def publish(
    store: Store,
    results: Sequence[Result],
    title: str,
    comparisons: Sequence[BenchmarkComparison],
    baseline: str | None = None,
) -> str:
    """Write the page of a run that has just ended, without photographs, and its figures as SVG alone; where it is.

    Pixels of a figure take half a second each, and ``hardiness report`` writes them when they are wanted.

    Args:
        store: of the run.
        results: all that it holds.
        title: heading of the page.
        comparisons: of its models, as `kept_comparisons` gives them.
        baseline: a model whose stored runs the ratios of ``results`` divide by, instead of the published baseline.

    Raises:
        StoreError: it cannot be written; the former page is then as it was.
    """
    claims = claims_table([store], results, baseline)
    options = PageOptions(figures=("svg",), comparisons=comparisons, claims=claims, gates=gate_tables([store]))
    put_page(results, store.files, PAGE, title, options)
    return f"{store.address}/{PAGE}"


DETAILED_MOST = 6
"""Models up to which a page says more of each pair than its scores: 15 pairs. Their number grows with its square."""


def comparisons_of(
    stores: Sequence[Store], results: Sequence[Result], baseline: str | None = None, details: bool = True
) -> list[BenchmarkComparison]:
    """The models of one or more folders on the same images; none where there are fewer than two.

    Of more than `DETAILED_MOST` models nothing is said but their scores. A folder of which earlier ones hold every run,
    such as a copy, is left out.

    Args:
        stores: the folders.
        results: what they hold.
        baseline: a model whose stored runs the ratios of ``results`` divide by, instead of the published baseline.
        details: whether what is said of single pairs is wanted, beside scores and places.
    """
    models = {result.name for result in results if not result.measured.get("published")}
    detailed = details and len(models) <= DETAILED_MOST
    own: list[Store] = []
    known: set[str] = set()
    for store in stores:
        keys = {run.run.key for run in store.runs()}
        if not keys <= known:
            own.append(store)
        known |= keys
    compared = kept_comparisons(own, baseline, details=detailed)
    if len(own) == 1:
        return compared
    tables = (with_own_names(list(table)) for _, table in groupby(results, key=group_of))
    shown = {result.key: result.name for table in tables for result in table}
    return [_under_own_names(each, shown) for each in compared]


def _under_own_names(comparison: BenchmarkComparison, shown: Mapping[str, str]) -> BenchmarkComparison:
    """The scores of a comparison of several folders, under the names by which a page shows their runs, by key.

    Where a run has no name of its own there, no score is left: which of them is meant cannot be told.
    """
    own = {name: shown[key] for name, key in comparison.keys.items() if key in shown}
    if len(set(own.values())) < len(comparison.keys):
        return replace(comparison, scores=(), details=(), effective=(), flips=(), pair_scores=())
    scores = [
        replace(
            score,
            values={own[name]: value for name, value in score.values.items()},
            pairs={(own[first], own[second]): pair for (first, second), pair in score.pairs.items()},
        )
        for score in comparison.scores
    ]
    flips = [replace(pair, first=own[pair.first], second=own[pair.second]) for pair in comparison.flips]
    pairs = [replace(pair, first=own[pair.first], second=own[pair.second]) for pair in comparison.pair_scores]
    return replace(
        comparison, scores=tuple(scores), details=(), effective=(), flips=tuple(flips), pair_scores=tuple(pairs)
    )


def gate_tables(stores: Sequence[Store]) -> list[TextTable]:
    """The last gate of each folder, with a line where rows have come since."""
    found = []
    for store in stores:
        kept = kept_gate(store)
        if kept:
            gate, is_of_these_rows = kept
            view = gate_view(gate)
            if not is_of_these_rows:
                view = replace(view, notes=("rows have changed since: run 'hardiness gate' again", *view.notes))
            found.append(view)
    return found


@dataclass(frozen=True)
class ResultCollection:
    """The results of one or more folders, each run once; what could not be read; comparisons by score; remarks."""

    results: Sequence[Result]
    problems: Sequence[str]
    comparisons: Sequence[BenchmarkComparison]
    remarks: Sequence[str] = ()


def collect_results(outs: Sequence[str], baseline: str | None = None) -> ResultCollection:
    """What one or more output folders hold.

    Raises:
        DataError: the one folder, or each of them, holds no records.
    """
    stores, problems = _opened(tuple(outs), [])
    with surveyed(*stores):
        found, problems, remarks = _results(stores, Report(tuple(outs), baseline=baseline, to=Path(PAGE)), problems)
        return ResultCollection(found, problems, comparisons_of(stores, found, baseline, details=False), remarks)


def _opened(
    outs: Sequence[str], problems: list[str], enough: bool = False, wait_s: float = WAIT_S
) -> tuple[list[Store], list[str]]:
    """The folders that hold records, and a line for each of several that does not; ``enough``: none need to."""
    stores, problems = [], list(problems)
    for out in outs:
        try:
            stores.append(Store.open(out, wait_s))
        except HardinessError as error:
            if folders(Path(out)):
                continue
            if len(outs) == 1:
                raise
            problems.append(str(error))
    if outs and not stores and not enough:
        raise ArgumentError(problems[0])
    return stores, problems


def _features(outs: Sequence[str]) -> tuple[list[FeatureGrid], list[str]]:
    """The pictures of units in folders on a disk, and a line for each record of them that cannot be read."""
    grids, problems = [], []
    for folder in dict.fromkeys(folder for out in outs for folder in folders(Path(out))):
        try:
            found = read(folder)
        except HardinessError as error:
            problems.append(str(error))
            continue
        settings = ", ".join(f"{name} {value}" for name, value in flatten(found.settings))
        features = [FeaturePicture(each.label, each.facts, each.file) for each in found.features]
        grids.append(FeatureGrid(found.model, found.protocol, f"{folder.name}: {settings}", features))
    return grids, problems


def _results(stores: Sequence[Store], asked: Report, problems: list[str]) -> tuple[list[Result], list[str], list[str]]:
    """The results, a line for each thing that could not be read, and a line for each folder that was renamed."""
    every: list[Result] = []
    remarks: list[str] = []
    for store in stores:
        survey = store.survey()
        problems, remarks = [*problems, *survey.problems], [*remarks, *survey.renamed]
        # Page and results.json of a folder are of one baseline.
        made = rebuild_results if asked.into_out else results_of
        found = made(store, asked.baseline)
        problems += dict.fromkeys(line for result in found for line in result.damage)
        every += found
    measured = each_once(every)
    known = published_results() if asked.published else []
    both = [replace(each, model=f"{each.model} (published)") if measured else each for each in known]
    everything = [*measured, *both]
    order = {id(result): place for place, result in enumerate(everything)}
    return sorted(everything, key=lambda result: (group_of(result), order[id(result)])), problems, remarks


def _claims(stores: Sequence[Store], results: Sequence[Result], baseline: str | None) -> TextTable | None:
    """The paper's sentences judged on the models of the folders, or on the paper's own where there is no folder."""
    if not stores:
        return published_claims().view() if results else None
    return claims_table(stores, [result for result in results if not result.measured.get("published")], baseline)


def _pictures(stores: Sequence[Store], report: Report) -> PictureSource:
    given = datasets.locate(list(report.data)) if report.data else None

    def root(result: Result) -> DataRoot:
        if given is not None:
            return given
        if result.run.data.is_embedded:
            return datasets.locate([result.data])
        asked = [session["asked"]["data"] for session in result.measured.get("sessions", ()) if "asked" in session]
        return datasets.locate(asked[-1] if asked else [data_argument(result)])

    return PictureSource(root, [store.files for store in stores], report.show)
