"""Black box against white box: an attack that does not see the model must not beat one that does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from hardiness.benchmarks.attack_verdict import with_doubt
from hardiness.benchmarks.check_wording import undecided
from hardiness.core.condition import Condition
from hardiness.core.result import Finding, Result, Score
from hardiness.results.comparisons import ScoredResult, speaks_of
from hardiness.statistics.intervals import disjoint

NAME = "black box stronger"


@speaks_of("transfers", "attack")
def transfers(each: ScoredResult, scored: Sequence[ScoredResult]) -> Result:
    """The result with black-box runs of the same model on the same data compared, where it is a white-box one."""
    result = each.result
    black = {
        other.result.run.surrogate.model: other.result.scores
        for other in scored
        if other.result.run.surrogate
        and other.result.run.surrogate.model != result.model
        and (other.result.data, other.result.protocol) == (result.data, result.protocol)
        and other.is_same_model(each)
    }
    return replace(result, findings=with_transfers(result.findings, result.scores, black))


def with_transfers(
    findings: Sequence[Finding], white: Sequence[Score], black: Mapping[str, Sequence[Score]]
) -> list[Finding]:
    """The findings of a white-box run, with what black-box runs of the same model say about them.

    Args:
        findings: of the white-box run, its verdict last.
        white: its scores.
        black: scores of the same model by the surrogate that was attacked; the model itself left out.

    Returns:
        The findings, the comparison before the verdict; a verdict that the model holds is withdrawn where a black box
        took more, with intervals that do not overlap.

    Source: Athalye et al. (2018), arXiv:1802.00420, section 3.1: white box must be at least as strong as black box.
    """
    if not findings:
        return []
    *checks, verdict = findings
    if not black:
        return [
            *checks,
            undecided(NAME, "No black-box run of this model is stored to compare with."),
            verdict,
        ]
    compared = _compared(white, black)
    if compared.raised and not verdict.raised:
        verdict = replace(
            verdict,
            raised=True,
            sentence=f"Withdrawn: {verdict.sentence} But a black box took more: do not trust it; find what hides the "
            "gradient.",
        )
    return with_doubt([*checks, compared, verdict])


def _compared(white: Sequence[Score], black: Mapping[str, Sequence[Score]]) -> Finding:
    white_box = {score.condition: score for score in white if score.metric == "accuracy"}
    pairs = 0
    for surrogate, scores in black.items():
        for score in scores:
            here = white_box.get(
                Condition(**{key: value for key, value in score.condition.items() if key != "surrogate"})
            )
            if score.metric != "accuracy" or here is None or not (score.interval and here.interval):
                continue
            pairs += 1
            assert score.value is not None
            assert here.value is not None
            if score.value < here.value and disjoint(score.interval, here.interval):
                return Finding(
                    NAME,
                    True,
                    f"Pictures made on {surrogate} leave {100 * score.value:.1f} % right, the white box "
                    f"{100 * here.value:.1f} % ({here.condition}): gradients of this model do not lead the attack.",
                )
    if not pairs:
        return undecided(NAME, "The stored black-box runs have no epsilon and steps in common with this run.")
    return Finding(NAME, False, f"No black box took more than the white box ({pairs} compared).")
