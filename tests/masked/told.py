"""What a stored result says, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def warnings_of(result: Mapping[str, Any]) -> list[str]:
    """The texts of the warnings of a result of ``results.json``."""
    return [each["text"] for each in result["warnings"]]
