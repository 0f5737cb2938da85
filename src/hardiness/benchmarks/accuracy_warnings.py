"""Warnings about an accuracy that is not what the published images give."""

from __future__ import annotations

from collections.abc import Iterator

from hardiness.benchmarks.attacks import PROTOCOLS
from hardiness.benchmarks.corruptions import cells_of_mean
from hardiness.benchmarks.presentation import benchmark_type
from hardiness.core.codes import RunRemark
from hardiness.core.fact import Fact
from hardiness.core.result import Result, Score
from hardiness.core.spread import Interval
from hardiness.reference.published_data import published_set
from hardiness.reference.published_numbers import published_for, published_interval
from hardiness.statistics.intervals import disjoint, wilson, within

SURE = 0.999
"""Confidence of the interval behind the warning about accuracy: at 95 % one full run in twenty would cry wolf."""

SAME_IMAGES = 0.002
"""How far accuracy may be from what was published on the very same images: decoders and resizing differ by less."""

COUNTED = ("imagenet", "ninco", "ssb-hard", "inaturalist", "textures", "openimage-o")
"""Data sets of which runs do not keep how many images were published, and `PublishedSet` says it where it is known."""

CLEAN = "imagenet-val"
"""The benchmark of clean photographs."""


def warnings_of(result: Result) -> Iterator[Fact]:
    """Facts about how much was evaluated, of what, and how accurate it is."""
    counts = result.counts
    if not counts.images:
        yield Fact(RunRemark.NOTHING_EVALUATED)
    elif any("level" in score.condition for score in result.scores) and not counts.evaluated and not counts.failed:
        yield Fact(RunRemark.ONLY_LEVELS, {"benchmark": result.benchmark})
    elif not counts.complete:
        mean = cells_of_mean(result.run, result.scores)
        of_mean = {"mean_of": mean.names, "severities": mean.left_severities} if mean else {}
        yield Fact(
            RunRemark.PARTIAL,
            {
                "evaluated": counts.evaluated,
                "expected": counts.expected,
                "failed": counts.failed,
                "conditions": len(result.plan.whole),
                **(of_mean if mean and mean.is_part else {}),
            },
        )
    released, samples = released_of(result), result.run.data.samples
    if released and samples < released:
        yield Fact(RunRemark.PART_OF_SET, {"data": result.data, "images": samples, "released": released})
    if result.run.data.is_embedded:
        yield Fact(RunRemark.DEMO_SIZED)
    kind = benchmark_type(result.run)
    if kind.warns_of_accuracy and result.data in kind.needs and result.scores:
        yield from _unexpected_accuracy(result)


def released_of(result: Result) -> int | None:
    """How many images the published set has that a result is of; ``None`` where nobody says, or they are not of it."""
    run = result.run
    if result.plan.released:
        return result.plan.released
    if not run.data.has_imagenets_classes or run.data.is_embedded or not run.data.samples:
        return None
    images = published_set(run.data.name).images if run.data.name in COUNTED else 0
    every_other = run.benchmark.name == "whitebox" and PROTOCOLS[run.benchmark.protocol].every_other
    return (images // 2 if every_other else images) or None


def is_part(result: Result) -> bool:
    """Whether it is of fewer images or conditions than were published: partial, wherever it is shown."""
    released = released_of(result)
    return not result.counts.complete or (released is not None and result.run.data.samples < released)


def _unexpected_accuracy(result: Result) -> Iterator[Fact]:
    published = published_interval(result.run.model, result.benchmark, "top1")
    top1 = result.score("top1")
    if published is None or top1.value is None or not disjoint(_reach(result, top1), published):
        return
    yield Fact(
        RunRemark.UNEXPECTED_ACCURACY,
        {
            "accuracy": top1.value,
            "images": 0 if _is_published_set(result) else top1.n,
            "published": (published.low, published.high),
        },
    )


def _reach(result: Result, top1: Score) -> Interval:
    """The range of the accuracy by chance: on the published images themselves, next to nothing."""
    assert top1.value is not None
    if _is_published_set(result):
        return within(Interval(top1.value - SAME_IMAGES, top1.value + SAME_IMAGES))
    return wilson(round(top1.value * top1.n), top1.n, SURE)


def _is_published_set(result: Result) -> bool:
    """Whether every image behind the published accuracy was evaluated, and no other."""
    sizes = {row.n for row in published_for(result.run.model, result.benchmark, "top1", {})}
    return result.counts.complete and result.run.data.samples in sizes
