"""One sheet to hand over: first screen, overview, what was run and two figures, as a page that prints on A4."""

from __future__ import annotations

from collections.abc import Sequence

from hardiness.core.result import Result
from hardiness.report.beside import from_few, with_figure
from hardiness.report.exports.exporter import Comparisons, register
from hardiness.report.gate import GateTable
from hardiness.report.page import inks_of, sheet
from hardiness.report.sections import sections


@register(
    "sheet",
    "one sheet to hand over, HTML that prints on A4: what is sure, the overview, what was run",
    of_gates=True,
)
def write(results: Sequence[Result], comparisons: Comparisons = (), gates: Sequence[GateTable] = ()) -> bytes:
    """A page without scripts that holds everything it shows, the verdict of each gate first."""
    shown = [from_few(with_figure(each)) for each in sections(results, comparisons)]
    text = sheet(shown, "hardiness", inks_of(shown), gates)  # its first line says how many models
    # Names of files that are no UTF-8 stand with their bytes, as in the other forms.
    return text.encode(errors="surrogateescape").decode(errors="backslashreplace").encode()
