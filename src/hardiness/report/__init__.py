"""What people read: the page, terminal tables, figures and exports, made from stored results alone."""

from hardiness.report.page import PageOptions, put_page, write_page
from hardiness.report.stored_results import StoredResults
from hardiness.report.terminal import (
    consistency_by_set_table,
    consistency_tables,
    human_likeness_table,
    score_tables,
    scorecard_tables,
)

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
