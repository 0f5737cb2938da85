"""``bibtex``: the papers behind what was run."""

from __future__ import annotations

from collections.abc import Sequence

from hardiness.core.result import Result
from hardiness.report.citations import citations
from hardiness.report.exports.exporter import Comparisons, register
from hardiness.report.sections import sections


@register("bibtex", "the papers to cite for what was run")
def write(results: Sequence[Result], comparisons: Comparisons = ()) -> bytes:
    """Their entries."""
    papers = citations(sections(results, comparisons, figures=False))
    return "\n\n".join(each.bibtex for each in papers).encode() + b"\n"
