"""A result as plain text, for a Python prompt or a notebook; pages and the terminal have richer ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hardiness.core.result import Result, Score

SHOWN = 24
"""How many scores are shown; the rest are counted."""


def result_table(result: Result) -> str:
    """The result's scores, a line each, with what a person should know of them; values are not percent."""
    head = f"{result.model} on {result.benchmark} ({result.data}, {result.protocol})"
    evaluated, expected = result.counts.evaluated, result.counts.expected
    shown = result.scores[:SHOWN]
    rows = [("score", "value", "95 % interval", "n", ""), *(_row(score) for score in shown)]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = [f"{head}: {evaluated:,} of {expected:,} evaluated, {result.counts.failed:,} failed"]
    lines += [
        f"  {name:<{widths[0]}}  {value:>{widths[1]}}  {interval:>{widths[2]}}  {n:>{widths[3]}}  {doubt}".rstrip()
        for name, value, interval, n, doubt in rows
    ]
    if len(result.scores) > SHOWN:
        lines.append(f"  and {len(result.scores) - SHOWN} more in .scores")
    return "\n".join([*lines, *(f"  ! {warning}" for warning in result.warnings)])


def _row(score: Score) -> tuple[str, str, str, str, str]:
    condition = ", ".join(f"{name}={value}" for name, value in dict(score.condition).items())
    name = f"{score.metric} [{condition}]" if condition else score.metric
    if score.value is None:
        return name, "undefined", "", f"{score.n:,}", ""
    interval = f"{score.interval.low:.4g} to {score.interval.high:.4g}" if score.interval else ""
    return name, f"{score.value:.4g}", interval, f"{score.n:,}", score.doubt
