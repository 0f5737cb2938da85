"""Several stored runs by image, as much of each as a comparison needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hardiness.scoring.card import card_of
from hardiness.scoring.comparisons.stored_baseline import StoredBaseline
from hardiness.scoring.scored_run import ScoredRun
from hardiness.scoring.statistics.comparison import shared_images
from hardiness.scoring.statistics.measurable import Measurable
from hardiness.scoring.statistics.measured import Measured, images_of, stored_measures
from hardiness.scoring.statistics.measures import Measure, OfMeans
from hardiness.scoring.statistics.resamples import Resamples
from hardiness.store import StoredRun


@dataclass(frozen=True)
class Computed:
    """A measure without the answers that it was computed from.

    Attributes:
        n, span, undefined, thin: as in `Measure`.
        resampled: what `draws` gives.
        images: what `by_image` gives.
    """

    n: int
    span: float
    undefined: str
    thin: str
    resampled: NDArray[np.float64]
    images: NDArray[np.float64] | None

    def draws(self, resamples: Resamples) -> NDArray[np.float64]:
        """``float64 (1 + R,)``: of the resamples that it was computed with."""
        return self.resampled

    def by_image(self) -> NDArray[np.float64] | None:
        """``(N,)`` what each image adds to the score; ``None`` if it has none."""
        return self.images


def measured_runs(
    runs: Mapping[str, StoredRun], *, tables: bool, base: StoredBaseline | None = None
) -> dict[str, Measured]:
    """The runs by image, without those that have no whole image or no score to compare by.

    Args:
        runs: of one benchmark, by name.
        tables: keep every answer of every run. Without, each run's answers are let go once its scores on the shared
            images are known, so that memory does not grow by a table a model.
    """
    if tables or len(runs) < 2:
        return {name: found for name, run in runs.items() if (found := stored_measures(run, base))}
    ids: dict[str, NDArray[np.object_]] = {}
    for name, run in runs.items():
        images, drawn = _images(run)
        if drawn:  # what is compared depends on the cells of all runs
            return measured_runs(runs, tables=True, base=base)
        if len(images):
            ids[name] = next((known for known in ids.values() if np.array_equal(known, images)), images)
    shared = shared_images(ids) if len(ids) > 1 else np.array([], str)
    if not len(shared):
        return measured_runs(runs, tables=True, base=base)
    resamples, measured = Resamples(shared), {}
    for name, images in ids.items():
        if found := stored_measures(runs[name], base):
            measured[name] = _without_answers(replace(found, ids=images), resamples)
    if len(measured) < len(ids):  # what cannot be compared must not say which images are shared
        return measured_runs({name: runs[name] for name in measured}, tables=False, base=base)
    return measured


def _images(run: StoredRun) -> tuple[NDArray[np.object_], bool]:
    """The images that a run is compared on, and whether each has some random cells alone."""
    scored = ScoredRun(run, card_of(run.run))
    table = scored.columns()
    scored.save()
    if not len(table):
        return table.ids, False
    chosen, drawn = images_of(table, run.run)
    return table.ids[chosen], drawn


def _without_answers(found: Measured, resamples: Resamples) -> Measured:
    """The run with its scores on the images of ``resamples``, and of its answers those of the first condition alone."""
    places = np.searchsorted(found.ids, resamples.ids)
    scores = tuple(_computed(score, places, resamples) for score in found.scores)
    # Copies: a view would hold on to all of it.
    first, nothing = found.right[:, :1].copy(), np.zeros((0, 0), np.float32)
    return replace(found, right=first, confidence=nothing, scores=scores, table=None)


def _computed(score: Measurable, places: NDArray[np.int64], resamples: Resamples) -> Measurable:
    known = _compact(score.of(places), resamples)
    return replace(score, of=lambda _: known)


def _compact(measure: Measure, resamples: Resamples) -> Measure:
    if isinstance(measure, OfMeans) and measure.shares:
        return measure  # a bool an image; two of them are compared exactly
    if measure.undefined:
        return Computed(measure.n, 0.0, measure.undefined, measure.thin, np.full(1, np.nan), None)
    drawn, images = measure.draws(resamples), measure.by_image()
    return Computed(measure.n, measure.span if images is not None else 0.0, "", measure.thin, drawn, images)
