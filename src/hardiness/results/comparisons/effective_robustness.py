"""What clean accuracy does not explain of accuracy under a shift, by published lines or by models of one's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hardiness.benchmarks import CLEAN, EFFECTIVE, EMBEDDED, TESTBED_VIEW, fitted
from hardiness.core import RIGHT, ArgumentError, ImageTable, Result, Run, Score, View, from_json, json_form
from hardiness.reference import (
    CLASS_SETS,
    class_set,
    filtered_by,
    images_behind,
    published_line,
    published_lines,
    recipes_of,
    subset,
    testbed_point,
)
from hardiness.results.comparisons import ScoredResult, speaks_of
from hardiness.results.runs import ScoredRun
from hardiness.statistics import EffectiveRobustness, Estimate, Point, fit, mean

IMAGENET_CLASSES, VALIDATION = 1000, 50_000


@speaks_of("effective_robustness", "classification", "subset_classification", "class_sets", "corruption", beside=CLEAN)
def effective_robustness(each: ScoredResult, scored: Sequence[ScoredResult]) -> Result:
    """The result with its effective robustness, or why it has none, where clean accuracy was measured too."""
    result = each.result
    if not result.scores or not published_lines(result.benchmark) or result.data == EMBEDDED:
        return result
    clean = clean_twin(each, scored)
    if clean is None:
        return result
    reason = why_none(result, clean.result)
    if reason:
        return _with_score(result, EFFECTIVE.score(None, result.counts.images, reason=reason))

    def compute() -> dict[str, Any]:
        estimates = accuracies(result.benchmark, clean.run.table, each.run.table)
        line = published_line(result.benchmark, estimates[0].value)
        assert line is not None, "the benchmark has lines"
        through = fitted(line)
        reason = through.why_none
        return {"reason": reason} if reason else json_form(through.effective_robustness(result.name, *estimates))

    lines = [[line.slope, line.intercept, line.residual, line.moves] for line in published_lines(result.benchmark)]
    kept = each.run.remember(EFFECTIVE.name, f"{clean.run.digest} {lines}", compute)
    clean.run.release()
    if "reason" in kept:
        return _with_score(result, EFFECTIVE.score(None, result.counts.images, reason=kept["reason"]))
    return with_effective(result, from_json(EffectiveRobustness, kept, EFFECTIVE.name))


def with_effective(result: Result, found: EffectiveRobustness) -> Result:
    """The result with that number behind its own, and with what a figure shows of it."""
    score = EFFECTIVE.score(found.value, result.counts.images, found.interval)
    return replace(_with_score(result, score), details={**result.details, EFFECTIVE.name: json_form(found)})


def _with_score(result: Result, score: Score) -> Result:
    """The result with one more score behind its headlines."""
    scores = sorted([*result.scores, score], key=lambda s: not set(s.condition) <= {"protocol"})
    return replace(result, scores=scores)


def published_effective_robustness(model: str, benchmark: str) -> EffectiveRobustness | None:
    """That of one of the paper's models, from its published accuracies; ``None`` where there is no line for these.

    ImageNet-C's published numbers of the paper are of pictures as they were released, its line is of resized ones.
    """
    point = testbed_point(model, benchmark)
    line = published_line(benchmark, point.clean) if point else None
    if point is None or line is None or fitted(line).why_none or benchmark == "imagenet-c":
        return None
    clean, shifted = images_behind(benchmark)
    # Numbers as ids: a page of all published models would else sort two million names.
    both = _of_share(point.clean, np.arange(clean)), _of_share(point.shifted, np.arange(clean, clean + shifted))
    return fitted(line).effective_robustness(model, *both)


def _of_share(share: float, ids: NDArray[np.int64]) -> Estimate:
    """A published share of these photographs."""
    return mean(ids, np.arange(len(ids)) < round(share * len(ids)))


def _clean_of(benchmark: str) -> str:
    """The benchmark that clean accuracy is of."""
    return (class_set(benchmark).clean_twin if benchmark in CLASS_SETS else "") or CLEAN


def clean_twin(each: ScoredResult, scored: Sequence[ScoredResult]) -> ScoredResult | None:
    """The same model on clean photographs; ``None`` where it was not run on them."""
    name = _clean_of(each.result.benchmark)
    return next((o for o in scored if o.result.benchmark == name and o.is_same_model(each) and o.result.scores), None)


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


def why_none(shifted: Result, clean: Result) -> str:
    """Why a model has no effective robustness by the published line; empty where it has one."""
    run = shifted.run
    for each in (run, clean.run):
        if not _has_imagenets_classes(each):
            return "its classes are not ImageNet's 1,000, which the published line is of"
    if reason := _other_view(run):
        return reason
    if filtered_by(shifted.benchmark) and _is_resnet50(run):
        return f"{shifted.benchmark} was filtered by this model, so that the published lines leave it out"
    size, whole = images_behind(shifted.benchmark)
    sizes = (VALIDATION if clean.benchmark == CLEAN else size, whole)
    for result, images in zip((clean, shifted), sizes, strict=True):
        if result.counts.images < images or not result.counts.complete:
            held = f"{result.counts.images:,} of {images:,} images"
            return f"a part of {result.benchmark} was evaluated ({held}), and the published line is of all"
    return ""


def _has_imagenets_classes(run: Run) -> bool:
    """Whether its labels are ImageNet's 1,000 classes, and not as many of a person's own."""
    return run.data.num_classes == IMAGENET_CLASSES and not run.data.classes and not run.data.name.startswith("own-")


def _other_view(run: Run) -> str:
    """Why its pictures were not seen as the published models saw theirs; empty where they were."""
    changed = [f"{name}={value}" for name, value in run.model.options.items() if name in View.__dataclass_fields__]
    if changed:
        return f"its view was changed ({', '.join(changed)}), and the published models saw photographs in their own"
    if run.benchmark.name == "imagenet-c":
        testbed = run.benchmark.options.get("view") == TESTBED_VIEW and run.data.name == "imagenet-c"
        hint = "run imagenet-c:source=stored,view=testbed, or compare with --reference MODEL"
        return "" if testbed else f"the published line is of the released files, resized and cropped again; {hint}"
    if run.input.canvas != "view":
        return "its pictures lie on a fixed canvas, and the published models saw photographs in their own view"
    return ""


def _is_resnet50(run: Run) -> bool:
    """Whether it is torchvision's first ResNet-50, which ImageNet-A was filtered by."""
    first = "IMAGENET1K_V1"
    return run.model.name == "timm:resnet50.tv_in1k" or (
        run.model.name == "torchvision:resnet50" and run.model.options.get("pretrained", first) == first
    )


