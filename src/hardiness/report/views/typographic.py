"""Photographs with a wrong word: how often the model reads instead of looking."""

from __future__ import annotations

from hardiness.benchmarks.typographic import WORD_ANSWERED
from hardiness.core.result import Result, Score
from hardiness.report.score_lookup import ScoreLookup
from hardiness.report.views.card_view import CardView, register


@register("typographic")
class TypographicView(CardView):
    """How often the word is the answer."""

    def sentence(self, result: Result, scores: ScoreLookup) -> str | tuple[str, Score | None]:
        """How often it reads instead of looking."""
        share = scores.score(WORD_ANSWERED.name)
        if share is None or share.value is None:
            return ""
        return f"answers with a wrong word written on it {100 * share.value:.0f} % of the time", share
