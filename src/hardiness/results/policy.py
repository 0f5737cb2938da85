"""A policy: the rules that a gate asks of stored runs, read from TOML."""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from hardiness.benchmarks.operating_limits import OPERATING_LIMIT
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError, refuse_unknown
from hardiness.metrics.declaration import PairMetric, pair_registry

HEADLINE = "headline"
"""The word in place of a metric for the score that stands for a benchmark in the overview."""

ANY = "*"
"""The word in place of a benchmark for each that was run."""

LIMITS = ("at_most", "at_least", "worse_by_at_most", "equivalent_within")

DIFFERENCES = ("worse_by_at_most", "equivalent_within")
"""Limits of the difference to a baseline."""

TEXTS = ("name", "benchmark", "metric", "model", "run", "against", "against_run")
FIELDS = (*TEXTS, "where", "each", "cluster", "against_model", "holds_to", "above", "moves_at_most", *LIMITS)

SETTINGS: Mapping[str, tuple[str, ...]] = {"undecided": ("fail", "warn"), "family": ("holm",)}
"""Settings of ``[policy]`` with their values, of which the first is that of a setting left out."""

GROUPING_SETTINGS = ("cluster", "columns", "slice")
"""Settings of ``[policy]`` that say what is known of pictures, which of them belong together, and their parts."""


@dataclass(frozen=True)
class Rule:
    """One limit on one number of each model.

    Attributes:
        number: its place in the policy, from 1.
        benchmark: its name, or `ANY`.
        metric: of its scores, or `HEADLINE`, ``"error"``, ``"accuracy"``, or one of two runs.
        kind: which of `LIMITS`.
        limit: in the metric's own unit; 0.01 is one point.
        in_percent: whether the limit was written with "%", so that 75 cannot have been meant as 7,500 %.
        model: which model alone; empty for all.
        run: the first digits of the key, or of the weights' or code's hash, of the run that is meant of several of one
            model; empty for the one that was evaluated last.
        against: the folder of the baseline, as it was written; empty where there is none.
        against_run: the same as ``run`` of the baseline's.
        against_model: the baseline's name of the model, or of each; empty where the names are equal.
        name: what people call the rule; empty where they do not.
        where: the condition of the score, or which conditions, group and class of pictures are meant.
        slice: by column, with its ranges where it has some, the value that the pictures have which are meant; empty for
            all.
        each: the column each of whose values the rule is about by itself; empty where it is about none.
        cluster: the column that says which pictures belong together, its own or the policy's; empty where each stands
            alone.
        holds_to: the level of a corruption's quantity up to which accuracy must be at least ``limit``, as
            ``"quality=20"``; empty where the rule is on a score.
        moves_at_most: of a difference, by how much a person says that a single picture can move it at most; 0 where
            nobody says so, and all that the score allows is possible.
    """

    number: int
    benchmark: str
    metric: str
    kind: Literal["at_most", "at_least", "worse_by_at_most", "equivalent_within"]
    limit: float
    model: str = ""
    against: str = ""
    against_model: str | Mapping[str, str] = ""
    name: str = ""
    where: Condition = field(default_factory=Condition)
    in_percent: bool = False
    run: str = ""
    against_run: str = ""
    slice: Mapping[str, str] = field(default_factory=dict)
    each: str = ""
    cluster: str = ""
    holds_to: str = ""
    moves_at_most: float = 0.0

    @property
    def is_difference(self) -> bool:
        """Whether its limit is one of the difference to a baseline."""
        return self.kind in DIFFERENCES

    @property
    def side(self) -> int:
        """Where a number is beyond the limit: above it (1), below it (-1), or on either side of 0 (0)."""
        return {"at_least": -1, "equivalent_within": 0}.get(self.kind, 1)

    @property
    def slice_text(self) -> str:
        """The slice in words, as ``site B``; empty where the rule is about all pictures."""
        return ", ".join(f"{name.partition(':')[0]} {value}" for name, value in self.slice.items())

    @property
    def label(self) -> str:
        """How messages call it: its number, and its name where it has one."""
        return rule_label(self.number, self.name)

    def baseline_model(self, model: str) -> str:
        """The baseline's name of a model."""
        if isinstance(self.against_model, str):
            return self.against_model or model
        return self.against_model.get(model, model)

    @property
    def title(self) -> str:
        """Its name, or what it says without the limit."""
        if self.holds_to:
            return self.titled(f"lowest accuracy up to {self.holds_to} applied alone")
        return self.titled(self.metric.replace("_", " "))

    def titled(self, metric: str) -> str:
        """Its name, or what it says without the limit, of a metric that people call so."""
        where = ", ".join([*(f"{key} {value}" for key, value in self.where.items()), *filter(None, [self.slice_text])])
        if self.name:
            return f"{self.name} ({self.slice_text})" if self.each and self.slice else self.name
        return f"{metric}{f' ({where})' if where else ''}"


