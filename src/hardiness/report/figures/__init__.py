"""Figures of a benchmark's results, drawn for its scorer; one module here for each scorer that has some."""

from hardiness.report.figures.registry import Figure, Painter, figures_of, registry

__all__ = ["Figure", "Painter", "figures_of", "registry"]
