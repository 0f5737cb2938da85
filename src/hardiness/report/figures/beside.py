"""What was published in a figure: each model once, and a sentence where there is any."""

from __future__ import annotations

from dataclasses import replace

from hardiness.core import Chart, Curves, Dots, Panel


def without_twice(chart: Chart) -> Chart:
    """The chart without published marks of models whose published numbers are what is shown."""
    if isinstance(chart, Dots):
        shown = {each.name for each in chart.observers}
        return replace(chart, published=tuple(each for each in chart.published if each.name not in shown))
    if isinstance(chart, Curves):
        return replace(chart, panels=tuple(map(_panel, chart.panels)))
    return chart


def _panel(panel: Panel) -> Panel:
    shown = {line.name for line in panel.measured}
    return replace(panel, published=tuple(line for line in panel.published if line.name not in shown))


def caption_of(chart: Chart) -> str:
    """How to read a chart, and what its grey marks are where it has some."""
    left = without_twice(chart)
    if isinstance(left, Dots):
        return f"{left.caption} {left.grey}" if left.published else left.caption
    if isinstance(left, Curves):
        return f"{left.caption} {left.grey}" if any(panel.published for panel in left.panels) else left.caption
    return left.caption
