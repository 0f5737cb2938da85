"""Published wordings of zero-shot models: names of classes, and sentences around them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from hardiness.core.errors import UnknownNameError


@dataclass(frozen=True)
class Wording:
    """The words that a zero-shot model is asked by.

    Attributes:
        names: of the classes, in the order of the wnids.
        templates: sentences with ``{}`` where the name goes; a class is the mean of its sentences.
    """

    names: tuple[str, ...]
    templates: tuple[str, ...]

    @property
    def names_sha256(self) -> str:
        """Hexadecimal sha256 over the names, joined by newlines."""
        return _sha256(self.names)

    @property
    def templates_sha256(self) -> str:
        """Hexadecimal sha256 over the templates, joined by newlines."""
        return _sha256(self.templates)


def wordings() -> tuple[str, ...]:
    """Names of the published wordings."""
    return tuple(sorted(_stored()["templates"]))


@cache
def wording(protocol: str) -> Wording:
    """A published wording: ``"openai80"`` (80 templates) or ``"simple7"`` (7 of them), under OpenAI's class names.

    Raises:
        UnknownNameError: for any other name.

    Source: Radford et al. 2021, arXiv:2103.00020; the lists as open_clip carries them (see ``SOURCES.md``).
    """
    if protocol not in wordings():
        raise UnknownNameError("zero-shot protocol", protocol, wordings())
    return Wording(tuple(_stored()["names"]), tuple(_stored()["templates"][protocol]))


def _sha256(words: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(words).encode()).hexdigest()


@cache
def _stored() -> dict[str, dict[str, list[str]]]:
    words: dict[str, dict[str, list[str]]] = json.loads(
        Path(__file__).with_name("zero_shot_imagenet.json").read_text("utf-8")
    )
    return words
