"""Pictures behind the numbers: which are chosen of a table, and where a result keeps the choice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hardiness.core.condition import Condition
from hardiness.core.forms import from_json, json_form
from hardiness.core.result import Result
from hardiness.core.table import RIGHT, ImageTable

KEPT = "galleries"
"""The name of galleries in a result's details."""

SHOWN = 6
"""Pictures a gallery holds at most."""

ENOUGH = 5
"""Images that a class needs before its losses say anything."""

TAKEN = np.float32(-1.0)
"""The stand-in for the confidence of answers that are not to be chosen."""

Namer = Callable[[int], str]


@dataclass(frozen=True, slots=True)
class Answer:
    """A model's answer, and how sure it was (``None`` where that is not known)."""

    name: str
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """One picture worth looking at.

    Attributes:
        id: of the photograph.
        condition: under which it is shown; empty for the photograph itself.
        label: what it shows.
        after: the answer under the condition.
        before: the answer to the photograph itself; ``None`` where that was not asked or is the same picture.
        note: what else there is to say, e.g. how often an answer flips.
    """

    id: str
    condition: Condition = field(default_factory=Condition)
    label: str = ""
    after: Answer | None = None
    before: Answer | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Gallery:
    """Some pictures of one model under one rule that says why these."""

    title: str
    rule: str
    samples: tuple[Sample, ...]


def galleries_kept(galleries: Iterable[Gallery]) -> dict[str, Any]:
    """The details that keep galleries with a result, as JSON."""
    return {KEPT: json_form([*galleries])}


def galleries_of(result: Result) -> list[Gallery]:
    """The galleries that a result keeps."""
    return [from_json(Gallery, form, KEPT) for form in result.details.get(KEPT, ())]


def galleries(table: ImageTable, name: Namer) -> Iterator[Gallery]:
    """The galleries of any table that has answers and their confidence.

    Args:
        table: of a run.
        name: the name of a class by its index.
    """
    if "answer" not in table or "confidence" not in table or table["answer"].ndim != 2:
        return
    clean = table.place(Condition())
    if clean is not None and len(table.cells) > 1:
        yield from _flips(table, clean, name)
        yield from _losses(table, clean, name)
    else:
        yield from _mistakes(table, name)


def _flips(table: ImageTable, clean: int, name: Namer) -> Iterator[Gallery]:
    """Answers right without the disturbance and wrong with it: the surest of each kind, then of each image."""
    right = table[RIGHT]
    remaining = _confidence(table, (right[:, [clean]] == 1) & (right == 0))
    kinds = np.array([str(next(iter(condition.values()), None)) for condition in table.present])
    qualify, of_new_kinds = np.count_nonzero(remaining >= 0), remaining.copy()
    chosen: list[tuple[int, int]] = []
    while len(chosen) < SHOWN and (at := _surest(of_new_kinds)):
        chosen.append(at)
        of_new_kinds[at[0]] = remaining[at[0]] = TAKEN
        of_new_kinds[:, kinds == kinds[at[1]]] = TAKEN
    chosen += _surest_of_each(remaining, SHOWN - len(chosen))
    if chosen:
        samples = tuple(
            Sample(
                str(table.ids[row]),
                table.present[cell],
                name(int(table.label[row])),
                _answer(table, row, cell, name),
                _answer(table, row, clean, name),
            )
            for row, cell in chosen
        )
        rule = (
            "Right on the photograph, wrong once it is disturbed: the wrong answers given with most confidence, no "
            "photograph twice, each kind of disturbance once before any comes again. Pictures that qualify: "
            f"{qualify:,}."
        )
        yield Gallery("Answers that flip", rule, samples)


def _mistakes(table: ImageTable, name: Namer) -> Iterator[Gallery]:
    """The wrong answers given with most confidence."""
    samples, wrong = _surest_wrong(table, name, np.arange(len(table)))
    if samples:
        rule = f"The wrong answers given with most confidence, no photograph twice; {wrong:,} are wrong."
        yield Gallery("Most confident mistakes", rule, samples)


