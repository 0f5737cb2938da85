"""How like people models err: the four numbers of model-vs-human's benchmark and the mean rank of three of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from hardiness.benchmarks.model_vs_human import ACCURACY_DIFFERENCE, OOD_ACCURACY, cells_of
from hardiness.core.condition import Condition
from hardiness.core.errors import DataError
from hardiness.core.random import rng
from hardiness.core.result import Metric, Score
from hardiness.core.table import RIGHT
from hardiness.reference.stimulus_sets import SETS, stimulus_set
from hardiness.reference.trials import PERSON, Right, TrialStimulus, own_name
from hardiness.results.folder import Folder
from hardiness.results.runs import digest_of
from hardiness.statistics.intervals import RESAMPLES, centred
from hardiness.statistics.kappa import KAPPA, OBSERVED, expected_agreement
from hardiness.statistics.spreads.combined import TwoEnds, cut

PEOPLE = "people"
MEASURES = {metric.name: metric.higher_is_better for metric in (ACCURACY_DIFFERENCE, OBSERVED, KAPPA)}
"""The measures that the mean rank is of, and whether higher is better."""

Draws = NDArray[np.float64]
"""The estimate, then its resamples, ``(1 + R,)``."""

Cell = tuple[str, str]
Answered = Mapping[str, bool]
Seen = Mapping[Cell, Answered]
"""An observer's answers: by set and condition, whether each stimulus was answered rightly, by its own name."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """One observer's likeness to people.

    Attributes:
        name: of a model, of a network in the trials, or ``"people"`` among themselves.
        sets: names of the sets of stimuli behind it, each with the error consistency on it alone.
        ood_accuracy: the mean over sets of the accuracy over counted conditions.
        accuracy_difference: the mean squared difference from each person's accuracy in each counted condition.
        observed_consistency: the share of stimuli that it and a person get both right or both wrong.
        error_consistency: Cohen's kappa of the same.
        mean_rank: of its places by the last three among models and networks; ``None`` for people.
    """

    name: str
    sets: Mapping[str, Score]
    ood_accuracy: Score
    accuracy_difference: Score
    observed_consistency: Score
    error_consistency: Score
    mean_rank: float | None = None


def human_likeness(folder: Folder, trials: Right) -> list[Likeness]:
    """Every stored model and every network of the trials, the most human-like first, then people among themselves.

    Each measure is taken in every counted condition between an observer and each person, then averaged over
    conditions, people and sets, in this order. Where an observer saw a part of the stimuli, people's answers to
    these alone are taken.

    Args:
        folder: holds runs of ``model-vs-human``; may hold none where the trials hold networks.
        trials: people's answers, and perhaps networks'; an observer called ``subject-…`` is a person.

    Raises:
        DataError: there is nobody to compare, or no set of stimuli in common.

    Source: Geirhos et al. (2021), arXiv:2106.07411, and ``plotting/plot.py`` of its repository.
    """
    people = {name: answers for name, answers in trials.items() if name.startswith(PERSON)}
    if not people:
        raise DataError("the trials must hold people's answers (subj subject-01 …), but hold none")
    persons = [_by_cell(answers) for answers in people.values()]
    observers = {**_stored(folder), **{name: answers for name, answers in trials.items() if name not in people}}
    likenesses = [
        each for name, answers in observers.items() if (each := _likeness_to_people(name, _by_cell(answers), persons))
    ]
    if not likenesses:
        raise DataError(f"{folder.address} and the trials share no stimulus; run model-vs-human on one of their sets")
    among = _among(persons)
    return [*_ranked(likenesses), *([among] if among else [])]


def mean_ranks(values: Mapping[str, Sequence[float]]) -> list[float]:
    """The mean of the places by each of `MEASURES`, from 1; equal values share the mean of their places."""
    places = []
    for name, column in values.items():
        values_up = np.array(column) * (-1 if MEASURES[name] else 1)
        better = (values_up[None] < values_up[:, None]).sum(axis=1)
        equal = (values_up[None] == values_up[:, None]).sum(axis=1)
        places.append(better + (equal + 1) / 2)
    return [float(mean) for mean in np.mean(places, axis=0)]


def _ranked(likenesses: Sequence[Likeness]) -> list[Likeness]:
    columns = {name: [getattr(each, name).number for each in likenesses] for name in MEASURES}
    ranked = [replace(each, mean_rank=rank) for each, rank in zip(likenesses, mean_ranks(columns), strict=True)]
    return sorted(ranked, key=lambda each: (each.mean_rank or 0.0, each.name))


def _stored(folder: Folder) -> dict[str, dict[TrialStimulus, bool]]:
    """The answers of the stored models, those of one model's runs together; two of one name bear their hash."""
    answers_of: dict[tuple[str, str], dict[TrialStimulus, bool]] = {}
    for run in folder.alone:
        if run.card.people != "likeness":
            continue
        table = run.table
        names = [own_name(str(each).rpartition("/")[2]) for each in table.ids.tolist()]
        stimuli = [
            TrialStimulus(name, level, own) for (name, level), own in zip(cells_of(table.ids), names, strict=True)
        ]
        right = (table[RIGHT] == 1).any(axis=1).tolist()
        model = run.stored.run.model
        run.release()
        # A chat model has no weights: what it was asked, and how often, tells its runs apart as well.
        options = sorted(model.options.items())
        digest = digest_of([model.weights_sha256, options]) if model.mark else model.weights_sha256
        answers_of.setdefault((f"{model.name}{model.mark}", digest), {}).update(zip(stimuli, right, strict=True))
    once = Counter(name for name, _ in answers_of)
    return {
        name if once[name] == 1 else f"{name} ({digest[:6]})": answers for (name, digest), answers in answers_of.items()
    }


