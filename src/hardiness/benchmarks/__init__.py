"""Named protocols: data, conditions, decision rule and card."""

from typing import TYPE_CHECKING

from hardiness.core import door

if TYPE_CHECKING:
    from hardiness.benchmarks.attack_checks import undecided, with_doubt
    from hardiness.benchmarks.attacks import surrogate_matrix
    from hardiness.benchmarks.card import (
        CLEAN,
        SHOWN_WHEN_ASKED,
        VIEW,
        Baseline,
        Card,
        MissingCard,
        benchmark_type,
        card_of,
        cards,
        published_baseline,
        variant_of,
        warnings_of,
    )
    from hardiness.benchmarks.chat_answers import ENDPOINT_COLUMNS, answer_scores, answer_warnings, chat_outputs
    from hardiness.benchmarks.corruptions import CorruptionSet, corruption_benchmark
    from hardiness.benchmarks.cue_conflict import answers
    from hardiness.benchmarks.explained import fitted
    from hardiness.benchmarks.imagenet_p import ImagenetP, strips
    from hardiness.benchmarks.leaderboard import is_comparable, names_of
    from hardiness.benchmarks.model_vs_human import cells_of
    from hardiness.benchmarks.options import benchmark_name, describe, described, own_name, parse, registry, text_of
    from hardiness.benchmarks.own_classes import VERSION as CLASSES_VERSION
    from hardiness.benchmarks.own_classes import (
        class_scores,
        class_warnings,
        severities_below,
        with_classes,
    )
    from hardiness.benchmarks.own_code import benchmark_code, scoring_code
    from hardiness.benchmarks.photographs import FACTORS
    from hardiness.benchmarks.shares import (
        CLEAN_TOP1,
        EFFECTIVE,
        ERROR_RATIO,
        FACTOR_ERROR,
        REAL_TOP1,
        REAL_TOP5,
        TOP1_DROP,
        accuracy,
    )
    from hardiness.benchmarks.suites import Suite, suite
else:
    __getattr__, __dir__ = door(__name__)

__all__ = [
    "CLASSES_VERSION",
    "CLEAN",
    "CLEAN_TOP1",
    "EFFECTIVE",
    "ENDPOINT_COLUMNS",
    "ERROR_RATIO",
    "FACTORS",
    "FACTOR_ERROR",
    "REAL_TOP1",
    "REAL_TOP5",
    "SHOWN_WHEN_ASKED",
    "TOP1_DROP",
    "VIEW",
    "Baseline",
    "Card",
    "CorruptionSet",
    "ImagenetP",
    "MissingCard",
    "Suite",
    "accuracy",
    "answer_scores",
    "answer_warnings",
    "answers",
    "benchmark_code",
    "benchmark_name",
    "benchmark_type",
    "card_of",
    "cards",
    "cells_of",
    "chat_outputs",
    "class_scores",
    "class_warnings",
    "corruption_benchmark",
    "describe",
    "described",
    "fitted",
    "is_comparable",
    "names_of",
    "own_name",
    "parse",
    "published_baseline",
    "registry",
    "scoring_code",
    "severities_below",
    "strips",
    "suite",
    "surrogate_matrix",
    "text_of",
    "undecided",
    "variant_of",
    "warnings_of",
    "with_classes",
    "with_doubt",
]
