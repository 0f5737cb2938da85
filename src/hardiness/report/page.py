"""``report.html``: one page that explains itself, with nothing to load from anywhere."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment
from markupsafe import Markup, escape

from hardiness.benchmarks.card import card_of
from hardiness.core.codes import RunRemark
from hardiness.core.errors import SampleError, StoreError
from hardiness.core.fact import Fact
from hardiness.core.result import Result, TextTable
from hardiness.imaging.by_pillow import pillow_alone
from hardiness.imaging.codecs import decode, encode_jpeg
from hardiness.report import compared_slices
from hardiness.report import format as formatting
from hardiness.report.beside import MeasuredNumbers, from_few, published_peers, with_figure, with_ladder
from hardiness.report.charts import Chart, Curves, Dots, Heat
from hardiness.report.citations import citations
from hardiness.report.commands import commands_of, sessions_of
from hardiness.report.compared import pair_notes
from hardiness.report.difference_matrix import difference_matrices
from hardiness.report.figure_files import WIDTHS_CM, WRITERS, write_figures
from hardiness.report.figures import NARROW_PX, WIDE_PX
from hardiness.report.figures.charts import caption_of, draw
from hardiness.report.figures.inks import Inks, page_colours
from hardiness.report.figures.sheet import shade
from hardiness.report.figures.writers import icon, inline, rules, symbols
from hardiness.report.first_screen import share_text
from hardiness.report.gate import GateTable
from hardiness.report.marks import is_demo_sized
from hardiness.report.pictures import FeatureGrid, PictureOf, Wall, boards, walls
from hardiness.report.scorecard import scorecard
from hardiness.report.screen import first_screen
from hardiness.report.sections import BenchmarkSection, sections
from hardiness.report.slices import slice_views
from hardiness.report.summary import summary
from hardiness.report.table_rows import rows_of
from hardiness.report.template_environment import template_environment
from hardiness.report.training_overlap import Declared
from hardiness.report.trust import checks, doubts, doubts_text, trust_text
from hardiness.report.words import line, text
from hardiness.results.comparison import BenchmarkComparison
from hardiness.store.files import Files

LISTED_FAILURES = 50

QUALITY = 70

PICTURES_MOST = 1_900_000
"""Bytes that the pictures of a page take at most, or a little more: a page of five models can be sent by mail."""

PICTURES_ON_SHEET = 2
"""Pictures on the sheet to hand over."""

ROWS_ON_SHEET = 3
"""Rows of a figure there beside that of everything, where it has so many models that all rows could not be read."""

MODELS_OF_ALL_ROWS = 4
"""Models up to which a figure there has all of its rows."""

BAR_MOST = 28
"""Characters of a model's name in the bar; longer names are shortened."""

DIFFERENCES_MOST = 15
"""Differences of models that a table holds."""


@dataclass(frozen=True)
class PageOptions:
    """How a page is made.

    Attributes:
        picture_of: gives the photographs behind the numbers; ``None`` where none are wanted.
        images: whether the page holds any pixels: also the strips that show what a benchmark does.
        figures: the forms in which figures are written as files beside the page.
        column: whether each is also written at the width of one column of a paper, as ``NAME--column``.
        titles: whether each file has the figure's heading on it.
        problems: facts about what could not be read.
        comparisons: of the models on the same images; places go by overlap of intervals without them.
        features: pictures of what units of the models respond to.
        declared: what models were trained with, as their user says.
        claims: the sentences of the paper, judged on the models.
        gates: what the last gate said of each folder, as tables.
        outs: the folders as a command names them, for the next command; without any there is none.
    """

    picture_of: PictureOf | None = None
    images: bool = True
    figures: tuple[str, ...] = tuple(WRITERS)
    column: bool = False
    titles: bool = True
    problems: tuple[Fact, ...] = ()
    comparisons: Sequence[BenchmarkComparison] = ()
    features: Sequence[FeatureGrid] = ()
    declared: Declared = field(default_factory=dict)
    claims: TextTable | None = None
    gates: Sequence[GateTable] = ()
    outs: tuple[str, ...] = ()


def put_page(results: Sequence[Result], files: Files, name: str, title: str, options: PageOptions) -> None:
    """Write the page for these results, whole or not at all, and its figures as files beside it.

    Args:
        results: what to show, sorted by benchmark and data.
        files: where to write; figures go to the folder ``figures`` there.
        name: of the page.
        title: its heading.
        options: pictures and figures.

    Raises:
        StoreError: disk full, no permission, or ``figures`` is a file; the former page is left as it was.
    """
    shown = [from_few(with_ladder(with_figure(each))) for each in sections(results, options.comparisons)]
    inks = inks_of(shown)
    content = page(shown, title, inks, options).encode(errors="backslashreplace")  # names that are no UTF-8
    ends = tuple(WIDTHS_CM) if options.column else ("",)
    write_figures(shown, inks, files, options.figures, ends, options.titles)
    files.write(name, content)


