"""What a figure is."""

from __future__ import annotations

from dataclasses import dataclass


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
