"""Accuracy against the effort of an attack, over steps, starts and noise, from rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hardiness.benchmarks.attack_curves import curves_of, longest_of
from hardiness.core.condition import Condition
from hardiness.core.run import Run
from hardiness.core.table import Records
from hardiness.statistics.intervals import proportion

Point = tuple[float, float, float, float]
"""Steps or starts, accuracy, and the ends of its 95 % interval."""


def effort(records: Records, run: Run) -> dict[str, Any]:
    """Points by steps and by starts at the budget that the verdict is about, and accuracy under noise; as JSON.

    Nothing where a run has no attack on the model itself.
    """
    curve = longest_of(curves_of(records, run))
    if curve is None:
        return {}
    right, last = np.asarray(records["prediction"] == records["label"]), curve.rows[-1]
    starts = range(1, curve.round.restarts + 1)
    fallen_at = np.where(records["success"], records["restart"], curve.round.restarts)
    unattacked = _clean(records, run)
    clean = [_point(0, right[unattacked])] if unattacked.any() else []
    return {
        "epsilon": curve.epsilon,
        "unit": curve.unit,
        "members": list(curve.members),
        "steps": [*clean, *(_point(steps, right[rows]) for steps, rows in zip(curve.steps, curve.rows, strict=True))],
        "starts": [_point(k, (right | (fallen_at >= k))[last]) for k in starts] if len(starts) > 1 else [],
        "noise": _noise(records, unattacked & right, last),
    }


def _clean(records: Records, run: Run) -> NDArray[np.bool_]:
    """The rows without attack."""
    conditions = list(run.conditions)
    is_clean: NDArray[np.bool_] = records["condition"] == (
        conditions.index(Condition()) if Condition() in conditions else -1
    )
    return is_clean


def _noise(records: Records, clean_right: NDArray[np.bool_], last: NDArray[np.bool_]) -> list[float]:
    """Accuracy under the best of some draws, and the ends of its interval; empty where no noise was tried.

    An image that is wrong without attack counts as wrong, though a targeted attack has not reached its target there.
    """
    rows = last & np.isfinite(records["noise_lead"])
    if not rows.any():
        return []
    was_right = np.isin(records["image"][rows], records["image"][clean_right])
    stands = (records["noise_lead"][rows] > 0) & was_right
    return list(_point(0, stands)[1:])


def _point(at: float, stands: NDArray[np.bool_]) -> Point:
    n, count = len(stands), int(stands.sum())
    interval = proportion(count, n)
    return float(at), count / n, interval.low, interval.high
