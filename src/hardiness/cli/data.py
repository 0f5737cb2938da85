"""``hardiness data``: what there is, fetching it, checking it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.status import Status
from rich.table import Table

from hardiness.api.progress import progress_on
from hardiness.benchmarks.options import registry
from hardiness.cli.options import command, json_flag, quiet_flag
from hardiness.cli.output import amount, print_json, wide
from hardiness.core.errors import ArgumentError, UnknownNameError
from hardiness.core.options import argument, option, wait_option
from hardiness.core.request import Request
from hardiness.data.checking import CheckReport, Depth, check, places_to_check
from hardiness.data.columns import read_columns
from hardiness.data.faults import KINDS, Fault, mend
from hardiness.data.getting import ArchiveOutcome, Manner, get, parse
from hardiness.data.inventory import DataInventory, inventory
from hardiness.data.validation_import import NAME as IMAGENET
from hardiness.data.validation_import import import_validation
from hardiness.distortions.frost_pictures import fetch_frost
from hardiness.reference.published_data import PublishedSet, datasets, published_set
from hardiness.report.format import FittingTable, PlainConsole
from hardiness.report.results_file import rebuild_results
from hardiness.report.words import line as line_of
from hardiness.results.stored_runs import drop_run
from hardiness.sources.downloads import WAIT_S
from hardiness.sources.files import shown
from hardiness.sources.packages import pins_file
from hardiness.store.store import Store

SHOWN_PATHS = 3


def present_table(inventories: Sequence[DataInventory], needs: dict[str, list[str]]) -> Table:
    """The data sets that are there: how many images, and for which benchmarks."""
    table = Table("data set", "images", "for", box=None, title="there", title_justify="left", title_style="bold")
    for each in inventories:
        images = f"{each.images:,}" if each.images is not None else ""
        conditions = f" x {each.conditions}" if each.conditions else ""
        count = f"{images}{conditions} {each.note}".strip()
        table.add_row(each.published.name, count, ", ".join(needs.get(each.published.name, [])))
    return table


def missing_table(inventories: Sequence[DataInventory], needs: dict[str, list[str]]) -> FittingTable:
    """The data sets that are missing: size, licence, origin where there is room, and for which benchmarks."""
    heads, rows = ("data set", "GB", "licence", "from", "for"), []
    for each in inventories:
        published = each.published
        served = ", ".join(needs.get(published.name, []))
        home = published.home.removeprefix("https://")
        rows.append((published.name, _size(published), published.licence, home, served))
    return FittingTable(heads, rows, title="missing", named=len(heads), droppable=("from",))


def tell_how(console: Console, missing: Sequence[DataInventory], root: str) -> None:
    """How to get what is missing, a line each."""
    lines = [f"{each.published.name}: {each.note}" for each in missing if each.note]
    lines += [f"{each.published.name}: {each.published.advice}" for each in missing if each.published.advice]
    if any(not each.published.advice for each in missing):
        lines.append(f"hardiness data get NAME --data {root} fetches one; NAME:part+part a part of it")
    for line in lines:
        console.print(line, markup=False, highlight=False)


def _size(published: PublishedSet) -> str:
    return f"{published.about_bytes / 1e9:.1f}" if published.about_bytes else "not known here"


def as_dict(inventory: DataInventory, needs: dict[str, list[str]]) -> dict[str, object]:
    """One data set for JSON."""
    published = inventory.published
    return {
        "name": published.name,
        "title": published.title,
        "place": str(inventory.place) if inventory.place else None,
        "images": inventory.images,
        "conditions": inventory.conditions or None,
        "published_images": published.images or None,
        "licence": published.licence,
        "home": published.home,
        "bytes": published.about_bytes,
        "benchmarks": needs.get(published.name, []),
        "seen": published.seen,
        "note": inventory.note,
    }


def print_checked(console: Console, checked: CheckReport) -> None:
    """Say whether a data set is sound; a table of what is wrong, kind by kind."""
    verdict = amount(len(checked.wrong), "fault") if checked.wrong else "sound"
    head = f"{checked.name}: {amount(checked.files, 'file')} in {checked.location}: {verdict}"
    console.print(head, markup=False, highlight=False, soft_wrap=True)
    for remark in checked.remarks:
        console.print(line_of(remark), markup=False, highlight=False, soft_wrap=True)
    if checked.columns:
        described = Table("column", "kind", "values", "missing", box=None)
        for column in checked.columns:
            described.add_row(escape(shown(column.name)), column.kind, escape(column.text), f"{column.missing:,}")
        console.print(described)
    if not checked.faults:
        return
    table = Table("fault", "count", "where", box=None)
    counts = Counter((fault.kind, fault.is_note) for fault in checked.faults)
    for (kind, is_note), count in counts.items():
        alike = [fault for fault in checked.faults if (fault.kind, fault.is_note) == (kind, is_note)]
        label = f"{kind} (told only)" if is_note else kind
        table.add_row(label, f"{count:,}", escape(f"{KINDS[kind]}:\n{_examples(alike)}"))
    console.print(table)


def _examples(faults: Sequence[Fault]) -> str:
    examples = [f"{fault.path}: {fault.reason}" for fault in faults[:SHOWN_PATHS]]
    return "\n".join(
        examples + ([f"… and {len(faults) - SHOWN_PATHS:,} more, all with --json"] if len(faults) > SHOWN_PATHS else [])
    )


FROST = "frost"
TOLD_EVERY = 500


@dataclass(frozen=True, kw_only=True)
class RootOption:
    """The folder of data sets."""

    root: str = option(
        "The folder of data sets; $HARDINESS_DATA or ./data if not given.",
        name="--data",
        metavar="ROOT",
        factory=lambda: os.environ.get("HARDINESS_DATA", "data"),
    )


@dataclass(frozen=True, kw_only=True)
class InventoryOptions(RootOption):
    """Which folder, and how it is printed."""

    as_json: bool = json_flag("Print it as JSON.")


@command
def data_list(options: InventoryOptions) -> int:
    """Say what is there, and what is missing.

    For which benchmark, how large, under which licence, and where from.
    """
    root = options.root
    held = list(inventory(Path(root))) if Path(root).exists() or root != "data" else _empty_inventory()
    needs = _needs()
    if options.as_json:
        print_json([as_dict(each, needs) for each in held])
        return 0
    console = wide()
    there = [each for each in held if each.place is not None]
    console.print(f"{root} holds {len(there)} of {len(held)} data sets", markup=False, highlight=False)
    if there:
        console.print(present_table(there, needs))
    missing = [each for each in held if each.place is None]
    if missing:
        console.print(missing_table(missing, needs))
        tell_how(console, missing, root)
    return 0


@dataclass(frozen=True, kw_only=True)
class GetOptions(RootOption):
    """Which data sets are fetched, from where, and what becomes of their archives."""

    names: tuple[str, ...] = argument("NAME[:PART+PART] …")
    keep_archive: bool = option("Leave the archives in ROOT/downloads.", False)
    packed: bool = option("Leave tars as they came: they are read where they lie.", False, name="--no-unpack")
    mirrors: tuple[str, ...] = option(
        "Ask URL/<name>/<file> first; or $HARDINESS_MIRROR.", (), name="--mirror", metavar="URL"
    )
    accept_terms: bool = option("I agree to the terms of data sets that have some.", False)
    wait_s: float = wait_option(WAIT_S, "another command that fetches the same file")
    quiet: bool = quiet_flag("Neither progress nor closing lines.")


@command
def data_get(options: GetOptions) -> int:
    """Fetch data sets and lay them out under ROOT.

    Checksums are verified; the same command again continues where it stopped.

    NAME is a data set that 'hardiness data list' shows, or frost: the pictures that the corruption of that name needs.
    imagenet itself needs an account: see 'hardiness data import'. Some others lie at no address that can be fetched:
    then the message says how to get them.
    """
    names = [*datasets(), FROST]
    for name in options.names:
        if name.partition(":")[0] not in names:
            raise UnknownNameError("data to get", name, names)
    sets = [(name, parse(name)) for name in options.names if name != FROST]
    if not options.accept_terms:
        _refuse_without_terms([published for _, (published, _) in sets])
    if FROST in options.names:
        folder, count, package = fetch_frost()
        click.echo(f"{folder}: {count} pictures " + (f"from {package}" if package else "are there already"))
    preset = os.environ.get("HARDINESS_MIRROR")
    mirrors = (*options.mirrors, preset) if preset else options.mirrors
    manner = Manner(options.keep_archive, not options.packed, mirrors, _progress(options.quiet), options.wait_s)
    for _, (published, files) in sets:
        for got in get(published, files, Path(options.root), manner):
            if not options.quiet:
                _print_outcome(got)
    return 0


@dataclass(frozen=True, kw_only=True)
class CheckOptions:
    """Which data sets are checked, and how deep."""

    names: tuple[str, ...] = argument("NAME …", ())
    everything: bool = option("Every data set that is there.", False, name="--all")
    places: tuple[str, ...] = option(
        "The folder of data sets, or one of them; $HARDINESS_DATA or ./data if not given.",
        (),
        name="--data",
        metavar="ROOT|NAME=PATH",
    )
    pixels: bool = option("Decode every file, and compare it with its tree's manifest.", False)
    fix: bool = option("Put right what is safe: names in the wrong case, images in another's folder.", False)
    columns: tuple[str, ...] = option(
        "What is known of pictures beyond labels, as of 'hardiness run'; it is described.", (), metavar="FILE"
    )
    cluster: str | None = option("The column whose values are not shown, such as patient.", None, metavar="COLUMN")
    as_json: bool = json_flag("Print it as JSON.")
    quiet: bool = quiet_flag("No progress.")


@command
def data_check(options: CheckOptions) -> int:
    """Find what is wrong with data sets.

    Exit status 1 where something is. Classes, counts, names, and the structure of each file are checked; pixels only
    with --pixels. Columns that pictures have beyond their labels are described; of one with many values, as names of
    patients are, no value is shown.
    """
    if bool(options.names) == options.everything:
        raise ArgumentError("data check needs the NAME of a data set, or --all")
    reports, tables = [], tuple(map(read_columns, options.columns))
    console, silent = PlainConsole(stderr=True), options.quiet or options.as_json
    places = options.places or (os.environ.get("HARDINESS_DATA", "data"),)
    for published, place in places_to_check(options.names, places):
        with nullcontext() if silent else console.status(f"{published.name} …") as status:
            progress = _file_count_on(status, published.name)
            depth = Depth(options.pixels, Request().workers, progress, tables, options.cluster or "")
            report_of_set = check(published, place, depth)
            if options.fix:
                for fault in mend(report_of_set.faults):
                    click.echo(f"moved {fault.path}: {fault.reason}", err=True)
                report_of_set = check(published, place, depth)
        reports.append(report_of_set)
    if options.as_json:
        print_json(reports)
    else:
        console = wide()
        for report in reports:
            print_checked(console, report)
    return 1 if any(report.wrong for report in reports) else 0


@dataclass(frozen=True, kw_only=True)
class ImportOptions(RootOption):
    """The files that image-net.org gave."""

    name: str = argument("imagenet")
    val: Path = option("ILSVRC2012_img_val.tar.", metavar="TAR")
    devkit: Path | None = option(
        "ILSVRC2012_devkit_t12.tar.gz; the labels are in this package if not given.", None, metavar="TAR"
    )
    quiet: bool = quiet_flag("Neither progress nor a closing line.")


@command
def data_import(options: ImportOptions) -> int:
    """Lay out ImageNet's validation set.

    From the tar that image-net.org gives to those who register. All 50,000 names are verified; the same command again
    continues where it stopped.
    """
    if options.name != IMAGENET:
        raise UnknownNameError("data set to import", options.name, [IMAGENET])
    done = import_validation(options.val, Path(options.root), options.devkit, _progress(options.quiet)("imagenet"))
    if not options.quiet:
        what = (
            "the published archive"
            if done.is_official
            else "not byte for byte the published archive, but all names are"
        )
        click.echo(f"{amount(done.images, 'image')} in {done.folder} ({what})")
    return 0


@dataclass(frozen=True, kw_only=True)
class DropOptions:
    """Which run of which folder."""

    out: str = argument("OUT")
    run: str = argument("RUN")


@command
def data_drop(options: DropOptions) -> int:
    """Remove one run of the output folder OUT for good: its rows, and its place in results.json.

    RUN is the key of the run, six digits or more, as 'hardiness list runs OUT' and 'hardiness gate' print it; where
    it is the key of none or of several, nothing is removed. No other command should be evaluating that run.
    """
    store = Store.open(options.out)
    folders = drop_run(store, options.run)
    rebuild_results(store)
    click.echo(f"removed {', '.join(folders)}; 'hardiness report {options.out}' writes the page without it")
    return 0


def _refuse_without_terms(sets: Sequence[PublishedSet]) -> None:
    """Show the terms of data sets that have some, and refuse to fetch them before they are agreed to."""
    bound = [published for published in sets if published.terms]
    for published in bound:
        click.echo(f"{published.name}: {published.terms}")
    if bound:
        names = ", ".join(published.name for published in bound)
        raise ArgumentError(f"{names} must be fetched under the terms above; if you agree, add --accept-terms")


def _progress(quiet: bool) -> Callable[[str], Callable[[int, int | None], None]]:
    if quiet:
        return lambda _: lambda done, total: None
    bars = progress_on(PlainConsole(stderr=True))
    return lambda what: lambda done, total: bars.download(what, done, total)


def _file_count_on(status: Status | None, name: str) -> Callable[[int, int | None], None]:
    """Says now and then how many files were looked at."""

    def report(done: int, total: int | None) -> None:
        if status is not None and done % TOLD_EVERY == 0:
            status.update(f"{name}: {done:,} files")

    return report


def _print_outcome(got: ArchiveOutcome) -> None:
    what = got.file.part or got.file.name
    if got.was_there:
        click.echo(f"{got.folder}: {what} is there already")
        return
    size = f"{amount(got.files, 'file')} of {what}" if got.files else f"{what}, read where it lies"
    click.echo(f"{got.folder}: {size}")
    origin = "as published" if got.is_published else f"none is published; kept in {pins_file()} to compare with"
    click.echo(f"  {got.checksum} ({origin})")


def _needs() -> dict[str, list[str]]:
    """The benchmarks that each data set serves."""
    needs: dict[str, list[str]] = {}
    for name in registry.names():
        benchmark = registry.get(name)
        for need in (*benchmark.needs, *benchmark.beside):
            needs.setdefault(need, []).append(name)
    return needs


def _empty_inventory() -> list[DataInventory]:
    return [DataInventory(published_set(name), None) for name in datasets()]
