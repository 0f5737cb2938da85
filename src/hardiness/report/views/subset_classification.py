"""Photographs of 200 classes: accuracy and confidence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hardiness.core.result import Result
from hardiness.report.charts import Chart
from hardiness.report.confidence_charts import confidence_charts
from hardiness.report.explained_by_accuracy import explained_chart
from hardiness.report.score_lookup import ScoreLookup
from hardiness.report.views.card_view import CardView, register


@register("subset_classification")
class SubsetClassificationView(CardView):
    """Accuracies, what clean accuracy explains, and confidence."""

    def figures(self, results: Sequence[Result]) -> Iterator[Chart]:
        """Accuracies, and how far confidence can be trusted."""
        yield from filter(None, [explained_chart(results)])
        yield from confidence_charts(results)

    def sentence(self, result: Result, scores: ScoreLookup) -> str:
        """The share answered rightly, and what that is less than on ordinary photographs."""
        top1, drop = scores.value("top1"), scores.value("top1_drop")
        if top1 is None:
            return ""
        less = f", {100 * drop:.0f} points less than on ordinary ones" if drop is not None and drop > 0 else ""
        return f"answers {100 * top1:.1f} % of {result.benchmark} rightly{less}"
