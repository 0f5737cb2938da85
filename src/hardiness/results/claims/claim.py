"""A published claim as a test: the numbers that it reads, when it holds: contrasts of them, each with an interval."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, Literal

import numpy as np

from hardiness.core.forms import json_form
from hardiness.core.registry import Registry, instance_of
from hardiness.core.result import Result, TextTable
from hardiness.core.spread import Interval
from hardiness.reference.published_numbers import baseline, table
from hardiness.results.folder import Folder
from hardiness.results.measured import RunByImage, measures_of
from hardiness.statistics.comparison import FEWEST, FEWEST_DIFFERING, shared_images
from hardiness.statistics.estimate import Estimate
from hardiness.statistics.measures import Measurable

HOLDS: Verdict = "holds"
FAILS: Verdict = "does not hold"
OPEN: Verdict = "cannot be told from this n"
NO_SCORE: Verdict = "cannot be told: a score is missing"
NO_MODEL: Verdict = "cannot be told: a model is missing"
Verdict = Literal[
    "holds",
    "does not hold",
    "cannot be told from this n",
    "cannot be told: a score is missing",
    "cannot be told: a model is missing",
]

LEVEL = 0.05
_MANY = 1e9
"""Degrees of freedom with which Student's t is normal to every digit."""

Order = Literal["given", "parameters", "name"]


