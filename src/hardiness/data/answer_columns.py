"""Which columns of a table hold what, as different people call them: pictures, answers, their confidence, classes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from hardiness.core.errors import ArgumentError
from hardiness.data.columns import PATHS
from hardiness.sources.files import shown

SAMPLE, CONDITION = "sample", "condition"

KINDS = ("logits", "probabilities", "class_index", "class_name", "class")
"""Columns of answers, best first; ``class`` is a name or an index, as the file itself shows."""

TEXT_KINDS = KINDS[2:]
"""The kinds of answers that are read as texts."""

OF_CLASSES = "columns of classes"
"""The kind of answers with a column for each class, until all are read: logits, or probabilities, as rows sum to 1."""

SCORE = "score"
"""The column, and the kind, of a task's own score of each picture."""

PREDICTION_NAMES = ("prediction", "predicted", "pred", "predicted_class", "predicted_label")
"""Names of the column of answers in files that were written for somebody else, best first."""

CONFIDENCE_NAMES = ("confidence", "conf", "score", "probability", "prob")
"""Names of the column beside it with the confidence of each answer, best first."""

CONDITION_PARTS = ("corruption", "severity")
"""The columns that say the condition of a score where nobody names others."""

TRIAL, OBSERVER, JUDGED = ("imagename", "object_response"), "subj", ("category", "condition")
"""Columns of the trials of model-vs-human and texture-vs-shape: stimulus and answer, who answered, and what was right
under which condition."""

_OWN = re.compile(
    r"sample|condition|label|frame|(?:logits|probabilities|class_index|class_name|class)(?:_\d+)?", re.ASCII
)
_NAMED = 3
_SHOWN = 6
"""How many columns are named where those needed are not among them."""


@dataclass(frozen=True)
class AnswerColumns:
    """The columns of a table of answers.

    Attributes:
        kind: what the answers are: one of `KINDS`, `OF_CLASSES` or `SCORE`.
        sample: names the pictures.
        answers: hold the answers.
        condition: names the condition; empty where all pictures are clean, or `further` columns say it.
        confidence: of each answer; empty where there is none.
        further: of the pictures, of the conditions, or of who answered.
    """

    kind: str
    sample: str
    answers: tuple[str, ...]
    condition: str = ""
    confidence: str = ""
    further: tuple[str, ...] = ()

    @property
    def are_numbers(self) -> bool:
        """Whether the answers are rows of numbers, and no texts."""
        return self.kind not in (*TEXT_KINDS, SCORE)


DescribeColumns: TypeAlias = Callable[[Sequence[str], str], AnswerColumns]
"""What columns of these names hold in a file, which messages call so."""


def predictions_among(classes: Sequence[str] = ()) -> DescribeColumns:
    """How to find the answers of a classifier, of the best kind that there is.

    The confidence is looked for beside a ``prediction`` only: beside ``class`` each further column is one of the
    pictures.

    Args:
        classes: the names of the classes; none where they are not known.

    Raises:
        ArgumentError: when called, a column is missing.
    """

    def describe(names: Sequence[str], place: str) -> AnswerColumns:
        kind, answers = _best_answers(names, place, classes)
        sample, prediction = sample_column(names), prediction_column(names)
        beside = [name for name in names if name not in answers]
        confidence = _first(CONFIDENCE_NAMES, beside) if answers == [prediction] else ""
        taken = {sample, confidence, prediction, *answers}
        further = [name for name in names if name not in taken and not _OWN.fullmatch(name)]
        condition = CONDITION if CONDITION in names else ""
        return AnswerColumns(kind, sample, tuple(answers), condition, confidence, tuple(further))

    return describe


def scores_among(names: Sequence[str], place: str) -> AnswerColumns:
    """Where a task's own scores are; all other columns may say the condition.

    Raises:
        ArgumentError: pictures or scores are missing, or the scores may be confidences of a prediction beside them.
    """
    sample = sample_column(names)
    if not sample or SCORE not in names:
        raise ArgumentError(
            f"{place} must have the columns sample (or path) and {SCORE}, and may have {', '.join(CONDITION_PARTS)} "
            f"and others; has {', '.join(map(shown, names))}"
        )
    if prediction := prediction_column(names):
        raise ArgumentError(
            f"{place} has the columns {prediction} and {SCORE}. Which is meant? The confidence of the {prediction}: "
            "evaluate the file on pictures with labels, as in -b own --data FOLDER. A task's own score: leave "
            f"{prediction} out, or call it otherwise"
        )
    further = tuple(name for name in names if name not in (sample, SCORE))
    return AnswerColumns(SCORE, sample, (SCORE,), further=further)


