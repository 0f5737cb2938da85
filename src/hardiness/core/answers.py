"""Outputs other than logits: answers of chat models with their outcomes and mark, and scores without an answer."""

from __future__ import annotations

from collections.abc import Iterable

ANSWERS = "answers"
"""The value of `ModelIdentity.outputs` for a chat model, which answers closed questions."""

SCORES = "scores"
"""The value of `ModelIdentity.outputs` where a file has a score for each picture, and no answer."""

CHAT_MARK = "†"
"""The mark after the name of a chat model in tables and figures, and before the note that explains it."""

CHAT_NOTE = f"{CHAT_MARK} a chat model, which cannot be reproduced from weights"

OUTCOMES = ("answered", "no answer", "refused", "filtered")
"""The outcomes of a question, by their numbers in rows: an option; words that name none; a refusal; the provider's
filter in place of an answer."""


def mark_notes(names: Iterable[str]) -> tuple[str, ...]:
    """The footnotes of a table that explain the mark of chat models; none where no name bears it."""
    return (CHAT_NOTE,) if any(CHAT_MARK in name for name in names) else ()
