"""Text that says nothing of the machine: folders are left out of paths, names of files stay."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

_QUOTED = re.compile(r"(?P<quote>['\"])(?P<before>[\w+-]*[=:]?)/(?!/)(?:[^'\"\n]*/)?(?P<name>[^'\"\n/]+)/?(?P=quote)")
_PLAIN = re.compile(r"(?<![^\s'\"=:,+(\[<])/(?!/)(?:[^\s'\"=:,;()\[\]<>/]+/)*(?P<name>[^\s'\"=:,;()\[\]<>/]+)")


def portable(text: str) -> str:
    """The text, with ``…/name`` for each absolute path."""
    text = _QUOTED.sub(lambda path: f"{path['quote']}{path['before']}…/{path['name']}{path['quote']}", text)
    return _PLAIN.sub(lambda path: f"…/{path['name']}", text)


def portable_form(form: Any, unchanged: Collection[str]) -> Any:
    """A JSON form of which every text is portable.

    Args:
        form: which.
        unchanged: names of fields whose values stay as they are.
    """
    if isinstance(form, str):
        return portable(form)
    if isinstance(form, dict):
        return {name: item if name in unchanged else portable_form(item, unchanged) for name, item in form.items()}
    return [portable_form(item, unchanged) for item in form] if isinstance(form, list) else form
