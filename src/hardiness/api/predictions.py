"""Answers that were computed elsewhere become the run of a model, from the command and from Python."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hardiness import data as datasets
from hardiness.api.command import Command, require_columns, sets_with_tables
from hardiness.benchmarks.corruptions import CorruptionSet
from hardiness.benchmarks.model_vs_human import ModelVsHuman
from hardiness.benchmarks.options import parse
from hardiness.benchmarks.score_file import ScoreFile
from hardiness.core.benchmark import Benchmark
from hardiness.core.codes import RunRemark
from hardiness.core.columns import Grouping
from hardiness.core.errors import ArgumentError
from hardiness.core.fact import Fact
from hardiness.data.answer_tables import Answers
from hardiness.data.root import OWN, absolute_arguments
from hardiness.data.trials import are_trials, read_set_trials
from hardiness.engine.answered_pictures import class_names, pictures_of
from hardiness.engine.evaluation import EvaluationOutcome
from hardiness.engine.predictions import read_predictions
from hardiness.engine.score_files import read_scores
from hardiness.engine.trial_predictions import read_trial_predictions
from hardiness.reference.trials import PERSON
from hardiness.results.folder import Folder
from hardiness.results.likeness import MEASURES, human_likeness
from hardiness.store.store import Store


@dataclass(frozen=True)
class StoredPredictions:
    """Answers that have become a run: its folder, what they answer, whose they are, how that went, and the grouping."""

    store: Store
    benchmark: Benchmark
    model: str
    outcome: EvaluationOutcome
    grouping: Grouping


def store_predictions(command: Command) -> StoredPredictions:
    """Store the answers that a command names as the run of its one model.

    Raises:
        ArgumentError: the answers do not go with the pictures; nothing was changed.
        DataError: the benchmark's data are absent.
        StoreError: the run cannot be written.
    """
    answers = command.answers
    assert answers is not None, "there are answers"
    benchmark, tree = parse(command.benchmarks[0]), ""
    if isinstance(answers, str | os.PathLike):
        command = replace(command, request=replace(command.request, predictions_file=os.path.abspath(answers)))
    if isinstance(benchmark, ScoreFile):
        return _store_scores(command, answers, benchmark)
    if isinstance(benchmark, ModelVsHuman) and isinstance(answers, str | os.PathLike) and are_trials(Path(answers)):
        return _store_trials(command, Path(answers), benchmark)
    if benchmark.is_own:  # its tree is no data set: the classes are those of the photographs' folders
        places = command.data if benchmark.name != OWN else ()  # which has no tree, and is the name of the photographs
        trees = [text for text in places if text.startswith(f"{benchmark.name}=")]
        tree = trees[0].partition("=")[2] if trees else ""
        command = replace(command, data=tuple(text for text in command.data if text not in trees)).on_own_data()
    request = replace(command.request, data_arguments=absolute_arguments(command.data, command.labels))
    root = datasets.locate(command.data, command.labels)
    made = replace(benchmark, source="generated") if isinstance(benchmark, CorruptionSet) else None
    has_imagenet = root.has("imagenet") and not root.is_replaced_by_own("imagenet")
    photographs = made.dataset(root) if made and has_imagenet else None
    grouping = command.grouping
    own = benchmark.dataset(root)
    predictions = read_predictions(answers, class_names(own))
    (data,) = sets_with_tables([own], grouping)
    pictures = pictures_of(benchmark, data, photographs, request.seed, tree)
    matched = predictions.placed(command.models[0], benchmark, pictures, request)
    require_columns([matched.pictures.data], grouping)
    store = Store.create(command.out, command.wait_s)
    outcome = matched.store(benchmark, store, request)
    outcome = replace(outcome, remarks=(*outcome.remarks, *matched.pictures.data.remarks))
    return StoredPredictions(store, benchmark, matched.model.spec.name, outcome, grouping)


def _store_scores(command: Command, answers: Answers, benchmark: ScoreFile) -> StoredPredictions:
    """Store the score that each picture has as the run of the command's one model; raises as `store_predictions`."""
    if names := command.named_pictures:
        raise ArgumentError(f"{names[0]} does not go with {benchmark.name}: of scores no picture is read; leave it out")
    table, grouping = read_scores(answers, benchmark), command.grouping
    own, left_out = table.data()
    (data,) = sets_with_tables([own], grouping)
    require_columns([data], grouping)
    matched = table.matched(command.models[0], data, command.request, left_out)
    store = Store.create(command.out, command.wait_s)
    outcome = matched.store(table.benchmark, store, command.request)
    outcome = replace(outcome, remarks=(*outcome.remarks, *data.remarks))
    return StoredPredictions(store, table.benchmark, matched.model.spec.name, outcome, grouping)


def _store_trials(command: Command, path: Path, benchmark: ModelVsHuman) -> StoredPredictions:
    """Store a network's trials of model-vs-human as the run of the one model; raises as `store_predictions`."""
    trials = read_trial_predictions(path, command.models[0])
    (data,) = sets_with_tables([trials.data(benchmark, datasets.locate(command.data))], command.grouping)
    require_columns([data], command.grouping)
    request = replace(command.request, data_arguments=absolute_arguments(command.data, command.labels))
    matched = trials.matched(command.models[0], data, request)
    store = Store.create(command.out, command.wait_s)
    outcome = matched.store(benchmark, store, request)
    beside = _beside_people(store, path, outcome.keys)
    outcome = replace(outcome, remarks=(*outcome.remarks, *data.remarks, *beside))
    return StoredPredictions(store, benchmark, matched.model.spec.name, outcome, command.grouping)


def _beside_people(store: Store, path: Path, keys: Sequence[str]) -> list[Fact]:
    """How like people a run errs whose trials lie beside theirs, as ``show --people`` says it; none without people."""
    people = {name: answers for name, answers in read_set_trials(path).items() if name.startswith(PERSON)}
    if not people:
        return []
    folder = Folder.open(store)
    names = {run.run.model.name for run in folder.stored if run.key in keys}
    return [
        Fact(RunRemark.BESIDE_PEOPLE, {name: getattr(each, name).number for name in ("ood_accuracy", *MEASURES)})
        for each in human_likeness(folder, people)
        if each.name in names
    ]
