"""A comparison as JSON: everything that was found."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

from hardiness.scoring.kappa import KappaInterval
from hardiness.scoring.statistics.benchmark_comparison import BenchmarkComparison
from hardiness.scoring.statistics.comparison import Compared
from hardiness.scoring.statistics.pair_detail import PairDetail
from hardiness.scoring.statistics.proportions import Difference


def comparison_json(found: BenchmarkComparison) -> dict[str, Any]:
    """The JSON form of one benchmark's comparison."""
    return {
        "benchmark": found.benchmark,
        "data": found.data,
        "protocol": found.protocol,
        "variant": list(found.variant),
        "n": found.n,
        **({"doubts": dict(found.doubts)} if found.doubts else {}),
        "notes": list(found.notes),
        "effective_robustness": [asdict(model) for model in found.effective],
        "scores": [_score(score, found) for score in found.scores],
        "details": [_detail(detail) for detail in found.details],
    }


def difference_json(found: Difference) -> dict[str, Any]:
    """A difference with its interval and whether it is told from none."""
    interval = [found.interval.low, found.interval.high] if found.interval else None
    return {**asdict(found), "value": _finite(found.value), "interval": interval, "told_apart": found.told}


def _score(score: Compared, found: BenchmarkComparison) -> dict[str, Any]:
    return {
        "metric": score.metric,
        "condition": dict(score.condition),
        "higher_is_better": score.higher_is_better,
        "noise": score.noise,
        "values": {name: _finite(value) for name, value in score.values.items()},
        "pairs": [
            {
                "first": first,
                "second": second,
                **difference_json(pair),
                "told_apart": score.told(pair),
                **({"doubt": doubt} if (doubt := found.doubt_about_pair(score, first, second)) else {}),
            }
            for (first, second), pair in score.pairs.items()
        ],
        "ranks": {name: asdict(rank) for name, rank in score.ranks.items()},
    }


def _detail(detail: PairDetail) -> dict[str, Any]:
    kappa = detail.kappa.kappa if detail.kappa else KappaInterval(None, None)
    return {
        "first": detail.first,
        "second": detail.second,
        "kappa": kappa.value,
        "kappa_interval": [kappa.interval.low, kappa.interval.high] if kappa.interval else None,
        "cells": [
            {"condition": dict(cell.condition), "adjusted_p": cell.adjusted, **difference_json(cell.difference)}
            for cell in detail.cells
        ],
        "parts": {
            kind: [
                {"name": part.name, "adjusted_p": part.adjusted, **difference_json(part.difference)} for part in parts
            ]
            for kind, parts in detail.parts.items()
        },
        "images": [asdict(image) for image in detail.images],
    }


def _finite(value: float) -> float | None:
    return None if math.isnan(value) else value
