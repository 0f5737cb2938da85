"""Inks of figures and of the page, on white and on dark, and the colour and marker of each model."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hardiness.report.figures.sheet import Point, Symbol

MODEL_COLOURS = (
    ("#0072b2", "#4fb0ee"),
    ("#c77700", "#f0a63a"),
    ("#00845f", "#35c296"),
    ("#7b4fa3", "#b994e6"),
    ("#3a9bd9", "#8fd0ff"),
    ("#8c6d31", "#cda968"),
    ("#4d4d4d", "#bfc5cc"),
    ("#c2568f", "#f08fc0"),
)
"""Colours of the first model, the second and so on, on white paper and on a dark page; after the last they begin again.

They are told apart by colour-blind readers (after Okabe & Ito 2008).
"""

COLOURS = {
    "ink": ("#1c2127", "#e8ebef"),
    "faint": ("#5a6675", "#a3afbd"),
    "line": ("#dfe4ea", "#2e3740"),
    "paper": ("#ffffff", "#14181d"),
    "people": ("#c81e3a", "#ff6b81"),
    "published": ("#8a94a0", "#7d8894"),
    "heat": ("#2f5fd0", "#5c86f0"),
    **{f"m{number}": pair for number, pair in enumerate(MODEL_COLOURS)},
}
"""Each ink of a figure on white paper and on a dark page; people are red."""

INKS = {name: light for name, (light, _) in COLOURS.items()}
"""Each ink on white paper, on which figures are written as files."""

SHAPES = ("circle", "square", "triangle", "wedge", "plus", "cross", "hexagon", "pentagon")
"""Shapes of models, so that no figure depends on colour alone."""


def page_colours() -> str:
    """The inks as rules of the page: variables by the name of the ink, for a light and for a dark screen."""
    light, dark = (
        " ".join(f"--{name}: {pair[on_dark]};" for name, pair in COLOURS.items()) for on_dark in (False, True)
    )
    return f":root {{ {light} }}\n@media (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}\n"


@dataclass(frozen=True)
class Inks:
    """The models of a page in the order in which they are listed.

    Attributes:
        models: by name.
        in_legends: whether a figure's legend names them; a page has one legend for all of its figures.
    """

    models: tuple[str, ...]
    in_legends: bool = True

    @classmethod
    def for_models(cls, models: Iterable[str]) -> Inks:
        """Each model once, in the order given."""
        return cls(tuple(dict.fromkeys(models)))

    def index(self, model: str) -> int:
        """Its place."""
        return self.models.index(model)

    def group(self, model: str) -> str:
        """The name of the group of its marks."""
        return str(self.index(model))

    def ink(self, model: str) -> str:
        """Its colour; colours begin again after the last."""
        return f"m{self.index(model) % len(MODEL_COLOURS)}"

    def shape(self, model: str) -> str:
        """Its marker; another when the colours begin again, so that eight times as many models differ."""
        index = self.index(model)
        return SHAPES[(index + index // len(MODEL_COLOURS)) % len(SHAPES)]

    def marker(self, model: str, centre: Point, radius: float, tip: str = "") -> Symbol:
        """Its marker at a place."""
        return Symbol(self.shape(model), centre, radius, self.ink(model), tip)
