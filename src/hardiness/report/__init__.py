"""What people read: the page, terminal tables, figures and exports, made from stored results alone."""

from typing import TYPE_CHECKING

from hardiness.core import door

if TYPE_CHECKING:
    from hardiness.report.exports.exporter import registry, tables_in
    from hardiness.report.format import PlainConsole, as_text, terminal_table
    from hardiness.report.gate import COMMENT_MOST, SUMMARY_MOST, annotation_lines, gate_markdown, gate_view, junit
    from hardiness.report.loggers.tracking import TrackingSession
    from hardiness.report.page import PageOptions, data_argument, flatten, put_page
    from hardiness.report.pictures import FeatureGrid, FeaturePicture
    from hardiness.report.sections import declared, with_own_names
    from hardiness.report.stored_results import StoredResults
    from hardiness.report.terminal import (
        WARNING,
        consistency_by_set_table,
        consistency_tables,
        headline_lines,
        human_likeness_table,
        score_tables,
        scorecard_tables,
    )
else:
    __getattr__, __dir__ = door(__name__)

__all__ = [
    "COMMENT_MOST",
    "SUMMARY_MOST",
    "WARNING",
    "FeatureGrid",
    "FeaturePicture",
    "PageOptions",
    "PlainConsole",
    "StoredResults",
    "TrackingSession",
    "annotation_lines",
    "as_text",
    "consistency_by_set_table",
    "consistency_tables",
    "data_argument",
    "declared",
    "flatten",
    "gate_markdown",
    "gate_view",
    "headline_lines",
    "human_likeness_table",
    "junit",
    "put_page",
    "registry",
    "score_tables",
    "scorecard_tables",
    "tables_in",
    "terminal_table",
    "with_own_names",
]