def against_references(
    runs: Sequence[ScoredRun], shown: Mapping[str, str], references: Sequence[str]
) -> tuple[list[EffectiveRobustness], list[str]]:
    """The effective robustness of stored runs by a line through one's own models, and why others have none.

    Args:
        runs: every stored run of the folders.
        shown: the key of the run of each model that is compared, by name; all of one benchmark and data.
        references: names of the models that the line goes through.

    Returns:
        A number for each model that has one, and a sentence for each that has none, or one that there is no line.
    """
    by_key = {run.stored.key: run for run in runs}
    if not set(shown.values()) <= by_key.keys():
        return [], []  # joined of several sets, as out of distribution: no shift of the photographs
    first = by_key[next(iter(shown.values()))].stored.run
    if first.benchmark.name in (CLEAN, *map(_clean_of, CLASS_SETS)) or not _has_imagenets_classes(first):
        return [], []
    wanted = (first.benchmark.name, first.benchmark.protocol, first.data.name)
    references = list(dict.fromkeys(references))

    def place(run: Run) -> tuple[str, str, str]:
        return run.benchmark.name, run.benchmark.protocol, run.data.name

    known = {r.stored.run.model.name: r for r in runs if place(r.stored.run) == wanted}
    if missing := [name for name in references if name not in known]:
        return [], [f"there is no line: the reference model {missing[0]} was not run on {first.benchmark.name}"]
    measured: dict[str, tuple[Estimate, Estimate]] = {}
    notes = []
    chosen = {**{name: known[name] for name in references}, **{name: by_key[key] for name, key in shown.items()}}
    for name, run in chosen.items():
        clean = _clean_run(run, runs)
        if clean is None:
            notes.append(f"{name} has no effective robustness on {first.benchmark.name}: {_missing_clean(first)}")
            continue
        try:
            measured[name] = accuracies(first.benchmark.name, clean.table, run.table)
        except ArgumentError as error:
            notes.append(f"{name} has no effective robustness on {first.benchmark.name}: {error}")
        clean.release()
        run.release()
    if lost := [name for name in references if name not in measured]:
        return [], [*notes, f"there is no line: the reference model {lost[0]} has no clean accuracy"]
    images = measured[references[0]]
    for name, pair in measured.items():
        if any(
            one.n != other.n or not np.array_equal(one.ids, other.ids) for one, other in zip(pair, images, strict=True)
        ):
            return [], [f"there is no line: {name} was evaluated on other images than {references[0]}"]
    try:
        points = [Point(name, *(each.value for each in measured[name])) for name in references]
        line = fit(points, lambda name: [recipe.name for recipe in recipes_of(name, "")])
    except ArgumentError as error:
        return [], [str(error)]
    of_line = {known[name].stored.key for name in references}
    found = [
        line.effective_robustness(name, *pair)
        for name, pair in measured.items()
        if name in shown and shown[name] not in of_line
    ]
    return found, notes


def _clean_run(run: ScoredRun, runs: Sequence[ScoredRun]) -> ScoredRun | None:
    name, identity = _clean_of(run.stored.run.benchmark.name), run.stored.run
    return next(
        (
            other
            for other in runs
            if other.stored.run.benchmark.name == name
            and (other.stored.run.model, other.stored.run.precision) == (identity.model, identity.precision)
            and len(other.table)
        ),
        None,
    )


def _missing_clean(run: Run) -> str:
    return f"it was not run on {_clean_of(run.benchmark.name)}"
