"""Why rules of a policy have no number, in words."""

from __future__ import annotations

from hardiness.core.codes import Missing
from hardiness.core.fact import Fact
from hardiness.report.words import Words, says, text


@says(Missing.UNDEFINED)
def undefined(fact: Fact, why: Fact) -> Words:
    """As of the code."""
    return f"undefined: {text(why)}"


@says(Missing.NO_INTERVAL)
def no_interval(fact: Fact, why: Fact | None, of_difference: bool) -> Words:
    """As of the code."""
    what = "no interval of the difference" if of_difference else "no interval"
    return f"{what}: {text(why) if why else 'none is defined for this score'}"


@says(Missing.NO_SUCH)
def no_such(fact: Fact, field: str, value: str) -> Words:
    """As of the code."""
    return f"no {field} {value!r} in this run"


@says(Missing.NO_RUN)
def no_run(fact: Fact, benchmark: str) -> Words:
    """As of the code."""
    return f"no run of {benchmark}; run it, or say model = of the rule"


@says(Missing.OF_BASELINE)
def of_baseline(fact: Fact, why: Fact) -> Words:
    """As of the code."""
    return f"the baseline's number: {text(why)}"
