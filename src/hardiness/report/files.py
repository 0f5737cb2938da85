"""Figures as files: SVG, PDF and PNG, in a sober style at the width of a column."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from hardiness.report.figures import PAPER_PX, Inks, Sheet, document, draw, pdf, png
from hardiness.report.sections import Shown
from hardiness.store import atomic

WRITERS = {"svg": lambda sheet: document(sheet).encode(), "pdf": pdf, "png": png}
"""From a drawing to a file, by its ending."""

LONGEST_STEM = 120


def sheets(shown: Sequence[Shown], inks: Inks) -> Iterator[tuple[str, Sheet]]:
    """The drawing of every chart with a name for its file, ``<benchmark>--<data>--<name>``.

    The data are left out where the benchmark is theirs.
    """
    for each in shown:
        first = each.results[0]
        for chart in each.section.charts:
            parts = dict.fromkeys([first.benchmark, first.data, *each.section.variant, chart.name])
            yield re.sub(r"[^\w.-]+", "_", "--".join(parts))[:LONGEST_STEM], draw(chart, PAPER_PX, inks, titled=True)


def write_figures(shown: Sequence[Shown], inks: Inks, folder: Path, partial: Path) -> list[Path]:
    """Write every chart in every form; the files that were written.

    Raises:
        StoreError: disk full, no permission, or the folder is a file.
    """
    written = []
    for stem, sheet in sheets(shown, inks):
        for ending, writer in WRITERS.items():
            path = folder / f"{stem}.{ending}"
            atomic.write(path, writer(sheet), partial)
            written.append(path)
    return written
