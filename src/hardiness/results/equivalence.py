"""Equivalence of stored runs: whether two models' scores are known to differ by less than a margin."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from numpy.typing import NDArray

from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError
from hardiness.core.forms import fields_form
from hardiness.core.result import IN_PERCENT
from hardiness.results.difference_json import equivalence_json
from hardiness.results.measured import RunByImage, in_shared_cells
from hardiness.results.policy import read_limit
from hardiness.statistics.clusters import Clusters
from hardiness.statistics.comparison import Difference, difference, shared_images
from hardiness.statistics.verdicts import Outcome, equivalence_outcome

AMBIGUOUS = 0.1
"""A margin of a share, without %, from which on it may have been meant in percent."""


@dataclass(frozen=True, slots=True)
class EquivalenceMargin:
    """How far two scores may lie apart and still count as equivalent.

    Attributes:
        value: in the unit of a score; 0.005 is half a point of a share.
        in_percent: whether it was written in percent, so that it is of scores in percent alone.
    """

    value: float
    in_percent: bool = False

    @classmethod
    def read(cls, text: str | float, name: str = "within") -> EquivalenceMargin:
        """The margin that a person states, as ``"0.5 %"`` or ``0.005``.

        Raises:
            ArgumentError: it is no number above 0, or 100 % and more.
        """
        number: str | float = text
        with suppress(ValueError):
            number = float(text)
        value, in_percent = read_limit("compare", name, number)
        if not value > 0 or (in_percent and value >= 1):
            below = " and below 100 %" if in_percent else ""
            raise ArgumentError(f'{name} must be above 0{below}, as in "0.5 %" for half a point, was {text}')
        return cls(value, in_percent)

    def is_of(self, unit: str, title: str) -> bool:
        """Whether it can be the margin of a score of a unit.

        Args:
            unit: of the score.
            title: what people call the score.

        Raises:
            ArgumentError: the score is a share, and a number without % may have been meant in percent.
        """
        if unit not in IN_PERCENT:
            return not self.in_percent
        if not self.in_percent and self.value >= AMBIGUOUS:
            raise ArgumentError(
                f'within {self.value:g} of {title} would be {100 * self.value:g} points: write "{self.value:g} %" or '
                f'"{100 * self.value:g} %", whichever is meant'
            )
        return True


@dataclass(frozen=True, slots=True)
class PairEquivalence:
    """Two models by one score, and the margin within which they are equivalent or not.

    Attributes:
        first, second: the models.
        metric, condition, title, unit: of the score.
        difference: the first one's value less the second one's.
        margin: in the unit of the score.
    """

    first: str
    second: str
    metric: str
    condition: Condition
    title: str
    unit: str
    difference: Difference
    margin: float

    @property
    def outcome(self) -> Outcome:
        """Whether they are equivalent."""
        return equivalence_outcome(self.difference.spread, self.margin)

    def as_dict(self) -> dict[str, object]:
        """The JSON form."""
        form = fields_form(self)
        del form["difference"]
        return {**form, **equivalence_json(self.difference, self.margin)}


def equivalences_of(
    runs: Mapping[str, RunByImage], clusters: Clusters | None, margin: EquivalenceMargin
) -> tuple[PairEquivalence, ...]:
    """The verdict on every two of some runs by each score that they share; none where they share no picture.

    A verdict stands alone: that several pass together is at most as often false as that one does (Berger 1982).

    Args:
        runs: of one benchmark, by name.
        clusters: of their pictures; ``None`` where each stands alone.
        margin: within which they count as equivalent.

    Raises:
        ArgumentError: the margin can be that of no score, or may have been meant in percent.

    Source: Schuirmann (1987), doi:10.1007/BF01068419; Berger (1982), doi:10.1080/00401706.1982.10487790.
    """
    if any(run.drawn for run in runs.values()):
        runs = in_shared_cells(runs)
    ids = shared_images({name: run.ids for name, run in runs.items()})
    pairs = map(dict, combinations(runs.items(), 2)) if len(ids) else ()
    verdicts = [verdict for pair in pairs for verdict in _verdicts(pair, ids, clusters, margin)]
    units = {run.unit(score) for run in runs.values() for score in run.scores}
    if units and not verdicts and len(ids):
        raise ArgumentError(
            f"within is in percent, and no score is, whose units are {', '.join(sorted(units))}; give a number in the "
            "unit of a score"
        )
    return tuple(verdicts)


def _verdicts(
    runs: Mapping[str, RunByImage], ids: NDArray[Any], clusters: Clusters | None, margin: EquivalenceMargin
) -> Iterator[PairEquivalence]:
    """The verdicts on two runs, of some images."""
    (first, one), (second, other) = runs.items()
    for score in one.scores:
        unit, title = one.unit(score), one.title(score)
        if not margin.is_of(unit, title):
            continue
        for counterpart in other.counterparts(score):
            (of_one, few), (of_other, fewer) = one.estimate(score, ids), other.estimate(counterpart, ids)
            tested = difference(of_one, of_other, score.span, few or fewer, clusters)
            yield PairEquivalence(first, second, score.metric, score.condition, title, unit, tested, margin.value)
