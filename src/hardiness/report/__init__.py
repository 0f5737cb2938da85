"""Stored records to scores, tables and pages; never a model."""

from hardiness.report.consistency import consistency, consistency_tables
from hardiness.report.page import write_page
from hardiness.report.results import rebuild, results
from hardiness.report.tables import score_tables

__all__ = ["consistency", "consistency_tables", "rebuild", "results", "score_tables", "write_page"]
