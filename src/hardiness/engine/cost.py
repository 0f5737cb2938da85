"""What units cost: seconds by benchmark and model, as pure arithmetic on prices that were measured."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

LEAST_ERROR = 0.05
"""Relative error of a price that was measured twice with the same outcome."""

UNKNOWN_ERROR = 0.25
"""Relative error of a price that was measured once."""


@dataclass(frozen=True, slots=True)
class Price:
    """What rows of one benchmark and one model cost; a row is one image under one condition.

    Attributes:
        row_s: seconds of a row, its share of reading and distorting included.
        error: standard error of ``row_s``, as a share of it.
        start_s: seconds that are spent once, whatever the number of rows.
        row_bytes: stored for a row.
        at_most: whether ``row_s`` is an upper bound: attacks leave out images that have fallen.
    """

    row_s: float
    error: float = UNKNOWN_ERROR
    start_s: float = 0.0
    row_bytes: float = 0.0
    at_most: bool = False

    @classmethod
    def of_trials(cls, trials: Sequence[tuple[int, float]]) -> Price:
        """The price of a row from trials, each its rows and seconds.

        Raises:
            ValueError: there is none.
        """
        if not trials:
            raise ValueError("a price needs at least one trial")
        rows, seconds = (sum(column) for column in zip(*trials, strict=True))
        rate = seconds / rows
        if len(trials) == 1:
            return cls(rate)
        spread = math.sqrt(sum(n * (s / n - rate) ** 2 for n, s in trials) / rows) / rate
        return cls(rate, max(spread / math.sqrt(len(trials) - 1), LEAST_ERROR))


@dataclass(frozen=True)
class Costs:
    """Prices by benchmark and model, and what models share.

    Attributes:
        prices: by benchmark and model.
        shared_s: by benchmark, seconds of reading and distorting a row (and of a surrogate's attack on it), which is
            done once for all models.
    """

    prices: Mapping[tuple[str, str], Price] = field(default_factory=dict)
    shared_s: Mapping[str, float] = field(default_factory=dict)

    def unit_s(self, benchmark: str, rows: Mapping[str, int]) -> float:
        """Seconds of one unit on the machine that the prices were measured on, without what is spent once.

        Args:
            benchmark: which.
            rows: that each model lacks, by its name; they are of the same images.

        Raises:
            KeyError: a model has no price.
        """
        alone = {model: self.prices[benchmark, model].row_s * n for model, n in rows.items()}
        if not alone:
            return 0.0
        once = self.shared_s.get(benchmark, 0.0) * (sum(rows.values()) - max(rows.values()))
        return max(sum(alone.values()) - once, max(alone.values()))

    def start_s(self, benchmark: str, models: Sequence[str]) -> float:
        """Seconds that are spent once for some models."""
        return sum(self.prices[benchmark, model].start_s for model in models)

    def error(self, benchmark: str, rows: Mapping[str, int]) -> float:
        """Standard error of the seconds of some rows, as a share of them; models err together."""
        alone = {model: self.prices[benchmark, model].row_s * n for model, n in rows.items()}
        total = sum(alone.values())
        return sum(self.prices[benchmark, model].error * s for model, s in alone.items()) / total if total else 0.0

    def bytes_written(self, benchmark: str, rows: Mapping[str, int]) -> float:
        """Bytes that rows take in the output folder."""
        return sum(self.prices[benchmark, model].row_bytes * n for model, n in rows.items())

    def at_most(self, benchmark: str, models: Sequence[str]) -> bool:
        """Whether seconds are an upper bound."""
        return any(self.prices[benchmark, model].at_most for model in models)