@dataclass(frozen=True)
class KnownNumber:
    """A number of one model with its n, standard error and source, measured or published.

    Attributes:
        value: as a fraction, ratio or in the number's own unit.
        n: images behind it.
        standard_error: of the value over other images like these.
        estimate: the number with what each image adds to it, if that is known; differences of such are paired.
        degrees: of freedom of the standard error, where it is that of a few.
        source: where it stands: the score of a run, or what published it.
        is_substitute: whether it is another number that stands in for one that was not measured.
        doubt: a word where the report on an attack does not stand by it; else empty.
    """

    value: float
    n: int
    standard_error: float
    estimate: Estimate | None = None
    degrees: float = math.inf
    source: str = ""
    is_substitute: bool = False
    doubt: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The JSON form: the fields that are shown beside claims."""
        return {"value": self.value, "n": self.n, "error": self.standard_error, "source": self.source}


@dataclass(frozen=True)
class Subject:
    """A model with its known numbers.

    Attributes:
        model: its name.
        numbers: by the names of `ClaimedNumber`.
        missing: why a number is not known, by the same names.
    """

    model: str
    numbers: Mapping[str, KnownNumber]
    missing: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Models:
    """The models that a claim is about.

    Attributes:
        family: models of one recipe, the smallest first.
        reference: the model that the family is compared with, if there is one.
        order: who put the family in order: whoever ``"given"`` it, its ``"parameters"``, or, where these are not
            known, its ``"name"``.
        parameters: how many each model has, where that is known.
    """

    family: Sequence[Subject]
    reference: Subject | None = None
    order: Order = "given"
    parameters: Mapping[str, int] = field(default_factory=dict)

    @property
    def all(self) -> tuple[Subject, ...]:
        """The reference, if there is one, then the family."""
        return (*((self.reference,) if self.reference else ()), *self.family)

    def paired(self, folder: Folder) -> Models:
        """These models, their numbers measured on the images that all of them have, with what each image adds.

        A number stays as it is, with an error of its own, where no image is shared, or where these images say too
        little of it: fewer than thirty images, or fewer than ten that differ from the rest.

        Args:
            folder: where the runs are.
        """
        names = {subject.model for subject in self.all}
        measures = []
        for run in (each for each in folder.whole if each.stored.run.model.name in names):
            measures.append(measures_of(run, folder.baseline))
            run.release()
        runs = [run for run in measures if run is not None and run.run.precision == "fp32"]
        paired: dict[str, dict[str, KnownNumber]] = {name: {} for name in names}
        for quantity in QUANTITIES:
            having = [subject for subject in self.all if quantity.name in subject.numbers]
            best_runs = {each.model: best for each in having if (best := quantity.best_run(each.model, runs))}
            for model, estimate in _estimates(best_runs).items():
                old = next(each for each in having if each.model == model).numbers[quantity.name]
                paired[model][quantity.name] = replace(
                    old, value=estimate.value, n=estimate.n, standard_error=estimate.error, estimate=estimate
                )

        def subject(each: Subject) -> Subject:
            return replace(each, numbers=with_substitutes({**each.numbers, **paired[each.model]}))

        reference = subject(self.reference) if self.reference else None
        return replace(self, family=[subject(each) for each in self.family], reference=reference)


@dataclass(frozen=True)
class Contrast:
    """A weighted sum of known numbers: above zero it speaks for the claim, below against it.

    Attributes:
        name: what it is, in a few words with its values.
        value: the sum.
        standard_error: of it.
        needed: whether its interval must lie above zero for the claim to hold; no other may lie below.
        paired: whether its numbers are of the same images.
        degrees: of freedom of the standard error.
    """

    name: str
    value: float
    standard_error: float
    needed: bool = True
    paired: bool = False
    degrees: float = math.inf

    @property
    def interval(self) -> Interval:
        """The interval of 95 %."""
        from scipy.special import stdtrit

        half = float(stdtrit(min(self.degrees, _MANY), 1 - LEVEL / 2)) * self.standard_error
        return Interval(self.value - half, self.value + half)

    @property
    def p(self) -> float:
        """The two-sided p-value of "it is zero": below .05 where the interval leaves out zero."""
        if not self.standard_error > 0:
            return 0.0 if self.value else 1.0
        from scipy.special import stdtr

        return float(2 * stdtr(min(self.degrees, _MANY), -abs(self.value) / self.standard_error))

    def as_dict(self) -> dict[str, Any]:
        """The JSON form: interval and p-value, and not what they were computed from."""
        interval = [self.interval.low, self.interval.high]
        return {"name": self.name, "value": self.value, "interval": interval, "p": self.p, "paired": self.paired}


@dataclass(frozen=True)
class Judgement:
    """The verdict on a claim from the models at hand.

    Attributes:
        verdict: ``"holds"``, ``"does not hold"``, ``"cannot be told from this n"``, or that a score or a model is
            missing.
        contrasts: what it rests on.
        reason: why it does not hold or cannot be told; else empty.
        p: of the verdict, at most .05 where it holds and where it does not: that of the contrast it rests on, times
            the number of contrasts where that lies below zero. ``None`` where something is missing.
    """

    verdict: Verdict
    contrasts: tuple[Contrast, ...] = ()
    reason: str = ""
    p: float | None = None


@dataclass(frozen=True)
class Claim:
    """One sentence of a paper, as a test; those of a paper share a file.

    Attributes:
        name: registered name.
        sentence: the claim in words.
        source: the paper and its stored results that it was read from.
        statistic: what is computed.
        test: when it holds.
        needs: the numbers that it reads.
        contrasts: from the models to the contrasts; it may count on everything in ``needs``.
        needs_family: fewest models in the family.
        needs_reference: whether there must be a reference.
    """

    name: str
    sentence: str
    source: str
    statistic: str
    test: str
    needs: tuple[str, ...]
    contrasts: Callable[[Models], Sequence[Contrast]] = field(repr=False)
    needs_family: int = 1
    needs_reference: bool = False

    def judge(self, models: Models) -> Judgement:
        """Whether the claim holds for these models.

        It holds where the 95 % interval of each contrast that the sentence needs lies above zero. It does not
        where one lies below, at a level shared out over all contrasts, so that many models alone refute nothing.

        Source: Berger (1982), doi:10.1080/00401706.1982.10487790, for "all of them" at the plain level; Bonferroni for
            "one of them".
        """
        if lacking := self._lacking(models):
            return lacking
        contrasts = tuple(self.contrasts(models))
        below = {place: min(1.0, len(contrasts) * each.p) for place, each in enumerate(contrasts) if each.value < 0}
        # Of several below zero the one that is told most surely; of several told from nothing the least sure.
        worst = min(below, key=lambda place: below[place], default=None)
        if worst is not None and below[worst] <= LEVEL:
            return Judgement(FAILS, contrasts, f"against it: {contrasts[worst].name}", below[worst])
        needed = {place: below.get(place, each.p) for place, each in enumerate(contrasts) if each.needed}
        weakest = max(needed, key=lambda place: needed[place])
        if needed[weakest] > LEVEL:
            return Judgement(OPEN, contrasts, f"the interval reaches zero: {contrasts[weakest].name}", needed[weakest])
        return Judgement(HOLDS, contrasts, p=needed[weakest])

    def _lacking(self, models: Models) -> Judgement | None:
        """That a model or a score is missing, and which; ``None`` where nothing is."""
        if self.needs_reference and models.reference is None:
            return Judgement(NO_MODEL, reason="there is no reference model to compare with; name one with --reference")
        family = models.family
        if len(family) < self.needs_family:
            reason = f"it needs {self.needs_family} models of one family, smallest first, had {len(family)}"
            return Judgement(NO_MODEL, reason=reason)
        subjects = models.all if self.needs_reference or self.needs_family == 1 else tuple(family)
        without: dict[str, list[str]] = {}
        for subject in subjects:
            for name in self.needs:
                if name not in subject.numbers:
                    why = subject.missing.get(name, f"no {name.replace('_', ' ')}")
                    without.setdefault(why, []).append(subject.model)
        lines = [f"{', '.join(names)}: {why}" for why, names in without.items()]
        return Judgement(NO_SCORE, reason="; ".join(lines)) if lines else None


def contrast(name: str, terms: Sequence[tuple[float, KnownNumber]], needed: bool = True) -> Contrast:
    """A weighted sum of known numbers with its standard error, paired where they are of the same images.

    Args:
        name: of the contrast.
        terms: weight and number of each term.
        needed: as in `Contrast`.

    Source: Satterthwaite (1946), doi:10.2307/3002019, for the degrees of freedom of a sum of variances.
    """
    value = sum(weight * number.value for weight, number in terms)
    alone = [(weight, number) for weight, number in terms if number.estimate is None]
    variances = [((weight * number.standard_error) ** 2, number.degrees) for weight, number in alone]
    of_images = [weight * number.estimate for weight, number in terms if number.estimate is not None]
    if of_images:
        whole = sum(of_images[1:], start=of_images[0])
        variances.append((whole.variance, max(whole.differing - 1, 1)))
    variance = sum(each for each, _ in variances)
    fewer = sum(each**2 / degrees for each, degrees in variances)
    paired = len(of_images) > 1 and not any(each > 0 for each, _ in variances[: len(alone)])
    return Contrast(name, value, math.sqrt(variance), needed, paired, variance**2 / fewer if fewer > 0 else math.inf)


def falls_with_size(quantity: str, models: Models) -> list[Contrast]:
    """One contrast that the number falls from model to model on the whole, and one for each step that it must not rise.

    The first is minus the slope over the places in the family; a step alone may be too small to be told.
    """
    family = [(subject.model, subject.numbers[quantity]) for subject in models.family]
    places = np.arange(len(family)) - (len(family) - 1) / 2
    slope = [(-float(place / np.sum(places**2)), number) for place, (_, number) in zip(places, family, strict=True)]
    (first, largest), (last, smallest) = (family[0][0], family[0][1].value), (family[-1][0], family[-1][1].value)
    contrasts = [contrast(f"{largest:.4g} ({first}) to {smallest:.4g} ({last}), a step on average", slope)]
    for (name, number), (other_name, other) in pairwise(family):
        text = f"{number.value:.4g} ({name}) to {other.value:.4g} ({other_name})"
        contrasts.append(contrast(text, [(1.0, number), (-1.0, other)], needed=False))
    return contrasts


registry: Registry[Claim] = Registry("claim", "hardiness.results.claims", "hardiness.claims", instance_of(Claim))


def add(claim: Claim, where: str) -> Claim:
    """Register a claim under its name; ``where`` is the ``__name__`` of its module."""
    registry.register(claim.name, claim, where)
    return claim


HEADS = ("claim", "verdict", "p", "because")


@dataclass(frozen=True)
class ClaimVerdicts:
    """The verdicts on every claim.

    Attributes:
        models: that they were judged on.
        claims: each with its judgement, in the order of their names.
        notes: which models were left out, and why.
    """

    models: Models
    claims: tuple[tuple[Claim, Judgement], ...]
    notes: tuple[str, ...] = ()

    def view(self) -> TextTable:
        """A row for each claim: its sentence, its verdict with p, and what that rests on."""
        rows = [
            (
                claim.sentence,
                judgement.verdict,
                _p(judgement.p),
                judgement.reason or "; ".join(each.name for each in judgement.contrasts),
            )
            for claim, judgement in self.claims
        ]
        reference = self.models.reference.model if self.models.reference else "none"
        pairing = [f"differences are {self._pairing}"] if self.rest_on_numbers else []
        notes = (*self._family(), f"reference: {reference}", *pairing, *self.notes)
        return TextTable("claims", HEADS, tuple(rows), named=len(HEADS), notes=notes)

    @property
    def rest_on_numbers(self) -> bool:
        """Whether any was judged; none was where each lacks a model or a score."""
        return any(judgement.contrasts for _, judgement in self.claims)

    @property
    def are_told(self) -> bool:
        """Whether any holds or does not hold on these models."""
        return any(judgement.verdict in (HOLDS, FAILS) for _, judgement in self.claims)

    def _repr_html_(self) -> str:
        """The table that a notebook shows."""
        return self.view().html()

    def _family(self) -> Iterator[str]:
        """The family in its order, and notes on that order."""
        names, parameters = [subject.model for subject in self.models.family], self.models.parameters
        texts = [f"{name} ({_size(parameters[name])})" if name in parameters else name for name in names]
        how = {"given": "smallest first", "parameters": "smallest first by parameters", "name": "in the order of names"}
        yield f"family{f', {how[self.models.order]}' if len(names) > 1 else ''}: {', '.join(texts)}"
        if self.models.order == "name" and len(names) > 1:
            unknown = ", ".join(name for name in names if name not in parameters)
            yield f"the number of parameters of {unknown} is not stored: name the family with -m, smallest first"
        if self.models.order == "given":
            for first, second in pairwise(name for name in names if name in parameters):
                if parameters[first] > parameters[second]:
                    yield f"{first} has more parameters than {second}, which was named after it"

    @property
    def _pairing(self) -> str:
        contrasts = [contrast for _, judgement in self.claims for contrast in judgement.contrasts]
        paired = sum(contrast.paired for contrast in contrasts)
        if paired == len(contrasts):
            return "paired on the same images"
        return f"paired on the same images in {paired} of {len(contrasts)} contrasts" if paired else "unpaired"

    def as_dict(self) -> dict[str, Any]:
        """The numbers that were read with where they stand, then each claim with its contrasts."""
        reference = self.models.reference
        return {
            "family": [subject.model for subject in self.models.family],
            "order": self.models.order,
            "parameters": {subject.model: self.models.parameters.get(subject.model) for subject in self.models.family},
            "reference": reference.model if reference else None,
            "numbers": {subject.model: json_form(subject.numbers) for subject in self.models.all},
            "claims": {
                claim.name: {
                    "sentence": claim.sentence,
                    "source": claim.source,
                    "statistic": claim.statistic,
                    "test": claim.test,
                    "verdict": judgement.verdict,
                    "p": judgement.p,
                    "reason": judgement.reason,
                    "contrasts": json_form(judgement.contrasts),
                }
                for claim, judgement in self.claims
            },
        }


def judge_claims(models: Models) -> ClaimVerdicts:
    """The verdict on every registered claim, from some models; one of somebody else's that fails is left out."""
    judged = []
    for name in registry:
        claim = registry.get(name)
        try:
            judged.append((claim, claim.judge(models)))
        except Exception as error:
            if not registry.give_up(name, error):
                raise
    return ClaimVerdicts(models, tuple(judged))


