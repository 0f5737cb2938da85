"""Models of RobustBench's leaderboard, recognised by their weights."""

from __future__ import annotations

from pathlib import Path

from hardiness.core.model import ModelSpec
from hardiness.reference import robustbench
from hardiness.sources.packages import file_sha256


def recognised(spec: ModelSpec) -> tuple[str, str]:
    """The name on RobustBench's leaderboard, and the evidence for it; both empty where it is not on it.

    The evidence is ``statement`` (a person's), ``weights`` (the hash that their source publishes), ``file name`` or
    ``file`` (its hash).
    """
    if spec.published:
        return spec.published, "statement"
    if spec.weights is None:
        name = _by_hash(spec.source.sha256)
        return (name, "weights") if name else ("", "")
    path = Path(spec.weights if Path(spec.weights).exists() else spec.weights.partition("#")[0])
    if path.stem in robustbench.entries():
        return path.stem, "file name"
    name = _by_hash(file_sha256(path)) if path.is_file() else ""
    return (name, "file") if name else ("", "")


def _by_hash(sha256: str) -> str:
    return next((name for start, name in robustbench.FILES.items() if sha256.startswith(start)), "")
