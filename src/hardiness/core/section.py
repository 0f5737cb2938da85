"""What a page shows of one benchmark on one data set, as data: a card makes it, terminal and page render it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hardiness.core.condition import Condition
from hardiness.core.result import Score


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
    """One number of a grid: its value (``None`` where it is undefined), its unit, and whether to shade it by value."""

    value: float | None
    unit: str = "fraction"
    shaded: bool = True


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
class Line:
    """One curve: x, a share, and the 95 % interval of each point where it has one."""

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Panel:
    """One pair of axes: what x is, the models' curves, the published ones, and the values of x with their names."""

    label: str
    measured: tuple[Line, ...]
    published: tuple[Line, ...]
    ticks: tuple[float, ...]
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Curves:
    """A figure of curves, one or more panels side by side; ``heading`` is drawn above them.

    Attributes:
        name: stem of its files, unique within a section.
        title: what it shows, in a few words.
        heading: the same with what is special about it.
        caption: how to read it.
        panels: from left to right.
    """

    name: str
    title: str
    heading: str
    caption: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Observer:
    """One model's scores: over everything, and by row."""

    name: str
    overall: Score | None
    by_row: Mapping[str, Score]


@dataclass(frozen=True, slots=True)
class People:
    """People's shares beside models' scores: over everything, by row, and of each person."""

    overall: float
    by_row: Mapping[str, float]
    each: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Dots:
    """A figure of markers, one a model in each row, and people where they are known.

    Attributes:
        name, title, caption: as in `Curves`.
        label: what the axis is, from 0 to 1.
        ends: what the left end and the right end mean.
        all_rows: name of the row that stands for everything.
        rows: names of the others, in order.
        observers: the models.
        people: or ``None``.
    """

    name: str
    title: str
    caption: str
    label: str
    ends: tuple[str, str]
    all_rows: str
    rows: tuple[str, ...]
    observers: tuple[Observer, ...]
    people: People | None = None


Chart = Curves | Dots


@dataclass(frozen=True, slots=True)
class Note:
    """Something to know before trusting numbers, the models it is about, and whether only a full page says it."""

    text: str
    models: tuple[str, ...]
    headline: bool = True


@dataclass(frozen=True)
class Section:
    """One benchmark on one data set under one protocol.

    Attributes:
        variant: what tells it from others of the same benchmark and data, e.g. the surrogate of an attack.
        columns: of the table of models, headlines first.
        notes: below it.
        yardstick: what people score, in a sentence; empty where nothing is known of them.
        charts: its figures.
        grids: details of each model.
    """

    variant: tuple[str, ...] = ()
    columns: tuple[Column, ...] = ()
    notes: tuple[Note, ...] = ()
    yardstick: str = ""
    charts: Sequence[Chart] = ()
    grids: Sequence[Grid] = field(default=())
