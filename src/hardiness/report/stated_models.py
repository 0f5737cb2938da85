"""Facts about a run's model that may be stated to others: of what was not computed here there are fewer."""

from __future__ import annotations

from typing import Any

from hardiness.core.forms import json_form
from hardiness.core.run import ModelIdentity, Run

GEOMETRY = ("resize_px", "crop_px", "interpolation", "crop_mode")
"""Fields of a view by which pictures are made for a chat model, which scales their values itself."""


def weights_of(identity: ModelIdentity) -> str | None:
    """The hash over weights; ``None`` of a function, a chat model and a file of answers, whose hash is of others."""
    is_of_weights = not (identity.is_foreign or identity.is_chat) and identity.weights_sha256 != identity.code_sha256
    return identity.weights_sha256 or None if is_of_weights else None


def precision_of(run: Run) -> str | None:
    """The precision of the arithmetic; ``None`` where it was done elsewhere, or by a function as it likes."""
    return run.precision if weights_of(run.model) else None


def view_of(run: Run) -> dict[str, Any] | None:
    """The preprocessing; ``None`` where the model was run elsewhere, or resizes whole pictures itself."""
    if run.model.is_foreign or run.shows_whole_pictures:
        return None
    view: dict[str, Any] = json_form(run.model.view)
    return {name: view[name] for name in GEOMETRY} if run.model.is_chat else view
