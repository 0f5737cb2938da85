"""What of an attack makes a run another run."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from hardiness import attacks
from hardiness.core import AttackPlan, Round
from hardiness.engine.cross_checks import VERSION as CROSS_CHECKS
from hardiness.sources.packages import file_sha256

ARITHMETIC = 5
"""Of the engine: how pictures are judged. Raised when that changes, so that a resumed run never mixes two; what is
tried beside an attack has a version of its own."""


def attack_versions(plan: AttackPlan) -> dict[str, Any]:
    """Versions of everything of ours that an attack's rows depend on, for the run's key."""
    found: dict[str, Any] = {
        "attacks": {name: attacks.version_of(name) for name in sorted({each.attack for each in plan.rounds})},
        "judging": ARITHMETIC,
    }
    if files := sorted(filter(None, {*map(_content, plan.rounds), _code(plan.bpda)})):
        found["files"] = files
    if plan.checks:
        found["cross_checks"] = {**asdict(plan.checks), "version": CROSS_CHECKS}
    return found


def _content(each: Round) -> str:
    """Hash of what the attack of a round reads from a file."""
    return str(getattr(attacks.registry.get(each.attack)(**each.options), "content", ""))


def _code(bpda: str) -> str:
    """Hash of the file that a backward pass is given in."""
    file = Path(bpda.partition("=")[2].rpartition(":")[0])
    return file_sha256(file) if file.is_file() else ""


def asks_for_gradients(plan: AttackPlan) -> bool:
    """Whether one of its attacks needs the gradients of what it attacks."""
    return any(attacks.needs_gradients(each.attack) for each in plan.rounds)
