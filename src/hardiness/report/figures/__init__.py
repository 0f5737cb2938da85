"""Charts as figures: one module for each kind of chart."""

from hardiness.core import Chart, Dots
from hardiness.report.figures.curves import draw_curves
from hardiness.report.figures.dots import draw_dots
from hardiness.report.figures.figure import Figure

__all__ = ["Figure", "draw"]


def draw(chart: Chart) -> Figure:
    """The figure of a chart; the same chart always gives the same bytes."""
    return draw_dots(chart) if isinstance(chart, Dots) else draw_curves(chart)
