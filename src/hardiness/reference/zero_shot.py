"""The words of zero-shot classification: names of ImageNet's classes and the sentences that they are put into."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from hardiness.core import UnknownNameError


@dataclass(frozen=True)
class Wording:
    """What a zero-shot model is asked.

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
    found: dict[str, dict[str, list[str]]] = json.loads(
        files("hardiness.reference").joinpath("zero_shot_imagenet.json").read_text("utf-8")
    )
    return found
