"""Clauses of standards, laws and frameworks, with the sections of one evidence file that speak to them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

from hardiness.reference.evidence_clauses import Clause, clause_table
from hardiness.report.evidence.record import ClauseRecord, ClauseSourceRecord, ClausesRecord


def clauses_record(filled: Collection[str]) -> ClausesRecord:
    """The table of clauses, held against the sections that are filled.

    Args:
        filled: names of the sections of a file that say something.
    """
    table = clause_table()
    return ClausesRecord(
        version=table.version,
        statement=table.statement,
        sources=tuple(
            ClauseSourceRecord(each.id, each.title, each.where, each.read, each.note) for each in table.sources
        ),
        clauses=tuple(_record(each, filled) for each in table.clauses),
    )


def _record(clause: Clause, filled: Collection[str]) -> ClauseRecord:
    answered = tuple(section for section in clause.sections if section in filled)
    empty = tuple(section for section in clause.sections if section not in filled)
    answer: Literal["yes", "in part", "no"] = "no" if not answered else "in part" if empty or clause.lacks else "yes"
    return ClauseRecord(clause.source, clause.clause, clause.asks, answer, answered, empty, clause.lacks)
