"""The page of one or more output folders, with the photographs behind its numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hardiness import data as datasets
from hardiness import scoring
from hardiness.core import ArgumentError, DataRoot, HardinessError, Result
from hardiness.engine.pictures import Pictures
from hardiness.report import PageOptions, put_page
from hardiness.scoring.published_results import published_results
from hardiness.scoring.results import group_of
from hardiness.scoring.statistics.benchmark_comparison import BenchmarkComparison, compare
from hardiness.store import Store
from hardiness.store.files import LocalFiles

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
        to: the file; in the one output folder, else in the working folder, if ``None``.
    """

    outs: tuple[str, ...]
    data: tuple[str, ...] = ()
    baseline: str | None = None
    published: bool = False
    images: bool = True
    to: Path | None = None


def write_report(asked: Report) -> str:
    """Write the page; where it is.

    Raises:
        ArgumentError: there is neither a folder nor ``published``.
        DataError: the one folder holds no records.
        StoreError: records cannot be read, or the page cannot be written; the former page is then as it was.
    """
    if not asked.outs and not asked.published:
        raise ArgumentError("report needs OUT, the folder of an earlier 'hardiness run', or --published")
    stores, problems = _opened(asked.outs)
    found, problems = _results(stores, asked, problems)
    title = ", ".join(Path(store.address).resolve().name for store in stores) or "the published results"
    options = PageOptions(
        picture_of=_pictures(stores, asked.data) if asked.images and stores else None,
        images=asked.images,
        problems=tuple(problems),
        comparisons=_comparisons(stores),
    )
    if asked.to is None and len(stores) == 1 and not asked.published:
        files, name = stores[0].files, PAGE
    else:
        path = asked.to or Path(PAGE)
        files, name = LocalFiles(path.resolve().parent), path.name
    put_page(found, files, name, f"hardiness: {title}", options)
    return f"{files.address}/{name}"


def publish(store: Store, results: Sequence[Result], title: str) -> str:
    """Write the page of a run that has just ended, without photographs; where it is.

    Raises:
        StoreError: it cannot be written; the former page is then as it was.
    """
    put_page(results, store.files, PAGE, title, PageOptions(figures=("svg", "png"), comparisons=_comparisons([store])))
    return f"{store.address}/{PAGE}"


def results_of(outs: Sequence[str], baseline: str | None = None) -> list[Result]:
    """The results of one or more output folders, each run once.

    Raises:
        DataError: the one folder, or each of them, holds no records.
    """
    stores, _ = _opened(tuple(outs))
    return _results(stores, Report(tuple(outs), baseline=baseline), [])[0]


def _opened(outs: Sequence[str]) -> tuple[list[Store], list[str]]:
    """The folders that hold records, and a line for each of several that does not."""
    stores, problems = [], []
    for out in outs:
        try:
            stores.append(Store.open(out))
        except HardinessError as error:
            if len(outs) == 1:
                raise
            problems.append(str(error))
    if outs and not stores:
        raise ArgumentError(problems[0])
    return stores, problems


def _results(stores: Sequence[Store], asked: Report, problems: list[str]) -> tuple[list[Result], list[str]]:
    by_key: dict[str, Result] = {}
    for store in stores:
        found = scoring.results(store, asked.baseline) if asked.baseline else scoring.rebuild(store)
        problems = [*problems, *store.survey().problems]
        for result in found:
            kept = by_key.get(result.key)
            if kept is None or kept.counts.evaluated < result.counts.evaluated:
                by_key[result.key] = result
    measured = list(by_key.values())
    known = published_results() if asked.published else []
    both = [replace(each, model=f"{each.model} (published)") if measured else each for each in known]
    everything = [*measured, *both]
    order = {id(result): place for place, result in enumerate(everything)}
    return sorted(everything, key=lambda result: (*group_of(result), order[id(result)])), problems


def _comparisons(stores: Sequence[Store]) -> list[BenchmarkComparison]:
    """The models of one folder on the same images; none where there are fewer than two."""
    try:
        return compare(stores) if len(stores) == 1 else []
    except ArgumentError:
        return []


def _pictures(stores: Sequence[Store], data: Sequence[str]) -> Pictures:
    given = datasets.locate(list(data)) if data else None

    def root(result: Result) -> DataRoot:
        if given is not None:
            return given
        if result.data == "embedded":
            return datasets.locate([result.data])
        own = result.data.startswith("own-")
        name, classes = ("imagenet", ":classes=folders") if own else (result.run.data.name, "")
        return datasets.locate([f"{name}={result.plan.location}{classes}"])

    return Pictures(root, [store.files for store in stores])
