"""Photographs outside the model's classes: AUROC, AUPR and FPR of each set by method."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hardiness.benchmarks.ood import METHOD_TITLES, METHODS
from hardiness.core.result import Result
from hardiness.report.charts import Grid
from hardiness.report.score_lookup import ScoreLookup
from hardiness.report.views.card_view import CardView, register


@register("ood")
class OodView(CardView):
    """A grid of sets by method for each model."""

    def figures(self, results: Sequence[Result]) -> Iterator[Grid]:
        """For each model a grid of its sets by method."""
        yield from filter(None, map(_grid, results))


def _grid(result: Result) -> Grid | None:
    """AUROC and both FPRs at 95 % of each set, by method."""
    lookup = ScoreLookup(result.scores)
    areas = [score.condition for score in result.scores if score.metric == "auroc"]
    sets = dict.fromkeys(condition["outside"] for condition in areas if condition.get("method") == METHODS[0])
    rows = tuple(
        (
            name,
            tuple(
                cell
                for method in METHODS
                for cell in (
                    lookup.cell("auroc", outside=name, method=method),
                    lookup.cell("fpr95", outside=name, method=method, positive="inside"),
                    lookup.cell("fpr95", outside=name, method=method, positive="outside"),
                )
            ),
        )
        for name in sets
    )
    heads = tuple(
        f"{title}: {what}"
        for title in METHOD_TITLES.values()
        for what in ("AUROC", "FPR95, inside positive", "FPR95, outside positive")
    )
    return Grid(result.name, "by set of other things", "set", heads, rows) if rows else None
