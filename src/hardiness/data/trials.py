"""Trials of people and networks, read from the csv files in which studies publish them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from hardiness.core.benchmark import Stimulus
from hardiness.core.errors import ArgumentError
from hardiness.data.answer_columns import JUDGED, OBSERVER, TRIAL, trials_among
from hardiness.data.answer_tables import AnswerTable, read_answers
from hardiness.data.table_files import open_table
from hardiness.reference.stimulus_sets import SETS, stimulus_set
from hardiness.reference.trials import Answers, Right, SetAnswers, TrialAnswer, TrialStimulus, own_name


def are_trials(path: Path) -> bool:
    """Whether a file has the columns of trials, or a folder may hold such files."""
    if path.is_dir() or not path.is_file():
        return path.is_dir()
    try:
        with open_table(path, str(path)) as table:
            return {name.lower() for name in table.schema.names}.issuperset((OBSERVER, *TRIAL))
    except ArgumentError:  # as the reader of answers says
        return False


def read_trials(paths: Iterable[Path]) -> Answers:
    """The answers in csv files, or in every csv of a folder, one line a trial.

    Args:
        paths: csv files with the columns ``subj``, ``session``, ``trial``, ``rt``, ``object_response``, ``category``,
            ``condition`` and ``imagename``; three of them are read. ``imagename`` may carry what the experiment put
            before the stimulus's own name, as in ``0001_s5n_s01_0_bird_00_bird3-bird2.png``.

    Raises:
        ArgumentError: one cannot be read, or a row is wrong; the message names the row.

    Source: the raw data of model-vs-human (Geirhos et al. 2021, arXiv:2106.07411) and texture-vs-shape (2019).
    """
    answers: dict[str, dict[str, str]] = {}
    for file in _files(paths):
        table = read_answers(file, trials_among(), "trials")
        for where, observer, image, answer in _trials(table):
            stimulus, own = _stimulus(where, image), answers.setdefault(observer, {})
            if stimulus in own:
                raise ArgumentError(f"{where}: {observer} must answer {stimulus} once, but does so again; remove one")
            own[stimulus] = answer
    return answers


def read_set_trials(folder: Path) -> Right:
    """The answers of every observer to the stimuli of model-vs-human, people's and networks'.

    Args:
        folder: holds a folder of csv files for each set, as ``raw-data`` of the repository does.

    Raises:
        ArgumentError: there is no such folder, or a file or a row is wrong; the message names it.

    Source: the raw data of model-vs-human (Geirhos et al. 2021, arXiv:2106.07411).
    """
    return {
        observer: {stimulus: trial.answer == trial.category for stimulus, trial in trials.items()}
        for observer, trials in read_set_answers(folder).items()
    }


def read_set_answers(folder: Path) -> SetAnswers:
    """The trials of every observer of model-vs-human; arguments and errors are those of `read_set_trials`."""
    files = set_files(folder)
    if not files:
        raise ArgumentError(
            f"{folder}: must hold a folder of csv files for each set of stimuli ({', '.join(SETS[:3])} …), holds none"
        )
    answers: dict[str, dict[TrialStimulus, TrialAnswer]] = {}
    for name, file in files:
        levels = stimulus_set(name)
        table = read_answers(file, trials_among(*JUDGED), "trials")
        categories, conditions = (table.beside[column] for column in table.columns.further[1:])
        for row, (where, observer, image, answer) in enumerate(_trials(table)):
            level = levels.level(conditions[row]) if len(levels.levels) > 1 else levels.levels[0]
            if level is None:
                raise ArgumentError(f"{where}: {conditions[row]!r} is no condition of {name}")
            stimulus, own = TrialStimulus(name, level.name, own_name(image)), answers.setdefault(observer, {})
            if stimulus in own:
                raise ArgumentError(f"{where}: {observer} must answer {image} once, but does so again; remove one")
            own[stimulus] = TrialAnswer(answer, categories[row].lower(), image)
    return answers


def set_files(place: Path) -> list[tuple[str, Path]]:
    """The csv files of trials, each with the set that it is of, by the name of its folder or the beginning of its own.

    Args:
        place: a folder with one for each set, the folder of one set, or one file.

    Raises:
        ArgumentError: a set's folder holds no csv.
    """
    if place.is_file():
        name = _set_named(place.parent.name) or _set_named(place.name.partition("_")[0])
        return [(name, place)] if name else []
    if name := _set_named(place.name):
        return [(name, file) for file in _files([place])]
    return [(name, file) for name in SETS if (place / name).is_dir() for file in _files([place / name])]


def _set_named(name: str) -> str:
    return name if name in SETS else ""


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        inside = sorted(path.glob("*.csv")) if path.is_dir() else [path]
        if not inside:
            raise ArgumentError(f"{path}: must be a csv of trials or a folder of some, but holds none")
        yield from inside


def _trials(table: AnswerTable) -> Iterator[tuple[str, str, str, str]]:
    """The place of each trial, who answered, the file of the stimulus, and the answer."""
    assert isinstance(table.values, list), "answers are texts"
    observers = table.beside[table.columns.further[0]]
    for row, (observer, image, answer) in enumerate(zip(observers, table.samples, table.values, strict=True)):
        yield f"{table.place} (row {row + 1})", observer, image, answer.lower()


def _stimulus(where: str, image: str) -> str:
    """The stimulus's own name: what follows the last underscore, or all of it where a category holds one."""
    stem = image.rpartition("/")[2].rpartition(".")[0] or image
    for name in (stem, stem.rpartition("_")[2]):
        if Stimulus.parse(name):
            return name
    raise ArgumentError(f"{where}: imagename must end in <shape><n>-<texture><n>.png, was {image!r}")
