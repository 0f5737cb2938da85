"""The limits of docs/limits.md that apply to some results."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from hardiness.core.answers import SCORES
from hardiness.core.result import Result
from hardiness.reference.limits import limits
from hardiness.results.gate import GateVerdict


def limits_of(results: Sequence[Result], verdicts: Sequence[GateVerdict] = ()) -> dict[str, str]:
    """The limits that apply to these results and verdicts, in the order of the page, by id, as text without links."""
    has_lone_verdict = any(verdict.interval and not verdict.clusters for verdict in verdicts)
    return {
        limit.id: plain_text(limit.text)
        for limit in limits()
        if any(APPLIES[limit.when](result) for result in results) or (limit.when == ALONE and has_lone_verdict)
    }


ALONE = "pictures that stand alone"
"""`KnownLimit.when` of the limit on intervals that take every picture as drawn by itself."""


APPLIES: Mapping[str, Callable[[Result], bool]] = {
    "always": lambda result: True,
    "the demo's photographs": lambda result: result.run.data.is_embedded,
    "ImageNet's photographs": lambda result: result.run.data.has_imagenets_classes and not result.run.data.is_embedded,
    ALONE: lambda result: result.clusters is None and result.counts.images > 0,
    "an attack": lambda result: bool(result.run.attack),
    "data of files": lambda result: not result.run.data.is_embedded and result.run.model.outputs != SCORES,
}
"""By `KnownLimit.when`, whether a limit applies to a result."""


def plain_text(markdown: str) -> str:
    """Markdown of one line without its links and marks."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", markdown)
    return re.sub(r"[`*]", "", text)
