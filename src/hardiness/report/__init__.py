"""Results to tables, pages and figures; never a model, never a row."""

from hardiness.report.consistency import consistency_tables
from hardiness.report.page import write_page
from hardiness.report.stored_results import StoredResults
from hardiness.report.tables import score_tables

__all__ = ["StoredResults", "consistency_tables", "score_tables", "write_page"]
