"""What was run: the command that makes a result again, and the sessions that computed it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from hardiness.core import Result


def command_of(result: Result) -> str:
    """A command that evaluates the same model on the same benchmark; empty where nothing was run."""
    if result.measured.get("published"):
        return ""
    run = result.run
    options = ",".join(
        f"{name}={_option(value)}" for name, value in run.benchmark.options.items() if _given(name, value)
    )
    model_options = ",".join(f"{name}={_option(value)}" for name, value in run.model.options.items())
    model = f"{run.model.name}{':' + model_options if model_options else ''}"
    benchmark = f"{run.benchmark.name}{':' + options if options else ''}"
    parts = ["hardiness", "run", "-m", model, "-b", benchmark]
    if result.data == "embedded":
        parts += ["--data", "embedded"]
    elif result.plan.location:
        parts += ["--data", f"{run.data.name}={result.plan.location}"]
    if run.seed:
        parts += ["--seed", str(run.seed)]
    if run.precision != "fp32":
        parts += ["--precision", run.precision]
    return shlex.join(parts)


def _given(name: str, value: Any) -> bool:
    """Whether an option says anything on a command line; the version of the kernels does not."""
    return name not in ("kernels", "surrogate_sha256") and value not in ([], (), None, "")


def _option(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "+".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def sessions_of(result: Result) -> list[Mapping[str, Any]]:
    """How it was computed, session by session: pairs that fit in a line."""
    return [
        {name: value for name, value in flat(session) if value not in (None, "", {}, [])}
        for session in result.measured.get("sessions", ())
    ]


def flat(found: Mapping[str, Any], before: str = "") -> list[tuple[str, Any]]:
    """Every value under its name, inner ones under the names of both; numbers in six digits."""
    pairs: list[tuple[str, Any]] = []
    for name, value in found.items():
        if isinstance(value, Mapping):
            pairs += flat(value, f"{before}{name} ")
        else:
            shown = f"{value:,.6g}" if isinstance(value, float) else value
            pairs.append((f"{before}{name}".replace("_", " "), shown))
    return pairs
