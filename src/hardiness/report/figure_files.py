"""Figures as files beside a page."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from hardiness.report.figures.inks import Inks
from hardiness.report.figures.paper import COLUMN_CM, PAGE_CM, paper_sheets
from hardiness.report.figures.sheet import Sheet
from hardiness.report.figures.writers import document, pdf, png
from hardiness.report.sections import BenchmarkSection
from hardiness.store.files import Files

WRITERS: Mapping[str, Callable[[Sheet], bytes]] = {
    "svg": lambda sheet: document(sheet).encode(),
    "pdf": pdf,
    "png": png,
}
"""Functions from a drawing to the bytes of a file, by its ending."""

FOLDER, LONGEST_STEM = "figures", 120

WIDTHS_CM = {"": PAGE_CM, "--column": COLUMN_CM}
"""Widths of figures as files, by what ends their names: two columns of a paper, and one."""


def sheets(
    shown: Sequence[BenchmarkSection], inks: Inks, ends: Sequence[str], titled: bool = True
) -> Iterator[tuple[str, Sheet]]:
    """The drawing of every chart in each width, with a name for its file, ``<benchmark>--<data>--<name>``.

    The data are left out where the benchmark is theirs. A chart that would be higher than the text of a page has
    several drawings, of which the second ends with ``--2``.
    """
    for each in shown:
        first = each.results[0]
        for chart in each.section.charts:
            parts = dict.fromkeys([first.benchmark, first.data, *each.section.variant, chart.name])
            stem = re.sub(r"[^\w.-]+", "_", "--".join(parts))[:LONGEST_STEM]
            for end in ends:
                for place, sheet in enumerate(paper_sheets(chart, WIDTHS_CM[end], inks, titled), 1):
                    yield f"{stem}{end}{f'--{place}' if place > 1 else ''}", sheet


def write_figures(
    shown: Sequence[BenchmarkSection],
    inks: Inks,
    files: Files,
    endings: Sequence[str],
    ends: Sequence[str] = ("",),
    titled: bool = True,
) -> list[str]:
    """Write every chart that has changed, in the forms asked for, to the folder ``figures``; what was written.

    Args:
        shown: sections of a page.
        inks: of its models.
        files: where to write.
        endings: some of `WRITERS`.
        ends: some of `WIDTHS_CM`.
        titled: whether each has its heading on it.

    Raises:
        StoreError: disk full, no permission, or the folder is a file.
    """
    written = []
    for stem, sheet in sheets(shown, inks, ends, titled):
        paths = {ending: f"{FOLDER}/{stem}.{ending}" for ending in sorted(endings, key=lambda ending: ending == "svg")}
        svg = document(sheet).encode()
        same = files.read(f"{FOLDER}/{stem}.svg") == svg
        for ending, path in paths.items():  # the SVG last: where it is the same, all that are there are
            if not same or not files.has(path):
                files.write(path, WRITERS[ending](sheet))
                written.append(path)
    return written
