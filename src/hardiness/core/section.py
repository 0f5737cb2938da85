"""What a page shows of one benchmark on one data set, as data: a card makes it, terminal and page render it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from hardiness.core.chart import Chart
from hardiness.core.condition import Condition
from hardiness.core.gallery import Gallery
from hardiness.core.result import Score

LAST = 90
"""Place of sections that no experiment of the paper is like."""

GROUPS = (
    "clean",
    "noise and blur",
    "natural shift",
    "adversarial",
    "shape",
    "out of distribution",
    "labels",
    "other",
)
"""What benchmarks are about, in the order in which the overview shows them."""


@dataclass(frozen=True, slots=True)
class Column:
    """One score as a column of the table of models.

    Attributes:
        metric, condition: which score.
        title: its heading.
        higher_is_better: direction of improvement.
        headline: whether it is always shown, or only where everything is asked for.
    """

    metric: str
    condition: Condition
    title: str
    higher_is_better: bool
    headline: bool = True


@dataclass(frozen=True, slots=True)
class GridCell:
    """One number of a grid: its value (``None`` where it is undefined), its unit, whether to shade it by value, and
    a word for a number that is not stood by."""

    value: float | None
    unit: str = "fraction"
    shaded: bool = True
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class Grid:
    """Scores of one model by two things that vary.

    Attributes:
        model: whose they are.
        title: what it shows.
        corner: what its rows are.
        heads: a heading for each column.
        rows: by name, a cell for each column, ``None`` where nothing was measured.
    """

    model: str
    title: str
    corner: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, tuple[GridCell | None, ...]], ...]


@dataclass(frozen=True, slots=True)
class Note:
    """Something to know before trusting numbers, the models it is about, and whether only a full page says it."""

    text: str
    models: tuple[str, ...]
    headline: bool = True


@dataclass(frozen=True, slots=True)
class Saying:
    """What was found of one model, in words with numbers, as the end of a sentence that begins with its name.

    Attributes:
        model: its name.
        text: what was found.
        score: the number that the text is about, for its n and its interval; ``None`` where it is about no one number.
        title: what that number is called.
    """

    model: str
    text: str
    score: Score | None = None
    title: str = ""


@dataclass(frozen=True)
class Section:
    """One benchmark on one data set under one protocol.

    Attributes:
        variant: what tells it from others of the same benchmark and data, e.g. the surrogate of an attack.
        columns: of the table of models, headlines first.
        notes: below it.
        people_score: what people score, in a sentence; empty where nothing is known of them.
        charts: its figures; the first says the message, the others are details.
        grids: details of each model.
        place: where it stands among sections, smallest first: the order of the paper's experiments.
        headline: the column that stands for the section in the overview; ``None`` where none has a value.
        group: what the benchmark is about, one of `GROUPS`.
        others: further columns of the overview, each with its group.
        sayings: what was found of each model.
        galleries: pictures behind the numbers of each model, by its name.
        explanations: its terms, each with what it means.
    """

    variant: tuple[str, ...] = ()
    columns: tuple[Column, ...] = ()
    notes: tuple[Note, ...] = ()
    people_score: str = ""
    charts: Sequence[Chart] = ()
    grids: Sequence[Grid] = field(default=())
    place: int = LAST
    headline: Column | None = None
    group: str = GROUPS[-1]
    others: tuple[tuple[str, Column], ...] = ()
    sayings: tuple[Saying, ...] = ()
    galleries: Sequence[tuple[str, Gallery]] = ()
    explanations: tuple[tuple[str, str], ...] = ()
