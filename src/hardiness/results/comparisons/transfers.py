"""Black box against white box: an attack that does not see the model must not beat one that does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from hardiness.benchmarks.attack_verdict import with_doubt
from hardiness.core.codes import AttackCheck
from hardiness.core.condition import Condition
from hardiness.core.fact import CheckOutcome, Fact, Trust
from hardiness.core.result import Result, Score
from hardiness.results.comparisons import ScoredResult, speaks_of
from hardiness.statistics.intervals import disjoint


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


def with_transfers(facts: Sequence[Fact], white: Sequence[Score], black: Mapping[str, Sequence[Score]]) -> list[Fact]:
    """The facts about a white-box run, with what black-box runs of the same model say about it.

    Args:
        facts: of the white-box run, its verdict last.
        white: its scores.
        black: scores of the same model by the surrogate that was attacked; the model itself left out.

    Returns:
        The facts, the comparison before the verdict; a verdict that the model holds is withdrawn where a black box
        took more, with intervals that do not overlap.

    Source: Athalye et al. (2018), arXiv:1802.00420, section 3.1: white box must be at least as strong as black box.
    """
    if not facts:
        return []
    *checks, verdict = facts
    compared = _compared(white, black)
    if compared.is_raised and not verdict.is_raised:
        arguments = {**verdict.arguments, "black_box": True}
        verdict = replace(verdict, arguments=arguments, outcome=CheckOutcome.RAISED, trust=Trust.WITHDRAWN)
    return with_doubt([*checks, compared, verdict])


def _compared(white: Sequence[Score], black: Mapping[str, Sequence[Score]]) -> Fact:
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
                arguments = {"left": score.value, "white_box": here.value, "condition": str(here.condition)}
                return Fact(AttackCheck.BLACK_BOX, {"surrogate": surrogate, **arguments}, outcome=CheckOutcome.RAISED)
    if not pairs:
        return Fact(AttackCheck.BLACK_BOX, {"runs": len(black)}, outcome=CheckOutcome.NOT_RUN)
    return Fact(AttackCheck.BLACK_BOX, {"pairs": pairs}, outcome=CheckOutcome.CLEAR)
