"""What people read: the page, terminal tables, figures and exports, made from stored results alone."""

from hardiness.report.consistency import consistency_tables
from hardiness.report.human_likeness import consistency_by_set_table, human_likeness_table
from hardiness.report.page import PageOptions, put_page, write_page
from hardiness.report.stored_results import StoredResults
from hardiness.report.tables import score_tables, scorecard_tables

__all__ = [
    "PageOptions",
    "StoredResults",
    "consistency_by_set_table",
    "consistency_tables",
    "human_likeness_table",
    "put_page",
    "score_tables",
    "scorecard_tables",
    "write_page",
]
