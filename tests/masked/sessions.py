"""Sessions as they are kept beside rows."""

from __future__ import annotations

from typing import Any


def session_of(rows: int, started: str = "", model: str = "net", **more: Any) -> dict[str, Any]:
    """A session that computed so many rows and began at a time in ISO 8601, if it is given."""
    request = {"model": model, "benchmark": "imagenet-val", "data": ["imagenet=."]}
    return {"started": started, "rows": rows, "limit": None, "asked": request, **more}
