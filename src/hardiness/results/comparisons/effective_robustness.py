"""The part of accuracy under a shift that clean accuracy does not explain, by published lines or one's own models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hardiness.benchmarks.accuracy_warnings import CLEAN
from hardiness.benchmarks.presentation import benchmark_type, has_published_classes
from hardiness.benchmarks.shares import EFFECTIVE
from hardiness.core.codes import Lack, RunRemark
from hardiness.core.errors import ArgumentError
from hardiness.core.fact import Fact, error_of
from hardiness.core.forms import json_form
from hardiness.core.model import View
from hardiness.core.result import Result, Score
from hardiness.core.run import Run
from hardiness.core.table import RIGHT, ImageTable
from hardiness.reference.classes import subset
from hardiness.reference.published_lines import (
    PublishedLine,
    filtered_by,
    images_behind,
    published_line,
    published_lines,
    testbed_point,
)
from hardiness.reference.recipes import recipes_of
from hardiness.results.comparisons import ScoredResult, clean_benchmark, clean_result, speaks_of
from hardiness.results.runs import ScoredRun, without_clusters
from hardiness.statistics.clusters import why_too_few
from hardiness.statistics.effective_robustness import EffectiveRobustness, FittedLine, Point, fit
from hardiness.statistics.estimate import Estimate, mean


def fitted(line: PublishedLine) -> FittedLine:
    """A published line in numbers."""
    part = f" {line.part}" if line.part else ""
    return FittedLine(
        line.n,
        line.intercept,
        line.slope,
        line.residual,
        line.centre,
        line.spread,
        line.clean,
        f"{line.n} standard models{part} of {line.authors} {line.date[:4]}",
    )


@speaks_of("effective_robustness", "classification", "subset_classification", "class_sets", "corruption", beside=CLEAN)
def effective_robustness(each: ScoredResult, scored: Sequence[ScoredResult]) -> Result:
    """The result with its effective robustness, or why it has none, where clean accuracy was measured too."""
    result = each.result
    if not result.scores or not published_lines(result.benchmark) or result.run.data.is_embedded:
        return result
    clean = clean_result(each, scored)
    if clean is None:
        return result
    if lack := why_none(result, clean.result):
        return _with_score(result, EFFECTIVE.score(None, result.counts.images, lack=lack))

    if each.run.clusters or clean.run.clusters:
        return _with_clusters(each, clean)

    def compute() -> EffectiveRobustness:
        estimates = accuracies(result.benchmark, clean.run.table, each.run.table)
        line = published_line(result.benchmark, estimates[0].value)
        assert line is not None, "the benchmark has lines"
        return fitted(line).effective_robustness(EFFECTIVE, *estimates)

    lines = [[line.slope, line.intercept, line.residual] for line in published_lines(result.benchmark)]
    effect = each.run.memo.record(EffectiveRobustness, EFFECTIVE.name, f"{clean.run.digest} {lines}", compute)
    clean.run.release()
    return with_effective(result, effect)


def _with_clusters(each: ScoredResult, clean: ScoredResult) -> Result:
    """The result with that number where pictures come in clusters; without an interval where these are too few."""
    estimates = accuracies(each.result.benchmark, clean.run.table, each.run.table)
    line = published_line(each.result.benchmark, estimates[0].value)
    assert line is not None, "the benchmark has lines"
    pair = by_clusters(estimates, (clean.run, each.run))
    clean.run.release()
    effect = fitted(line).effective_robustness(EFFECTIVE, *pair)
    if each.run.clusters:
        effect = replace(effect, above=replace(effect.above, clusters=pair[1].n))
    lacks = (without_clusters(each.run, clean.run), *(why_too_few(estimate.n) for estimate in pair))
    if lack := next(filter(None, lacks), None):
        score = replace(effect.above, n=each.result.counts.images, spread=None, lack=lack)
        return _with_score(each.result, score)
    return with_effective(each.result, effect)


def by_clusters(estimates: tuple[Estimate, Estimate], runs: tuple[ScoredRun, ScoredRun]) -> tuple[Estimate, Estimate]:
    """Two accuracies as they rest on clusters of their runs' pictures, none of which the two share.

    Args:
        estimates: of the photographs without the shift, and with.
        runs: whose they are.
    """
    first, second = (
        run.clusters.collapse(estimate) if run.clusters else estimate
        for estimate, run in zip(estimates, runs, strict=True)
    )
    if not (runs[0].clusters or runs[1].clusters):
        return first, second
    return replace(first, ids=np.arange(first.n)), replace(second, ids=first.n + np.arange(second.n))


def with_effective(result: Result, effect: EffectiveRobustness) -> Result:
    """The result with that number behind its own, and with what a figure shows of it."""
    score = replace(effect.above, n=result.counts.images)
    return replace(_with_score(result, score), details={**result.details, EFFECTIVE.name: json_form(effect)})


def _with_score(result: Result, score: Score) -> Result:
    """The result with one more score behind its headlines."""
    scores = sorted([*result.scores, score], key=lambda s: not set(s.condition) <= {"protocol"})
    return replace(result, scores=scores)


def published_effective_robustness(run: Run) -> EffectiveRobustness | None:
    """That of one of the paper's models, from its published accuracies; ``None`` where there is no line for these.

    The paper's numbers are of pictures as they were released: a line of stored pictures in another view is none of its.
    """
    model, benchmark = run.model.name, run.benchmark.name
    point = testbed_point(model, benchmark)
    line = published_line(benchmark, point.clean) if point else None
    if point is None or line is None or benchmark_type(run).line_view:
        return None
    clean, shifted = images_behind(benchmark)
    # Numbers as ids: a page of all published models would else sort two million names.
    both = _of_share(point.clean, np.arange(clean)), _of_share(point.shifted, np.arange(clean, clean + shifted))
    return fitted(line).effective_robustness(EFFECTIVE, *both)


def _of_share(share: float, ids: NDArray[np.int64]) -> Estimate:
    """A published share of these photographs."""
    return mean(ids, np.arange(len(ids)) < round(share * len(ids)))


def accuracies(benchmark: str, clean: ImageTable, shifted: ImageTable) -> tuple[Estimate, Estimate]:
    """Accuracy without the shift, on the classes of the shifted set and among them alone where that was kept, and with.

    Args:
        benchmark: of the shifted accuracy.
        clean, shifted: the image tables; of several conditions of the shifted one every corrupted cell weighs the same.

    Raises:
        ArgumentError: no photograph of these classes was evaluated.
    """
    within = f"answer_{benchmark}"
    right = clean[RIGHT][:, 0] == 1
    same = np.isin(clean.label, subset(benchmark) if within in clean else np.unique(shifted.label))
    if within in clean:
        right = clean[within] == clean.label
    if not same.any():
        raise ArgumentError(f"clean accuracy needs a photograph of a class of {benchmark}, had none")
    cells = [place for place, condition in enumerate(shifted.present) if condition] or [0]
    values = np.where(shifted[RIGHT][:, cells] < 0, np.nan, shifted[RIGHT][:, cells])
    return mean(clean.ids[same], right[same]), mean(shifted.ids, values)


def why_none(shifted: Result, clean: Result) -> Fact | None:
    """Why a model has no effective robustness by the published line; ``None`` where it has one."""
    run = shifted.run
    for each in (run, clean.run):
        if not has_published_classes(each):
            return Fact(Lack.NOT_IMAGENETS)
    if lack := _other_view(run):
        return lack
    if filtered_by(shifted.benchmark) and _is_resnet50(run):
        return Fact(Lack.FILTERED, {"benchmark": shifted.benchmark})
    sizes = (benchmark_type(clean.run).images, images_behind(shifted.benchmark)[1])
    for result, images in zip((clean, shifted), sizes, strict=True):
        if result.counts.images < images or not result.counts.complete:
            held = {"had": result.counts.images, "needed": images}
            return Fact(Lack.PART, {"benchmark": result.benchmark, **held})
    return None


def _other_view(run: Run) -> Fact | None:
    """Why its pictures were not seen as the published models saw theirs; ``None`` where they were.

    Small pictures are shown to every model as they are.
    """
    if run.data.classes:
        return None
    changed = [f"{name}={value}" for name, value in run.model.options.items() if name in View.__dataclass_fields__]
    if changed:
        return Fact(Lack.OTHER_VIEW, {"changes": tuple(changed)})
    if view := benchmark_type(run).line_view:
        name = run.benchmark.name
        testbed = run.benchmark.options.get("view") == view and run.data.name == name  # stored pictures are its own
        return None if testbed else Fact(Lack.OTHER_FILES, {"benchmark": name, "view": view})
    if run.input.canvas == "fixed":
        return Fact(Lack.FIXED_CANVAS)
    return None


def _is_resnet50(run: Run) -> bool:
    """Whether it is torchvision's first ResNet-50, which ImageNet-A was filtered by."""
    first = "IMAGENET1K_V1"
    return run.model.name == "timm:resnet50.tv_in1k" or (
        run.model.name == "torchvision:resnet50" and run.model.options.get("pretrained", first) == first
    )