def inks_of(shown: Sequence[BenchmarkSection]) -> Inks:
    """The models of all sections, in the order of the overview."""
    return Inks.for_models(result.name for each in shown for result in each.results)


@cache
def _environment() -> Environment:
    """The templates, which take longer to compile than a page of a few models takes to fill."""
    environment = template_environment()
    environment.filters |= {
        "words": text,
        "cell": formatting.grid_cell,
        "arrow": formatting.direction,
        "share": share_text,
        "percent": lambda share: f"{100 * share:.0f}",
        "at_size": at_size,
        "breakable": breakable_name,
        "numbered": numbered,
        "spaced": spaced_name,
    }
    environment.globals["shade"] = shade
    return environment


def page(shown: Sequence[BenchmarkSection], title: str, inks: Inks, options: PageOptions) -> str:
    """The text of the page."""
    script = _asset("page.js")
    with pillow_alone():
        units = boards(options.features, options.images)
        exhibits = [_exhibits(each.results) if options.images else [] for each in shown]
        picture_bytes = sum(len(picture) for strips in exhibits for _, picture in strips)
        picture_bytes += sum(len(tile.data) for board in units for tile in board.tiles)
        walls_by_section = walls(shown, options.picture_of if options.images else None, PICTURES_MOST - picture_bytes)
    template = _environment().get_template("page.html.j2")
    return template.render(
        title=title,
        style=Markup(page_colours() + _asset("style.css") + rules(inks)),
        symbols=Markup(symbols(inks)),
        script=Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        inks=inks,
        markers={model: Markup(icon(model, inks)) for model in inks.models},
        short=short_names(inks.models),
        demo=_demo(shown),
        own=all(result.run.has_own_classes for each in shown for result in each.results),
        screen=first_screen(shown, title, options.gates, options.outs),
        sentences=summary(shown),
        card=scorecard(shown),
        sections=[
            _section(
                each, inks, options, section_walls, strips, [result for other in shown for result in other.results]
            )
            for each, section_walls, strips in zip(shown, walls_by_section, exhibits, strict=True)
        ],
        handout=(_handout_runs(shown), _handout_pictures(walls_by_section, _first_figures(shown, inks))),
        claims=options.claims,
        gates=options.gates,
        boards=units,
        citations=citations(shown),
        problems=[line(fact) for fact in options.problems],
        beside=any(row.published for each in shown for row in rows_of(each)),
        ratios=any(not result.run.data.classes for each in shown for result in each.results),
    )


def at_size(text: str) -> str:
    """The text with ``NAME @160`` for ``NAME (resize_px=160)``, where there is little room."""
    return re.sub(r" \(resize_px=(\d+)\)", r" @\1", text)


def short_names(models: Sequence[str]) -> dict[str, str]:
    """Each model's name as the bar shows it, no two alike."""
    sized = {model: at_size(model) for model in models}
    shortened = formatting.shortened_apart([*sized.values()], BAR_MOST)
    return {model: shortened[text] for model, text in sized.items()}


def _handout_runs(shown: Sequence[BenchmarkSection]) -> list[tuple[str, str]]:
    """Each benchmark with what was run of it, in a line: images, seed, when, and the data's fingerprint."""
    lines = []
    for each in shown:
        counts = dict.fromkeys(f"{result.counts.images:,}" for result in each.results)
        seeds = dict.fromkeys(str(result.run.seed) for result in each.results)
        sessions = [session for result in each.results for session in result.measured.get("sessions", ())]
        days = sorted({str(session["started"])[:10] for session in sessions if session.get("started")})
        when = f", {days[0]}{'' if len(days) == 1 else f' to {days[-1]}'}" if days else ""
        data = each.results[0].run.data.fingerprint[:12] or "unknown"
        lines.append((each.full_heading, f"n = {' / '.join(counts)}, seed {' / '.join(seeds)}, data {data}{when}"))
    return lines


