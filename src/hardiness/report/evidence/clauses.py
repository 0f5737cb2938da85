"""Clauses of standards, laws and frameworks, with the sections of one evidence file that speak to them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

from hardiness.reference.evidence_clauses import Clause, clause_table
from hardiness.report.evidence.record import SECTIONS, ClauseRecord, ClausesRecord


def clauses_record(filled: Collection[str]) -> ClausesRecord:
    """The table of clauses, held against the sections that are filled.

    Args:
        filled: names of the sections of a file that say something.
    """
    table = clause_table()
    read = {each.id: each.read for each in table.sources}
    return ClausesRecord(
        version=table.version,
        statement=table.statement,
        sources=table.sources,
        clauses=tuple(_record(each, read[each.source], filled) for each in table.clauses),
    )


def _record(clause: Clause, read: str, filled: Collection[str]) -> ClauseRecord:
    sections = [section for section in SECTIONS if section in clause.sections]
    answered = tuple(section for section in sections if section in filled)
    empty = tuple(section for section in sections if section not in filled)
    answer: Literal["yes", "in part", "no"] = "no" if not answered else "in part" if empty or clause.lacks else "yes"
    return ClauseRecord(clause.source, clause.clause, clause.asks, answer, answered, empty, clause.lacks, read)