def mistakes_among(table: ImageTable, name: Namer, rows: NDArray[np.int64], part: str) -> Gallery | None:
    """The wrong answers to a part of the photographs that were given with most confidence; ``None`` where none is.

    Args:
        table: of a run.
        name: the name of a class by its index.
        rows: of the part.
        part: what it is, e.g. ``"site B"``.
    """
    if "answer" not in table or "confidence" not in table or table["answer"].ndim != 2:
        return None
    samples, wrong = _surest_wrong(table, name, rows)
    rule = (
        f"The wrong answers to photographs of {part} that were given with most confidence, no photograph twice; "
        f"{wrong:,} of its {len(rows):,} photographs have a wrong answer."
    )
    return Gallery(f"Most confident mistakes of {part}", rule, samples) if samples else None


def _surest_wrong(table: ImageTable, name: Namer, rows: NDArray[np.int64]) -> tuple[tuple[Sample, ...], int]:
    """The surest wrong answers to some photographs, and how many of these have one."""
    wrong = np.where(table[RIGHT][rows] == 0, np.nan_to_num(table["confidence"][rows], nan=0.0), TAKEN)
    count = int(np.count_nonzero((wrong >= 0).any(axis=1)))
    samples = tuple(
        Sample(
            str(table.ids[row]),
            table.present[cell],
            name(int(table.label[row])),
            _answer(table, int(row), cell, name),
        )
        for at, cell in _surest_of_each(wrong, SHOWN)
        if (row := rows[at]) >= 0
    )
    return samples, count


def _confidence(table: ImageTable, chosen: NDArray[np.bool_]) -> NDArray[np.floating]:
    """The confidence of the chosen answers, ``(N, M)``, 0 where it is no number; `TAKEN` for the others."""
    return np.where(chosen, np.nan_to_num(table["confidence"], nan=0.0), TAKEN)


def _surest(remaining: NDArray[np.floating]) -> tuple[int, int] | None:
    """Image and cell of the largest confidence, the first of equal ones; ``None`` where all are `TAKEN`."""
    if not remaining.size:
        return None
    row, cell = divmod(int(remaining.argmax()), remaining.shape[1])
    return (row, cell) if remaining[row, cell] >= 0 else None


def _surest_of_each(remaining: NDArray[np.floating], most: int) -> list[tuple[int, int]]:
    """Image and cell of the surest answers, no image twice; marks these images in ``remaining`` as `TAKEN`."""
    chosen: list[tuple[int, int]] = []
    while len(chosen) < most and (at := _surest(remaining)):
        chosen.append(at)
        remaining[at[0]] = TAKEN
    return chosen


def _losses(table: ImageTable, clean: int, name: Namer) -> Iterator[Gallery]:
    """The classes that lose most, where classes have images enough to say so; one picture of each."""
    right = table[RIGHT]
    others = np.arange(len(table.cells)) != clean
    evaluated = (right[:, clean] >= 0) & (right[:, others] >= 0).any(axis=1)
    before = (right[:, clean] == 1).astype(float)
    after = np.divide(
        (right[:, others] == 1).sum(axis=1),
        (right[:, others] >= 0).sum(axis=1),
        out=np.zeros(len(table)),
        where=(right[:, others] >= 0).any(axis=1),
    )
    losses: list[tuple[float, int, NDArray[np.int64]]] = []
    for label in np.unique(table.label[evaluated]).tolist():
        rows = np.flatnonzero(evaluated & (table.label == label))
        if len(rows) >= ENOUGH:
            losses.append((float((before - after)[rows].mean()), label, rows))
    if not losses:
        return
    worst = sorted(losses, key=lambda fall: (-fall[0], fall[1]))[:SHOWN]
    samples = []
    for loss, label, rows in worst:
        row = int(rows[np.argmax((before - after)[rows])])
        share = f"right on {100 * before[rows].mean():.0f} % of {len(rows)}"
        note = f"{name(label)}: {share}, then {100 * loss:.0f} points less"
        samples.append(Sample(str(table.ids[row]), Condition(), name(label), note=note))
    rule = f"Classes of at least {ENOUGH} photographs by the fall of their accuracy, the mean over all conditions."
    yield Gallery("Classes that lose most", rule, tuple(samples))


def _answer(table: ImageTable, row: int, cell: int, name: Namer) -> Answer:
    confidence, index = float(table["confidence"][row, cell]), int(table["answer"][row, cell])
    if "outcome" in table:  # a chat model's, which may have none, and whose confidence may be a stand-in
        return Answer(name(index) if index >= 0 else "no answer", None)
    return Answer(name(index), round(confidence, 4) if confidence == confidence else None)
