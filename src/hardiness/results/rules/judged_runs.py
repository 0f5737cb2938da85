"""The stored run that a verdict is on, and how lines name it."""

from __future__ import annotations

from dataclasses import dataclass

from hardiness.results.run_names import weights_label
from hardiness.results.runs import ScoredRun

KEY_DIGITS = 8
"""Digits of a run's key by which lines name it."""


@dataclass(frozen=True)
class JudgedRun:
    """Which of several runs of one name a verdict is on.

    Attributes:
        key: the run's.
        weights_sha256, code_sha256: of its model, as `ModelIdentity` has them.
    """

    key: str
    weights_sha256: str = ""
    code_sha256: str = ""

    @classmethod
    def of(cls, run: ScoredRun) -> JudgedRun:
        """A stored run as verdicts name it."""
        model = run.stored.run.model
        return cls(run.stored.key, model.weights_sha256, model.code_sha256)

    @property
    def label(self) -> str:
        """The first digits of its weights' hash, or its code's; empty where nothing was hashed."""
        return weights_label(self.weights_sha256, self.code_sha256)


def labels_apart(own: JudgedRun | None, other: JudgedRun | None) -> tuple[str, str]:
    """The labels of two runs, with the first digits of the code's hash as well where only these tell them apart."""
    labels = tuple(run.label if run else "" for run in (own, other))
    if own and other and own.weights_sha256 == other.weights_sha256 and own.code_sha256 != other.code_sha256:
        labels = tuple(
            f"{weights_label(run.weights_sha256, '')} {weights_label('', run.code_sha256) or 'no code'}".strip()
            for run in (own, other)
        )
    return labels[0], labels[1]
