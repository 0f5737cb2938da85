"""How long a whole benchmark takes, and how large its data are, from published facts; nothing is read or run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hardiness.benchmarks.options import parse
from hardiness.reference.published_data import PublishedSet, datasets, published_set

LEAST_PX = 64
"""Pictures with a shorter side are shown to networks of their own size, not to ImageNet's."""


@dataclass(frozen=True)
class BenchmarkSize:
    """The size of one benchmark, with its default options.

    Attributes:
        name: of the benchmark.
        pictures: different photographs that are read; 0 where nobody says, or they are a person's own.
        conditions: in which each is shown.
        passes: pictures that a model is shown; 0 for an attack, and where pictures are 0.
        needed: gigabytes of each data set that serves, the best first; ``None`` where nobody states them.
        beside: those of data sets that are taken, too.
        side_px: of pictures that are smaller than a network of ImageNet takes; 0 of others.
    """

    name: str
    pictures: int
    conditions: int
    passes: int
    needed: Mapping[str, float | None]
    beside: Mapping[str, float | None]
    side_px: int = 0


def benchmark_size(text: str) -> BenchmarkSize:
    """The size of a benchmark.

    Args:
        text: as after ``-b``; options count.

    Raises:
        UnknownNameError: no benchmark has that name.
        ArgumentError: an option is unknown or has an impossible value.
    """
    benchmark = parse(text)
    needed, beside = _published(benchmark.needs), _published(benchmark.beside)
    read = next((each.read or each.images for each in needed), 0)
    # Sets of another number of pictures are other data for the same benchmark, and no other source of the same.
    alike = [each for each in needed if each.images == needed[0].images]
    pictures = (benchmark.images or read) + sum(each.images for each in beside)
    conditions = len(benchmark.requested())
    return BenchmarkSize(
        benchmark.name,
        pictures,
        conditions,
        0 if benchmark.attack else pictures * conditions * benchmark.frames,
        _gigabytes(alike),
        _gigabytes(beside),
        max((each.side_px for each in alike if each.side_px < LEAST_PX), default=0),
    )


def _published(names: Sequence[str]) -> list[PublishedSet]:
    return [published_set(name) for name in names if name in datasets()]


def _gigabytes(sets: Sequence[PublishedSet]) -> dict[str, float | None]:
    return {each.name: each.about_bytes and each.about_bytes / 1e9 for each in sets}