def against_references(
    runs: Sequence[ScoredRun], shown: Mapping[str, str], references: Sequence[str]
) -> tuple[dict[str, EffectiveRobustness], list[Fact]]:
    """The effective robustness of stored runs by a line through one's own models, and why others have none.

    Args:
        runs: every stored run of the folders.
        shown: the key of the run of each model that is compared, by name; all of one benchmark and data.
        references: names of the models that the line goes through.

    Returns:
        That of each model that has one, by name, and a fact for each that has none, or one that there is no line.
    """
    by_key = {run.stored.key: run for run in runs}
    if not set(shown.values()) <= by_key.keys():
        return {}, []  # joined of several sets, as out of distribution: no shift of the photographs
    first = by_key[next(iter(shown.values()))].stored.run
    clean = clean_benchmark(first)
    if first.benchmark.name == clean or not has_published_classes(first):
        return {}, []
    place_of_first = (first.benchmark.name, first.benchmark.protocol, first.data.name)
    references = list(dict.fromkeys(references))

    def place(run: Run) -> tuple[str, str, str]:
        return run.benchmark.name, run.benchmark.protocol, run.data.name

    by_name = {r.stored.run.model.name: r for r in runs if place(r.stored.run) == place_of_first}
    if missing := [name for name in references if name not in by_name]:
        return {}, [_no_line(missing[0], Fact(Lack.NOT_RUN, {"benchmark": first.benchmark.name}))]
    measured: dict[str, tuple[Estimate, Estimate]] = {}
    clustered: dict[str, tuple[Estimate, Estimate]] = {}
    notes: list[Fact] = []
    chosen = {**{name: by_name[name] for name in references}, **{name: by_key[key] for name, key in shown.items()}}
    for name, run in chosen.items():
        undisturbed = _run_on(clean, run, runs)
        if undisturbed is None:
            notes.append(_without_effective(name, Fact(Lack.NOT_RUN, {"benchmark": clean})))
            continue
        try:
            measured[name] = accuracies(first.benchmark.name, undisturbed.table, run.table)
            clustered[name] = by_clusters(measured[name], (undisturbed, run))
        except ArgumentError as error:
            notes.append(_without_effective(name, error_of(error)))
        undisturbed.release()
        run.release()
    if lost := [name for name in references if name not in measured]:
        return {}, [*notes, _no_line(lost[0], Fact(Lack.NO_CLEAN_ACCURACY))]
    images = measured[references[0]]
    for name, pair in measured.items():
        if any(
            one.n != other.n or not np.array_equal(one.ids, other.ids) for one, other in zip(pair, images, strict=True)
        ):
            return {}, [_no_line(name, Fact(Lack.OTHER_IMAGES, {"than": references[0]}))]
    try:
        points = [Point(name, *(each.value for each in measured[name])) for name in references]
        line = fit(points, lambda name: [recipe.name for recipe in recipes_of(name, "")])
    except ArgumentError as error:
        return {}, [error_of(error)]
    of_line = {by_name[name].stored.key for name in references}
    named = [name for name in measured if name in shown and shown[name] not in of_line]
    too_few = {name: lack for name in named for each in clustered[name] if (lack := _too_few(each, chosen[name]))}
    notes += [_without_effective(name, lack) for name, lack in too_few.items()]
    enough = [name for name in named if name not in too_few]
    return {name: line.effective_robustness(EFFECTIVE, *clustered[name]) for name in enough}, notes


def _no_line(model: str, why: Fact) -> Fact:
    return Fact(RunRemark.NO_LINE, {"model": model, "why": why})


def _without_effective(model: str, why: Fact) -> Fact:
    return Fact(RunRemark.NO_EFFECTIVE, {"why": why}, model)


def _too_few(accuracy: Estimate, run: ScoredRun) -> Fact | None:
    """Why an accuracy rests on too few clusters; ``None`` where it does not, or each picture stands alone."""
    return why_too_few(accuracy.n) if run.grouping.cluster else None


def _run_on(benchmark: str, run: ScoredRun, runs: Sequence[ScoredRun]) -> ScoredRun | None:
    """The stored run of the same model on a benchmark."""
    identity = run.stored.run
    return next(
        (
            other
            for other in runs
            if other.stored.run.benchmark.name == benchmark
            and (other.stored.run.model, other.stored.run.precision) == (identity.model, identity.precision)
            and len(other.table)
        ),
        None,
    )