def _handout_pictures(hung: Sequence[Sequence[Wall]], figures: Sequence[Mapping[str, Any]]) -> list[tuple[str, Markup]]:
    """Two pictures that say most: the first photographs of two galleries, else the first figures of two sections."""
    pictures: list[tuple[str, Markup]] = []
    for walls_of_section in hung:
        for wall in walls_of_section:
            exhibit = next((each for each in wall.exhibits if each.pictures), None)
            if exhibit and len(pictures) < PICTURES_ON_SHEET and wall.gallery.title not in {t for t, _ in pictures}:
                answer = exhibit.sample.after or exhibit.sample.before
                under = f" under {exhibit.condition}" if exhibit.condition else ""
                answer_text = f", answered {answer.name}" if answer else ""
                caption = f"{wall.model}: {exhibit.sample.label}{under}{answer_text}"
                shown_picture = exhibit.pictures[min(1, len(exhibit.pictures) - 1)]  # not the change alone
                source = f"data:image/jpeg;base64,{shown_picture.data}"
                pictures.append((caption, Markup('<img alt="{}" src="{}">').format(caption, source)))
                break
    if not pictures:
        pictures = [(each["heading"], each["narrow"]) for each in figures if each["narrow"]]
    return pictures[:PICTURES_ON_SHEET]


def sheet(shown: Sequence[BenchmarkSection], title: str, inks: Inks, gates: Sequence[GateTable] = ()) -> str:
    """One sheet to hand over, as a page of its own: gates, first screen, overview, what was run, two figures."""
    figures = _first_figures(shown, inks)
    return (
        _environment()
        .get_template("sheet.html.j2")
        .render(
            title=title,
            style=Markup(page_colours() + _asset("style.css") + rules(inks)),
            symbols=Markup(symbols(inks)),
            inks=inks,
            markers={model: Markup(icon(model, inks)) for model in inks.models},
            screen=first_screen(shown, title, gates),
            demo=_demo(shown),
            card=scorecard(shown),
            handout=(_handout_runs(shown), _handout_pictures([], figures)),
        )
    )


def breakable_name(name: str) -> Markup:
    """A name that may be broken after an underscore, a slash or a dot; no number is."""
    return Markup(re.sub(r"([_/:]|(?<!\d)[.]|(?<=\w)-)(?=\w)", r"\1<wbr>", str(escape(name))))


def spaced_name(name: str, inks: Inks) -> Markup:
    """A name that may be broken; spaces stand for underscores, except in names of models."""
    return breakable_name(name if name in inks.models else name.replace("_", " "))


def numbered(inks: Inks, measured: MeasuredNumbers) -> str:
    """Measured numbers by the place of their model, as JSON; the models are those of the page."""
    return json.dumps({inks.group(name): [round(each, 6) for each in numbers] for name, numbers in measured.items()})


def _asset(name: str) -> str:
    return Path(__file__).parent.joinpath("templates", name).read_text("utf-8")


def _section(
    shown: BenchmarkSection,
    inks: Inks,
    options: PageOptions,
    gallery_walls: Sequence[Wall],
    exhibits: Sequence[tuple[str, str]],
    all_results: Sequence[Result],
) -> dict[str, Any]:
    failures = [(result.name, failure) for result in shown.results for failure in result.failures]
    checks_by_model = {result.name: checks(result, shown, options.declared) for result in shown.results}
    doubts_by_model = {result.name: doubts(result, checks_by_model[result.name]) for result in shown.results}
    return {
        "shown": shown,
        "section": shown.section,
        "notes": _notes(shown),
        "rows": rows_of(shown),
        "hints": _hints(shown),
        "tables": _tables(shown),
        "beside": published_peers(shown),
        "matrices": difference_matrices(shown),
        "pair_notes": _pair_notes(shown),
        "slices": [*slice_views(shown.results), *_compared_slices(shown)],
        "figures": [_figure(chart, inks) for chart in shown.section.charts],
        "walls": gallery_walls,
        "pictured": options.images and options.picture_of is not None,
        "exhibits": exhibits,
        "checks": checks_by_model,
        "doubts": doubts_by_model,
        "counted": {name: doubts_text(each) for name, each in doubts_by_model.items()},
        "verdicts": {result.name: result.doubt for result in shown.results},
        "believed": {result.name: trust_text(result, checks_by_model[result.name]) for result in shown.results},
        "failures": failures[:LISTED_FAILURES],
        "more_failures": max(0, len(failures) - LISTED_FAILURES),
        "runs": [(result, commands_of(result, all_results), sessions_of(result)) for result in shown.results],
    }


def _pair_notes(shown: BenchmarkSection) -> tuple[str, ...]:
    """The sentences of a comparison on pairs, beside their differences; places stand in the tables."""
    # Parts of a difference of errors would stand against the direction of all else on the page.
    are_own = all(result.run.has_own_labels for result in shown.results)
    return pair_notes(shown.compared, DIFFERENCES_MOST, parts_of_errors=not are_own) if shown.compared else ()