def rule_label(number: int, name: object = "") -> str:
    """How messages call a rule: ``rule 3``, or ``rule 3 ("clean top-1")``."""
    return f'rule {number} ("{name}")' if isinstance(name, str) and name.strip() else f"rule {number}"


@dataclass(frozen=True)
class Policy:
    """All rules, and what *cannot tell* does to the gate.

    Attributes:
        rules: at least one.
        undecided: whether a rule that cannot be told makes the gate ``"fail"`` or only ``"warn"``.
        source: the file, for messages.
        folder: where baselines and tables that are named by relative paths are looked for; empty for the working
            folder.
        columns: tables of what is known of pictures, as ``--columns`` takes them.
        slices: columns by each of whose values every rule that names no part of the pictures is judged too.
        sha256: over the bytes of the file, or of the text; any change, of a comment too, is another one.
    """

    rules: tuple[Rule, ...]
    undecided: str = "fail"
    source: str = "policy"
    folder: str = ""
    columns: tuple[str, ...] = ()
    slices: tuple[str, ...] = ()
    sha256: str = ""

    def address_of(self, against: str) -> str:
        """The address of a baseline that a rule names, or of a table: relative to the policy's own folder."""
        if not self.folder or "://" in against or os.path.isabs(against):
            return against
        return os.path.normpath(os.path.join(self.folder, against))

    def place(self, rule: Rule) -> str:
        """How a message begins that is about a rule."""
        return f"{self.source}: {rule.label}"


def policy_of(given: str | Path) -> Policy:
    """The policy of a file, or of its TOML text, of several lines.

    Raises:
        ArgumentError: it cannot be read or is wrong, as for `parse_policy`.
    """
    return parse_policy(given) if isinstance(given, str) and "\n" in given else read_policy(given)


def read_policy(path: str | Path) -> Policy:
    """The policy of a file.

    Raises:
        ArgumentError: it cannot be read or is wrong, as for `parse_policy`.
    """
    try:
        content = Path(path).read_bytes()
        text = content.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is no UTF-8 text"
        raise ArgumentError(
            f"policy {path}: cannot be read ({why}); 'hardiness gate OUT --write-policy {path}' writes a first one"
        ) from None
    return replace(parse_policy(text, str(path), os.path.dirname(path)), sha256=hashlib.sha256(content).hexdigest())


def parse_policy(text: str, source: str = "policy", folder: str = "") -> Policy:
    """The policy of a TOML text.

    Args:
        text: with ``[[rules]]`` and, where it is wanted, ``[policy]``.
        source: the file, for messages.
        folder: that relative paths of baselines are relative to; empty for the working folder.

    Raises:
        ArgumentError: it is no TOML, has no rule, or a rule has an unknown field, or a value that cannot be; the
            message names the rule, the field and the nearest name.
    """
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ArgumentError(f"{source}: must be TOML, and is not: {error}") from None
    refuse_unknown(source, "table", tables, ("rules", "policy"))
    settings = tables.get("policy", {})
    if not isinstance(settings, dict):
        raise ArgumentError(f"{source}: policy must be a table, as in [policy], was {settings!r}")
    refuse_unknown(f"{source}: [policy]", "field", settings, (*SETTINGS, *GROUPING_SETTINGS))
    cluster = _cluster(source, settings)
    columns = _texts(source, settings, "columns", 'a file or several, as in "metadata.csv"')
    slices = _texts(source, settings, "slice", 'a column or several, as in "site"')
    for name, value in settings.items():
        if name in SETTINGS and value not in SETTINGS[name]:
            allowed = " or ".join(f'"{each}"' for each in SETTINGS[name])
            raise ArgumentError(f"{source}: [policy]: {name} must be {allowed}, was {value!r}")
    rules = tables.get("rules", [])
    if not isinstance(rules, list) or not all(isinstance(each, dict) for each in rules):
        raise ArgumentError(f"{source}: rules must be tables, each under [[rules]], was {rules!r}")
    if not rules:
        raise ArgumentError(f"{source}: a policy must have at least one rule, under [[rules]]; it has none")
    return Policy(
        tuple(_rule(source, number, each, cluster) for number, each in enumerate(rules, 1)),
        settings.get("undecided", SETTINGS["undecided"][0]),
        source,
        folder,
        columns,
        slices,
        hashlib.sha256(text.encode()).hexdigest(),
    )


def _cluster(source: str, settings: Mapping[str, Any]) -> str:
    """The column of clusters that ``[policy]`` names; empty where it names none."""
    cluster = settings.get("cluster", "-")
    if not isinstance(cluster, str) or not cluster.strip():
        raise ArgumentError(
            f'{source}: [policy]: cluster must be the name of a column, as in "patient", was {cluster!r}'
        )
    return str(settings.get("cluster", ""))


