"""The limits of docs/limits.md that apply to some results."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from hardiness.core.result import Result
from hardiness.reference.limits import limits
from hardiness.report.evidence.record import LimitRecord


def limits_of(results: Sequence[Result]) -> tuple[LimitRecord, ...]:
    """The limits that apply to these results, in the order of the page, as text without links."""
    return tuple(
        LimitRecord(limit.id, plain_text(limit.text))
        for limit in limits()
        if any(APPLIES[limit.when](result) for result in results)
    )


APPLIES: Mapping[str, Callable[[Result], bool]] = {
    "always": lambda result: True,
    "the demo's photographs": lambda result: result.run.data.is_embedded,
    "ImageNet's photographs": lambda result: result.run.data.has_imagenets_classes and not result.run.data.is_embedded,
    "pictures that stand alone": lambda result: result.clusters is None,
    "an attack": lambda result: bool(result.run.attack),
    "data of files": lambda result: not result.run.data.is_embedded,
}
"""By `KnownLimit.when`, whether a limit applies to a result."""


def plain_text(markdown: str) -> str:
    """Markdown of one line without its links and marks."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", markdown)
    return re.sub(r"[`*]", "", text)
