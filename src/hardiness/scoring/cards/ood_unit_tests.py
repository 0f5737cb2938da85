"""Out-of-distribution unit tests: the share of pictures without an object that pass for photographs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, final

import numpy as np

from hardiness.core import Condition, Grid, ImageTable, Records, Result, Run, Score, Section
from hardiness.scoring.acceptance import accepted, accepted_interval, threshold, threshold_draws
from hardiness.scoring.card import Baseline, Card, register
from hardiness.scoring.cards.ood import METHOD_TITLES, METHODS, Floats, sureness
from hardiness.scoring.cells import interval_of_mean
from hardiness.scoring.grids import Lookup
from hardiness.scoring.intervals import resampled_means
from hardiness.scoring.ood_unit_test_chart import KINDS, passing_chart
from hardiness.scoring.rows import answered

PHOTOGRAPH = Condition()


@register("ood_unit_tests")
@final
class OodUnitTestsCard(Card):
    """The mean over the tests of FPR at 95 %, by method; then by kind of test and of each. Photographs are positive.

    A model that flags nothing lets both kinds pass, noise and plain pictures; one that flags noise alone the second.

    Source: Bitterwolf et al. (2023), arXiv:2306.00826.
    """

    group: ClassVar[str] = "out of distribution"
    version: ClassVar[int] = 4
    columns: ClassVar[tuple[str, ...] | None] = ("prediction", "confidence", "logsumexp", "top5_logit")
    titles: ClassVar[Mapping[str, str]] = {
        f"mean_fpr95_{method}": f"mean FPR at 95 %, {METHOD_TITLES[method]}" for method in METHODS
    }
    keys: ClassVar[tuple[str, ...]] = ("test", "kind", "method")

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
            tests = _tests(table, method)
            if not tests:
                continue
            headlines.append(_mean(f"mean_fpr95_{method}", list(tests.values()), Condition()))
            for kind, names in KINDS.items():
                if own := [seen for name, seen in tests.items() if name in names]:
                    cells.append(_mean("kind_fpr95", own, Condition(kind=kind, method=method)))
            cells += [seen.score(Condition(test=name, method=method)) for name, seen in tests.items()]
        return [*headlines, *cells]

    def view(self, results: Sequence[Result]) -> Section:
        """What passes for a photograph, by test; the table of models, and for each a grid of tests by method."""
        charts = [chart for method in METHODS if (chart := passing_chart(results, method))]
        grids = [grid for result in results if (grid := _grid(result))]
        return replace(super().view(results), charts=charts, grids=grids)


@dataclass(frozen=True)
class _Test:
    """What one test's pictures are like.

    Attributes:
        inside: how sure the model is of the photographs, ``(n,)``.
        sure: of the picture made of each, ``(N,)``; NaN where it was not seen.
    """

    inside: Floats
    sure: Floats

    @property
    def passes(self) -> Floats:
        """1 where a picture passes for a photograph, 0 where not, NaN where it was not seen, ``(N,)``."""
        return np.where(np.isnan(self.sure), np.nan, self.sure >= threshold(self.inside))

    def moved(self) -> Floats:
        """What the share that passes is higher by at thresholds of other photographs, ``(R,)``."""
        share = accepted(self._seen, threshold_draws(self.inside))
        return np.asarray(share - float(np.nanmean(self.passes)))

    def score(self, condition: Condition) -> Score:
        """The share that passes."""
        hits, n = int(np.nansum(self.passes)), len(self._seen)
        interval = accepted_interval(self.inside, self._seen, hits)
        return Score("fpr95", hits / n, "fraction", n, interval, False, condition)

    @property
    def _seen(self) -> Floats:
        return np.asarray(self.sure[~np.isnan(self.sure)])


def _tests(table: ImageTable, method: str) -> dict[str, _Test]:
    inside = table.of(method, PHOTOGRAPH).astype(np.float64)
    return {
        condition["test"]: _Test(inside, np.where(table.evaluated[:, place], table[method][:, place], np.nan))
        for place, condition in enumerate(table.present)
        if condition
    }


def _mean(metric: str, tests: Sequence[_Test], condition: Condition) -> Score:
    """The mean share over some tests; its interval resamples photographs, and their threshold."""
    values = np.column_stack([each.passes for each in tests])
    mean = float(np.nanmean(values, axis=0).mean())
    draws = resampled_means(values, "ood_unit_tests").mean(axis=1) + np.mean([each.moved() for each in tests], axis=0)
    n = int(np.count_nonzero(~np.isnan(values), axis=0).max())
    return Score(metric, mean, "fraction", n, interval_of_mean(values, draws), False, condition)


def _grid(result: Result) -> Grid | None:
    at = Lookup(result.scores)
    tests = dict.fromkeys(score.condition["test"] for score in result.scores if "test" in score.condition)
    rows = tuple(
        (name.replace("_", " "), tuple(at.cell("fpr95", test=name, method=method) for method in METHODS))
        for name in tests
    )
    heads = tuple(METHOD_TITLES.values())
    return Grid(result.name, "pictures that pass for photographs", "test", heads, rows) if rows else None