def _texts(source: str, settings: Mapping[str, Any], name: str, wanted: str) -> tuple[str, ...]:
    """The texts, one or several, of a setting of ``[policy]``."""
    value = settings.get(name, [])
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not all(isinstance(each, str) and each.strip() for each in texts):
        raise ArgumentError(f"{source}: [policy]: {name} must be {wanted}, was {value!r}")
    return tuple(texts)


def _rule(source: str, number: int, table: Mapping[str, Any], cluster: str) -> Rule:
    place = f"{source}: {rule_label(number, table.get('name'))}"
    refuse_unknown(place, "field", table, FIELDS)
    if "holds_to" in table or table.get("metric") == OPERATING_LIMIT.name:
        table = _with_limit_of_level(place, table)
    for name in ("benchmark", "metric"):
        if name not in table:
            raise ArgumentError(f"{place}: {name} is missing; say which, as in {name} = {_EXAMPLES[name]}")
    for name in (*TEXTS, "each", "cluster", "holds_to"):
        value = table.get(name, "-")
        if not isinstance(value, str) or not value.strip():
            raise ArgumentError(f"{place}: {name} must be a text, was {value!r}")
    limits = [name for name in LIMITS if name in table]
    if len(limits) != 1:
        names = "none" if not limits else " and ".join(limits)
        raise ArgumentError(f"{place}: must have one of {', '.join(LIMITS)}, had {names}")
    kind = limits[0]
    limit, in_percent = read_limit(place, kind, table[kind])
    _check_baseline(place, table, kind, limit)
    moves_at_most = _moves_at_most(place, table, kind, limit, in_percent=in_percent)
    where, in_slice = _where(place, table.get("where", {}))
    each = table.get("each", "")
    if each and in_slice:
        raise ArgumentError(
            f"{place}: each judges every value of {each}, and where = {{ slice = … }} one: leave one of them out"
        )
    return Rule(
        number,
        table["benchmark"],
        table["metric"],
        kind,  # type: ignore[arg-type]  # one of LIMITS
        limit,
        table.get("model", ""),
        table.get("against", ""),
        _names(place, table.get("against_model", "")),
        table.get("name", ""),
        where,
        in_percent,
        table.get("run", "").lower(),
        table.get("against_run", "").lower(),
        in_slice,
        each,
        table.get("cluster", cluster),
        table.get("holds_to", ""),
        moves_at_most,
    )


def _moves_at_most(place: str, table: Mapping[str, Any], kind: str, limit: float, *, in_percent: bool) -> float:
    """By how much a person says that a picture can move a difference at most; 0 where nobody says so."""
    if "moves_at_most" not in table:
        return 0.0
    if kind not in DIFFERENCES:
        raise ArgumentError(f"{place}: moves_at_most goes with {' and '.join(DIFFERENCES)}; this rule has {kind}")
    most, is_percent = read_limit(place, "moves_at_most", table["moves_at_most"])
    if is_percent != in_percent:
        raise ArgumentError(
            f"{place}: moves_at_most and {kind} must both be in percent, or neither; they were "
            f"{table['moves_at_most']!r} and {table[kind]!r}"
        )
    if not most > limit:
        raise ArgumentError(
            f"{place}: moves_at_most must be above {kind}, since else no picture could break the rule; they were "
            f"{table['moves_at_most']!r} and {table[kind]!r}"
        )
    return most


def _with_limit_of_level(place: str, table: Mapping[str, Any]) -> Mapping[str, Any]:
    """A rule that says up to which level accuracy holds, with the accuracy as its limit.

    Raises:
        ArgumentError: it says only one of the two, or a limit beside them, or another metric, or no corruption.
    """
    example = 'holds_to = "quality=20" with above = "90 %"'
    if missing := [name for name in ("holds_to", "above") if name not in table]:
        raise ArgumentError(f"{place}: {missing[0]} is missing; {OPERATING_LIMIT.name} takes {example}")
    if extra := [name for name in (*LIMITS, "against") if name in table]:
        raise ArgumentError(f"{place}: {extra[0]} does not go with holds_to, which takes above; leave it out")
    if table.get("metric", OPERATING_LIMIT.name) != OPERATING_LIMIT.name:
        raise ArgumentError(f'{place}: holds_to is of metric = "{OPERATING_LIMIT.name}", was {table["metric"]!r}')
    where = table.get("where")
    if not isinstance(where, dict) or not {"corruption"} <= set(where) <= {"corruption", "slice"}:
        raise ArgumentError(
            f'{place}: holds_to is of one corruption, as in where = {{ corruption = "jpeg_compression" }}; where was '
            f"{where!r}"
        )
    above, _ = read_limit(place, "above", table["above"])
    if not 0 < above < 1:
        raise ArgumentError(f'{place}: above must be an accuracy between 0 and 1, as 0.9 or "90 %", was {above:g}')
    rest = {name: value for name, value in table.items() if name != "above"}
    return {**rest, "metric": OPERATING_LIMIT.name, "at_least": table["above"]}


