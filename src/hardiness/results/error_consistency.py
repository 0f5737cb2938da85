"""Error consistency of the models of an output folder, with each other and with people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, permutations
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hardiness.benchmarks.cue_conflict import answers
from hardiness.core.benchmark import Stimulus
from hardiness.core.errors import ArgumentError, DataError
from hardiness.core.forms import fields_form
from hardiness.results.folder import Folder
from hardiness.results.runs import ScoredRun
from hardiness.statistics.kappa import Consistency, pairwise

Pair = tuple[int, int]
Right = Mapping[str, bool]
"""An observer's answers: whether each named the shape, by the stimulus's name."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two observers, or a mean over several pairs of them.

    Attributes:
        data: the data set that holds the stimuli.
        first, second: their names.
        consistency: what was found.
        detail: whether it is one of the pairs that another row is the mean of.
    """

    data: str
    first: str
    second: str
    consistency: Consistency
    detail: bool = False

    def as_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return {"data": self.data, "first": self.first, "second": self.second, **fields_form(self.consistency)}


def consistency(folder: Folder, people: Mapping[str, Mapping[str, str]], protocol: str) -> list[Comparison]:
    """The error consistency of all pairs of stored models on the same stimuli, and of each with each person.

    An answer is right where it is the shape's category. Where people are given, each model's mean over them stands
    before its single pairs, and people's mean among themselves at the end.

    Args:
        folder: holds runs of ``cue-conflict``.
        people: by person, the answer to each stimulus, by its name; may be empty.
        protocol: how models' answers are read off their logits.

    Raises:
        DataError: there is no such run.
        ArgumentError: there is nobody to compare with, or people and models share no stimulus.

    Source: Geirhos, Meding & Wichmann (2020), arXiv:2006.16736.
    """
    runs = [run for run in folder.alone if run.card.people == "kappa"]
    groups: dict[str, dict[str, Right]] = {}
    names: dict[str, str] = {}
    for run in runs:
        fingerprint = run.stored.run.data.fingerprint
        names[fingerprint] = run.stored.run.data.name
        if right := _of_run(run, protocol):
            groups.setdefault(fingerprint, {})[_name(run, runs)] = right
    if not groups:
        raise DataError(f"{folder.address} holds no answers to cue-conflict; run it first, as in -b cue-conflict")
    persons = {name: _of_person(answered) for name, answered in people.items()}
    identities = [run.stored.run for run in runs]
    corrupted = {each.data.fingerprint for each in identities if each.benchmark.options.get("corruption")}
    comparisons = [
        each
        for key, models in groups.items()
        for each in _compared(names[key], models, {} if key in corrupted else persons)
    ]
    if persons and not any(each.second in persons for each in comparisons):
        example = next((name for answered in persons.values() for name in answered), "nothing")
        raise ArgumentError(f"people and models must share stimuli, but people answered others ({example} …)")
    if not comparisons:
        raise ArgumentError(
            f"{folder.address} holds one model on these stimuli: run another, or give people's answers with --humans"
        )
    return comparisons


class _Group(NamedTuple):
    """One row to be: the names it bears, the pairs it is the mean of, and whether another row covers it."""

    first: str
    second: str
    pairs: list[Pair]
    detail: bool = False


def _compared(data: str, models: Mapping[str, Right], persons: Mapping[str, Right]) -> Iterator[Comparison]:
    """All comparisons on one set of stimuli."""
    stimuli = sorted(set().union(*models.values()))
    answering = {name: right for name, right in persons.items() if not right.keys().isdisjoint(stimuli)}
    observers = {**models, **answering}
    right = np.array([[float(each.get(name, np.nan)) for each in observers.values()] for name in stimuli])
    groups = [group for group in _groups(right, list(observers), len(models)) if group.pairs]
    for group, kappa in zip(groups, pairwise(right, [group.pairs for group in groups]), strict=True):
        yield Comparison(data, group.first, group.second, kappa, group.detail)


def _groups(right: NDArray[np.float64], names: Sequence[str], models: int) -> Iterator[_Group]:
    """Pairs of models; each model's mean over people, then its single pairs; people among themselves."""
    people = range(models, len(names))
    for first, second in _sharing(right, combinations(range(models), 2)):
        yield _Group(names[first], names[second], [(first, second)])
    for model in range(models):
        pairs = _sharing(right, ((model, person) for person in people))
        if len(pairs) > 1:
            yield _Group(names[model], f"mean of {len(pairs)} people", pairs)
        for _, person in pairs:
            yield _Group(names[model], names[person], [(model, person)], detail=len(pairs) > 1)
    # Both orders of each pair: the mean is the same, and so are the two accuracies beside it.
    yield _Group("people", "among themselves", _sharing(right, permutations(people, 2)))


def _sharing(right: NDArray[np.float64], pairs: Iterable[Pair]) -> list[Pair]:
    """The pairs who answered some stimulus both."""
    answered = ~np.isnan(right)
    return [(a, b) for a, b in pairs if (answered[:, a] & answered[:, b]).any()]


def _of_run(run: ScoredRun, protocol: str) -> Right:
    if not len(run.table):
        return {}
    model_answers = answers(run.table, run.stored.run.data.categories, protocol)
    run.release()
    return dict(zip(model_answers.names.tolist(), model_answers.by_shape.tolist(), strict=True))


def _of_person(answered: Mapping[str, str]) -> Right:
    rows = ((name, Stimulus.parse(name), answer) for name, answer in answered.items())
    return {name: answer == stimulus.shape for name, stimulus, answer in rows if stimulus is not None}


def _name(run: ScoredRun, runs: Sequence[ScoredRun]) -> str:
    """The model's name; with the start of the run's key where it stands for several runs on the same stimuli."""
    model, fingerprint = run.stored.run.model, run.stored.run.data.fingerprint
    others = (other.stored.run for other in runs)
    same = [each for each in others if (each.model.name, each.data.fingerprint) == (model.name, fingerprint)]
    return f"{model.name if len(same) == 1 else f'{model.name} ({run.stored.key[:6]})'}{model.mark}"
