"""The papers behind what was run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from hardiness.reference.files import reference_file
from hardiness.report.sections import BenchmarkSection


@dataclass(frozen=True, slots=True)
class Citation:
    """One paper: what it is cited for, and its BibTeX entry."""

    key: str
    text: str
    bibtex: str
    reasons: tuple[str, ...]


def citations(shown: Sequence[BenchmarkSection]) -> list[Citation]:
    """The papers behind what was run, each once with the benchmarks, protocols and models it stands for."""
    reasons: dict[str, list[str]] = {}
    for each in shown:
        for result in each.results:
            names = (result.benchmark, f"protocol {result.protocol}", result.run.model.name)
            for name in names:
                for key in _table()["cited_for"].get(name, ()):
                    cited_for = reasons.setdefault(key, [])
                    if name not in cited_for:
                        cited_for.append(name)
    return [
        Citation(key, paper["text"], _bibtex(key, paper), tuple(reasons[key]))
        for key, paper in _table()["papers"].items()
        if key in reasons
    ]


def _bibtex(key: str, paper: dict[str, Any]) -> str:
    arxiv = {"eprint": paper["arxiv"], "archivePrefix": "arXiv"} if "arxiv" in paper else {}
    printed = {} if arxiv else {"booktitle": paper["booktitle"]}
    fields = {"title": f"{{{paper['title']}}}", "author": paper["author"], "year": paper["year"], **arxiv, **printed}
    lines = ",\n".join(f"  {name} = {{{value}}}" for name, value in fields.items())
    return f"@{'misc' if arxiv else 'inproceedings'}{{{key},\n{lines}\n}}"


@cache
def _table() -> dict[str, Any]:
    table: dict[str, Any] = json.loads(reference_file("papers.json").read_text("utf-8"))
    return table
