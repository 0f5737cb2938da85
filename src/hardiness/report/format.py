"""Numbers as people read them; percent exists here and nowhere else."""

from __future__ import annotations

from hardiness.core import GridCell, Interval

PERCENT_UNITS = ("fraction", "ratio")


def number(value: float, unit: str) -> str:
    """A value in its unit: fractions and ratios in percent with one decimal, others with three digits."""
    return f"{100 * value:.1f}" if unit in PERCENT_UNITS else f"{value:.3g}"


def interval(bounds: Interval, unit: str) -> str:
    """An interval as ``low–high``, or ``low to high`` where a sign would stand beside the dash."""
    low, high = number(bounds.low, unit), number(bounds.high, unit)
    return f"{low} to {high}" if "-" in low + high else f"{low}–{high}"


def direction(higher_is_better: bool) -> str:
    """``↑`` where higher is better, ``↓`` where lower is."""
    return "↑" if higher_is_better else "↓"


def grid_cell(cell: GridCell | None) -> str:
    """A cell's number; empty where nothing was measured."""
    if cell is None:
        return ""
    text = "undefined" if cell.value is None else number(cell.value, cell.unit)
    return f"{text} {cell.doubt}" if cell.doubt else text
