"""Models that stand ahead of others beyond chance, as far as every pair that is named was told apart."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

from hardiness.core.spread import Interval
from hardiness.statistics.comparison import ScoreComparison


@dataclass(frozen=True, slots=True)
class Lead:
    """The lead of one model over another that it is told apart from.

    Attributes:
        points: how much better the first is, above 0, in points where values are shares.
        interval: of that, at 95 %, adjusted for all pairs that were compared; ``None`` where there is none.
    """

    points: float
    interval: Interval | None = None


Leads = Mapping[tuple[str, str], Lead]
"""The lead of a better model over a worse one, for each two that are told apart."""


@dataclass(frozen=True, slots=True)
class Precedence:
    """A sentence's subject and object: every one of ``ahead`` is told to be better than every one of ``behind``.

    Attributes:
        ahead, behind: models, the best first.
        leads: the leads of all these pairs.
        is_all: whether no other two models are told apart.
        is_first: whether nobody is told to be better than any of ``ahead``, and everybody else is behind all of them.
    """

    ahead: tuple[str, ...]
    behind: tuple[str, ...]
    leads: tuple[Lead, ...]
    is_all: bool
    is_first: bool


@dataclass(frozen=True)
class Standing:
    """Models of one score, the best value first, and which of them are told apart.

    Being told apart is not transitive: a first model may be told from a third, and a second from neither.
    """

    models: tuple[str, ...]
    leads: Leads

    @cached_property
    def alone(self) -> str:
        """The one model that is told to be better than every other; empty where there is none."""
        for model in self.models:
            if len(self.models) > 1 and all((model, other) in self.leads for other in self.models if other != model):
                return model
        return ""

    @cached_property
    def claim(self) -> Precedence | None:
        """The one thing to say that is sure; ``None`` where no two models are told apart.

        One model that is ahead of all others; else several that nobody is ahead of and that are all ahead of the rest;
        else the largest two groups of which each model of the one is ahead of each model of the other.
        """
        if not self.leads:
            return None
        if self.alone:
            return self._claim((self.alone,), tuple(each for each in self.models if each != self.alone), is_first=True)
        losers = {worse for _, worse in self.leads}
        first = tuple(model for model in self.models if model not in losers)
        rest = tuple(model for model in self.models if model in losers)
        if all((better, worse) in self.leads for better in first for worse in rest):
            return self._claim(first, rest, is_first=True)
        groups = [self._closed_behind(self._all_ahead_of((model,))) for model in self.models]
        groups += [self._closed_ahead(self._all_behind((model,))) for model in self.models]
        ahead, behind = max(groups, key=lambda group: (len(group[0]) * len(group[1]), len(group[0])))
        return self._claim(ahead, behind, is_first=False)

    @cached_property
    def precedences(self) -> tuple[Precedence, ...]:
        """All that is told apart: models that are ahead of the same others stand in one precedence, the best first."""
        by_behind: dict[tuple[str, ...], list[str]] = {}
        for model in self.models:
            if behind := self._all_behind((model,)):
                by_behind.setdefault(behind, []).append(model)
        losers = {worse for _, worse in self.leads}
        return tuple(
            self._claim(
                ahead, behind, is_first=losers.isdisjoint(ahead) and len(ahead) + len(behind) == len(self.models)
            )
            for behind, ahead in by_behind.items()
        )

    @cached_property
    def undecided(self) -> tuple[tuple[str, ...], ...]:
        """Groups of models of which no two are told apart; every two that are not told apart stand in one of them."""
        groups: list[tuple[str, ...]] = []
        for first, second in combinations(self.models, 2):
            if self._are_apart(first, second) or any({first, second} <= set(group) for group in groups):
                continue
            members = {first, second}
            for model in self.models:
                if not any(self._are_apart(model, member) for member in members):
                    members.add(model)
            groups.append(tuple(model for model in self.models if model in members))
        return tuple(groups)

    def _are_apart(self, first: str, second: str) -> bool:
        return (first, second) in self.leads or (second, first) in self.leads

    def _claim(self, ahead: Sequence[str], behind: Sequence[str], is_first: bool) -> Precedence:
        leads = tuple(self.leads[better, worse] for better in ahead for worse in behind)
        return Precedence(tuple(ahead), tuple(behind), leads, len(leads) == len(self.leads), is_first)

    def _all_ahead_of(self, models: Sequence[str]) -> tuple[str, ...]:
        """The models that are ahead of every one of some."""
        return tuple(each for each in self.models if all((each, model) in self.leads for model in models))

    def _all_behind(self, models: Sequence[str]) -> tuple[str, ...]:
        """The models that are behind every one of some."""
        return tuple(each for each in self.models if all((model, each) in self.leads for model in models))

    def _closed_behind(self, ahead: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Some models and all that are behind each of them; nothing where there are none of either."""
        behind = self._all_behind(ahead) if ahead else ()
        return (ahead, behind) if behind else ((), ())

    def _closed_ahead(self, behind: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """All models that are ahead of each of some, and these; nothing where there are none of either."""
        ahead = self._all_ahead_of(behind) if behind else ()
        return (ahead, behind) if ahead else ((), ())


def paired_standing(comparison: ScoreComparison, unranked: Collection[str] = ()) -> Standing:
    """The standing of models that a paired test compared by one score.

    Args:
        comparison: of the score.
        unranked: models without a place, whatever their value.
    """
    sign = -1 if comparison.higher_is_better else 1
    values = {name: value for name, value in comparison.values.items() if name not in unranked}
    ranked = sorted((name for name in values if not math.isnan(values[name])), key=lambda name: sign * values[name])
    leads: dict[tuple[str, str], Lead] = {}
    for pair in comparison.pairs:
        if set(pair) <= set(ranked) and comparison.is_told_apart(pair):
            leads.update([paired_lead(comparison, pair)])
    return Standing(tuple(ranked), leads)


def paired_lead(comparison: ScoreComparison, pair: tuple[str, str]) -> tuple[tuple[str, str], Lead]:
    """The better and the worse of two models that are told apart, and the lead of the one over the other."""
    difference = comparison.pairs[pair]
    ends = difference.interval
    if difference.value < 0 and ends is not None:
        ends = Interval(-ends.high, -ends.low)
    order = pair if (difference.value > 0) == comparison.higher_is_better else pair[::-1]
    return order, Lead(abs(difference.value), ends)
