"""A network's answers in model-vs-human's own csv files become a run; its stimuli need not be there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hardiness.benchmarks.model_vs_human import cells_of
from hardiness.core.benchmark import Benchmark, DataRoot, DataSet, Item
from hardiness.core.codes import ModelNote
from hardiness.core.errors import ArgumentError, UnknownNameError
from hardiness.core.fact import Fact
from hardiness.core.model import ModelSpec
from hardiness.core.request import Request
from hardiness.core.result import CLASSES
from hardiness.data.items import AbsentPicture, limited
from hardiness.data.layouts.model_vs_human import NAME
from hardiness.data.trials import read_set_answers, set_files
from hardiness.engine.answered_pictures import Pictures
from hardiness.engine.predictions import ForeignModel, MatchedPredictions, name_of_answers
from hardiness.models.options import row_and_model, split
from hardiness.reference.categories import sixteen
from hardiness.reference.classes import wnids
from hardiness.reference.stimulus_sets import SETS, stimulus_set
from hardiness.reference.trials import PERSON, TrialAnswer, TrialStimulus, own_name
from hardiness.sources.packages import file_sha256

_NAMED = 3
"""How many stimuli are named where several have no answer."""


@dataclass(frozen=True)
class _RootOfTrials:
    """A data root that holds the stimuli that trials name."""

    data: DataSet

    def dataset(self, name: str) -> DataSet:
        return self.data

    def has(self, name: str) -> bool:
        return name == NAME

    def is_replaced_by_own(self, name: str) -> bool:
        return False

    def outside_sets(self) -> tuple[str, ...]:
        return ()


@dataclass(frozen=True)
class TrialPredictions:
    """The trials of one network.

    Attributes:
        path: of the files.
        sha256: over their contents.
        observer: the network, as the column ``subj`` calls it.
        trials: by stimulus.
    """

    path: str
    sha256: str
    observer: str
    trials: Mapping[TrialStimulus, TrialAnswer]

    def data(self, benchmark: Benchmark, root: DataRoot) -> DataSet:
        """The stimuli: those that are there, else those that the trials name.

        Raises:
            DataError: a set that was asked for has no trial, or is not there.
        """
        return benchmark.dataset(root if root.has(NAME) else _RootOfTrials(self._stimuli()))

    def _stimuli(self) -> DataSet:
        categories, items = sixteen(), []
        for stimulus, trial in self.trials.items():
            if trial.category not in categories:
                raise ArgumentError(
                    f"{self.path}: the category of {trial.image} must be one of {', '.join(categories)}, was "
                    f"{trial.category!r}"
                )
            stem = Path(trial.image).stem
            item_id = f"{stimulus.set}/{stimulus.level}/{stem}"
            items.append(Item(item_id, categories[trial.category][0], AbsentPicture(trial.image, "trials name it")))
        items.sort(key=lambda item: item.id)
        digest = sha256("".join(f"{item.id}\0{item.label}\n" for item in items).encode()).hexdigest()
        released = sum(stimulus_set(name).images for name in SETS)
        return DataSet(NAME, tuple(items), len(wnids()), digest, "", categories=categories, released=released)

    def matched(self, name: str, data: DataSet, request: Request) -> MatchedPredictions:
        """The answers at their stimuli; nothing is stored.

        Args:
            name: of the model, as after ``-m``.
            data: the stimuli.
            request: how many of them.

        Raises:
            ArgumentError: an answer is no category.
        """
        categories = list(sixteen())
        answers, rows = list[int](), dict[tuple[str, int], int]()
        ids = np.array([item.id for item in data.items], object)
        for item, (of, level) in zip(data.items, cells_of(ids), strict=True):
            stimulus = TrialStimulus(of, level, own_name(item.id.rpartition("/")[2]))
            if (trial := self.trials.get(stimulus)) is None:
                continue
            if trial.answer not in categories:
                raise ArgumentError(
                    f"{self.path}: {self.observer} must answer {trial.image} with one of {', '.join(categories)}, "
                    f"answered {trial.answer!r}; people, who may give no answer, are compared with by hardiness show "
                    "--people OUT --humans"
                )
            rows[item.id, 0] = len(answers)
            answers.append(categories.index(trial.answer))
        origin = {"source": str(self.path), "kind": "class", "observer": self.observer}
        foreign = ForeignModel(
            ModelSpec(
                name_of_answers(name),
                "",
                num_classes=data.num_classes,
                options=(("predictions", "class"), ("manifest", "")),
                asked=name,
            ),
            self.sha256,
            CLASSES,
            data.num_classes,
            notes=(Fact(ModelNote.ANSWERS_ELSEWHERE, origin),),
        )
        missing = [item.id for item in limited(data.items, request.limit, request.seed) if (item.id, 0) not in rows]
        return MatchedPredictions(
            foreign, Pictures(data), _logits(np.array(answers, np.intp)), rows, (len(missing), tuple(missing[:_NAMED]))
        )


def _logits(answers: NDArray[np.intp]) -> Callable[[NDArray[np.intp]], NDArray[np.float32]]:
    """Logits of some rows, float32 ``(n, 1000)``: 1 at every class of the category that was answered."""
    hot = np.zeros((len(sixteen()), len(wnids())), np.float32)
    for place, group in enumerate(sixteen().values()):
        hot[place, list(group)] = 1
    return lambda rows: hot[answers[rows]]


def read_trial_predictions(path: Path, name: str) -> TrialPredictions:
    """The trials of a model in model-vs-human's csv files.

    Args:
        path: ``raw-data``, the folder of one set in it, or a file of one set.
        name: of the model, as after ``-m``; where several networks answered it is that of one of them.

    Raises:
        ArgumentError: there are no trials of it, or a row is wrong; the message names it.
    """
    observers = read_set_answers(path)
    model = split(row_and_model(name)[1])[0]
    networks = [observer for observer in observers if not observer.startswith(PERSON)]
    if model in observers:
        observer = model
    elif len(networks) == 1:
        observer = networks[0]
    else:
        raise UnknownNameError(f"observer of {path}", model, observers)
    digest = sha256("".join(file_sha256(file) for _, file in set_files(path)).encode()).hexdigest()
    return TrialPredictions(str(path), digest, observer, observers[observer])
