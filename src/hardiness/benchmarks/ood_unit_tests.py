"""``ood-unit-tests``: is the model less sure of noise, stripes and plain colours than of photographs?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, final

import numpy as np

from hardiness import data as datasets
from hardiness import distortions, imaging
from hardiness.benchmarks.card import Baseline, Card, register
from hardiness.benchmarks.ood import FPR95, METHOD_OUTPUTS, METHOD_TITLES, METHODS, Floats, sureness
from hardiness.benchmarks.options import registry
from hardiness.benchmarks.photographs import Photographs
from hardiness.benchmarks.shares import answered
from hardiness.core.benchmark import DataRoot, DataSet, Expansion, Item, Selection
from hardiness.core.codes import Lack
from hardiness.core.condition import Condition
from hardiness.core.fact import Fact
from hardiness.core.model import Canvas
from hardiness.core.result import Metric, Score
from hardiness.core.run import Run
from hardiness.core.table import ImageTable, Records
from hardiness.distortions.objectless import objectless
from hardiness.statistics.acceptance import accepted_share, accepted_spread, threshold, threshold_draws
from hardiness.statistics.cells import spread_of_mean
from hardiness.statistics.intervals import resampled_means

NOISE = (
    "uni",
    "Rademacher",
    "Gaussian",
    "pixel_perm",
    "low_freq_pixel_perm",
    "low_freq",
    "low_freq_channelfullscale",
    "low_freq_colorrange",
    "blobs",
)
PLAIN = (
    "monochrome",
    "grey",
    "black",
    "white",
    "tricolour",
    "tricolour_primary",
    "horizontal_stripes",
    "vertical_stripes",
)
KINDS = {"noise": NOISE, "plain and striped": PLAIN}
"""The tests by kind: fine and coarse noise, and plain or striped pictures."""

MEANS = {
    method: Metric(
        f"mean_fpr95_{method}",
        f"mean FPR at 95 %, {title}",
        higher_is_better=False,
        outputs=METHOD_OUTPUTS[method],
        explanation="the share of pictures without any object that pass a threshold which 95 % of the photographs "
        "pass, the mean over all tests.",
    )
    for method, title in METHOD_TITLES.items()
}
"""The mean FPR at 95 % by method."""

OF_KIND = Metric(
    "kind_fpr95",
    "FPR at 95 % of a kind",
    higher_is_better=False,
    outputs="probabilities",
    outputs_by=METHOD_OUTPUTS,
    explanation="the share of pictures without any object that pass the same threshold, the mean over the tests of one "
    "kind.",
)
PHOTOGRAPH = Condition()

PICTURES = 400
"""The number of photographs, and of the pictures of each test."""


@register("ood_unit_tests")
@final
class OodUnitTestsCard(Card):
    """The mean over the tests of FPR at 95 %, by method; then by kind of test and of each. Photographs are positive.

    A model that flags nothing lets both kinds pass, noise and plain pictures; one that flags noise alone the second.

    Source: Bitterwolf et al. (2023), arXiv:2306.00826.
    """

    group: ClassVar[str] = "out of distribution"
    columns: ClassVar[tuple[str, ...] | None] = ("prediction", "confidence", "logsumexp", "top5_logit")
    metrics: ClassVar[tuple[Metric, ...]] = (*MEANS.values(), OF_KIND, FPR95)
    keys: ClassVar[tuple[str, ...]] = ("test", "kind", "method")

    def filled_table(self, records: Records, run: Run) -> ImageTable:
        """The answer, and how sure the model is by each method, of the photograph and of each test."""
        return ImageTable.from_rows(records, run.conditions, {**answered(records), **sureness(records)})

    def scores(self, table: ImageTable, run: Run, baseline: Baseline | None) -> list[Score]:
        """A test counts the pictures that the threshold of the photographs accepts."""
        if table.place(PHOTOGRAPH) is None:
            return [MEANS["msp"].score(None, 0, lack=Fact(Lack.NOT_EVALUATED, {"what": "photograph"}))]
        headlines, cells = [], []
        for method in METHODS:
            tests = _tests(table, method)
            if not tests:
                continue
            headlines.append(_mean(MEANS[method], list(tests.values()), Condition()))
            for kind, names in KINDS.items():
                if of_kind := [test for name, test in tests.items() if name in names]:
                    cells.append(_mean(OF_KIND, of_kind, Condition(kind=kind, method=method)))
            cells += [test.score(Condition(test=name, method=method)) for name, test in tests.items()]
        return [*headlines, *cells]


@dataclass(frozen=True)
class _Test:
    """Confidence on the pictures of one test, and on the photographs that set its threshold.

    Attributes:
        inside: how sure the model is of the photographs, ``(n,)``.
        sure: of the picture made of each, ``(N,)``; NaN where it was not evaluated.
    """

    inside: Floats
    sure: Floats

    @property
    def passes(self) -> Floats:
        """1 where a picture passes for a photograph, 0 where not, NaN where it was not evaluated, ``(N,)``."""
        return np.where(np.isnan(self.sure), np.nan, self.sure >= threshold(self.inside))

    def moved(self) -> Floats:
        """The rise of the share that passes at thresholds of other photographs, ``(R,)``."""
        share = accepted_share(self._evaluated, threshold_draws(self.inside))
        return np.asarray(share - float(np.nanmean(self.passes)))

    def score(self, condition: Condition) -> Score:
        """The score of the share that passes."""
        hits, n = int(np.nansum(self.passes)), len(self._evaluated)
        return FPR95.score(hits / n, n, accepted_spread(self.inside, self._evaluated, hits), condition)

    @property
    def _evaluated(self) -> Floats:
        return np.asarray(self.sure[~np.isnan(self.sure)])


def _tests(table: ImageTable, method: str) -> dict[str, _Test]:
    inside = table.cell(method, PHOTOGRAPH).astype(np.float64)
    return {
        condition["test"]: _Test(inside, np.where(table.evaluated[:, place], table[method][:, place], np.nan))
        for place, condition in enumerate(table.present)
        if condition
    }


def _mean(metric: Metric, tests: Sequence[_Test], condition: Condition) -> Score:
    """The mean share over some tests; its interval resamples photographs, and their threshold."""
    values = np.column_stack([test.passes for test in tests])
    mean = float(np.nanmean(values, axis=0).mean())
    draws = resampled_means(values, "ood_unit_tests").mean(axis=1) + np.mean([test.moved() for test in tests], axis=0)
    n = int(np.count_nonzero(~np.isnan(values), axis=0).max())
    return metric.score(mean, n, spread_of_mean(values, draws), condition)


@registry.add("ood-unit-tests")
@final
@dataclass(frozen=True)
class OodUnitTests(Photographs):
    """The share of pictures without any object that pass for photographs, in 17 tests.

    A threshold accepts 95 % of the photographs; a test counts the pictures that it accepts too. A model that flags
    nothing accepts nearly all of them, and one that flags noise alone fails in the plain and striped tests. Each
    picture has the size of one of 400 photographs, and is seen in the model's own view.

    Source: Bitterwolf et al. (2023), arXiv:2306.00826 (NINCO), and its published notebook.
    Differs: the threshold is that of the same 400 photographs, taken by class, not of all 50,000.
    """

    name: ClassVar[str] = "ood-unit-tests"
    question: ClassVar[str] = "Is it less sure of noise, stripes and plain colours than of photographs?"
    paper: ClassVar[str] = "Bitterwolf et al. 2023, arXiv:2306.00826"
    protocol: ClassVar[str] = "bitterwolf2023"
    needs: ClassVar[tuple[str, ...]] = ("imagenet",)
    card: ClassVar[str] = "ood_unit_tests"
    images: ClassVar[int] = PICTURES
    shard_items: ClassVar[int] = 16

    def selection(self) -> Selection:
        """The photograph, then each test."""
        return Selection((Condition(), *(Condition(test=name) for name in distortions.TESTS)))

    def dataset(self, data: DataRoot) -> DataSet:
        """400 of the photographs, every class once before any comes twice."""
        photographs = data.dataset("imagenet")
        chosen = sorted(datasets.limited(photographs.items, PICTURES, seed=0), key=lambda item: item.id)
        return replace(photographs, items=tuple(chosen))

    def expand(
        self, item: Item, conditions: Sequence[Condition], canvases: Sequence[Canvas], seed: int
    ) -> Iterator[Expansion]:
        """The photograph or the picture of a test, of its size, on every canvas."""
        photograph = imaging.decode(item.file.read(), item.file.name)
        for condition in conditions:
            picture = objectless(condition["test"], photograph, seed=seed, id=item.id) if condition else photograph
            yield Expansion(condition, 0, tuple(imaging.on_canvas(picture, canvas) for canvas in canvases))
