"""The units of a benchmark that are missing: a pure function of run, request and listing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from hardiness.engine.unit import Unit, UnitPart
from hardiness.store.shards import Row as Work


class WorkListing(Protocol):
    """The rows that some models have stored: `hardiness.engine.listing.StoredWork`, or a test's own."""

    def parts(self, index: int, rows: list[Work]) -> list[UnitPart]:
        """A part for each model that lacks some of the rows of a shard."""
        ...


def units(
    listing: WorkListing, wanted: Mapping[str, Sequence[int]], size: int, only: int | None = None
) -> Iterator[Unit]:
    """Each unit with missing rows, made when it is asked for; nothing but the listing knows of a store.

    Args:
        listing: what is stored.
        wanted: indices of the conditions wanted of each image, by its id, in the order of evaluation.
        size: images a unit.
        only: index of the one unit that is made; all where ``None``.
    """
    samples = list(wanted)
    for index, start in enumerate(range(0, len(samples), size)):
        if only not in (None, index):
            continue
        rows = [(sample, condition) for sample in samples[start : start + size] for condition in wanted[sample]]
        if parts := listing.parts(index, rows):
            yield Unit(index, parts)
