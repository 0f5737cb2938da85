"""The words of facts: one catalogue, a function for each code.

Only pages, the command line and what writes JSON import it, so that nothing can look into text.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hardiness.core.codes import RunRemark
from hardiness.core.errors import ArgumentError
from hardiness.core.fact import Fact
from hardiness.core.forms import json_form
from hardiness.core.registry import Registry
from hardiness.core.result import Score

Words = str | tuple[str, str]
"""What a fact says and, where something can be done, what to do: sentences."""


def _accepted(words: Any) -> Callable[..., Words]:
    if isinstance(words, str):
        return lambda fact, **arguments: words.format(**arguments)
    if not callable(words):
        raise ArgumentError(f"must be a text or a function that gives one, and is {words!r:.60}")
    return words  # type: ignore[no-any-return]


catalogue: Registry[Callable[..., Words]] = Registry(
    "fact", "hardiness.report.words", "hardiness.words", accept=_accepted
)

says = catalogue.add
"""Decorator of a function from a fact and its arguments, by name, to `Words`."""


def plain(code: str, text: str, todo: str = "") -> None:
    """Register a text with the names of arguments, and what to do."""

    def told(fact: Fact, **arguments: object) -> Words:
        return text.format(**arguments), todo.format(**arguments)

    told.__qualname__ = str(code)
    says(code)(told)


def text(fact: Fact | None) -> str:
    """All that a fact says; of a code that has no words, the code and its arguments. Empty of no fact."""
    return joined(*_words(fact)) if fact else ""


def joined(told: str, todo: str) -> str:
    """What is said, and what to do where there is something."""
    return f"{told}{' What to do:' if told.endswith('.') else ';'} {todo}" if todo else told


def line(fact: Fact) -> str:
    """All that a fact says, after what it is about; many errors begin with that already."""
    told = text(fact)
    names_it = fact.code == RunRemark.ERROR and told.startswith((f"{fact.about} ", f"{fact.about}: "))
    return f"{fact.about}: {told}" if fact.about and not names_it else told


def sentence(fact: Fact) -> str:
    """What a fact says, without what to do."""
    return _words(fact)[0]


def advice(fact: Fact) -> str:
    """What to do; empty where there is nothing."""
    return _words(fact)[1]


def why_undefined(score: Score) -> str:
    """Why a score has no value, as text; empty where it has one."""
    return text(score.lack) if score.value is None and score.lack else ""


def with_texts(value: Any) -> Any:
    """The JSON form of a value, in which each fact has its text beside its code and arguments."""
    return _told(json_form(value))


def _told(form: Any) -> Any:
    if isinstance(form, list):
        return [_told(item) for item in form]
    if not isinstance(form, dict):
        return form
    if {"code", "arguments"} <= form.keys():
        return {**form, "text": text(Fact.from_dict(form))}
    return {name: _told(item) for name, item in form.items()}


def _words(fact: Fact) -> tuple[str, str]:
    words = catalogue.find(fact.code)
    if words is None:
        return str(fact), ""
    try:
        said = words(fact, **fact.arguments)
    except Exception as error:
        if not catalogue.give_up(fact.code, error):
            raise
        return str(fact), ""
    return (said, "") if isinstance(said, str) else said
