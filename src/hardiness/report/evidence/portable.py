"""Text that says nothing of the machine: folders are left out of paths, names of files stay."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import Any

_QUOTED = re.compile(r"(?P<quote>['\"])(?P<before>[\w+-]*[=:]?)/(?!/)(?:[^'\"\n]*/)?(?P<name>[^'\"\n/]+)/?(?P=quote)")
_PLAIN = re.compile(r"(?<![^\s'\"=:,+(\[<])/(?!/)(?:[^\s'\"=:,;()\[\]<>/]+/)*(?P<name>[^\s'\"=:,;()\[\]<>/]+)")


def portable(text: str) -> str:
    """The text, with ``…/name`` for each absolute path."""
    text = _QUOTED.sub(lambda path: f"{path['quote']}{path['before']}…/{path['name']}{path['quote']}", text)
    return _PLAIN.sub(lambda path: f"…/{path['name']}", text)


def portable_form(form: Any, unchanged: Collection[str] = ()) -> Any:
    """A JSON form, or a record, of which every text is portable.

    Args:
        form: which.
        unchanged: names of fields whose values stay as they are.
    """
    if isinstance(form, str) and not isinstance(form, Enum):
        return portable(form)
    if isinstance(form, dict):
        return {name: item if name in unchanged else portable_form(item, unchanged) for name, item in form.items()}
    if is_dataclass(form) and not isinstance(form, type):
        names = [each.name for each in fields(form) if each.init and each.name not in unchanged]
        return replace(form, **{name: portable_form(getattr(form, name), unchanged) for name in names})
    return type(form)(portable_form(item, unchanged) for item in form) if type(form) in (list, tuple) else form