def _size(parameters: int) -> str:
    return f"{parameters / 1e6:.1f} million" if parameters >= 1e6 else f"{parameters:,}"


def _p(p: float | None) -> str:
    return "" if p is None else f"{p:.3f}" if p >= 0.001 else "<0.001"


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
class ClaimedNumber:
    """A number that claims rest on, and where it stands among scores.

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
            if score.value is None and self.fits(self.benchmark, score.metric, score.condition):
                return f"{self.title} is undefined{f' ({score.lack.code})' if score.lack else ''}"
        if any(score.metric == f"{self.metric}_partial" for score in scores):
            return f"no {self.title}: only a part of {self.benchmark} was run, run all of it"
        return f"no {self.title} in the stored run of {self.benchmark}: run it with its default options"

    def best_run(self, model: str, runs: Sequence[RunByImage]) -> _ScoredRun | None:
        """The run and score of a model that a number is read off: with most steps, then with most images."""
        candidates = [
            (run, score)
            for run in runs
            for score in run.scores
            if run.run.model.name == model
            and not run.run.benchmark.options.get(MADE_HARDER)
            and self.fits(run.run.benchmark.name, score.metric, score.condition)
        ]
        return max(candidates, key=lambda each: (each[1].condition.get("steps", 0), len(each[0].ids)), default=None)


QUANTITIES = (
    ClaimedNumber("clean_accuracy", "top-1 accuracy on imagenet-val", "imagenet-val", "top1", headline=True),
    ClaimedNumber("corrupted_error", "mean error on imagenet-c", "imagenet-c", "mean_error", headline=True),
    ClaimedNumber(
        "whitebox_accuracy", "accuracy under whitebox at epsilon .06", "whitebox", "accuracy", {"epsilon": 0.06}
    ),
    ClaimedNumber("whitebox_clean_accuracy", "clean accuracy of whitebox", "whitebox", "clean_accuracy"),
    ClaimedNumber(
        "blackbox_accuracy", "accuracy under blackbox at epsilon .06", "blackbox", "accuracy", {"epsilon": 0.06}
    ),
    ClaimedNumber("blackbox_clean_accuracy", "clean accuracy of blackbox", "blackbox", "clean_accuracy"),
    ClaimedNumber("shape_bias", "shape bias on cue-conflict", "cue-conflict", "shape_bias", {"protocol": "orhan2019"}),
    ClaimedNumber(
        "calibration_error",
        "RMS calibration error on imagenet-a",
        "imagenet-a",
        "rms_calibration_error",
        bound=calibration_error,
    ),
    ClaimedNumber("mfr", "mFR on imagenet-p", "imagenet-p", "mfr", headline=True, bound=flip_rate_error),
)

MADE_HARDER = "corruption"
"""The option of a benchmark's run of which the paper does not speak: its pictures were corrupted."""