def limit_of_text(text: str, what: str) -> float:
    """A share that a person states, as ``0.9`` or ``90 %``.

    Raises:
        ArgumentError: it is none between 0 and 1; ``what`` begins the message.
    """
    value: Any = text
    with suppress(ValueError):
        value = float(text)
    share, _ = read_limit(what, "it", value)
    if not 0 < share < 1:
        raise ArgumentError(f"{what} must be between 0 and 1, as 0.9 or 90 %, was {text!r}")
    return share


def read_limit(place: str, kind: str, value: Any) -> tuple[float, bool]:
    """A limit as a fraction or in its metric's unit, and whether it was written in percent.

    Args:
        place: how a message begins.
        kind: the name of the limit.
        value: as it was written.

    Raises:
        ArgumentError: it is neither a number nor a text such as ``"75 %"``.
    """
    percent = re.fullmatch(r"\s*([-+]?[\d._]+(?:[eE][-+]?\d+)?)\s*%\s*", value) if isinstance(value, str) else None
    number = value
    if percent:
        try:
            number = float(percent[1]) / 100
        except ValueError:
            percent = None
    if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number):
        raise ArgumentError(f'{place}: {kind} must be a number, or a text as in "75 %", was {value!r}')
    return float(number), percent is not None


_EXAMPLES = {"benchmark": '"imagenet-c"', "metric": '"headline"'}


def pair_metric_of(name: str) -> PairMetric | None:
    """The metric of two runs of that name, which a rule holds against its baseline; ``None`` where there is none.

    Raises:
        ArgumentError: several distributions have it, or the one that has it is faulty.
    """
    pair_registry.refuse_faulty(name)
    return pair_registry.find(name)


def _check_baseline(place: str, table: Mapping[str, Any], kind: str, limit: float) -> None:
    """Raise where a rule needs a baseline and has none, or has one that it does not need."""
    metric = table["metric"]
    is_of_pair = pair_metric_of(metric) is not None
    needs_baseline = is_of_pair or kind in DIFFERENCES
    if needs_baseline and "against" not in table:
        what = metric if is_of_pair else kind
        raise ArgumentError(f'{place}: {what} needs against, the folder of the baseline, as in against = "runs/main"')
    if not needs_baseline and any(name in table for name in ("against", "against_model", "against_run")):
        raise ArgumentError(
            f"{place}: against goes with {' and '.join(DIFFERENCES)}, or with the metrics "
            f"{', '.join(pair_registry.names())}; this rule has {kind} of {metric}"
        )
    if kind in DIFFERENCES and is_of_pair:
        raise ArgumentError(f"{place}: {metric} is of two runs already; give it at_most or at_least")
    if kind == "equivalent_within" and not limit > 0:
        raise ArgumentError(f'{place}: equivalent_within must be above 0, as in "0.5 %", was {limit:g}')
    if kind == "worse_by_at_most" and limit < 0:
        raise ArgumentError(f"{place}: worse_by_at_most must be at least 0, was {limit:g}")


def _where(place: str, table: Any) -> tuple[Condition, Mapping[str, str]]:
    """The condition that a rule is about, and the slice of pictures, by column."""
    rest: dict[str, Any] = dict(table) if isinstance(table, dict) else {"": None}
    in_slice = rest.pop("slice", {})
    if not all(isinstance(value, str | int | float) for value in rest.values()):
        raise ArgumentError(
            f'{place}: where must be a table of texts and numbers, as in {{ corruption = "fog", severity = 3 }}, was '
            f"{table!r}"
        )
    if not isinstance(in_slice, dict) or not all(isinstance(value, str | int) for value in in_slice.values()):
        raise ArgumentError(
            f'{place}: slice of where must be a table of columns and values in quotes, as in slice = {{ site = "B" }}, '
            f"was {in_slice!r}"
        )
    return Condition(**rest), {column: str(value) for column, value in in_slice.items()}


def _names(place: str, table: Any) -> str | Mapping[str, str]:
    if isinstance(table, str):
        return table
    if isinstance(table, dict) and all(isinstance(value, str) for value in table.values()):
        return table
    raise ArgumentError(
        f'{place}: against_model must be the name of the model in the baseline, or a table as in {{ new = "old" }}, '
        f"was {table!r}"
    )


def quoted(text: str) -> str:
    """The text as TOML writes it."""
    return json.dumps(text, ensure_ascii=False)
