"""Resamples of the numbers that claims read, the same images drawn for all models: so that differences are paired."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hardiness.scoring.claims.claim import KnownNumber, Models, Subject
from hardiness.scoring.claims.evidence import QUANTITIES, Quantity, with_substitutes
from hardiness.scoring.comparisons.stored_baseline import stored_baseline
from hardiness.scoring.statistics.comparison import shared_images
from hardiness.scoring.statistics.differences import FEWEST, FEWEST_DIFFERING
from hardiness.scoring.statistics.measurable import Measurable
from hardiness.scoring.statistics.measured import Measured, stored_measures
from hardiness.scoring.statistics.measures import Measure
from hardiness.scoring.statistics.resamples import Resamples
from hardiness.store import Store

_Found = tuple[Measured, Measurable]
Draws = NDArray[np.float64]


def paired_draws(models: Models, stores: Sequence[Store], baseline_model: str | None = None) -> Models:
    """The models, their numbers measured on the images that all of them have, with resamples.

    A number stays as it is, with an error of its own, where no image is shared, or where resamples would say too
    little of it: fewer than thirty images, or fewer than ten that differ from the rest.

    Args:
        models: read off the results of ``stores``.
        stores: where the runs are.
        baseline_model: whose stored runs ratios divide by, instead of the published baseline.
    """
    names = {subject.model for subject in models.all}
    stored = [run for store in stores for run in store.runs() if run.run.model.name in names]
    base = stored_baseline(stores, baseline_model) if baseline_model else None
    measures = [stored_measures(run, base) for run in stored]
    runs = [run for run in measures if run is not None and run.run.precision == "fp32"]
    paired: dict[str, dict[str, KnownNumber]] = {name: {} for name in names}
    drawn: dict[str, Resamples] = {}
    for quantity in QUANTITIES:
        having = [subject for subject in models.all if quantity.name in subject.numbers]
        found = {each.model: best for each in having if (best := _best(quantity, each.model, runs))}
        for model, (value, draws, images) in _drawn(found, drawn).items():
            old = next(each for each in having if each.model == model).numbers[quantity.name]
            error = float(np.std(draws, ddof=1))
            paired[model][quantity.name] = replace(
                old, value=value, n=drawn[images].n, standard_error=error, draws=draws, images=images
            )

    def subject(each: Subject) -> Subject:
        return replace(each, numbers=with_substitutes({**each.numbers, **paired[each.model]}))

    reference = subject(models.reference) if models.reference else None
    return replace(models, family=[subject(each) for each in models.family], reference=reference)


def _best(quantity: Quantity, model: str, runs: Sequence[Measured]) -> _Found | None:
    """The run and score of a model that a number is read off: with most steps, then with most images."""
    found = [
        (run, score)
        for run in runs
        for score in run.scores
        if run.run.model.name == model and quantity.fits(run.run.benchmark.name, score.metric, score.condition)
    ]
    return max(found, key=lambda each: (each[1].condition.get("steps", 0), len(each[0].ids)), default=None)


def _drawn(found: Mapping[str, _Found], drawn: dict[str, Resamples]) -> dict[str, tuple[float, Draws, str]]:
    """Of each model the score on the images that all share, its resamples, and what names those images."""
    if not found:
        return {}
    of_each = {model: run.ids for model, (run, _) in found.items()}
    ids = shared_images(of_each) if len(found) > 1 else next(iter(of_each.values()))
    if not len(ids):
        return {}
    sample = Resamples(ids)
    sample = drawn.setdefault(sample.key, sample)
    values = {}
    for model, (run, score) in found.items():
        measure = score.of(np.searchsorted(run.ids, ids))
        if not (measure.undefined or measure.thin or _says_too_little(measure)):
            first, *rest = measure.draws(sample)
            values[model] = (float(first), np.array(rest), sample.key)
    return values


def _says_too_little(measure: Measure) -> bool:
    """Whether resamples of so few images, or of images that are nearly all alike, say too little of the spread."""
    each = measure.by_image()
    if measure.n < FEWEST:
        return True
    if each is None:
        return False
    _, counts = np.unique(each, return_counts=True)
    return bool(measure.n - counts.max() < FEWEST_DIFFERING)
