"""``report.html``: one page that explains itself, with nothing to load from anywhere."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from hardiness.core import Result, Score
from hardiness.reference import published
from hardiness.report import format as formatting
from hardiness.report.figures import Figure, draw
from hardiness.report.sections import Shown, sections

LISTED_FAILURES = 50
FIGURES = "figures"


@dataclass(frozen=True, slots=True)
class Cell:
    """One number of the page: its text, its interval, its place on a scale from 0 to 1, and the published value."""

    value: str
    interval: str
    low: float
    middle: float
    high: float
    published: str
    reason: str

    @property
    def scaled(self) -> bool:
        """Whether it can be drawn on the scale."""
        return self.high >= 0


def write_page(results: Sequence[Result], path: Path, title: str) -> None:
    """Write the page for these results, sorted by benchmark and data, and its figures as files beside it.

    Args:
        results: what to show.
        path: the file to write; figures go to the folder ``figures`` beside it, as SVG and PNG.
        title: its heading.
    """
    environment = Environment(
        loader=PackageLoader("hardiness.report"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["cell"] = formatting.grid_cell
    environment.filters["arrow"] = formatting.direction
    tables = [_table(shown) for shown in sections(results)]
    page = environment.get_template("page.html.j2").render(title=title, tables=tables)
    path.write_text(page, encoding="utf-8")
    for table in tables:
        for figure in table["figures"]:
            _save(figure, path.parent / FIGURES, dict.fromkeys(_file_names(table["shown"], figure)))


def _file_names(shown: Shown, figure: Figure) -> list[str]:
    """What tells a figure's files from those of other sections."""
    first = shown.results[0]
    return [first.benchmark, first.data, *shown.section.variant, figure.name]


def _save(figure: Figure, folder: Path, names: Iterable[str]) -> None:
    """Write ``<benchmark>--<data>--<name>.svg`` and ``.png``; the data are left out where the benchmark is theirs."""
    folder.mkdir(exist_ok=True)
    stem = re.sub(r"[^\w.-]+", "_", "--".join(names))
    (folder / f"{stem}.svg").write_text(figure.svg, encoding="utf-8")
    (folder / f"{stem}.png").write_bytes(figure.png)


def _table(shown: Shown) -> dict[str, Any]:
    rows = []
    for result in shown.results:
        given = {(score.metric, score.condition): score for score in result.scores}
        keys = [(column.metric, column.condition) for column in shown.section.columns]
        cells = [_cell(result, given[key]) if key in given else None for key in keys]
        rows.append({"result": result, "cells": cells})
    failures = [(result.name, failure) for result in shown.results for failure in result.failures]
    return {
        "shown": shown,
        "section": shown.section,
        "rows": rows,
        "figures": [draw(chart) for chart in shown.section.charts],
        "exhibits": _exhibits(shown.results),
        "failures": failures[:LISTED_FAILURES],
        "more_failures": max(0, len(failures) - LISTED_FAILURES),
    }


def _exhibits(results: Sequence[Result]) -> list[tuple[str, str]]:
    """Caption and base64 of the pictures that were kept with the first run that has some; they are the same in all."""
    kept = next((result.exhibits for result in results if result.exhibits), {})
    return [(caption, base64.b64encode(path.read_bytes()).decode()) for caption, path in kept.items()]


def _cell(result: Result, score: Score) -> Cell:
    if score.value is None:
        return Cell("undefined", "", -1, -1, -1, "", score.reason or "")
    own_data = result.data.startswith("own-")
    known = () if own_data else published(result.model, result.benchmark, score.metric, score.condition)
    values = sorted({formatting.number(each.value, each.unit) for each in known})
    bounds = score.interval
    drawn = score.unit == "fraction" and bounds is not None
    return Cell(
        value=formatting.number(score.value, score.unit),
        interval=formatting.interval(bounds, score.unit) if bounds else "",
        low=bounds.low if drawn and bounds else -1,
        middle=score.value,
        high=bounds.high if drawn and bounds else -1,
        published=" / ".join(values),
        reason="",
    )
