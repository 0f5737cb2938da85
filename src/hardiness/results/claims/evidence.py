"""The numbers that claims read, how exact they are, and what each image adds to them, paired between models."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import NormalDist
from typing import Any

from hardiness.core import Result
from hardiness.reference import baseline, table
from hardiness.results.claims.claim import KnownNumber, Models, Subject
from hardiness.results.measured import RunByImage, stored_measures
from hardiness.results.stored_baseline import stored_baseline
from hardiness.statistics import FEWEST, FEWEST_DIFFERING, Estimate, Measurable, shared_images
from hardiness.store import Store

FAMILY = ("resnext101_32x8d_wsl", "resnext101_32x16d_wsl", "resnext101_32x32d_wsl", "resnext101_32x48d_wsl")
REFERENCE = "resnext101_32x8d"
"""The five models of Orhan (2019), arXiv:1907.07640, and the one among them without weak supervision."""


def share_error(value: float, n: int, top: float = 1.0) -> float:
    """The largest standard error of a mean of ``n`` values in [0, top]; that of a share where they are 0 or top.

    Two values at either end are added, so that no error at all in n images is not taken for certainty.

    Source: Agresti & Coull (1998), doi:10.1080/00031305.1998.10480550.
    """
    share = (value / top * n + 2) / (n + 4)
    return top * math.sqrt(share * (1 - share) / (n + 4))


def calibration_error(value: float, n: int) -> float:
    """The largest standard error of a root-mean-square gap between confidence and accuracy.

    By the delta method its variance is at most the largest variance of an accuracy, 1/4, over n, whatever the bins.
    """
    del value
    return 0.5 / math.sqrt(n)


def flip_rate_error(value: float, n: int) -> float:
    """The largest standard error of the mFR: a mean over images of values up to the mean of one over the baseline's."""
    flips = (baseline("imagenet-p") or {})["flip_probability"].values()
    return share_error(value, n, sum(1 / flip for flip in flips) / len(flips))


@dataclass(frozen=True)
class Quantity:
    """Where a number stands.

    Attributes:
        name: that claims use.
        title: what people call it.
        benchmark, metric: of the score.
        condition: what its condition must hold; of several scores the one with the most steps counts.
        bound: its standard error where nothing but value and n are known.
        headline: whether its condition must be empty.
    """

    name: str
    title: str
    benchmark: str
    metric: str
    condition: Mapping[str, Any] = field(default_factory=dict)
    bound: Callable[[float, int], float] = share_error
    headline: bool = False

    def fits(self, benchmark: str, metric: str, condition: Mapping[str, Any]) -> bool:
        """Whether a score is this number."""
        if (benchmark, metric) != (self.benchmark, self.metric) or (self.headline and condition):
            return False
        return all(condition.get(key) == value for key, value in self.condition.items())

    def absent(self, results: Sequence[Result]) -> str:
        """Why it is not known of a model with these results, and what to run."""
        scores = [score for result in results if result.benchmark == self.benchmark for score in result.scores]
        if not scores:
            return f"no {self.title}: run -b {self.benchmark}"
        for score in scores:
            if score.reason and self.fits(self.benchmark, score.metric, score.condition):
                return f"{self.title} is undefined: {score.reason}"
        if any(score.metric == f"{self.metric}_partial" for score in scores):
            return f"no {self.title}: only a part of {self.benchmark} was run, run all of it"
        return f"no {self.title} in the stored run of {self.benchmark}: run it with its default options"


QUANTITIES = (
    Quantity("clean_accuracy", "top-1 accuracy on imagenet-val", "imagenet-val", "top1", headline=True),
    Quantity("corrupted_error", "mean error on imagenet-c", "imagenet-c", "mean_error", headline=True),
    Quantity("whitebox_accuracy", "accuracy under whitebox at epsilon .06", "whitebox", "accuracy", {"epsilon": 0.06}),
    Quantity("whitebox_clean_accuracy", "clean accuracy of whitebox", "whitebox", "clean_accuracy"),
    Quantity("blackbox_accuracy", "accuracy under blackbox at epsilon .06", "blackbox", "accuracy", {"epsilon": 0.06}),
    Quantity("blackbox_clean_accuracy", "clean accuracy of blackbox", "blackbox", "clean_accuracy"),
    Quantity("shape_bias", "shape bias on cue-conflict", "cue-conflict", "shape_bias", {"protocol": "orhan2019"}),
    Quantity(
        "calibration_error",
        "RMS calibration error on imagenet-a",
        "imagenet-a",
        "rms_calibration_error",
        bound=calibration_error,
    ),
    Quantity("mfr", "mFR on imagenet-p", "imagenet-p", "mfr", headline=True, bound=flip_rate_error),
)

MADE_HARDER = "corruption"
"""The option of a benchmark's run of which the paper does not speak: its pictures were corrupted."""

