"""Published numbers by model, benchmark and metric, each with its source."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

from hardiness.core.condition import Condition
from hardiness.core.run import ModelIdentity
from hardiness.core.spread import Interval
from hardiness.reference.class_sets import CLASS_SETS, class_set
from hardiness.reference.published_lines import TESTBED_NAMES, images_behind, testbed_point
from hardiness.reference.published_tables import registry
from hardiness.reference.timm_results import PREFIX, TIMM_IMAGES, TimmRow, timm_row

ZERO_SHOT = {
    "imagenet-val": 50_000,
    "imagenet-v2": 10_000,
    "imagenet-sketch": 50_889,
    "imagenet-a": 7_500,
    "imagenet-r": 30_000,
}
"""The benchmarks whose zero-shot numbers were published, and their images. The file also has ImageNet-O, which is no
benchmark of accuracy here, and ObjectNet."""

FIRST_WEIGHTS = "IMAGENET1K_V1"
"""The name of a torchvision model's first weights, which are those of its published numbers."""

ZERO_SHOT_PROTOCOL = "openai80"
"""The class names and templates of those numbers."""

OPENCLIP = "openclip:"
"""Beginning of the names of zero-shot checkpoints."""

OF_TESTBED = ("imagenet-r", "imagenet-sketch", "imagenet-v2", "objectnet")
"""Benchmarks of which the paper gives nothing, and imagenet-testbed has the paper's models."""


@dataclass(frozen=True, slots=True)
class PublishedNumber:
    """One number from the literature.

    Attributes:
        model, benchmark, metric, condition: what it is the number of.
        value: in ``unit``, e.g. a fraction of 1.
        unit: as in `hardiness.core.Score`.
        n: samples it was measured on; 0 where the source does not say.
        source: where it stands.
        data: the data set, where it is another than the one that the benchmark is of.
    """

    model: str
    benchmark: str
    metric: str
    condition: Condition
    value: float
    unit: str
    n: int
    source: str
    data: str = ""


@dataclass(frozen=True, slots=True)
class PublishedResults:
    """A benchmark of which models have results of their own that were published.

    Attributes:
        shares: metrics that are shares of their n images, which therefore have Wilson's interval; of the others none
            was published.
        clean: the metric that clean accuracy on the validation set is here; empty where it is no score of theirs.
    """

    shares: tuple[str, ...] = ()
    clean: str = ""


@cache
def benchmarks_with_results() -> Mapping[str, PublishedResults]:
    """The benchmarks of which the models of `table` have results of their own, by name, as ``published.json`` says."""
    described = _file("published.json")["results"]
    return {
        name: PublishedResults(tuple(entry.get("shares", ())), entry.get("clean", ""))
        for name, entry in described.items()
    }


@cache
def table() -> tuple[PublishedNumber, ...]:
    """Every published number of the models that figures show, by ``published.json``, then by the testbed."""
    return (*_rows("published.json"), *_testbed_rows())


def _class_set_rows(name: str) -> Iterator[PublishedNumber]:
    """The numbers published of a set whose labels are sets of classes, by the headline and by part."""
    entry = class_set(name)
    parts = {"": Condition()}
    for member in entry.parts:
        parts |= {str(next(iter(member.condition.values()))): member.condition, member.folder: member.condition}
    by_part = dict(entry.published)
    if entry.headline == "first":
        by_part[""] = entry.published.get(str(next(iter(entry.parts[0].condition.values()))), {})
    for part, models in by_part.items():
        metric, condition = ("top1", parts[part]) if part in parts else (part, Condition())
        for model, value in models.items():
            images = 0 if part else entry.images
            yield PublishedNumber(model, name, metric, condition, value, "fraction", images, entry.published_source)


def _testbed_rows() -> Iterator[PublishedNumber]:
    for benchmark in OF_TESTBED:
        _, images = images_behind(benchmark)
        source = "imagenet-testbed robustness_top1s.csv at 0170eec6"
        for model in TESTBED_NAMES:
            point = testbed_point(model, benchmark)
            assert point is not None, "the source has all five"
            yield PublishedNumber(model, benchmark, "top1", Condition(), point.shifted, "fraction", images, source)


