"""What a figure is, and where the function that draws one is found by the name of its scorer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hardiness.core import Registry, Result


@dataclass(frozen=True, slots=True)
class Figure:
    """One drawing, as a page and a paper want it.

    Attributes:
        name: stem of its files, e.g. ``"shape_bias"``; unique within a benchmark.
        title: what it shows, in a few words; the drawing bears it as its heading.
        caption: how to read it, in a sentence or two.
        svg: a document of its own, text as paths.
        inline: the same for the body of an HTML page: in the page's colours, nothing to load.
        png: the same in pixels.
    """

    name: str
    title: str
    caption: str
    svg: str
    inline: str
    png: bytes


Painter = Callable[[Sequence[Result]], Sequence[Figure]]
"""Takes the results of one benchmark on one data set; gives its figures, none where there is nothing to draw."""

registry: Registry[Painter] = Registry("figure", "hardiness.report.figures", "hardiness.figures")
"""Painters by the name of the scorer whose scores they draw."""


def figures_of(results: Sequence[Result]) -> list[Figure]:
    """The figures of one benchmark on one data set; none where nothing draws its scorer's scores."""
    scorer = results[0].run.benchmark.card
    scored = [result for result in results if result.scores]
    return list(registry.get(scorer)(scored)) if scored and scorer in registry else []
