"""Stored runs to results: tables, scores, and what several runs say together."""

from typing import TYPE_CHECKING

from hardiness.core import door

if TYPE_CHECKING:
    from hardiness.results.claims.claim import (
        ClaimVerdicts,
        Models,
        from_results,
        judge_claims,
        published_models,
    )
    from hardiness.results.compared import comparison_json, comparison_view
    from hardiness.results.comparison import (
        BenchmarkComparison,
        compare_stores,
        kept_comparisons,
    )
    from hardiness.results.error_consistency import Comparison, consistency
    from hardiness.results.flips import PairFlips
    from hardiness.results.gate import Gate, GateVerdict, judge, kept_gate
    from hardiness.results.likeness import Likeness, human_likeness
    from hardiness.results.measured import RunByImage, stored_measures
    from hardiness.results.noise import FOLDER, Noise, SettingEffect, moved_by
    from hardiness.results.policy import Policy, policy_of
    from hardiness.results.policy_watch import PolicyWatch, require_policy_fits, require_policy_matches
    from hardiness.results.results import (
        each_once,
        group_of,
        published_results,
        rebuild_results,
        results_of,
        with_severities,
    )
    from hardiness.results.runs import ScoredRun, differences_of, typed_option
    from hardiness.results.stopped import companions_of, look_at, population_of, rows_of
    from hardiness.results.stored_runs import RunEntry, drop_run, run_entries
    from hardiness.results.written_policy import first_policy
else:
    __getattr__, __dir__ = door(__name__)

__all__ = [
    "FOLDER",
    "BenchmarkComparison",
    "ClaimVerdicts",
    "Comparison",
    "Gate",
    "GateVerdict",
    "Likeness",
    "Models",
    "Noise",
    "PairFlips",
    "Policy",
    "PolicyWatch",
    "RunByImage",
    "RunEntry",
    "ScoredRun",
    "SettingEffect",
    "companions_of",
    "compare_stores",
    "comparison_json",
    "comparison_view",
    "consistency",
    "differences_of",
    "drop_run",
    "each_once",
    "first_policy",
    "from_results",
    "group_of",
    "human_likeness",
    "judge",
    "judge_claims",
    "kept_comparisons",
    "kept_gate",
    "look_at",
    "moved_by",
    "policy_of",
    "population_of",
    "published_models",
    "published_results",
    "rebuild_results",
    "require_policy_fits",
    "require_policy_matches",
    "results_of",
    "rows_of",
    "run_entries",
    "stored_measures",
    "typed_option",
    "with_severities",
]
