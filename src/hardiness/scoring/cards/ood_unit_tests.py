"""Out-of-distribution unit tests: the share of pictures without an object that pass for photographs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar, final

import numpy as np

from hardiness.core import Condition, Grid, ImageTable, Records, Result, Run, Score, Section
from hardiness.scoring.card import Baseline, Card, register
from hardiness.scoring.cards.ood import METHOD_TITLES, METHODS, false_accepted, sureness
from hardiness.scoring.grids import Lookup
from hardiness.scoring.intervals import wilson
from hardiness.scoring.rows import answered

PHOTOGRAPH = Condition()


@register("ood_unit_tests")
@final
class OodUnitTests(Card):
    """The mean over the tests of FPR at 95 %, by method; then each test's. Pictures of photographs are positive.

    Source: Bitterwolf et al. (2023), arXiv:2306.00826.
    """

    columns: ClassVar[tuple[str, ...] | None] = ("prediction", "confidence", "logsumexp", "top5_logit")
    titles: ClassVar[Mapping[str, str]] = {
        f"mean_fpr95_{method}": f"mean FPR at 95 %, {METHOD_TITLES[method]}" for method in METHODS
    }
    keys: ClassVar[tuple[str, ...]] = ("test", "method")

    def filled_table(self, records: Records, run: Run) -> ImageTable:
        """The answer, and how sure the model is by each method, of the photograph and of each test."""
        return ImageTable.from_rows(records, run.conditions, {**answered(records), **sureness(records)})

    def scores(self, table: ImageTable, run: Run, baseline: Baseline | None) -> list[Score]:
        """A test counts the pictures that the threshold of the photographs accepts."""
        if table.place(PHOTOGRAPH) is None:
            reason = "no photograph was evaluated"
            return [Score("mean_fpr95_msp", None, "fraction", 0, higher_is_better=False, reason=reason)]
        headlines, cells = [], []
        for method in METHODS:
            inside = table.of(method, PHOTOGRAPH).astype(np.float64)
            found = []
            for condition in filter(None, table.present):
                seen = table.of(method, condition).astype(np.float64)
                hits, n = false_accepted(inside, seen), len(seen)
                at = Condition(**condition, method=method)
                found.append(Score("fpr95", hits / n, "fraction", n, wilson(hits, n), False, at))
            if found:
                mean = sum(score.value or 0.0 for score in found) / len(found)
                images = max(score.n for score in found)
                headlines.append(Score(f"mean_fpr95_{method}", mean, "fraction", images, higher_is_better=False))
            cells += found
        return [*headlines, *cells]

    def view(self, results: Sequence[Result]) -> Section:
        """The table of models, and for each a grid of tests by method."""
        return replace(super().view(results), grids=[grid for result in results if (grid := _grid(result))])


def _grid(result: Result) -> Grid | None:
    at = Lookup(result.scores)
    tests = dict.fromkeys(score.condition["test"] for score in result.scores if "test" in score.condition)
    rows = tuple(
        (name.replace("_", " "), tuple(at.cell("fpr95", test=name, method=method) for method in METHODS))
        for name in tests
    )
    heads = tuple(METHOD_TITLES.values())
    return Grid(result.name, "pictures that pass for photographs", "test", heads, rows) if rows else None
