"""Columns of files with answers, as different people call them: picture, answer, its confidence, classes."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hardiness.core.codes import ModelNote
from hardiness.core.errors import ArgumentError, suggestion
from hardiness.core.fact import Fact
from hardiness.core.picture_names import plain_name
from hardiness.data.columns import PATHS
from hardiness.sources.files import shown

SAMPLE, CONDITION = "sample", "condition"

PREDICTION_NAMES = ("prediction", "predicted", "pred", "predicted_class", "predicted_label")
"""Names of the column of answers in files that were written for somebody else, best first."""

CONFIDENCE_NAMES = ("confidence", "conf", "score", "probability", "prob")
"""Names of the column beside it with the confidence of each answer, best first."""

_OWN = re.compile(
    r"sample|condition|label|frame|(?:logits|probabilities|class_index|class_name|class)(?:_\d+)?", re.ASCII
)
_NAMED = 3
_SCORES = "-b file:NAME, with the columns sample (or path) and score"
"""How a file with a task's own score for each picture is given."""


def sample_column(names: Sequence[str]) -> str:
    """The column that names the pictures: ``sample``, else a usual name of paths; empty where there is none."""
    return SAMPLE if SAMPLE in names else _first(PATHS, names)


def prediction_column(names: Sequence[str]) -> str:
    """The column of answers in a file that was written for somebody else; empty where there is none."""
    return _first(PREDICTION_NAMES, names)


def _first(spellings: Iterable[str], names: Sequence[str]) -> str:
    """The first spelling that is the name of a column, in any case; empty where none is."""
    lower = {name.lower(): name for name in reversed(names)}
    return next((lower[spelling] for spelling in spellings if spelling in lower), "")


def class_columns(names: Sequence[str], classes: Sequence[str], path: Path) -> list[str]:
    """The column of each class, in the order of the classes; none where no class has one.

    Raises:
        ArgumentError: two classes or more have a column, and one has none.
    """
    columns = {name.casefold(): name for name in reversed(names)}
    present = [columns.get(name.casefold(), "") for name in classes]
    lacking = [name for name, column in zip(classes, present, strict=True) if not column]
    if not lacking:
        return present
    if len(classes) - len(lacking) < 2:
        return []
    more = ", …" if len(lacking) > _NAMED else ""
    raise ArgumentError(
        f"{path} has a column for {len(classes) - len(lacking)} of the {len(classes)} classes and none for "
        f"{', '.join(lacking[:_NAMED])}{more}: it must have one for each"
    )


@dataclass(frozen=True)
class AnswerPlaces:
    """The columns of a file beside its answers.

    Attributes:
        sample: names the pictures.
        answers: hold the answers.
        confidence: of each answer; empty where there is none.
    """

    sample: str
    answers: tuple[str, ...]
    confidence: str = ""

    @classmethod
    def among(cls, names: Sequence[str], answers: Sequence[str]) -> AnswerPlaces:
        """The columns of a file whose answers stand in some of them.

        The confidence is looked for beside a ``prediction`` alone: beside ``class`` each further column is one of the
        pictures.
        """
        is_prediction = tuple(answers) == (prediction_column(names),)
        confidence = _first(CONFIDENCE_NAMES, [name for name in names if name not in answers]) if is_prediction else ""
        return cls(sample_column(names), tuple(answers), confidence)

    def further(self, names: Sequence[str]) -> list[str]:
        """The columns that hold neither answers nor what they are answers to."""
        taken = {self.sample, self.confidence, prediction_column(names), *self.answers}
        return [name for name in names if name and name not in taken and not _OWN.fullmatch(name)]

    def notes(self) -> tuple[Fact, ...]:
        """A note on the column that is taken for the confidence."""
        column = {"column": self.confidence, "answers": self.answers[0]}
        return (Fact(ModelNote.CONFIDENCE_COLUMN, column),) if self.confidence else ()


