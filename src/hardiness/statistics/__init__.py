"""Estimates and what follows from them: arrays in, numbers out; knows no run and no protocol."""

from typing import TYPE_CHECKING

from hardiness.core.doors import door

if TYPE_CHECKING:
    from hardiness.statistics.estimate import Estimate, mean
    from hardiness.statistics.intervals import proportion, wilson
    from hardiness.statistics.measures import Measurable, mean_of, share
    from hardiness.statistics.power import images_needed as images_needed
    from hardiness.statistics.spreads.combined import TwoEnds
    from hardiness.statistics.spreads.shares import ShareOfImages
    from hardiness.statistics.verdicts import Ruling
else:
    __getattr__, __dir__ = door(__name__)

__all__ = [
    "Estimate",
    "Measurable",
    "Ruling",
    "ShareOfImages",
    "TwoEnds",
    "mean",
    "mean_of",
    "proportion",
    "share",
    "wilson",
]