def trials_among(*judged: str) -> DescribeColumns:
    """How to find trials: stimulus and answer, behind them who answered and these columns.

    Raises:
        ArgumentError: when called, one is missing.
    """

    def describe(names: Sequence[str], place: str) -> AnswerColumns:
        found = {column: _first([column], names) for column in (OBSERVER, *TRIAL[::-1], *judged)}
        if lacking := [column for column, name in found.items() if not name]:
            raise ArgumentError(
                f"{place}: must have the columns subj, session, trial, rt, object_response, category, condition and "
                f"imagename, but has no {lacking[0]}"
            )
        stimulus, answer = (found.pop(column) for column in TRIAL)
        return AnswerColumns("class", stimulus, (answer,), further=tuple(found.values()))

    return describe


def sample_column(names: Sequence[str]) -> str:
    """The column that names the pictures: ``sample``, else a usual name of paths; empty where there is none."""
    return SAMPLE if SAMPLE in names else _first(PATHS, names)


def prediction_column(names: Sequence[str]) -> str:
    """The column of answers in a file that was written for somebody else; empty where there is none."""
    return _first(PREDICTION_NAMES, names)


def not_a_confidence(place: str, sample: str, row: int, was: str, least: str, column: str = SCORE) -> ArgumentError:
    """The error for a number that is no confidence of an answer, which says what the column may be instead."""
    return ArgumentError(
        f"{place}: the {column} of {shown(sample)} (row {row + 1}) is {was}, and the confidence of an answer is a "
        f"number from {least} to 1. Which is meant? A confidence: write it so (one in percent divided by 100) in the "
        "column confidence beside prediction. A task's own score: evaluate the file by -b file:NAME, with the columns "
        "sample (or path) and score, without prediction"
    )


def _first(spellings: Iterable[str], names: Sequence[str]) -> str:
    """The first spelling that is the name of a column, in any case; empty where none is."""
    lower = {name.lower(): name for name in reversed(names)}
    return next((lower[spelling] for spelling in spellings if spelling in lower), "")


def _best_answers(names: Sequence[str], place: str, classes: Sequence[str]) -> tuple[str, list[str]]:
    """The best kind of answers that there are, and the columns that hold them."""
    for kind in KINDS if SAMPLE in names else ():
        numbered = {int(m[1]): name for name in names if (m := re.fullmatch(rf"{kind}_(\d+)", name))}
        if not (kind in names or (numbered and kind not in TEXT_KINDS)):
            continue
        if kind in names:
            return kind, [kind]
        if sorted(numbered) != list(range(len(numbered))):
            missing = next(index for index in range(max(numbered) + 1) if index not in numbered)
            raise ArgumentError(f"the column {kind}_{missing} is missing beside {kind}_{max(numbered)}")
        return kind, [numbered[index] for index in range(len(numbered))]
    if sample_column(names):
        if columns := _class_columns(names, classes, place):
            return OF_CLASSES, columns
        for kind in KINDS:  # beside a path, in place of the sample
            if kind in names:
                return kind, [kind]
        if prediction := prediction_column(names):
            return "class", [prediction]
    more = f", … ({len(names)} in all)" if len(names) > _SHOWN else ""
    raise ArgumentError(
        f"{place} must have the columns sample, condition, and logits, probabilities or class (or logits_0, logits_1 "
        "…, class_index, class_name; or path, prediction and score; or path and a column for each class); condition "
        f"may lack where all pictures are clean; has {', '.join(names[:_SHOWN]) or 'none'}{more}"
    )


def _class_columns(names: Sequence[str], classes: Sequence[str], place: str) -> list[str]:
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
        f"{place} has a column for {len(classes) - len(lacking)} of the {len(classes)} classes and none for "
        f"{', '.join(lacking[:_NAMED])}{more}: it must have one for each"
    )
