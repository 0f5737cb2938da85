"""A score of one run as a function of chosen images: what several runs can be compared by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hardiness.core import Condition
from hardiness.scoring.statistics.measures import Measure

Places = NDArray[np.int64]


@dataclass(frozen=True)
class Measurable:
    """One score of one run.

    Attributes:
        metric, condition: which; those of the `Score` that the card gives.
        higher_is_better: its direction.
        of: from places among the run's images to the score of those.
    """

    metric: str
    condition: Condition
    higher_is_better: bool
    of: Callable[[Places], Measure]
