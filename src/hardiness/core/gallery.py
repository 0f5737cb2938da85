"""Which pictures stand behind a number, as data: sample, condition and answers, no pixels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from hardiness.core.condition import Condition


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model answered, and how sure it was (``None`` where that is not known)."""

    name: str
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """One picture worth looking at.

    Attributes:
        id: of the photograph.
        condition: under which it is shown; empty for the photograph itself.
        label: what it shows.
        after: the answer under the condition.
        before: the answer to the photograph itself; ``None`` where that was not asked or is the same picture.
        note: what else there is to say, e.g. how often an answer flips.
    """

    id: str
    condition: Condition = field(default_factory=Condition)
    label: str = ""
    after: Answer | None = None
    before: Answer | None = None
    note: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return {**asdict(self), "condition": dict(self.condition)}

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> Sample:
        """The sample that `as_dict` gave."""
        answers = {name: Answer(**found[name]) if found[name] else None for name in ("after", "before")}
        return cls(**{**found, **answers, "condition": Condition(**found["condition"])})


@dataclass(frozen=True, slots=True)
class Gallery:
    """Some pictures of one model under one rule that says why these."""

    title: str
    rule: str
    samples: tuple[Sample, ...]

    def as_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return {"title": self.title, "rule": self.rule, "samples": [sample.as_dict() for sample in self.samples]}

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> Gallery:
        """The gallery that `as_dict` gave."""
        return cls(found["title"], found["rule"], tuple(map(Sample.from_dict, found["samples"])))
