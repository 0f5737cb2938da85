"""Limits of rules that are beyond what a metric can be, or that no model can miss."""

from __future__ import annotations

from hardiness.core.codes import RunRemark
from hardiness.core.errors import ArgumentError
from hardiness.core.fact import Fact
from hardiness.core.result import IN_PERCENT, Metric
from hardiness.results.equivalence import AMBIGUOUS
from hardiness.results.policy import Rule

MOST_RATIO = 10.0
"""Largest limit of a ratio that is taken for one: 75 was meant as 75 %, and must say so."""


def require_limit(place: str, rule: Rule, metric: Metric) -> None:
    """Raise where a limit is beyond what a metric can be, or must be in percent: every model would pass it, or none.

    Args:
        place: how the message begins.
        rule: whose limit it is.
        metric: what is judged by it.

    Raises:
        ArgumentError: naming the rule and what its limit must be.
    """
    limit, is_difference, (least, most) = rule.limit, rule.is_difference, metric.range
    was = f"was {limit:g}" if metric.unit not in IN_PERCENT else f"was {limit:g}, which is {100 * limit:g} %"
    below = " below 100 %" if is_difference else ""
    if rule.in_percent and metric.unit not in IN_PERCENT:
        raise ArgumentError(
            f"{place}: {rule.kind} must be a number without %, as {metric.title} has the unit {metric.unit}; "
            f"was {100 * limit:g} %"
        )
    if metric.unit == "fraction" and (limit >= 1 if is_difference else not -1 <= limit <= 1):
        raise ArgumentError(
            f'{place}: {rule.kind} must be a share{below}, as 0.01 for one point, or a text as in "1 %", since '
            f"{metric.title} is one; {was}"
        )
    is_plain_margin = rule.kind == "equivalent_within" and not rule.in_percent and metric.unit in IN_PERCENT
    if is_plain_margin and limit >= AMBIGUOUS:
        raise ArgumentError(
            f'{place}: equivalent_within may be {limit:g} % or {100 * limit:g} %: write "{limit:g} %" or '
            f'"{100 * limit:g} %", whichever is meant; was {limit:g}'
        )
    if metric.unit == "ratio" and not rule.in_percent and (limit >= 1 if is_difference else abs(limit) > MOST_RATIO):
        raise ArgumentError(
            f'{place}: {rule.kind} must be a ratio, as 0.75 for 75 %, or a text as in "75 %", since '
            f"{metric.title} is one; {was}"
        )
    if limit < least and not is_difference:
        raise ArgumentError(f"{place}: {rule.kind} must be at least {least:g}, as {metric.title} always is; {was}")
    if limit > most:
        raise ArgumentError(f"{place}: {rule.kind} must be at most {most:g}, as {metric.title} always is; {was}")


def why_idle(place: str, rule: Rule, metric: Metric) -> Fact | None:
    """The fact that no model can fail a rule, since its limit is the end of what a metric can be; else ``None``.

    Args:
        place: of the rule in its policy.
        rule: whose limit it is.
        metric: what is judged by it.
    """
    least, most = metric.range
    end: float | None
    if rule.is_difference:
        is_idle, end = rule.limit >= most - least, None
    elif rule.kind == "at_most":
        is_idle, end = rule.limit >= most, most
    else:
        is_idle, end = rule.limit <= least, least
    about = {"rule": place, "metric": metric.title, "kind": rule.kind, "limit": rule.limit, "end": end}
    return Fact(RunRemark.IDLE_RULE, about) if is_idle else None
