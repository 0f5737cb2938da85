"""What of an attack makes a run another run."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from hardiness import attacks
from hardiness.core import AttackPlan

ARITHMETIC = 2
"""Of the engine: how pictures are judged, and what is tried beside an attack. Raised when one of them changes, so that
a resumed run never mixes two."""


def attack_versions(plan: AttackPlan) -> dict[str, Any]:
    """Versions of everything of ours that an attack's rows depend on, for the run's key."""
    found: dict[str, Any] = {
        "attacks": {name: attacks.version_of(name) for name in sorted({each.attack for each in plan.rounds})},
        "judging": ARITHMETIC,
    }
    if plan.checks:
        found["cross_checks"] = asdict(plan.checks)
    return found


def asks_for_gradients(plan: AttackPlan) -> bool:
    """Whether one of its attacks needs the gradients of what it attacks."""
    return any(attacks.needs_gradients(each.attack) for each in plan.rounds)
