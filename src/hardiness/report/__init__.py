"""Stored records to scores, tables and pages; never a model."""

from hardiness.report.page import write_page
from hardiness.report.results import rebuild, results
from hardiness.report.tables import score_tables

__all__ = ["rebuild", "results", "score_tables", "write_page"]