SUBSTITUTES = {"whitebox_clean_accuracy": "clean_accuracy", "blackbox_clean_accuracy": "clean_accuracy"}
"""Where an attack's run has no clean accuracy of its own, that of the validation set stands in."""


def from_results(results: Sequence[Result], family: Sequence[str], reference: str | None = None) -> Models:
    """The models of an output folder with what is known of them.

    Args:
        results: of any benchmarks.
        family: names of models, the smallest first.
        reference: the model that they are compared with.
    """

    z = 2 * NormalDist().inv_cdf(0.975)

    def subject(model: str) -> Subject:
        rows, own = (
            [],
            [each for each in results if each.model == model and not each.run.benchmark.options.get(MADE_HARDER)],
        )
        for result in own:
            for score in result.scores:
                if score.value is not None:
                    error = (score.interval.high - score.interval.low) / z if score.interval else 0.0
                    source = f"{result.benchmark} on {result.data}"
                    known = KnownNumber(score.value, score.n, error, source=source, doubt=score.doubt)
                    rows.append((result.benchmark, score.metric, score.condition, known))
        return _subject(model, rows, own)

    return Models([subject(model) for model in family], subject(reference) if reference else None)


def published_models() -> Models:
    """The five models of the paper with their published numbers; of several sources the one with most digits."""
    rows = sorted(table(), key=lambda row: -len(f"{row.value:.6f}".rstrip("0")))

    def subject(model: str) -> Subject:
        return _subject(
            model,
            [
                (row.benchmark, row.metric, row.condition, KnownNumber(row.value, row.n, 0.0, source=row.source))
                for row in rows
                if row.model == model
            ],
        )

    return Models([subject(model) for model in FAMILY], subject(REFERENCE))


_Row = tuple[str, str, Mapping[str, Any], KnownNumber]


def _subject(model: str, rows: Sequence[_Row], results: Sequence[Result] = ()) -> Subject:
    numbers: dict[str, KnownNumber] = {}
    for quantity in QUANTITIES:
        if fitting := [row for row in rows if quantity.fits(*row[:3])]:
            *_, known = max(fitting, key=lambda row: row[2].get("steps", 0))
            error = known.standard_error or quantity.bound(known.value, known.n)
            numbers[quantity.name] = replace(known, standard_error=error)
    found = with_substitutes(numbers)
    return Subject(model, found, {each.name: each.absent(results) for each in QUANTITIES if each.name not in found})


def with_substitutes(numbers: Mapping[str, KnownNumber]) -> dict[str, KnownNumber]:
    """The numbers, with those of `SUBSTITUTES` where there are none of their own."""
    own = {name: known for name, known in numbers.items() if not (name in SUBSTITUTES and known.is_substitute)}
    found = dict(own)
    for name, other in SUBSTITUTES.items():
        if name not in own and other in own:
            found[name] = replace(own[other], is_substitute=True)
    return found


_Found = tuple[RunByImage, Measurable]


def paired_numbers(models: Models, stores: Sequence[Store], baseline_model: str | None = None) -> Models:
    """The models, their numbers measured on the images that all of them have, with what each image adds.

    A number stays as it is, with an error of its own, where no image is shared, or where these images say too
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
    for quantity in QUANTITIES:
        having = [subject for subject in models.all if quantity.name in subject.numbers]
        found = {each.model: best for each in having if (best := _best(quantity, each.model, runs))}
        for model, known in _estimates(found).items():
            old = next(each for each in having if each.model == model).numbers[quantity.name]
            paired[model][quantity.name] = replace(
                old, value=known.value, n=known.n, standard_error=known.error, estimate=known
            )

    def subject(each: Subject) -> Subject:
        return replace(each, numbers=with_substitutes({**each.numbers, **paired[each.model]}))

    reference = subject(models.reference) if models.reference else None
    return replace(models, family=[subject(each) for each in models.family], reference=reference)


def _best(quantity: Quantity, model: str, runs: Sequence[RunByImage]) -> _Found | None:
    """The run and score of a model that a number is read off: with most steps, then with most images."""
    found = [
        (run, score)
        for run in runs
        for score in run.scores
        if run.run.model.name == model
        and not run.run.benchmark.options.get(MADE_HARDER)
        and quantity.fits(run.run.benchmark.name, score.metric, score.condition)
    ]
    return max(found, key=lambda each: (each[1].condition.get("steps", 0), len(each[0].ids)), default=None)


def _estimates(found: Mapping[str, _Found]) -> dict[str, Estimate]:
    """Of each model the score on the images that all share, where these say enough of it."""
    if not found:
        return {}
    of_each = {model: run.ids for model, (run, _) in found.items()}
    ids = shared_images(of_each) if len(found) > 1 else next(iter(of_each.values()))
    known = {model: run.estimate(score, ids) for model, (run, score) in found.items()} if len(ids) else {}
    return {
        model: estimate
        for model, (estimate, lacks) in known.items()
        if not lacks and estimate.n >= FEWEST and estimate.differing >= FEWEST_DIFFERING
    }
