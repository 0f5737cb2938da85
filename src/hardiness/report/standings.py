"""Models that stand ahead of others beyond chance, as far as every pair that is named was told apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from hardiness.core.result import Interval


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
