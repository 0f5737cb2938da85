"""Charts and grids as data, which any renderer can draw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hardiness.core.result import Score
from hardiness.core.spread import Interval


@dataclass(frozen=True, slots=True)
class Line:
    """One curve: x, a share, the 95 % interval of each point where it has one, and a word where it is not stood by.

    The word is not about a point at 0, which is without attack.
    """

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    doubt: str = field(default="", kw_only=True)


@dataclass(frozen=True, slots=True)
class Panel:
    """One pair of axes.

    Attributes:
        label: what x is.
        measured, published: the models' curves, and those that stand beside them.
        ticks, names: the values of x with their names; they stand at equal distances unless ``to_scale``.
        title: what tells it from the other panels; may be empty.
        to_scale: whether x runs from the first to the last tick by value.
        diagonal: whether to draw where y equals x.
        people: people's curve; ``None`` where they were not asked.
    """

    label: str
    measured: tuple[Line, ...]
    published: tuple[Line, ...]
    ticks: tuple[float, ...]
    names: tuple[str, ...]
    title: str = ""
    to_scale: bool = False
    diagonal: bool = False
    people: Line | None = None


@dataclass(frozen=True, slots=True)
class Curves:
    """A figure of curves, one or more panels; ``heading`` is drawn above them.

    Attributes:
        name: stem of its files, unique within a section.
        title: what it shows, in a few words.
        heading: the same with what is special about it.
        caption: how to read it.
        panels: in reading order.
        label: what y is, a share from 0 to 1.
        small: whether the panels are many and small.
        limit: where the axis of y ends.
        beside: what the thin grey curves of its panels are.
        grey: the same as a sentence, said below the figure where there are such curves.
    """

    name: str
    title: str
    heading: str
    caption: str
    panels: tuple[Panel, ...]
    label: str = ""
    small: bool = False
    limit: float = 1.0
    beside: str = "published"
    grey: str = ""


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
        label: what the axis is, a share.
        ends: what the left end and the right end mean.
        all_rows: name of the row that stands for everything.
        rows: names of the others, in order.
        observers: the models.
        people: or ``None``.
        published: models that stand beside them.
        limit: where the axis ends.
        percent: whether values are shares, written in percent, or plain numbers.
        bars: whether every row shows intervals, not only the one of everything.
        grey: what the marks of ``published`` are, a sentence said below the figure where there are some.
        winner: what the heading says instead, between the name and the overall value, of a model that is alone in
            first place; empty where the heading is not about models.
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
    published: tuple[Observer, ...] = ()
    limit: float = 1.0
    percent: bool = True
    bars: bool = False
    grey: str = ""
    winner: str = ""


@dataclass(frozen=True, slots=True)
class Layer:
    """One matrix: values by row and column, ``None`` where nothing was measured; ``name`` is a model or empty."""

    name: str
    values: tuple[tuple[float | None, ...], ...]


@dataclass(frozen=True, slots=True)
class Heat:
    """A figure of matrices, one a model, coloured by value.

    Attributes:
        name, title, caption: as in `Curves`.
        corner: what rows are.
        heads: a heading for each column.
        rows: a name for each row.
        layers: the matrices, shares of 1.
        higher_is_better: direction of improvement.
    """

    name: str
    title: str
    caption: str
    corner: str
    heads: tuple[str, ...]
    rows: tuple[str, ...]
    layers: tuple[Layer, ...]
    higher_is_better: bool = False


@dataclass(frozen=True, slots=True)
class Rung:
    """One model of a ladder: its score, and whether that was published and not measured here."""

    name: str
    score: Score
    published: bool = False


@dataclass(frozen=True, slots=True)
class Ladder:
    """A figure of models in the order of one score, the best on top.

    Attributes:
        name, title, caption: as in `Curves`.
        label: what the axis is.
        rungs: the best first; each has a value.
    """

    name: str
    title: str
    caption: str
    label: str
    rungs: tuple[Rung, ...]


@dataclass(frozen=True, slots=True)
class Trend:
    """A curve with a band around it, shares of 1, and what it is; dashed where it is continued."""

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Spot:
    """One model at two scores, each with its interval."""

    name: str
    x: Score
    y: Score


@dataclass(frozen=True, slots=True)
class Scatter:
    """A figure of models by two shares, on axes of log odds.

    Attributes:
        name, title, caption: as in `Curves`.
        x_label, label: what the axes are.
        trends: curves behind the models.
        published: grey points of published models, x and y.
        spots: the models.
        beside: what the grey points are.
    """

    name: str
    title: str
    caption: str
    x_label: str
    label: str
    trends: tuple[Trend, ...]
    published: tuple[tuple[float, float], ...]
    spots: tuple[Spot, ...]
    beside: str = "published"


Chart = Curves | Dots | Heat | Ladder | Scatter


@dataclass(frozen=True, slots=True)
class GridCell:
    """One number of a grid.

    Attributes:
        value: ``None`` where it is undefined.
        shaded: whether its background shows the value.
        doubt: a word for a number that is not stood by; else empty.
        interval: of the number, at 95 %, as a terminal shows it; ``None`` where there is none.
    """

    value: float | None
    unit: str = "fraction"
    shaded: bool = True
    doubt: str = ""
    interval: Interval | None = None


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