def confidences_of(
    cells: Sequence[str], samples: Sequence[str], path: str, places: AnswerPlaces
) -> NDArray[np.float32]:
    """The confidences of a column, float32 ``(N,)`` from 0 to 1.

    Raises:
        ArgumentError: one is no such number; the message says what else the column may be.
    """
    confidences = np.empty(len(cells), np.float32)
    for row, cell in enumerate(cells):
        try:
            confidences[row] = float(cell)
        except ValueError:
            confidences[row] = np.nan
        if not 0 <= confidences[row] <= 1:
            raise not_a_confidence(path, samples[row], row, cell or "empty", "0", places.confidence)
    return confidences


def not_a_confidence(path: str, sample: str, row: int, was: str, least: str, column: str = "score") -> ArgumentError:
    """The error for a number that is no confidence of an answer, which says what the column may be instead."""
    return ArgumentError(
        f"{path}: the {column} of {shown(sample)} (row {row + 1}) is {was}, and the confidence of an answer is a "
        f"number from {least} to 1. Which is meant? A confidence: write it so (one in percent divided by 100) in the "
        f"column confidence beside prediction. A task's own score: evaluate the file by {_SCORES}, without prediction"
    )


class PicturePaths:
    """The picture of a path, and the condition where the path goes through the folder of one.

    Args:
        ids: of the pictures.
        cells: names of the conditions, as folders of a tree have them: ``clean``, ``fog/3``.
    """

    def __init__(self, ids: Collection[str], cells: Collection[str]) -> None:
        self._ids, self._cells = ids, cells
        self._pictures: dict[str, tuple[str, str]] = {}
        self._endings: dict[str, str | None] | None = None

    def picture(self, text: str, where: str, data: str) -> tuple[str, str]:
        """The id of the picture, and the name of its condition; that is empty where the path says none.

        Args:
            text: as it is written, with or without suffix.
            where: the row, for messages.
            data: name of the data set, likewise.

        Raises:
            ArgumentError: it is no picture, or may be several.
        """
        if text not in self._pictures:
            self._pictures[text] = self._find(text, where, data)
        return self._pictures[text]

    def _find(self, text: str, where: str, data: str) -> tuple[str, str]:
        name = plain_name(text)
        for path in (name, _stem(name)):
            for before, end in _ends(path):
                if end in self._ids:
                    return end, self._cell(before)
        if self._endings is None:
            self._endings = {}
            for picture in self._ids:
                for _, end in _ends(picture):
                    self._endings[end] = picture if self._endings.get(end, picture) == picture else None
        for path in (name, _stem(name)):
            if path in self._endings:
                if (only := self._endings[path]) is not None:
                    return only, ""
                raise ArgumentError(
                    f"{where}: {shown(text)!r} may be several pictures of {data}: write its folder, too"
                )
        raise ArgumentError(
            f"{where}: {shown(text)!r} is no sample of {data}{suggestion(text, sorted(self._ids), _NAMED)}"
        )

    def _cell(self, before: str) -> str:
        """The condition whose folder is the last of a path; empty where it is that of none."""
        parts = before.split("/")
        return next((cell for cell in ("/".join(parts[-2:]), parts[-1]) if cell and cell in self._cells), "")


def _stem(path: str) -> str:
    dot = path.rfind(".")
    return path[:dot] if dot > path.rfind("/") + 1 else path


def _ends(path: str) -> Iterator[tuple[str, str]]:
    """Each end of a path, the longest first, behind what stands before it."""
    yield "", path
    at = path.find("/")
    while at >= 0:
        yield path[:at], path[at + 1 :]
        at = path.find("/", at + 1)


def refuse_prediction_beside_score(names: Mapping[str, object], place: str) -> None:
    """Raise where a file of scores has a column of answers, whose confidences the scores may be.

    Raises:
        ArgumentError: naming what to do in either case.
    """
    if prediction := prediction_column(list(names)):
        raise ArgumentError(
            f"{place} has the columns {prediction} and score. Which is meant? The confidence of the {prediction}: "
            "evaluate the file on pictures with labels, as in -b own --data FOLDER. A task's own score: leave "
            f"{prediction} out, or call it otherwise"
        )
