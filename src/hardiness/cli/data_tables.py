"""What ``hardiness data`` shows: tables that fit 80 columns, and the same as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hardiness.data.checking import Checked, Fault
from hardiness.data.checking.faults import KINDS
from hardiness.data.inventory import Held
from hardiness.reference.datasets import PublishedFile

SHOWN_PATHS = 3


def there(held: Sequence[Held], needs: dict[str, list[str]]) -> Table:
    """What is there: how many images, and for which benchmarks."""
    table = Table("data set", "images", "for", box=None, title="there", title_justify="left", title_style="bold")
    for each in held:
        images = f"{each.images:,}" if each.images is not None else ""
        conditions = f" x {each.conditions}" if each.conditions else ""
        count = f"{images}{conditions} {each.note}".strip()
        table.add_row(each.published.name, count, ", ".join(needs.get(each.published.name, [])))
    return table


def missing(held: Sequence[Held], needs: dict[str, list[str]]) -> Table:
    """What is not there: how large it is, its licence, where it is from, and for which benchmarks."""
    table = Table(
        "data set", "GB", "licence", "from", "for", box=None, title="missing", title_justify="left", title_style="bold"
    )
    table.columns[1].max_width = len("published")  # "not published" takes two lines, and names need theirs
    table.columns[3].overflow = "fold"
    for each in held:
        published = each.published
        served = ", ".join(needs.get(published.name, []))
        home = published.home.removeprefix("https://")
        table.add_row(published.name, _size(published.chosen(())), published.licence, escape(home), served)
    return table


def tell_how(console: Console, missing: Sequence[Held], root: str) -> None:
    """How to get what is missing, a line each."""
    lines = [f"{each.published.name}: {each.note}" for each in missing if each.note]
    lines += [f"{each.published.name}: {each.published.advice}" for each in missing if each.published.advice]
    if any(not each.published.advice for each in missing):
        lines.append(f"hardiness data get NAME --data {root} fetches one; NAME:part+part a part of it")
    for line in lines:
        console.print(line, markup=False, highlight=False)


def _size(files: Sequence[PublishedFile]) -> str:
    known = [file.about_bytes for file in files if file.about_bytes]
    return f"{sum(known) / 1e9:.1f}" if known and len(known) == len(files) else "not published"


def as_dict(held: Held, needs: dict[str, list[str]]) -> dict[str, object]:
    """One data set for JSON."""
    published = held.published
    return {
        "name": published.name,
        "title": published.title,
        "place": str(held.place) if held.place else None,
        "images": held.images,
        "conditions": held.conditions or None,
        "published_images": published.images or None,
        "licence": published.licence,
        "home": published.home,
        "bytes": sum(file.about_bytes or 0 for file in published.chosen(())) or None,
        "benchmarks": needs.get(published.name, []),
        "seen": published.seen,
        "note": held.note,
    }


def checked_as_dict(checked: Checked) -> dict[str, object]:
    """What was found in one data set, for JSON."""
    return {
        "name": checked.name,
        "location": checked.location,
        "files": checked.files,
        "sound": not checked.wrong,
        "faults": [fault.as_dict() for fault in checked.faults],
        "remarks": list(checked.remarks),
    }


def print_checked(console: Console, checked: Checked) -> None:
    """Say whether a data set is sound; a table of what is wrong, kind by kind."""
    verdict = "sound" if not checked.wrong else f"{len(checked.wrong):,} fault{'s' * (len(checked.wrong) != 1)}"
    head = f"{checked.name}: {checked.files:,} files in {checked.location}: {verdict}"
    console.print(head, markup=False, highlight=False, soft_wrap=True)
    for remark in checked.remarks:
        console.print(remark, markup=False, highlight=False, soft_wrap=True)
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
    shown = [f"{fault.path}: {fault.reason}" for fault in faults[:SHOWN_PATHS]]
    return "\n".join(
        shown + ([f"… and {len(faults) - SHOWN_PATHS:,} more, all with --json"] if len(faults) > SHOWN_PATHS else [])
    )
