"""Trials: who answered which stimulus with what, read from csv files."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from hardiness.core.benchmark import Stimulus
from hardiness.core.errors import ArgumentError
from hardiness.reference.stimulus_sets import SETS, stimulus_set

COLUMNS = ("subj", "object_response", "imagename")

JUDGED = ("category", "condition")

PERSON = "subject-"
"""The beginning of the names of people among observers; the others are networks."""

Answers = Mapping[str, Mapping[str, str]]
"""The category that each observer answered each stimulus with, by its name; ``"na"`` for no answer."""


def read_trials(paths: Iterable[Path]) -> Answers:
    """The answers in csv files, or in every csv of a folder, one line a trial.

    Args:
        paths: csv files with the columns ``subj``, ``session``, ``trial``, ``rt``, ``object_response``, ``category``,
            ``condition`` and ``imagename``; three of them are read. ``imagename`` may carry what the experiment put
            before the stimulus's own name, as in ``0001_s5n_s01_0_bird_00_bird3-bird2.png``.

    Raises:
        ArgumentError: one cannot be read, or a line is wrong; the message names the line.

    Source: the raw data of model-vs-human (Geirhos et al. 2021, arXiv:2106.07411) and texture-vs-shape (2019).
    """
    answers: dict[str, dict[str, str]] = {}
    for file in _files(paths):
        for where, observer, stimulus, answer in _trials(file):
            own = answers.setdefault(observer, {})
            if stimulus in own:
                raise ArgumentError(f"{where}: {observer} must answer {stimulus} once, but does so again; remove one")
            own[stimulus] = answer
    return answers


class TrialStimulus(NamedTuple):
    """One stimulus of model-vs-human: its set, its condition, and its own name."""

    set: str
    level: str
    name: str


Right = Mapping[str, Mapping[TrialStimulus, bool]]
"""Whether each observer answered each stimulus with its category."""


def read_set_trials(folder: Path) -> Right:
    """The answers of every observer to the stimuli of model-vs-human, people's and networks'.

    Args:
        folder: holds a folder of csv files for each set, as ``raw-data`` of the repository does.

    Raises:
        ArgumentError: there is no such folder, or a file or a line is wrong; the message names it.

    Source: the raw data of model-vs-human (Geirhos et al. 2021, arXiv:2106.07411).
    """
    return {
        observer: {stimulus: trial.answer == trial.category for stimulus, trial in trials.items()}
        for observer, trials in read_set_answers(folder).items()
    }


class TrialAnswer(NamedTuple):
    """One trial: the category that was answered, ``"na"`` for none, the right one, and the file of the stimulus."""

    answer: str
    category: str
    image: str


SetAnswers = Mapping[str, Mapping[TrialStimulus, TrialAnswer]]
"""Each observer's trials by stimulus."""


def read_set_answers(folder: Path) -> SetAnswers:
    """The trials of every observer of model-vs-human; arguments and errors are those of `read_set_trials`."""
    files = set_files(folder)
    if not files:
        raise ArgumentError(
            f"{folder}: must hold a folder of csv files for each set of stimuli ({', '.join(SETS[:3])} …), holds none"
        )
    answers: dict[str, dict[TrialStimulus, TrialAnswer]] = {}
    for name, file in files:
        for where, (observer, answer, image, category, condition) in _rows(file, (*COLUMNS, *JUDGED)):
            level = stimulus_set(name).levels[0] if not _varies(name) else stimulus_set(name).level(condition)
            if level is None:
                raise ArgumentError(f"{where}: {condition!r} is no condition of {name}")
            stimulus = TrialStimulus(name, level.name, own_name(image))
            own = answers.setdefault(observer, {})
            if stimulus in own:
                raise ArgumentError(f"{where}: {observer} must answer {image} once, but does so again; remove one")
            own[stimulus] = TrialAnswer(answer.lower(), category.lower(), image)
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


def own_name(image: str) -> str:
    """A stimulus's own name, without what an experiment put before it: ``n02123394_6521``, ``cat7``, ``cat7-dog2``.

    Source: ``get_short_imagename`` of model-vs-human: what follows the last underscore, and the part before it where
        that is a wnid.
    """
    stem = image.rpartition("/")[2]
    stem = stem.rpartition(".")[0] if stem.lower().endswith((".png", ".jpeg", ".jpg")) else stem
    *_, before, last = ("", *stem.split("_"))
    return f"{before}_{last}" if before.startswith("n0") else last


def _varies(name: str) -> bool:
    return len(stimulus_set(name).levels) > 1


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        inside = sorted(path.glob("*.csv")) if path.is_dir() else [path]
        if not inside:
            raise ArgumentError(f"{path}: must be a csv of trials or a folder of some, but holds none")
        yield from inside


def _trials(file: Path) -> Iterator[tuple[str, str, str, str]]:
    """The place of each trial, who answered, the stimulus's name, and the answer."""
    for where, (observer, answer, image) in _rows(file, COLUMNS):
        yield where, observer, _name(where, image), answer.lower()


def _rows(file: Path, columns: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The place of each line, and its text in these columns."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            rows = csv.DictReader(stream, skipinitialspace=True)
            rows.fieldnames = [name.strip().lower() for name in rows.fieldnames or ()]
            missing = [column for column in columns if column not in rows.fieldnames]
            if missing:
                raise ArgumentError(
                    f"{file}: must have the columns subj, session, trial, rt, object_response, category, condition "
                    f"and imagename, but has no {missing[0]}"
                )
            for row in rows:
                yield f"{file}:{rows.line_num}", tuple((row[column] or "").strip() for column in columns)
    except OSError as error:
        raise ArgumentError(f"{file}: must be a csv of trials, but cannot be read ({error.strerror})") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise ArgumentError(f"{file}: must be a csv in UTF-8, but is not ({error})") from None


def _name(where: str, image: str) -> str:
    """The stimulus's own name: what follows the last underscore, or all of it where a category holds one."""
    stem = image.rpartition("/")[2].rpartition(".")[0] or image
    for name in (stem, stem.rpartition("_")[2]):
        if Stimulus.parse(name):
            return name
    raise ArgumentError(f"{where}: imagename must end in <shape><n>-<texture><n>.png, was {image!r}")
