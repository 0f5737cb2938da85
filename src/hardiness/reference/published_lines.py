"""Published lines of shifted accuracy over clean accuracy, and the points that they go through."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from hardiness.core.spread import Interval

TESTBED_NAMES = {
    "resnext101_32x8d": "resnext101_32x8d",
    "resnext101_32x8d_wsl": "instagram-resnext101_32x8d",
    "resnext101_32x16d_wsl": "instagram-resnext101_32x16d",
    "resnext101_32x32d_wsl": "instagram-resnext101_32x32d",
    "resnext101_32x48d_wsl": "instagram-resnext101_32x48d",
}
"""The paper's models by their names in the source."""


@dataclass(frozen=True, slots=True)
class PublishedLine:
    """A least-squares line of the logit of shifted accuracy over the logit of clean accuracy.

    Attributes:
        benchmark: of the shifted accuracy.
        part: which of a benchmark's lines it is, e.g. ``"above ResNet-50"``; empty where there is one.
        clean_on: the set within whose classes clean accuracy is taken; empty for all 1,000.
        n: models that it goes through.
        slope, intercept, residual: on the logit scale; ``residual`` is the standard deviation about the line.
        clean: the lowest and the highest clean accuracy among them, fractions of 1.
        centre, spread: mean and standard deviation of their clean logits.
        moves: the most by which its slope moves, as a share of it: without one of its models, and without those of one
            recipe.
        models: their names in the source; all are of type STANDARD.
        source, authors, date: where the numbers stand, who published them, and when.
    """

    benchmark: str
    part: str
    clean_on: str
    n: int
    slope: float
    intercept: float
    residual: float
    clean: Interval
    centre: float
    spread: float
    moves: tuple[float, float]
    models: tuple[str, ...]
    source: str
    authors: str
    date: str


@dataclass(frozen=True, slots=True)
class PublishedPoint:
    """One published model: its accuracy without and with the shift, fractions of 1."""

    model: str
    clean: float
    shifted: float


def published_line(benchmark: str, clean: float) -> PublishedLine | None:
    """The line of a benchmark at a clean accuracy; ``None`` where the benchmark has none.

    ImageNet-A was filtered by a ResNet-50, so that its line is broken there.

    Source: Taori et al. (2020), arXiv:2007.00644, and the results of imagenet-testbed; of CIFAR-10.1 Recht et al.
    (2018), arXiv:1806.00451 (see ``SOURCES.md``).
    """
    lines = published_lines(benchmark)
    if len(lines) < 2:
        return lines[0] if lines else None
    return lines[0] if clean < _lines()["break"][benchmark] else lines[1]


@cache
def published_lines(benchmark: str = "") -> tuple[PublishedLine, ...]:
    """The lines of a benchmark, that of the lower clean accuracies first; of all benchmarks where none is named."""
    facts = _lines()
    return tuple(
        PublishedLine(
            **{
                **{key: facts[key] for key in ("source", "authors", "date")},
                **line,
                "clean": Interval(*line["clean"]),
                "moves": tuple(line["moves"]),
                "models": tuple(line["models"]),
            }
        )
        for line in facts["lines"]
        if benchmark in ("", line["benchmark"])
    )


def filtered_by(benchmark: str) -> tuple[str, ...]:
    """The models that a benchmark was filtered by, which its lines leave out."""
    return tuple(_lines()["left_out"].get(benchmark, ()))


def images_behind(benchmark: str) -> tuple[int, int]:
    """The numbers of photographs that clean and shifted accuracy of a line are of."""
    clean, shifted = _lines()["sizes"][benchmark]
    return clean, shifted


@cache
def published_points(benchmark: str) -> tuple[PublishedPoint, ...]:
    """The published models of a benchmark whose clean and shifted accuracy are known here, by name.

    Clean accuracy is among the classes that the benchmark's lines take it in.

    Source: of ImageNet-C and the others two files of imagenet-testbed (see ``SOURCES.md``).
    """
    pairs: Mapping[str, Sequence[float]] = _lines()["points"].get(benchmark) or _testbed_pairs(benchmark)
    return tuple(PublishedPoint(model, *pairs[model]) for model in sorted(pairs))


def _testbed_pairs(benchmark: str) -> dict[str, tuple[float, float]]:
    """Clean and shifted accuracy by model, of the models that the testbed measured on both."""
    lines = published_lines(benchmark)
    if not lines:
        return {}
    clean = f"clean among {lines[0].clean_on}" if lines[0].clean_on else "clean"
    with Path(__file__).with_name("testbed_points.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {row["model"]: (float(row[clean]), float(row[benchmark])) for row in rows if row[clean] and row[benchmark]}


def testbed_point(model: str, benchmark: str) -> PublishedPoint | None:
    """The published accuracies of one of the paper's models; ``None`` for any other."""
    name = TESTBED_NAMES.get(model)
    return next((point for point in published_points(benchmark) if point.model == name), None)


@cache
def _lines() -> dict[str, Any]:
    facts: dict[str, Any] = json.loads(Path(__file__).with_name("effective_robustness.json").read_text("utf-8"))
    return facts