def _compared_slices(shown: BenchmarkSection) -> list[TextTable]:
    """The differences of models by slice, of the first score alone."""
    compared = shown.compared
    pairs = [pair for pair in compared.slices if pair.metric == compared.slices[0].metric] if compared else []
    return compared_slices.slice_views(compared.heading, pairs, compared.doubts) if compared and pairs else []


def _tables(shown: BenchmarkSection) -> list[list[int]]:
    """The places of the columns of the table in sight, which are headlines, and of the folded one.

    The column that stands for the section is the first one, so that a phone shows it without scrolling.
    """
    columns = shown.section.columns
    places = sorted(range(len(columns)), key=lambda place: columns[place] != shown.section.headline)
    headlines = [place for place in places if columns[place].headline]
    return [headlines, [place for place in places if place not in headlines]] if headlines else [places, []]


def _notes(shown: BenchmarkSection) -> list[str]:
    """The notes to read before trusting the table, without those that its checks give."""
    codes = {fact.code for result in shown.results for fact in result.findings}
    # That data are the demo's is said once, on the first screen.
    return shown.notes(without={*codes, RunRemark.DEMO_SIZED, RunRemark.PUBLISHED})


def _demo(shown: Sequence[BenchmarkSection]) -> list[str]:
    """The remarks that data are the demo's, each once for the page, with its benchmarks where not all have it."""
    headings = [each.heading for each in shown if any(map(is_demo_sized, each.results))]
    if not headings:
        return []
    told = text(Fact(RunRemark.DEMO_SIZED))
    return [f"{told[0].upper()}{told[1:]}" if len(headings) == len(shown) else f"{', '.join(headings)}: {told}"]


def _figure(chart: Chart, inks: Inks) -> Mapping[str, Any]:
    """A chart drawn for a page and for a phone; a matrix is a table, which fits both."""
    parts = {"chart": chart, "heading": getattr(chart, "heading", chart.title), "caption": caption_of(chart)}
    if isinstance(chart, Heat):
        return {**parts, "wide": "", "narrow": ""}
    keyless = replace(inks, in_legends=False)
    wide, narrow = (Markup(inline(draw(chart, px, keyless), tips=px == WIDE_PX)) for px in (WIDE_PX, NARROW_PX))
    return {**parts, "wide": wide, "narrow": narrow}


def _first_figures(shown: Sequence[BenchmarkSection], inks: Inks) -> list[Mapping[str, Any]]:
    """The first figure of each section that can be read on half a sheet, of many models with a few rows.

    Figures that only repeat a column of the first screen come last.
    """
    charts = [chart for each in shown if (chart := _first_large(each.section.charts))]
    charts.sort(key=lambda chart: isinstance(chart, Dots) and not chart.rows)
    return [_figure(_with_few_rows(chart), inks) for chart in charts[:PICTURES_ON_SHEET]]


def _first_large(charts: Sequence[Chart]) -> Chart | None:
    """The first figure without small panels, else the first one; ``None`` where all are tables."""
    drawn = [chart for chart in charts if not isinstance(chart, Heat)]
    large = (chart for chart in drawn if not (isinstance(chart, Curves) and chart.small))
    return next(large, drawn[0] if drawn else None)


def _with_few_rows(chart: Chart) -> Chart:
    """The figure with its first rows alone, as its heading then says; as it is where all can be read."""
    if not isinstance(chart, Dots) or len(chart.observers) <= MODELS_OF_ALL_ROWS or len(chart.rows) <= ROWS_ON_SHEET:
        return chart
    title = f"{chart.title} ({ROWS_ON_SHEET} of {len(chart.rows)} rows)"
    return replace(chart, title=title, rows=chart.rows[:ROWS_ON_SHEET])


def _exhibits(results: Sequence[Result]) -> list[tuple[str, str]]:
    """Caption and base64 of the pictures that were kept with the first run that has some; they are the same in all."""
    pictures = next((result.exhibits for result in results if result.exhibits), {})
    encoded = []
    for caption, picture in pictures.items():
        with suppress(StoreError, SampleError):  # a link that leads elsewhere, or a damaged file: the page does without
            image = decode(picture.read_bytes(), caption)
            encoded.append((caption, base64.b64encode(encode_jpeg(image, QUALITY)).decode()))
    return encoded


def _hints(shown: BenchmarkSection) -> list[str]:
    """The meaning of each column of a section, at the first column of its metric; empty where nobody says it."""
    card, explained, hints = card_of(shown.results[0].run), set[str](), []
    for column in shown.section.columns:
        text = "the share of right answers." if column.complement else card.metric(column.metric).explanation
        hints.append("" if column.metric in explained else text)
        explained.add(column.metric)
    return hints
