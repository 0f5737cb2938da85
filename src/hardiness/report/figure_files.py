"""Figures as files: SVG, PDF and PNG, in a sober style at the width of a column."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from hardiness.report.figures import PAPER_PX, Inks, Sheet, document, draw, pdf, png
from hardiness.report.sections import BenchmarkSection
from hardiness.store.files import Files

WRITERS: Mapping[str, Callable[[Sheet], bytes]] = {
    "svg": lambda sheet: document(sheet).encode(),
    "pdf": pdf,
    "png": png,
}
"""From a drawing to a file, by its ending."""

FOLDER, LONGEST_STEM = "figures", 120


def sheets(shown: Sequence[BenchmarkSection], inks: Inks) -> Iterator[tuple[str, Sheet]]:
    """The drawing of every chart with a name for its file, ``<benchmark>--<data>--<name>``.

    The data are left out where the benchmark is theirs.
    """
    for each in shown:
        first = each.results[0]
        for chart in each.section.charts:
            parts = dict.fromkeys([first.benchmark, first.data, *each.section.variant, chart.name])
            yield re.sub(r"[^\w.-]+", "_", "--".join(parts))[:LONGEST_STEM], draw(chart, PAPER_PX, inks, titled=True)


def write_figures(shown: Sequence[BenchmarkSection], inks: Inks, files: Files, endings: Sequence[str]) -> list[str]:
    """Write every chart that has changed, in the forms asked for, to the folder ``figures``; what was written.

    Args:
        shown: sections of a page.
        inks: of its models.
        files: where to write.
        endings: some of `WRITERS`.

    Raises:
        StoreError: disk full, no permission, or the folder is a file.
    """
    written = []
    for stem, sheet in sheets(shown, inks):
        paths = {ending: f"{FOLDER}/{stem}.{ending}" for ending in sorted(endings, key=lambda ending: ending == "svg")}
        svg = document(sheet).encode()
        same = files.read(f"{FOLDER}/{stem}.svg") == svg
        for ending, path in paths.items():  # the SVG last: where it is the same, all that are there are
            if not same or not files.has(path):
                files.write(path, WRITERS[ending](sheet))
                written.append(path)
    return written
