"""The surface in Python: what the command line calls, and what a notebook calls."""

from typing import TYPE_CHECKING

from hardiness.core.doors import door

if TYPE_CHECKING:
    from hardiness.api.collection import collect_results as collect_results
    from hardiness.api.collection import comparisons_of as comparisons_of
    from hardiness.api.collection import gate_tables as gate_tables
    from hardiness.api.collection import open_stores as open_stores
    from hardiness.api.collection import problems_of as problems_of
    from hardiness.api.collection import stated_accuracy as stated_accuracy
    from hardiness.api.command import Command as Command
    from hardiness.api.comparison import compare_grouped as compare_grouped
    from hardiness.api.evidence import report_evidence as report_evidence
    from hardiness.api.execution import run as run
    from hardiness.api.exports import refuse_folder as refuse_folder
    from hardiness.api.exports import write_export as write_export
    from hardiness.api.forecast import plan as plan
    from hardiness.api.grouping import grouping_asked as grouping_asked
    from hardiness.api.grouping_options import GroupingOptions as GroupingOptions
    from hardiness.api.grouping_options import MixedGroupingOptions as MixedGroupingOptions
    from hardiness.api.labelled_files import score_labelled_file as score_labelled_file
    from hardiness.api.ladder import climb as climb
    from hardiness.api.observers import people as people
    from hardiness.api.page import Report as Report
    from hardiness.api.page import publish as publish
    from hardiness.api.page import write_held as write_held
    from hardiness.api.page import write_page as write_page
    from hardiness.api.paper_claims import claims as claims
    from hardiness.api.paper_claims import published_claims as published_claims
    from hardiness.api.progress import progress_on as progress_on
    from hardiness.api.protocol_noise import noise as noise
    from hardiness.api.verdicts import judge_grouped as judge_grouped
    from hardiness.engine.ray_cluster import Cluster as Cluster
else:
    __getattr__, __dir__ = door(__name__)

__all__ = []
