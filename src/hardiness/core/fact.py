"""Facts: what is to be said of a run, a score, a model, a picture or a file, as a code and arguments.

A fact has no text: `hardiness.report.words.text` makes it. Whoever ranks, judges or draws asks the code, the outcome or
the trust, and never reads words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from hardiness.core.codes import AttackCheck, Lack, RunRemark
from hardiness.core.errors import line_of
from hardiness.core.forms import FormError

Argument = Any
"""A text (a key or a name, never prose), number, truth, ``None``, `Fact`, or a tuple of these."""


class CheckOutcome(StrEnum):
    """The outcome of a check."""

    CLEAR = "clear"
    """It found nothing."""
    RAISED = "raised"
    """It found something."""
    CANNOT_TELL = "cannot tell"
    """It saw something that so few images cannot tell from chance."""
    NOT_RUN = "not run"
    """It had nothing to look at."""


class Trust(StrEnum):
    """Whether a number is to be believed, as the verdict on it says."""

    BELIEVED = "believed"
    WITHDRAWN = "withdrawn"
    """A check found its making at fault: it is in no ranking, and no gate passes by it."""
    NOT_CHECKED = "not checked"
    """The checks that would find it at fault did not run."""
    UPPER_BOUND = "upper bound"
    """A longer attack would have left less."""
    CANNOT_TELL = "cannot tell"
    """There are too few images to say; the number itself is shown and ranked."""


DOUBTS = (Trust.WITHDRAWN, Trust.NOT_CHECKED, Trust.UPPER_BOUND)
"""The verdicts by which a number is not believed, the gravest first."""


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that is so.

    Attributes:
        code: which fact, a member of an enum of `hardiness.core.codes`, or ``PACKAGE.NAME`` of a package of somebody's.
        arguments: by name: numbers, keys and names, of which its text is made.
        about: the name of the run, score, model, picture or file; empty where it is of that which has the fact.
        outcome: of a check; ``None`` where it is none.
        trust: the verdict on the numbers of a result, of the fact that gives it; ``None`` of all others.
    """

    code: str
    arguments: Mapping[str, Argument] = field(default_factory=dict)
    about: str = ""
    outcome: CheckOutcome | None = None
    trust: Trust | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "code", str(self.code))  # as it is read, whose codes are of no enum

    @property
    def is_raised(self) -> bool:
        """Whether it is of a check that found something, or a verdict that lets a number down."""
        return self.outcome is CheckOutcome.RAISED or self.trust in DOUBTS

    def __hash__(self) -> int:
        return hash((self.code, self.about, tuple(sorted(self.arguments))))

    def __str__(self) -> str:
        """The code, the verdict and the arguments, as a Python prompt shows them."""
        arguments = ", ".join(f"{name} {_shown(value)}" for name, value in self.arguments.items())
        head = f"{self.code}: {self.trust}" if self.trust else self.code
        return f"{head} ({arguments})" if arguments else head

    def as_dict(self) -> dict[str, Any]:
        """The JSON form."""
        form: dict[str, Any] = {"code": str(self.code), "arguments": _form(self.arguments)}
        beside = {"about": self.about, "outcome": self.outcome, "trust": self.trust}
        return form | {name: str(value) for name, value in beside.items() if value}

    @classmethod
    def from_dict(cls, form: Any) -> Fact:
        """The fact that `as_dict` gave."""
        if not isinstance(form, Mapping) or not {"code", "arguments"} <= form.keys():
            raise FormError(f"must be an object with code and arguments, and is {form!r:.60}")
        try:
            outcome = CheckOutcome(form["outcome"]) if "outcome" in form else None
            trust = Trust(form["trust"]) if "trust" in form else None
        except ValueError as error:
            raise FormError(f"has another outcome or trust than this version knows: {error}") from None
        arguments = {name: _value(value) for name, value in form["arguments"].items()}
        return cls(str(form["code"]), arguments, str(form.get("about", "")), outcome, trust)


def error_of(error: BaseException, about: str = "") -> Fact:
    """The fact that an error was raised which costs a part of the work and not all: its text is all that is known."""
    return Fact(RunRemark.ERROR, {"line": line_of(error)}, about)


def lines_of(facts: Iterable[Fact]) -> list[str]:
    """Facts as lines of an error that is raised for them: what was raised before, else code and arguments."""
    return [str(_raised(fact)) for fact in facts]


def _raised(fact: Fact) -> Argument:
    why = fact.arguments.get("why")
    return _raised(why) if isinstance(why, Fact) else fact.arguments.get("line", fact)


def too_few(*needs: tuple[int, str], had: Sequence[int]) -> Fact:
    """The fact that a number needs more than there is.

    Args:
        needs: how many of what, as ``(30, "images")``.
        had: of each as many as there are; or one count, that of the rarer of two.
    """
    return Fact(Lack.TOO_FEW, {"needs": needs, "had": tuple(had)})


def trust_of(facts: Iterable[Fact]) -> Trust | None:
    """The gravest verdict of facts; ``None`` where none of them gives one."""
    order = (*DOUBTS, Trust.CANNOT_TELL, Trust.BELIEVED)
    return min((fact.trust for fact in facts if fact.trust is not None), key=order.index, default=None)


def doubt_of(facts: Iterable[Fact]) -> str:
    """The verdict of facts where it is one of `DOUBTS`; else empty."""
    trust = trust_of(facts)
    return trust.value if trust in DOUBTS else ""


def doubtful(facts: Iterable[Fact]) -> list[Fact]:
    """The facts that cast doubt on a number: all that are raised, but what a believed report says of the model."""
    facts = list(facts)
    raised = [fact for fact in facts if fact.is_raised]
    if trust_of(facts) is not Trust.BELIEVED:
        return raised
    return [fact for fact in raised if fact.trust is None and fact.code != AttackCheck.MISCLASSIFIED]


def _form(value: Argument) -> Any:
    if isinstance(value, Fact):
        return value.as_dict()
    if isinstance(value, Mapping):
        return {str(name): _form(item) for name, item in value.items()}
    if isinstance(value, tuple | list):
        return [_form(item) for item in value]
    return str(value) if isinstance(value, StrEnum) else value


def _value(form: Any) -> Argument:
    if isinstance(form, Mapping):
        return Fact.from_dict(form)
    return tuple(_value(item) for item in form) if isinstance(form, list) else form


def _shown(value: Argument) -> str:
    if isinstance(value, tuple | list):
        return ", ".join(map(_shown, value))
    return f"{value:.4g}" if isinstance(value, float) else str(value)
