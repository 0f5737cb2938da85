"""Accuracy against the effort of an attack, steps and starts, with noise of the same budget beside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hardiness.core import Condition, Curves, Line, Panel, Records, Result, Run, epsilon_text
from hardiness.scoring.attack_curves import dashes_of, doubts_of
from hardiness.scoring.attack_rounds import curves_of, longest_of
from hardiness.scoring.intervals import wilson

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
    found: NDArray[np.bool_] = records["condition"] == (
        conditions.index(Condition()) if Condition() in conditions else -1
    )
    return found


def _noise(records: Records, clean_right: NDArray[np.bool_], last: NDArray[np.bool_]) -> list[float]:
    """Accuracy under the best of some draws, and the ends of its interval; empty where no noise was tried.

    An image that is wrong without attack counts as wrong, though a targeted attack has not reached its target there.
    """
    if "noise_lead" not in records:
        return []
    rows = last & np.isfinite(records["noise_lead"])
    if not rows.any():
        return []
    was_right = np.isin(records["image"][rows], records["image"][clean_right])
    stands = (records["noise_lead"][rows] > 0) & was_right
    return list(_point(0, stands)[1:])


def _point(at: float, stands: NDArray[np.bool_]) -> Point:
    n, count = len(stands), int(stands.sum())
    interval = wilson(count, n)
    return float(at), count / n, interval.low, interval.high


def strength_of_attack(results: Sequence[Result]) -> Curves | None:
    """A curve a model over steps and, where there were several, over starts; noise of the same budget thin beside."""
    tried_hard = [result for result in results if result.details.get("effort")]
    known = [(result.name, result.details["effort"] | {"doubt": result.doubt}) for result in tried_hard]
    panels = tuple(panel for panel in (_panel(known, "steps"), _panel(known, "starts")) if panel)
    if not panels:
        return None
    tried = any(found["noise"] for _, found in known)
    caption = "Share of images that are classified rightly; bands are 95 % intervals, 0 steps is without attack."
    noise = " Thin grey lines: under the best of ten random draws of the same budget." if tried else ""
    heading = f"An attack must leave less than noise does{_left(known)}" if tried else _leaves(known)
    heading += doubts_of(tried_hard)
    return Curves(
        "attack_effort",
        "Was it an attack? Accuracy against steps, starts and noise",
        heading,
        caption + noise + dashes_of(tried_hard),
        panels,
        "accuracy ↑ better",
        beside="noise of the same budget",
    )


def _leaves(known: Sequence[tuple[str, dict[str, Any]]]) -> str:
    """What the whole effort leaves, over the models."""
    stands = [found for _, found in known if not found["doubt"]] or [found for _, found in known]
    values = [100 * found["steps"][-1][1] for found in stands if found["steps"]]
    if not values:
        return "Accuracy by effort of the attack"
    low, high = f"{min(values):.0f}", f"{max(values):.0f}"
    return f"The whole attack leaves {low if low == high else f'{low} to {high}'} %"


def _left(known: Sequence[tuple[str, dict[str, Any]]]) -> str:
    """What attack and noise leave, where one model is shown."""
    if len(known) != 1 or not known[0][1]["noise"]:
        return ""
    found = known[0][1]
    return f": {100 * found['steps'][-1][1]:.0f} % against {100 * found['noise'][0]:.0f} %"


def _panel(known: Sequence[tuple[str, dict[str, Any]]], kind: str) -> Panel | None:
    shown = [(name, found) for name, found in known if len(found[kind]) > 1]
    if not shown:
        return None
    lines = tuple(
        Line(name, *(tuple(column) for column in zip(*found[kind], strict=True)), doubt=found["doubt"])
        for name, found in shown
    )
    marks = tuple(sorted({x for line in lines for x in line.x}))
    noise = tuple(
        Line(f"noise on {name}", (marks[0], marks[-1]), (found["noise"][0],) * 2)
        for name, found in shown
        if found["noise"]
    )
    epsilons = dict.fromkeys(epsilon_text(found["epsilon"]) for _, found in shown)
    what = kind if kind == "starts" else " or ".join(dict.fromkeys(found["unit"] for _, found in shown))
    label = f"{what}, at ε {' and '.join(epsilons)}"
    members = {number: name for _, found in shown for number, name in enumerate(found["members"], start=1)}
    names = {0: "none", **members} if kind == "steps" and members else {}
    return Panel(label, lines, noise, marks, tuple(names.get(int(mark), f"{mark:g}") for mark in marks))
