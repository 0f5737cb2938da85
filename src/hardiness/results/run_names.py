"""Words that tell runs of one table apart."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from hardiness.core.forms import json_form
from hardiness.core.result import Result
from hardiness.core.run import Run, spelled
from hardiness.results.runs import DIGITS
from hardiness.results.same_rows import earlier_of

_TYPED = {"method": "attack"}
"""How options are called on the command line where their fields are called otherwise."""

Sessions = Callable[[], Sequence[Mapping[str, Any]]]
"""How the rows of a run were computed; asked for only where runs must be told apart."""


def differences(runs: Sequence[Run], keys: Sequence[str], sessions: Sequence[Sessions]) -> list[str]:
    """A text for each run of one table, e.g. ``"crop_px=288"``; empty where no other run is of that model.

    Args:
        runs: of one table.
        keys: under which they are stored; its first digits are the text where nothing else differs.
        sessions: of each.
    """
    alike: dict[tuple[str, str], list[int]] = {}
    for place, run in enumerate(runs):
        alike.setdefault((run.model.name, run.precision), []).append(place)
    texts, earlier = [""] * len(runs), earlier_of(runs)
    for places in alike.values():
        if len(places) > 1:
            facts = [dict(_facts(runs[place], sessions[place], keys[place], place in earlier)) for place in places]
            for place, text in zip(places, _fewest(facts), strict=True):
                texts[place] = text
    return texts


def differences_of(results: Sequence[Result]) -> list[str]:
    """A text for each result of one table, as `differences` gives it for runs."""
    sessions: list[Sessions] = [lambda each=each: each.measured.get("sessions", ()) for each in results]  # type: ignore[misc]
    return differences([each.run for each in results], [each.key for each in results], sessions)


def typed_option(name: str, value: Any) -> str:
    """An option of a run's benchmark, by the name of its field, as a person types it."""
    return f"{_TYPED.get(name, name)}={spelled(value)}"


def _fewest(facts: Sequence[Mapping[str, str]]) -> list[str]:
    """Texts that differ, of as few facts as tell all apart, the first ones first."""
    texts = [""] * len(facts)
    for name in dict.fromkeys(name for each in facts for name in each):
        longer = [", ".join(filter(None, (text, each.get(name, "")))) for text, each in zip(texts, facts, strict=True)]
        if len(set(longer)) > len(set(texts)):
            texts = longer
        if len(set(texts)) == len(facts):
            break
    return texts


def _facts(run: Run, sessions: Sessions, key: str, is_earlier: bool) -> Iterator[tuple[str, str]]:
    """The facts of a run by name, as a person would type or say them; those that people chose stand before hashes."""
    yield "ordinal", f"earlier code{f' {run.ordinal + 1}' * bool(run.ordinal)}" if is_earlier else ""
    yield "seed", f"seed {run.seed}"
    if file := _checkpoint(sessions()):
        yield "weights file", f"weights={file}"
    view = {} if run.model.is_foreign or run.shows_whole_pictures else json_form(run.model.view)
    for name, value in run.model.options.items():
        if name not in view:
            yield f"model {name}", f"{name}={value}"
    for name, value in view.items():
        yield f"view {name}", f"{name}={spelled(value, '/')}"
    for name, value in run.benchmark.options.items():
        yield f"option {name}", typed_option(name, value)
    if run.surrogate:
        yield "surrogate", f"made on {run.surrogate.model}"
    yield "fed", f"fed {run.input.fed}"
    for name, value in run.versions.items():
        yield f"version {name}", f"{name} {value}"
    hashes = {
        "weights": run.model.weights_sha256,
        "code": run.model.code_sha256,
        "benchmark's code": run.benchmark.code_sha256,
        "class order": run.model.outputs_sha256,
        "data": run.data.fingerprint,
        "surrogate's weights": run.surrogate.weights_sha256 if run.surrogate else "",
    }
    yield from ((name, f"{name} {digest[:DIGITS] or 'as published'}") for name, digest in hashes.items())
    yield "run", f"run {key[:DIGITS]}"


def _checkpoint(sessions: Sequence[Mapping[str, Any]]) -> str:
    """The name of the checkpoint that was asked for; empty where none was, and of published results."""
    typed = [str(session.get("asked", {}).get("model", "")) for session in sessions]
    checkpoints = Counter(match[1] for text in typed if (match := re.search(r"[:,]weights=([^,]+)", text)))
    return re.split(r"[\\/]", checkpoints.most_common(1)[0][0])[-1] if checkpoints else ""


def named_by(run: Run, key: str, name: str) -> bool:
    """Whether a text is the beginning of a run's key, or of the hash of its model's weights or code."""
    return any(digest.startswith(name) for digest in (key, run.model.weights_sha256, run.model.code_sha256) if digest)


def weights_label(weights_sha256: str, code_sha256: str) -> str:
    """How tables tell models of one name apart: the first digits of its weights' hash, or its code's."""
    return (
        f"weights {weights_sha256[:DIGITS]}"
        if weights_sha256
        else f"code {code_sha256[:DIGITS]}"
        if code_sha256
        else ""
    )
