"""How results were made: the commands that make them again, and the sessions that made them."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from hardiness.benchmarks.presentation import benchmark_type
from hardiness.core.fact import Fact
from hardiness.core.result import Result
from hardiness.report.words import text


def commands_of(result: Result, every: Sequence[Result] = ()) -> list[str]:
    """The commands that make the same scores in whatever folder they are given; none where nothing was run.

    Args:
        result: whose.
        every: results among which is that of the model which its ratios divide by, if they divide by a stored one:
            that model's commands come first.

    There are several where the rows came of several requests of which none includes the others, e.g. one corruption
    after another. What a Python program computed with a module of its own has none.
    """
    if result.measured.get("published"):
        return []
    own, base = _own_commands(result), result.measured.get("baseline", {}).get("run", result.key)
    before = [] if base == result.key else [line for each in every if each.key == base for line in _own_commands(each)]
    return list(dict.fromkeys((*before, *own)))


def _own_commands(result: Result) -> list[str]:
    """The commands that evaluate one result's rows."""
    sessions = [session for session in result.measured.get("sessions", ()) if session.get("rows")]
    limit_by_command: dict[tuple[str, ...], int | None] = {}
    for session in sessions:
        if "model" not in session["asked"]:
            continue
        command, limit = _typed_words(result, session["asked"]), session.get("limit")
        former = limit_by_command.get(command, 0)
        limit_by_command[command] = None if limit is None or former is None else max(limit, former)
    return [_with_limit(command, limit) for command, limit in limit_by_command.items()]


def model_as_typed(result: Result) -> str:
    """The model of a result as its last command named it; empty where no command can evaluate it on more pictures.

    So it is of a model that Python held, and of answers from a file.
    """
    request = _last_request(result)
    return "" if request.get("predictions") else str(request.get("model", ""))


def command_for_models(result: Result, models: Sequence[str], out: str, limit: int | None = None) -> str:
    """The command that evaluates models as a result was evaluated, into a folder; empty where Python held its pictures.

    Args:
        result: whose last session says benchmark, data, seed and precision.
        models: as they are typed; of a file of scores one that another file has.
        out: the folder, as it is typed.
        limit: of photographs; ``None`` for all.
    """
    request = _last_request(result)
    data = [str(each) for each in request.get("data", [data_argument(result)])]
    is_of_file = not result.run.model.has_answers
    if not data and not is_of_file:
        return ""
    benchmark = re.sub(r"0\.0\d{6,}", _as_fraction, str(request.get("benchmark", result.benchmark)))
    parts = ["hardiness", "run", *(part for model in models for part in ("-m", model)), "-b", benchmark]
    parts += ["--predictions", "FILE"] if is_of_file else [part for each in data for part in ("--data", each)]
    parts += [*_common(result), *([] if limit is None else ["--limit", str(limit)]), "--out"]
    folder = str(request.get("folder", ""))
    if folder in ("", os.getcwd()):
        return shlex.join([*parts, out])
    return f"cd {shlex.quote(folder)} && {shlex.join([*parts, out if '://' in out else os.path.abspath(out)])}"


def _as_fraction(match: re.Match[str]) -> str:
    """An epsilon as people type it, where it is a fraction of 255."""
    value = 255 * float(match[0])
    return f"{value:g}/255" if abs(value - round(value, 2)) < 1e-6 else match[0]


def _last_request(result: Result) -> Mapping[str, Any]:
    """The request of the last session that computed rows; empty where none did."""
    sessions = [each for each in result.measured.get("sessions", ()) if each.get("rows")]
    request: Mapping[str, Any] = sessions[-1]["asked"] if sessions else {}
    return request


def _typed_words(result: Result, request: Mapping[str, Any]) -> tuple[str, ...]:
    """The words of a command as its session kept them."""
    parts = ["hardiness", "run", "-m", request["model"], "-b", request["benchmark"]]
    for each in request["data"]:
        parts += ["--data", each]
    if request.get("predictions"):
        parts += ["--predictions", request["predictions"]]
    parts += _common(result)
    if request.get("conditions") is not None:
        parts += ["--conditions", str(request["conditions"])]
    if request.get("precision_target") is not None:
        parts += ["--precision-target", f"{request['precision_target']:g}"]
    if request.get("until_decided") is not None:
        parts += ["--until-decided", request["until_decided"]]
    if request.get("time_budget_s") is not None:
        parts += ["--time-budget", f"{request['time_budget_s']:g}s"]
    return (request.get("folder", ""), *parts)


def _with_limit(command: Sequence[str], limit: int | None) -> str:
    folder, *parts = command
    text = shlex.join(parts if limit is None else [*parts, "--limit", str(limit)])
    return f"cd {shlex.quote(folder)} && {text}" if folder else text


def data_argument(result: Result) -> str:
    """The value of ``--data`` that names the data of a run, as far as its plan says."""
    if benchmark_type(result.run).is_own:
        return f"own={result.plan.location}"
    name, classes = ("imagenet", ":classes=folders") if result.run.data.is_own else (result.run.data.name, "")
    return f"{name}={result.plan.location}{classes}"


def _common(result: Result) -> list[str]:
    parts = ["--seed", str(result.run.seed)] if result.run.seed else []
    base = result.measured.get("baseline")
    return [
        *parts,
        *(["--precision", result.run.precision] if result.run.precision != "fp32" else []),
        *(["--baseline", base["model"]] if base else []),
    ]


def sessions_of(result: Result) -> list[Mapping[str, Any]]:
    """The sessions that computed a result, each as pairs that fit in a line."""
    return [
        {name: value for name, value in flatten(session) if value not in (None, "", {}, [])}
        for session in map(_shown, result.measured.get("sessions", ()))
    ]


def _shown(session: Mapping[str, Any]) -> dict[str, Any]:
    """A session with its notes in words, without its command."""
    return {**session, "asked": None, "notes": [text(Fact.from_dict(form)) for form in session.get("notes", ())]}


def flatten(values: Mapping[str, Any], before: str = "") -> list[tuple[str, Any]]:
    """Nested values as pairs of name and value, inner ones under the names of both; numbers in six digits."""
    pairs: list[tuple[str, Any]] = []
    for name, value in values.items():
        if isinstance(value, Mapping):
            pairs += flatten(value, f"{before}{name} ")
        else:
            item = f"{value:,.6g}" if isinstance(value, float) else value
            pairs.append((f"{before}{name}".replace("_", " "), item))
    return pairs
