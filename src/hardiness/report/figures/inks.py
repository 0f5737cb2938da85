"""Which ink each model is drawn in: the same in every figure of a page."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hardiness.report.figures.sheet import COLOURS, SHAPES, Point, Symbol

INKS = {
    "ink": "#1c2127",
    "faint": "#5a6675",
    "line": "#dfe4ea",
    "paper": "#ffffff",
    "people": "#c81e3a",
    "published": "#8a94a0",
    "heat": "#2f5fd0",
    "m0": "#0072b2",
    "m1": "#c77700",
    "m2": "#00845f",
    "m3": "#7b4fa3",
    "m4": "#3a9bd9",
    "m5": "#8c6d31",
    "m6": "#4d4d4d",
    "m7": "#c2568f",
}
"""On white paper. Models' colours are told apart by colour-blind readers (after Okabe & Ito 2008), people are red."""


@dataclass(frozen=True)
class Inks:
    """The models of a page in the order in which they are listed."""

    models: tuple[str, ...]

    @classmethod
    def of(cls, models: Iterable[str]) -> Inks:
        """Each model once, in the order given."""
        return cls(tuple(dict.fromkeys(models)))

    def index(self, model: str) -> int:
        """Its place."""
        return self.models.index(model)

    def group(self, model: str) -> str:
        """What its marks are grouped under."""
        return str(self.index(model))

    def ink(self, model: str) -> str:
        """Its colour; colours begin again after eight."""
        return f"m{self.index(model) % COLOURS}"

    def shape(self, model: str) -> str:
        """Its marker; another when the colours begin again, so that 64 models differ."""
        index = self.index(model)
        return SHAPES[(index + index // COLOURS) % len(SHAPES)]

    def marker(self, model: str, centre: Point, radius: float, tip: str = "") -> Symbol:
        """Its marker at a place."""
        return Symbol(self.shape(model), centre, radius, self.ink(model), tip)
