"""Can a number be believed? Checks of every result: verdict, reason, and what to do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hardiness.core import Result, Score
from hardiness.report.sections import Shown, score_of

WIDE = 0.10
"""Width of an interval above which n is called too small for most differences between models."""


@dataclass(frozen=True, slots=True)
class Check:
    """One check: its name, whether it found something, why, and what to do about it."""

    name: str
    raised: bool
    reason: str
    advice: str = ""


def checks(result: Result, shown: Shown) -> list[Check]:
    """The checks of one result, those that found something first."""
    if result.measured.get("published"):
        return [Check("published", False, "a published number; nothing was run here")]
    found = [
        *_completeness(result),
        *_size(result, shown),
        *_runtime(result),
        *(Check("warning", True, warning) for warning in result.warnings if not warning.startswith("partial:")),
        *(Check(finding.name, finding.raised, finding.sentence) for finding in result.findings),
    ]
    return sorted(found, key=lambda check: not check.raised)


def _completeness(result: Result) -> Iterator[Check]:
    counts = result.counts
    if counts.complete:
        yield Check("complete", False, f"all {counts.expected:,} pictures of the data set were evaluated")
    elif counts.expected:
        share = f"{counts.evaluated:,} of {counts.expected:,} pictures were evaluated"
        yield Check("complete", True, share, "run the same command without --limit: it continues where it stopped")
    if counts.failed:
        yield Check(
            "failures", True, f"{counts.failed:,} pictures failed", "see the list below, mend the files, run again"
        )
    elif counts.evaluated:
        yield Check("failures", False, "no picture failed")


def _size(result: Result, shown: Shown) -> Iterator[Check]:
    column = shown.section.headline
    score = score_of(result, column) if column else None
    if score is None or score.interval is None or score.unit != "fraction":
        return
    width = score.interval.high - score.interval.low
    text = f"n = {score.n:,}: the interval of {column.title if column else ''} is {100 * width:.0f} points wide"
    if width > WIDE:
        yield Check("sample size", True, f"{text}, so that smaller differences are not told apart", _more(score, width))
    else:
        yield Check("sample size", False, text)


def _more(score: Score, width: float) -> str:
    return f"about {round(score.n * (width / WIDE) ** 2):,} images would bring it to {100 * WIDE:.0f} points"


def _runtime(result: Result) -> Iterator[Check]:
    agreements = [session["agreement"] for session in result.measured.get("sessions", ()) if session.get("agreement")]
    for agreement in agreements[:1]:
        if agreement.get("fallback"):
            yield Check("runtime", True, str(agreement["fallback"]), "nothing: plain torch was used instead")
        elif agreement.get("n"):
            told = f"{100 * agreement['top1']:.0f} % of top-1 equal plain fp32 torch on {agreement['n']} images"
            yield Check(
                "runtime", agreement["top1"] < 1, told, "compare with --runtime torch" if agreement["top1"] < 1 else ""
            )


def raised(found: Sequence[Check]) -> int:
    """How many checks found something."""
    return sum(check.raised for check in found)