SUBSTITUTES = {"whitebox_clean_accuracy": "clean_accuracy", "blackbox_clean_accuracy": "clean_accuracy"}
"""Where an attack's run has no clean accuracy of its own, that of the validation set stands in."""


def from_results(results: Sequence[Result], family: Sequence[str], reference: str | None = None) -> Models:
    """The models of an output folder with their known numbers.

    Args:
        results: of any benchmarks.
        family: names of models, the smallest first.
        reference: the model that they are compared with.
    """

    def subject(model: str) -> Subject:
        rows, own = (
            [],
            [each for each in results if each.model == model and not each.run.benchmark.options.get(MADE_HARDER)],
        )
        for result in own:
            for score in result.scores:
                if score.value is not None:
                    error = (score.spread.error if score.spread else None) or 0.0
                    source = f"{result.benchmark} on {result.data}"
                    number = KnownNumber(score.value, score.n, error, source=source, doubt=score.doubt)
                    rows.append((result.benchmark, score.metric, score.condition, number))
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
            *_, number = max(fitting, key=lambda row: row[2].get("steps", 0))
            error = number.standard_error or quantity.bound(number.value, number.n)
            numbers[quantity.name] = replace(number, standard_error=error)
    every = with_substitutes(numbers)
    return Subject(model, every, {each.name: each.absent(results) for each in QUANTITIES if each.name not in every})


def with_substitutes(numbers: Mapping[str, KnownNumber]) -> dict[str, KnownNumber]:
    """The numbers, with those of `SUBSTITUTES` where there are none of their own."""
    own = {name: number for name, number in numbers.items() if not (name in SUBSTITUTES and number.is_substitute)}
    every = dict(own)
    for name, other in SUBSTITUTES.items():
        if name not in own and other in own:
            every[name] = replace(own[other], is_substitute=True)
    return every


_ScoredRun = tuple[RunByImage, Measurable]


def _estimates(best_runs: Mapping[str, _ScoredRun]) -> dict[str, Estimate]:
    """The score of each model on the images that all share, where these say enough of it."""
    if not best_runs:
        return {}
    of_each = {model: run.ids for model, (run, _) in best_runs.items()}
    ids = shared_images(of_each) if len(best_runs) > 1 else next(iter(of_each.values()))
    estimates = {model: run.estimate(score, ids) for model, (run, score) in best_runs.items()} if len(ids) else {}
    return {
        model: estimate
        for model, (estimate, lacks) in estimates.items()
        if not lacks and estimate.n >= FEWEST and estimate.differing >= FEWEST_DIFFERING
    }