@cache
def leaders() -> tuple[PublishedNumber, ...]:
    """Numbers of leading and well-known models; they stand beside measured ones, and nothing is computed from them."""
    class_sets = chain.from_iterable(map(_class_set_rows, CLASS_SETS))
    return (*_rows("leaders.json"), *class_sets, *_small_picture_rows())


SMALL_IMAGES = 10_000
"""The test pictures of CIFAR-10 and CIFAR-100, all of which RobustBench evaluates."""

SMALL_BUDGETS = {"Linf": 8 / 255, "L2": 0.5}
"""The epsilons of RobustBench's lists for CIFAR. Six models stand in the first with .031 in place of 8/255."""


def _small_picture_rows() -> Iterator[PublishedNumber]:
    """RobustBench's numbers on CIFAR: clean accuracy, mean accuracy under corruptions, accuracy under AutoAttack.

    Source: RobustBench, ``model_info`` (see ``SOURCES.md``).
    """
    with Path(__file__).with_name("robustbench_small.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            data, threat = row["data"], row["threat"]
            source = f"RobustBench, {data}/{threat}: {row['architecture']}, {row['venue']}"
            source += f"; ε {row['epsilon']}" if row["epsilon"] == "0.031" else ""
            source += f"; best known attack {row['best_known']}" if row["best_known"] else ""
            source += "; may be unreliable" if row["unreliable"] else ""
            model, attacked = f"robustbench:{threat}/{row['model']}", threat in SMALL_BUDGETS
            robust = ("autoattack", "accuracy", data) if attacked else (f"{data}-c", "mean_accuracy", "")
            condition = Condition(epsilon=SMALL_BUDGETS[threat]) if attacked else Condition()
            for (benchmark, metric, of_data), cell, value in (
                ((data, "top1", ""), Condition(), row["clean"]),
                (robust, condition, row["robust"]),
            ):
                share = round(float(value) / 100, 4)
                yield PublishedNumber(model, benchmark, metric, cell, share, "fraction", SMALL_IMAGES, source, of_data)


def _rows(name: str) -> tuple[PublishedNumber, ...]:
    rows = _file(name)["rows"]
    return tuple(PublishedNumber(**{**row, "condition": Condition(**row.get("condition", {}))}) for row in rows)


def _file(name: str) -> dict[str, Any]:
    """The content of a data file of this package."""
    content: dict[str, Any] = json.loads(Path(__file__).parent.joinpath(name).read_text("utf-8"))
    return content


@cache
def zero_shot_table() -> tuple[PublishedNumber, ...]:
    """Zero-shot top-1 of 121 checkpoints of open_clip, by the names ``openclip:ARCHITECTURE/PRETRAINED``.

    Names of ImageNet's classes and 80 templates are OpenAI's; ImageNet-A and -R are decided among their 200 classes.

    Source: open_clip, ``docs/openclip_results.csv`` (see ``SOURCES.md``).
    """
    with Path(__file__).with_name("published_openclip.csv").open(encoding="utf-8") as stream:
        return tuple(
            PublishedNumber(
                model=f"{OPENCLIP}{row['architecture']}/{row['pretrained']}",
                benchmark=benchmark,
                metric="top1",
                condition=Condition(),
                value=float(row[benchmark]),
                unit="fraction",
                n=images,
                source="open_clip docs/openclip_results.csv at 89fb801f",
            )
            for row in csv.DictReader(stream)
            for benchmark, images in ZERO_SHOT.items()
        )


@cache
def _rows_of(benchmark: str) -> Mapping[tuple[str, str], tuple[PublishedNumber, ...]]:
    """The published rows of a benchmark by model and metric, but for those of zero-shot checkpoints."""
    rows_by_number: dict[tuple[str, str], list[PublishedNumber]] = {}
    for row in (*table(), *(_class_set_rows(benchmark) if benchmark in CLASS_SETS else ())):
        if row.benchmark == benchmark:
            rows_by_number.setdefault((row.model, row.metric), []).append(row)
    return {key: tuple(rows) for key, rows in rows_by_number.items()}


def rows_of_packages(benchmark: str) -> list[PublishedNumber]:
    """The numbers of a benchmark that other packages register, by the name of their table."""
    tables = (registry.get(name) for name in registry.names())
    return [
        PublishedNumber(model, benchmark, metric, entry.condition, value, entry.unit, entry.n, entry.source)
        for entry in tables
        if entry.benchmark == benchmark
        for model, values in entry.numbers.items()
        for metric, value in values.items()
    ]


def published(model: str, benchmark: str, metric: str, condition: Mapping[str, object]) -> tuple[PublishedNumber, ...]:
    """The published values of one number, one per source; empty where none is known."""
    rows = _rows_of(benchmark).get((model, metric), ())
    rows = (*rows, *(row for row in rows_of_packages(benchmark) if row.model == model))
    if model.startswith(OPENCLIP):
        rows = (*rows, *(row for row in zero_shot_table() if (row.model, row.benchmark) == (model, benchmark)))
    return tuple(row for row in rows if row.metric == metric and dict(row.condition) == dict(condition))


def published_for(
    model: ModelIdentity, benchmark: str, metric: str, condition: Mapping[str, object]
) -> tuple[PublishedNumber, ...]:
    """The published values of one number of a model that was run; none under other words or later weights.

    What was published of torchvision's models is of the first weights of each; its default may be the second.
    """
    if model.options.get("protocol", ZERO_SHOT_PROTOCOL) != ZERO_SHOT_PROTOCOL:
        return ()
    if model.name.startswith("torchvision:") and model.options.get("pretrained", FIRST_WEIGHTS) != FIRST_WEIGHTS:
        return ()
    return (*published(model.name, benchmark, metric, condition), *_by_timm(model, benchmark, metric, condition))


def _by_timm(
    model: ModelIdentity, benchmark: str, metric: str, condition: Mapping[str, object]
) -> Iterator[PublishedNumber]:
    """The number that timm published of one of its models at the size and crop that it was run with."""
    key = "imagenet-real" if (benchmark, metric) == ("imagenet-val", "real_top1") else benchmark
    has_numbers = metric == "top1" or key == "imagenet-real"
    row = timm_row(model) if has_numbers and not condition and model.name.startswith(PREFIX) else None
    if isinstance(row, TimmRow) and key in row.top1:
        source = f"timm's results at {row.crop_px} px, crop {row.crop_pct:g}"
        yield PublishedNumber(
            model.name, benchmark, metric, Condition(), row.top1[key], "fraction", TIMM_IMAGES[key], source
        )


def published_series(benchmark: str, metric: str) -> dict[str, list[PublishedNumber]]:
    """Every published value of one metric of a benchmark, by model; zero-shot checkpoints are left out."""
    series: dict[str, list[PublishedNumber]] = {}
    for row in table():
        if (row.benchmark, row.metric) == (benchmark, metric):
            series.setdefault(row.model, []).append(row)
    return series


def published_beside(
    benchmark: str, metric: str, condition: Mapping[str, object], data: str = ""
) -> dict[str, PublishedNumber]:
    """The published values of one number, leaders too, by model; of several sources of a model the last counts.

    Args:
        benchmark, metric, condition: of the number.
        data: the data set, where it is another than the one that the benchmark is of.
    """
    return {
        row.model: row
        for row in (*rows_of_packages(benchmark), *leaders(), *table())
        if (row.benchmark, row.metric, row.data) == (benchmark, metric, data) and dict(row.condition) == dict(condition)
    }


def published_interval(model: ModelIdentity, benchmark: str, metric: str) -> Interval | None:
    """Lowest and highest of a headline's published values; ``None`` where none is known.

    Sources disagree by up to half a point: Facebook's README gives 82.2 for ``resnext101_32x8d_wsl``, two independent
    runs give 82.7.
    """
    values = [row.value for row in published_for(model, benchmark, metric, {})]
    return Interval(min(values), max(values)) if values else None


@cache
def baseline(benchmark: str) -> Mapping[str, Any] | None:
    """The published baseline of a benchmark, as it stands in the file with its sources; ``None`` where it has none."""
    entries: dict[str, Any] = json.loads(Path(__file__).with_name("baselines.json").read_text())
    entry: Mapping[str, Any] | None = entries.get(benchmark)
    return entry
