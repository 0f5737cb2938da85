"""Why a run was stopped before its whole was evaluated, and what it held then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from hardiness.core.errors import StoreError


@dataclass(frozen=True, slots=True)
class Stop:
    """The last look at a run that is evaluated until its headline is exact enough.

    Attributes:
        precision_target: the half-width that was aimed at, in the headline's unit.
        rows: image-cells that the run held; where it holds others by now, it is no longer at this stop.
        companions: keys of the runs whose answers were used as companions.
    """

    precision_target: float
    rows: int
    companions: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return {**asdict(self), "companions": list(self.companions)}

    @classmethod
    def from_dict(cls, found: Mapping[str, Any], where: str) -> Stop:
        """The stop that `as_dict` gave.

        Raises:
            StoreError: a field is missing, unknown or of another form; the message names ``where``.
        """
        try:
            return cls(float(found["precision_target"]), int(found["rows"]), tuple(map(str, found["companions"])))
        except (TypeError, KeyError, ValueError) as error:
            raise StoreError(f"{where} must be what a run wrote, and is not ({error!r}); delete it") from None