def _likeness_to_people(name: str, answers: Seen, people: Sequence[Seen]) -> Likeness | None:
    """The likeness of one observer, over the sets that people answered too."""
    return _likeness(name, [answers], [(answers, person) for person in people])


def _among(people: Sequence[Seen]) -> Likeness | None:
    """People among themselves: each pair of them once."""
    return _likeness(PEOPLE, people, list(combinations(people, 2)))


def _likeness(name: str, observers: Sequence[Seen], pairs: Sequence[tuple[Seen, Seen]]) -> Likeness | None:
    """The accuracy of observers together, and how alike pairs are: the mean over conditions, pairs and sets."""
    accuracy, measured = {}, {}
    for each in SETS:
        by_pair = [alike for first, second in pairs if (alike := _in_set(each, first, second)) is not None]
        if by_pair:
            accuracy[each] = _accuracy(each, observers)
            measured[each] = np.mean(by_pair, axis=0)
    if not measured:
        return None
    shared = [{cell: one[cell].keys() & other[cell].keys() for cell in one if cell in other} for one, other in pairs]
    n = {each: _stimuli(each, shared) for each in measured}
    means = np.mean(list(measured.values()), axis=0)
    difference, observed, kappa = (
        _score(metric, draws, sum(n.values()))
        for metric, draws in zip((ACCURACY_DIFFERENCE, OBSERVED, KAPPA), means, strict=True)
    )
    right = np.mean(list(accuracy.values()), axis=0)
    return Likeness(
        name,
        {each: _score(KAPPA, draws[-1], n[each], Condition(set=each)) for each, draws in measured.items()},
        _score(OOD_ACCURACY, right, sum(_stimuli(each, observers) for each in measured)),
        difference,
        observed,
        kappa,
    )


def _stimuli(name: str, answered: Iterable[Mapping[Cell, Collection[str]]]) -> int:
    """How many stimuli of a set's counted conditions were answered."""
    return len({(cell, own) for cells in answered for cell in _counted_cells(name) for own in cells.get(cell, ())})


def _in_set(name: str, first: Seen, second: Seen) -> NDArray[np.float64] | None:
    """The mean of the three measures over the conditions of a set that both saw, float64 ``(3, 1 + R)``."""
    shared = [cell for cell in _counted_cells(name) if cell in first and cell in second]
    alike_by_cell = [alike for cell in shared if (alike := _compared(cell, first[cell], second[cell])) is not None]
    return np.asarray(np.mean(alike_by_cell, axis=0)) if alike_by_cell else None


def _by_cell(answers: Mapping[TrialStimulus, bool]) -> Seen:
    cells: dict[Cell, dict[str, bool]] = {}
    for stimulus, right in answers.items():
        cells.setdefault((stimulus.set, stimulus.level), {})[stimulus.name] = right
    return cells


def _counted_cells(name: str) -> list[Cell]:
    return [(name, level.name) for level in stimulus_set(name).counted]


def _compared(cell: Cell, first: Answered, second: Answered) -> NDArray[np.float64] | None:
    """The three measures of two observers in one condition, float64 ``(3, 1 + R)``; ``None`` where nothing is shared.

    Differs from `hardiness.statistics.kappa.cohens_kappa`: where two agree everywhere, kappa is 1, as published.
    """
    shared = sorted(first.keys() & second.keys())
    if not shared:
        return None
    a, b = (np.array([answers[name] for name in shared], np.float64) for answers in (first, second))
    p, q, observed = _means(cell, [a, b, (a == b).astype(np.float64)])
    expected = expected_agreement(p, q)
    alike = np.isclose(observed, 1.0, rtol=0, atol=1e-12)
    kappa = np.where(alike, 1.0, (observed - expected) / np.where(alike, 1.0, 1 - expected))
    return np.stack([(p - q) ** 2, observed, kappa])


def _accuracy(name: str, observers: Iterable[Seen]) -> Draws:
    """The accuracy over a set's counted conditions, of all observers together."""
    right = [
        np.array([cells[cell][each] for each in sorted(cells[cell])], np.float64)
        for cells in observers
        for cell in _counted_cells(name)
        if cell in cells
    ]
    return np.asarray(_means((name, PEOPLE), [np.concatenate(right)])[0])


def _means(cell: Cell, columns: Sequence[NDArray[np.float64]]) -> Draws:
    """The mean of each column over stimuli, and over the same resampled stimuli for all, ``(columns, 1 + R)``."""
    values = np.stack(columns, axis=1)
    n = len(values)
    return np.vstack([values.mean(axis=0), _weights(cell, n) @ values / n]).T


@lru_cache(maxsize=128)
def _weights(cell: Cell, n: int) -> NDArray[np.float64]:
    """How often each of n stimuli is drawn in each resample, ``(R, n)``; the same for all observers."""
    drawn = rng(0, "human likeness", *cell, n).multinomial(n, np.full(n, 1 / n), RESAMPLES)
    return drawn.astype(np.float64)


def _score(metric: Metric, draws: Draws, n: int, condition: Condition | None = None) -> Score:
    value = float(draws[0])
    ends = centred(draws[1:], value)
    return metric.score(value, n, cut(TwoEnds(value, ends.low, ends.high), *metric.range), condition)
