"""How well a number is known: its interval at any level and its p-values, from a few stored numbers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from hardiness.core.forms import FormError, fields_form, from_fields
from hardiness.core.registry import Registry


@dataclass(frozen=True, slots=True)
class Interval:
    """An interval, in the score's own unit.

    Attributes:
        low, high: its ends.
    """

    low: float
    high: float


class Spread(ABC):
    """How well a number is known: what is left of its estimate once rows are gone.

    A kind of spread is a frozen dataclass of numbers and of other spreads, under a name of `registry`. Its JSON form is
    an object of its fields with that name as ``kind``.

    Attributes:
        value: the number.
        is_exact: whether p-values and deciding ends hold for any number of images, and not only for many.
        is_sequential: whether they hold at every look at images that come in, so that each verdict must.
    """

    is_exact: ClassVar[bool] = False
    is_sequential: ClassVar[bool] = False

    if TYPE_CHECKING:  # a field of most kinds, whose default this would be

        @property
        def value(self) -> float: ...

    @abstractmethod
    def ends(self, alpha: float) -> Interval:
        """The interval that is shown.

        Args:
            alpha: one minus the coverage, in (0, 1).
        """

    @abstractmethod
    def deciding_ends(self, alpha: float) -> Interval:
        """The interval by which rules decide: it leaves out a limit where `p` on that side is below half of alpha."""

    @abstractmethod
    def p(self, limit: float, side: int) -> float:
        """The one-sided p-value of "the number is not beyond the limit", by which rules decide.

        Args:
            limit: in the number's unit.
            side: 1 where beyond is above, -1 where it is below.

        Returns:
            Near 0 where the number is surely beyond; at most 1.
        """

    @abstractmethod
    def end_of_next(self, side: int, chance: float, alpha: float) -> float:
        """The end of the deciding interval of a new, equally good number of as many images.

        Args:
            side: 1 for the upper end, -1 for the lower one.
            chance: how seldom that end is further off, below 0.5. Of a share of images it is at most that seldom,
                whatever the share.
            alpha: one minus the coverage of the interval.
        """

    @property
    def error(self) -> float | None:
        """The standard error over other images like these; ``None`` where the kind has none, or nothing varied."""
        return None

    @property
    def bound(self) -> tuple[float, float] | None:
        """The units that showed no rare loss, and the most that one can move a difference; ``None`` without a bound."""
        return None

    @property
    def allows_for_unseen(self) -> bool:
        """Whether the deciding interval is wider than what was seen, for losses that the images did not show."""
        return False

    def interval(self, level: float = 0.95) -> Interval:
        """The interval that is shown, with this coverage, in (0, 1)."""
        return _ends(self, round(1 - level, 12))

    @property
    def kind(self) -> str:
        """The name of its kind."""
        return _NAMES[type(self)]

    def as_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return {"kind": self.kind, **fields_form(self)}

    @staticmethod
    def from_dict(form: Any) -> Spread:
        """The spread of such a form.

        Raises:
            FormError: it is none.
        """
        kind = registry.find(str(form.get("kind"))) if isinstance(form, Mapping) else None
        if kind is None:
            raise FormError(f"must be a spread with its kind, and is {form!r:.60}")
        return from_fields(kind, {name: item for name, item in form.items() if name != "kind"})


Kind = TypeVar("Kind", bound=type[Spread])

registry: Registry[type[Spread]] = Registry("spread", "hardiness.statistics.spreads")
"""The kinds of spread, by the names that stored forms have."""

_NAMES: dict[type[Spread], str] = {}


def kind_of_spread(name: str) -> Callable[[Kind], Kind]:
    """Decorator of a kind of spread, with the name that stored forms have."""

    def decorate(kind: Kind) -> Kind:
        _NAMES[kind] = name
        return registry.add(name)(kind)

    return decorate


@lru_cache(maxsize=100_000)
def _ends(spread: Spread, alpha: float) -> Interval:
    return spread.ends(alpha)
