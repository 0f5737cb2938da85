"""The gate: a verdict for each rule of a policy on each stored run that it speaks of."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hardiness.benchmarks import card_of, published_baseline
from hardiness.core import (
    RIGHT,
    ArgumentError,
    Condition,
    HardinessError,
    ImageTable,
    Interval,
    Result,
    Run,
    Score,
    StoreError,
    fields_form,
    from_json,
    json_field,
    json_form,
    mark_notes,
    spelled,
    suggestion,
)
from hardiness.reference import distortion_set, set_names
from hardiness.results.flips import flip_table
from hardiness.results.measured import measured
from hardiness.results.policy import ANY, FLIPS, HEADLINE, Policy, Rule
from hardiness.results.results import group_of, results_of, results_of_runs
from hardiness.results.runs import ScoredRun, differences_of, digest_of, is_of_one_set, with_joined
from hardiness.statistics import (
    Evidence,
    FlipTable,
    Limit,
    Ruling,
    WeightedSum,
    difference,
    rulings,
)
from hardiness.store import Store, parsed

VERSION = 2
"""Raised whenever the same rows would give other evidence."""

GATE = "gate.json"
"""What the last gate said of a folder; may be deleted at any time."""

STATUS = {"wrong policy": 2, "fail": 3, "missing": 1, "cannot tell": 4, "pass": 0}
"""Exit statuses, those that go before others first; a wrong policy raises."""

WRONG = {"error": True, "mean_error": True, "accuracy": False, "top1": False}
"""Metrics of any rows, over whichever cells and classes are asked for; whether they count what is wrong."""


@dataclass(frozen=True)
class GateVerdict:
    """The verdict of one rule on one run.

    Attributes:
        rule: which.
        model, benchmark, data: of the run.
        outcome: ``pass``, ``fail``, ``cannot tell`` or ``missing``.
        metric: what was judged, as people call it.
        unit: of value, interval and limit.
        value, interval: of the number, or of the difference to the baseline; ``None`` where it is missing.
        confidence, family: of the interval, and over how many verdicts it is simultaneous.
        n: images.
        more, at_least: about how many images more would decide, and whether it takes more than that.
        looked: whether the interval holds although the run was looked at while it went on.
        reason: why it is missing; empty otherwise.
    """

    rule: Rule
    model: str
    benchmark: str
    data: str
    outcome: Literal["pass", "fail", "cannot tell", "missing"]
    metric: str
    unit: str = "fraction"
    value: float | None = None
    interval: Interval | None = field(default=None, metadata=json_field(as_list=True))
    confidence: float = 0.95
    family: int = 1
    n: int = 0
    more: int = 0
    at_least: bool = False
    looked: bool = False
    reason: str = ""

    @property
    def mark(self) -> str:
        """The mark of a chat model's number; empty for every other model."""
        return "".join(mark_notes([self.model]))

    @property
    def which_interval(self) -> str:
        """The name of the interval that decides."""
        looked = ", valid at every look" if self.looked else ""
        if self.family > 1:
            return f"simultaneous over {self.family} rules (Holm){looked}"
        return f"plain 95 %{looked}"

    def as_dict(self) -> dict[str, Any]:
        """The JSON form: its fields, then what is said of them."""
        which = self.which_interval if self.interval else ""
        return {**fields_form(self), "which_interval": which, "mark": self.mark}


@dataclass(frozen=True)
class Gate:
    """All verdicts of a policy.

    Attributes:
        verdicts: in the order of the rules.
        undecided: what *cannot tell* does to the gate: ``"fail"`` or ``"warn"``.
        source: the policy's file.
    """

    verdicts: tuple[GateVerdict, ...]
    undecided: str = "fail"
    source: str = field(default="policy", metadata=json_field("policy"))

    @property
    def outcome(self) -> str:
        """The one that goes before all others: ``fail``, ``missing``, ``cannot tell`` or ``pass``."""
        return next((each for each in STATUS if any(v.outcome == each for v in self.verdicts)), "pass")

    @property
    def exit_status(self) -> int:
        """3 fail, 1 missing, 4 cannot tell (0 where that only warns), 0 pass; in this order."""
        return 0 if self.outcome == "cannot tell" and self.undecided == "warn" else STATUS[self.outcome]

    @property
    def counts(self) -> dict[str, int]:
        """How many verdicts there are of each kind, of those that there are."""
        found = {each: sum(v.outcome == each for v in self.verdicts) for each in STATUS}
        return {each: count for each, count in found.items() if count}

    def as_dict(self) -> dict[str, Any]:
        """The JSON form."""
        form = fields_form(self)
        verdicts = form.pop("verdicts")
        outcome = {"outcome": self.outcome, "exit_status": self.exit_status}
        return {**outcome, **form, "counts": self.counts, "verdicts": verdicts}

    def keep(self, store: Store) -> None:
        """Keep the verdicts beside the rows, for the page; where nothing can be written, it is not kept."""
        with suppress(StoreError):
            content = {"of": _stamp(store), **self.as_dict()}
            store.files.write(GATE, json.dumps(content, indent=1).encode())


def judge(policy: Policy, store: Store) -> Gate:
    """The verdict of each rule on each run of a folder that it speaks of.

    What it took to compute is kept beside the runs, once no rule is wrong.

    Raises:
        ArgumentError: a rule matches nothing, or its limit is no share where its metric is one; the message names the
            rule, the field and the nearest name.
        StoreError: records cannot be read.
    """
    folder = _Folder(store)
    asked = [case for rule in policy.rules for case in _cases(policy, rule, folder)]
    for case in asked:
        _require_share(policy, case)
    folder.save()
    known = [(case.evidence, case.limit) for case in asked if case.evidence is not None]
    ruled = iter(rulings(known))
    return Gate(
        tuple(case.verdict(next(ruled) if case.evidence is not None else None) for case in asked),
        policy.undecided,
        policy.source,
    )


MOST = 1.0001
"""Largest limit of a share; `first_policy` writes it of an interval that ends at 1."""


def _require_share(policy: Policy, case: _Case) -> None:
    """Raise where a limit of a share is one in percent: every model would pass it, or none."""
    rule = case.rule
    is_beyond = rule.limit >= 1 if rule.kind == "worse_by_at_most" else abs(rule.limit) > MOST
    if case.evidence is not None and case.unit == "fraction" and is_beyond:
        raise ArgumentError(
            f"{policy.source}: rule {rule.number}: {rule.kind} must be a share, as 0.01 for one point, since "
            f"{case.metric} is one; was {rule.limit:g}, which is {100 * rule.limit:g} %"
        )


def kept_gate(store: Store) -> tuple[Gate, bool] | None:
    """The last gate of a folder, and whether its rows are still the same; ``None`` where none was asked."""
    with suppress(StoreError, LookupError, TypeError, ValueError, AttributeError):
        content = store.files.read(GATE)
        if content:
            found = parsed(content, f"{store.address}/{GATE}")
            of = found.pop("of")
            return from_json(Gate, found, GATE), of == _stamp(store)
    return None


def _stamp(store: Store) -> str:
    return digest_of(sorted([run.key, sorted(run.contents()[0].items())] for run in store.runs()))


@dataclass(frozen=True)
class _Case:
    """One rule on one run: the evidence and the limit, or why there is none."""

    rule: Rule
    model: str
    benchmark: str
    data: str
    metric: str
    unit: str
    limit: Limit
    evidence: Evidence | None = None
    reason: str = ""

    def verdict(self, ruling: Ruling | None) -> GateVerdict:
        missing = GateVerdict(
            self.rule, self.model, self.benchmark, self.data, "missing", self.metric, self.unit, reason=self.reason
        )
        if ruling is None or self.evidence is None:
            return missing
        return replace(
            missing,
            outcome=ruling.outcome,
            value=self.evidence.value,
            interval=ruling.interval,
            confidence=ruling.confidence,
            family=ruling.family,
            n=self.evidence.n,
            more=ruling.more,
            at_least=ruling.at_least,
            looked=self.evidence.looked,
        )


class _UnmatchedError(Exception):
    """What of a rule no run has: the field, what it says, and the names that there are."""

    def __init__(self, field: str, value: str, known: Sequence[str]) -> None:
        super().__init__(field)
        self.field, self.value, self.known = field, value, list(dict.fromkeys(known))


class _MissingError(Exception):
    """Why a number is not there, in a line."""


class _NoPictureError(_MissingError):
    """A number is not there, and more pictures might give it."""


class _Folder:
    """A folder's results and runs, and the baselines that rules name, each read once."""

    def __init__(self, store: Store) -> None:
        self.store = store
        runs = with_joined([ScoredRun(run, card_of(run.run)) for run in store.runs()])
        self.runs = {run.stored.key: run for run in runs}
        self._baselines: dict[str, _Folder | str] = {}

    @cached_property
    def results(self) -> list[Result]:
        """Of all runs."""
        return results_of_runs(list(self.runs.values()), self.store)

    @cached_property
    def names(self) -> dict[str, str]:
        """By a run's key the model's name, with what tells it from others of its table."""
        groups: dict[tuple[str, ...], list[Result]] = {}
        for result in self.results:
            groups.setdefault(group_of(result), []).append(result)
        return {
            result.key: f"{result.name} ({text})" if text else result.name
            for group in groups.values()
            for result, text in zip(group, differences_of(group), strict=True)
        }

    def baseline(self, address: str) -> _Folder:
        """The folder of that address.

        Raises:
            _MissingError: it holds no records.
        """
        if address not in self._baselines:
            try:
                self._baselines[address] = _Folder(Store.open(address))
            except HardinessError as error:
                self._baselines[address] = str(error)
        found = self._baselines[address]
        if isinstance(found, str):
            raise _MissingError(f"baseline: {found}")
        return found

    def save(self) -> None:
        """Keep what was computed of the runs."""
        for run in self.runs.values():
            run.save()


def _cases(policy: Policy, rule: Rule, folder: _Folder) -> list[_Case]:
    """Every run that a rule speaks of.

    Raises:
        ArgumentError: there is none.
    """
    place = f"{policy.source}: rule {rule.number}"
    benchmarks = {result.benchmark for result in folder.results}
    if rule.benchmark not in (ANY, *benchmarks):
        raise _matches_nothing(place, folder, _UnmatchedError("benchmark", rule.benchmark, sorted(benchmarks)))
    models = {name for result in folder.results for name in (result.name, result.model)}
    if rule.model and rule.model not in models:
        raise _matches_nothing(place, folder, _UnmatchedError("model", rule.model, sorted(models)))
    found: list[_Case] = []
    unmatched: list[tuple[Result, _UnmatchedError]] = []
    for result in folder.results:
        if rule.benchmark in (ANY, result.benchmark) and rule.model in ("", result.name, result.model):
            try:
                found.append(_case(rule, result, folder))
            except _UnmatchedError as error:
                unmatched.append((result, error))
    if not found and unmatched:
        raise _matches_nothing(place, folder, unmatched[0][1])
    if rule.benchmark == ANY:
        return found
    for result, absent in unmatched:
        reason = f"no {absent.field} {absent.value!r} in this run"
        found.append(_absent(rule, folder.names[result.key], result.data, reason))
    there = {case.model for case in found}
    plain = {result.name for result in folder.results if result.benchmark == rule.benchmark}
    lacking = [r for r in folder.results if rule.model in ("", r.name, r.model) and r.name not in plain]
    names = [name for name in dict.fromkeys(result.name for result in lacking) if name not in there]
    reason = f"no run of {rule.benchmark}; run it, or say model = of the rule"
    found.extend(_absent(rule, name, "", reason) for name in names)
    return found


def _matches_nothing(place: str, folder: _Folder, error: _UnmatchedError) -> ArgumentError:
    return ArgumentError(
        f"{place}: {error.field} {error.value!r} matches nothing in {folder.store.address}"
        f"{suggestion(error.value, error.known)}"
    )


def _absent(rule: Rule, model: str, data: str, reason: str) -> _Case:
    return _Case(rule, model, rule.benchmark, data, rule.title, "fraction", Limit(rule.limit, 1), None, reason)


def _case(rule: Rule, result: Result, folder: _Folder) -> _Case:
    """One rule on one run.

    Raises:
        _UnmatchedError: the run has no such score, condition, group or class.
    """
    run = folder.runs[result.key]
    metric, condition = _metric_of(rule, result)
    side = -1 if rule.kind == "at_least" else 1
    case = _Case(
        rule, folder.names[result.key], result.benchmark, result.data, rule.title, "fraction", Limit(rule.limit, side)
    )
    try:
        _require_whole(result)
        is_looked_at = result.stop is not None and bool(result.stop.policy)
        if metric in FLIPS:
            if is_looked_at:
                return replace(case, evidence=_kept_look(rule, metric, condition, run, folder))
            return replace(case, evidence=_flips(rule, run, folder))
        score = _score(result, metric, condition)
        _require_standing(result, score)
        title = rule.name or _title(run, score, metric, condition)
        if rule.kind == "worse_by_at_most":
            title = f"{title}, worse than {rule.against}"
        case = replace(case, metric=title, unit=score.unit if score else "fraction")
        if is_looked_at:
            return replace(case, evidence=_kept_look(rule, metric, condition, run, folder))
        if rule.kind == "worse_by_at_most":
            return replace(case, evidence=_paired(rule, metric, condition, run, folder))
        return replace(case, evidence=_of_score(score) if score else _from_rows(run, metric, condition))
    except _MissingError as error:
        return replace(case, reason=str(error))


def _require_standing(result: Result, score: Score | None) -> None:
    """Raise where a number is undefined, or the report on an attack does not stand by it.

    Args:
        result: whose.
        score: the number; ``None`` where it is made of the rows, which are then all of an attack's.
    """
    if doubt := score.doubt if score else result.doubt:
        raise _MissingError(f"{doubt}: the report on the attack does not stand by the number")
    if score is not None and score.value is None:
        raise _MissingError(f"undefined: {score.reason}")


def _metric_of(rule: Rule, result: Result) -> tuple[str, Condition]:
    """The metric and condition that a rule means of a result."""
    if rule.metric != HEADLINE:
        return rule.metric, rule.where
    card = card_of(result.run)
    column = card.headline_of(card.columns_of([result]))
    if column is None:
        first = next(iter(result.scores), None)
        if first is None:
            raise _UnmatchedError("metric", HEADLINE, [])
        return first.metric, Condition(**{**first.condition, **rule.where})
    return column.metric, Condition(**{**column.condition, **rule.where})


def _title(run: ScoredRun, score: Score | None, metric: str, condition: Condition) -> str:
    return run.card.title(score.metric, score.condition) if score else run.card.title(metric, condition)


def _require_whole(result: Result) -> None:
    """Raise where a run was cut off before it had what it was asked for."""
    counts = result.counts
    if not counts.images:
        raise _MissingError("nothing was evaluated")
    limits = [session.get("limit") for session in result.measured.get("sessions", ()) if session.get("rows")]
    if not limits or result.stop is not None or counts.complete:
        return
    asked = [session.get("asked", {}) for session in result.measured.get("sessions", ())]
    if any(
        each.get(name) is not None for each in asked for name in ("time_budget_s", "precision_target", "until_decided")
    ):
        return
    samples = result.run.data.samples
    wanted = samples if None in limits else min(max(limits), samples)
    failed = len({failure.sample for failure in result.failures})
    if counts.images + failed < wanted:
        raise _MissingError(
            f"partial: {counts.images:,} of {wanted:,} images were evaluated; the same 'hardiness run' continues"
        )


def _score(result: Result, metric: str, where: Condition) -> Score | None:
    """The score of that metric and condition; ``None`` where rows must be asked.

    Raises:
        _MissingError: a part of the benchmark was run, so that there is no such score.
        _UnmatchedError: neither scores nor rows have it.
    """
    wanted = {key: str(value) for key, value in where.items()}
    of_metric = [score for score in result.scores if score.metric == metric]
    for score in of_metric:
        if {key: str(value) for key, value in score.condition.items()} == wanted:
            return score
    if metric in WRONG and (where or not of_metric):
        return None
    if any(score.metric == f"{metric}_partial" for score in result.scores):
        failed = len({failure.sample for failure in result.failures})
        which = f" (failed images: {failed:,})" if failed else ""
        raise _MissingError(
            f"partial: only a part of {result.benchmark} was evaluated{which}, which has no {metric}: mend that, or "
            f"name {metric}_partial"
        )
    if not of_metric:
        raise _UnmatchedError("metric", metric, sorted({*(s.metric for s in result.scores), HEADLINE, *WRONG, *FLIPS}))
    raise _unmatched_where(where, [score.condition for score in of_metric])


def _unmatched_where(where: Condition, conditions: Sequence[Mapping[str, Any]]) -> _UnmatchedError:
    """Which word of a condition is the one that no score has."""
    keys = {key for each in conditions for key in each}
    for key, value in where.items():
        if key not in keys:
            return _UnmatchedError("where", key, sorted(keys))
        values = {str(each[key]) for each in conditions if key in each}
        if str(value) not in values:
            return _UnmatchedError(f"where {key}", str(value), sorted(values))
    return _UnmatchedError("where", str(where), sorted({str(each) for each in map(_text, conditions)} - {""}))


def _text(condition: Mapping[str, Any]) -> str:
    return " ".join(f"{key}={value}" for key, value in condition.items())


def _of_score(score: Score) -> Evidence:
    """The evidence of a stored score that has a value.

    Raises:
        _MissingError: it has no interval.
    """
    assert score.value is not None, "what is undefined is missing already"
    if score.interval is None:
        raise _MissingError(f"no interval: {score.interval_reason or 'none is defined for this score'}")
    share = score.unit == "fraction" and 0 <= score.interval.low <= score.interval.high <= 1
    return Evidence.from_interval(score.value, score.interval, score.n, share=share)


@dataclass(frozen=True)
class _Part:
    """Which cells and images of a table a rule is about."""

    cells: list[int]
    rows: NDArray[np.bool_]


def _part(table: ImageTable, where: Condition, run: Run) -> _Part:
    """The cells and images that ``where`` names; without a word on cells all but the clean one, if there are others.

    Raises:
        _UnmatchedError: there is no such cell, group or class.
    """
    rows = np.ones(len(table), bool)
    rest = dict(where)
    if "class" in rest:
        namer, wanted = card_of(run).class_namer(run), str(rest.pop("class"))
        # Of ImageNet's classes two are called crane, and two maillot: a rule on the name is on both.
        names = {int(label): namer(int(label)) for label in np.unique(table.label)}
        if wanted not in names.values():
            raise _UnmatchedError("where class", wanted, sorted(names.values()))
        rows = np.isin(table.label, [label for label, name in names.items() if name == wanted])
    if "group" in rest:
        groups = _groups(run, table)
        wanted = str(rest.pop("group"))
        if wanted not in groups:
            raise _UnmatchedError("where group", wanted, sorted(groups))
        cells = [k for k, cell in enumerate(table.present) if cell.get("corruption") in groups[wanted]]
    else:
        cells = list(range(len(table.present)))
    chosen = [k for k in cells if all(str(table.present[k].get(key)) == str(value) for key, value in rest.items())]
    if not chosen:
        words = {**dict.fromkeys(("class", "group"), ""), **{k: "" for each in table.present for k in each}}
        if unknown := next((key for key in rest if key not in words), None):
            raise _UnmatchedError("where", unknown, sorted(words))
        raise _unmatched_where(Condition(**rest), [table.present[k] for k in cells])
    if not (set(where) - {"class"}) and len(chosen) > 1:
        chosen = [k for k in chosen if table.present[k]]
    return _Part(chosen, rows)


def _groups(run: Run, table: ImageTable) -> Mapping[str, tuple[str, ...]]:
    """The groups of corruptions that a run's benchmark has, or any set that its corruptions are of."""
    held = {str(cell.get("corruption")) for cell in table.present}
    for name in sorted(set_names(), key=lambda each: each != run.benchmark.name):
        groups = distortion_set(name).groups
        known = {group: members for group, members in groups.items() if held & set(members)}
        if known:
            return known
    return {}


def _weighed(table: ImageTable, metric: str, where: Condition, run: ScoredRun) -> tuple[WeightedSum, _Part]:
    """A score as a weighted sum of cells over some images.

    Raises:
        _UnmatchedError: it is no such sum, or there is no such cell, group or class.
    """
    identity = run.stored.run
    every = np.ones(len(table), bool)
    sums = run.card.sums(table, identity, published_baseline(identity))
    for each in sums:
        if each.metric == metric and each.condition == where:
            return each, _Part(np.flatnonzero(each.weights).tolist(), every)
    if metric not in WRONG:
        raise _UnmatchedError("metric", metric, sorted({*(each.metric for each in sums), *WRONG, *FLIPS}))
    part = _part(table, where, identity)
    right = table[RIGHT]
    values = np.where(right < 0, np.nan, (right == 1) != WRONG[metric])
    weights = np.zeros(len(table.present))
    weights[part.cells] = 1 / len(part.cells)
    return WeightedSum(metric, values, weights, where, higher_is_better=not WRONG[metric]), part


def _remembered(run: ScoredRun, name: Sequence[Any], state: str, compute: Any) -> Evidence:
    """Evidence that follows from rows, kept beside them; `_MissingError` is kept too."""

    def made() -> list[Any]:
        try:
            return ["evidence", list(fields_form(compute()).values())]
        except _MissingError as error:
            return ["missing", str(error)]

    what, found = run.memo.value(f"gate {digest_of([VERSION, *name])}", state, made)
    if what == "missing":
        raise _MissingError(found)
    return from_json(Evidence, found, "the evidence")


def _from_rows(run: ScoredRun, metric: str, where: Condition) -> Evidence:
    """The evidence of an error or accuracy over some cells and one class or all."""

    def compute() -> Evidence:
        table = run.table
        of, part = _weighed(table, metric, where, run)
        values = np.asarray(of.values[part.rows][:, part.cells], np.float64)
        if not len(values) or np.isnan(values).all(axis=0).any():
            raise _MissingError("a condition has no picture")
        return Evidence.from_shares(table.ids[part.rows], values)

    return _remembered(run, ["rows", metric, dict(where)], "", compute)


def _flips(rule: Rule, run: ScoredRun, folder: _Folder) -> Evidence:
    """The evidence of flips from the baseline's run."""
    before = _baseline_run(rule, run, folder)

    def compute() -> Evidence:
        table, part = _flip_part(rule, run, run.columns("answer"), before)
        flips = table.over(part.cells, part.rows) if part else table.over()
        if flips is None:
            raise _NoPictureError(NO_PICTURE)
        found = getattr(flips, FLIPS[rule.metric])
        return Evidence.from_interval(found.value, found.interval, flips.n, share=True)

    return _remembered(run, [rule.metric, dict(rule.where)], _state_of(before), compute)


NO_PICTURE = "the baseline shares no picture and condition"


def _flip_part(rule: Rule, run: ScoredRun, now: ImageTable, before: ScoredRun) -> tuple[FlipTable, _Part | None]:
    """The flips from the baseline's run to a table of one, and which of them a rule is about; ``None`` for all.

    Raises:
        _MissingError: one of the two has no answers.
        _NoPictureError: they share no picture.
        _UnmatchedError: there is no such cell, group or class.
    """
    tables = before.columns("answer"), now
    if not all("answer" in table and table["answer"].ndim == 2 for table in tables):
        raise _MissingError(f"{run.stored.run.benchmark.name} keeps no answer for each picture and condition")
    table = flip_table(*tables)
    if table is None:
        raise _NoPictureError(NO_PICTURE)
    # Cells and images by name, as for errors; all cells where none is named, the clean one too.
    there = ImageTable(
        table.ids,
        table.label,
        table.conditions,
        np.arange(len(table.conditions), dtype=np.int16),
        {RIGHT: np.where(np.isnan(table.negative), -1, 0).astype(np.int8)},
    )
    return table, _part(there, rule.where, run.stored.run) if rule.where else None


def _state_of(before: ScoredRun) -> str:
    return digest_of([before.stored.key, before.digest])


def _baseline_run(rule: Rule, run: ScoredRun, folder: _Folder) -> ScoredRun:
    """The run of the baseline folder on the same pictures.

    Raises:
        _MissingError: there is none; the message says what differs.
    """
    mine, baseline = run.stored.run, folder.baseline(rule.against)
    name = rule.baseline_model(mine.model.name)
    runs = [each for each in baseline.runs.values() if each.stored.run.benchmark.name == mine.benchmark.name]
    models = dict.fromkeys(each.stored.run.model.name for each in runs)
    named = [each for each in runs if each.stored.run.model.name == name]
    if not named:
        hint = (
            f"; it has {', '.join(models)}: name it, as in against_model = {_quoted(next(iter(models)))}"
            if models
            else ""
        )
        raise _MissingError(f"the baseline {rule.against} has no run of {name} on {mine.benchmark.name}{hint}")
    differing = {id(each): list(_differing(run, each)) for each in named}
    best = min(named, key=lambda each: (len(differing[id(each)]), each.stored.run.precision != mine.precision))
    if differing[id(best)]:
        raise _MissingError(f"the baseline {rule.against} differs in {'; '.join(differing[id(best)])}")
    return best


def _differing(run: ScoredRun, baseline: ScoredRun) -> Iterator[str]:
    """What of two runs makes their pictures, or what is asked of these, differ."""
    mine, theirs = run.stored.run, baseline.stored.run
    pairs: dict[str, tuple[Any, Any]] = {
        "data fingerprint": (mine.data.fingerprint[:6], theirs.data.fingerprint[:6]),
        "protocol": (mine.benchmark.protocol, theirs.benchmark.protocol),
        "class order": (mine.model.outputs_sha256[:6], theirs.model.outputs_sha256[:6]),
        "seed": (mine.seed, theirs.seed),
    }
    if mine.data.fingerprint != theirs.data.fingerprint and mine.data.name != theirs.data.name:
        pairs["data"] = (mine.data.name, theirs.data.name)
    views = json_form(mine.model.view), json_form(theirs.model.view)
    if _normalises_itself(run) or _normalises_itself(baseline):
        for each in views:
            for name in _NUMBERS:
                del each[name]
    named = {
        "view": views,
        "option": (dict(mine.benchmark.options), dict(theirs.benchmark.options)),
        "version": (dict(mine.versions), dict(theirs.versions)),
    }
    for what, (own, other) in named.items():
        for key in dict.fromkeys((*own, *other)):
            pairs[f"{what} {key}"] = (own.get(key), other.get(key))
    for what, (own, other) in pairs.items():
        if own != other:
            yield f"{what} ({_spelled(own)} here, {_spelled(other)} there)"


_NUMBERS = ("mean", "std", "range", "channel_order")


def _normalises_itself(run: ScoredRun) -> bool:
    """Whether the network behind a run takes pixels as they are because mean and std lie in its graph or code.

    A network of a library that takes them so was trained on other numbers than one that does not.
    """
    model = run.stored.run.model
    if (model.view.mean, model.view.std) != ((0.0,) * 3, (1.0,) * 3):
        return False
    typed = [str(session.get("asked", {}).get("model", "")) for session in run.sessions()]
    # While its first pictures come in no session is kept, and nothing speaks against it.
    return (
        model.view.range == "0..255" or bool(model.code_sha256) or not typed or any("onnx:" in each for each in typed)
    )


def _spelled(value: Any) -> str:
    return "none" if value in (None, "") else spelled(value, "/")


def _paired(rule: Rule, metric: str, where: Condition, run: ScoredRun, folder: _Folder) -> Evidence:
    """The evidence of how much worse a run is than the baseline's, on the same images."""
    before = _standing_baseline(rule, metric, where, run, folder)

    def compute() -> Evidence:
        try:
            pairs = _pairs(metric, where, run, run.table, before)
        except _UnmatchedError:
            return _paired_measures(metric, where, run, before)
        found = Evidence.from_differences(pairs.ids, pairs.mine, pairs.theirs, pairs.weights, pairs.top)
        if found is None:
            raise _MissingError("the two differ on fewer than two images, too few for an interval of a part")
        return found

    return _remembered(run, ["worse", metric, dict(where)], _state_of(before), compute)


def _standing_baseline(rule: Rule, metric: str, where: Condition, run: ScoredRun, folder: _Folder) -> ScoredRun:
    """The baseline's run, whose number is defined and not doubted.

    Raises:
        _MissingError: there is none.
    """
    before = _baseline_run(rule, run, folder)
    theirs = next(each for each in folder.baseline(rule.against).results if each.key == before.stored.key)
    try:
        _require_standing(theirs, _score(theirs, metric, where))
    except (_MissingError, _UnmatchedError) as error:
        raise _MissingError(f"the baseline's number: {error}") from None
    return before


@dataclass(frozen=True)
class _Pairs:
    """Values of two runs by image and cell, higher being worse, of the images that both have.

    Attributes:
        ids: ``(N,)`` of the images, sorted.
        mine, theirs: ``(N, M)``.
        weights: ``(M,)`` of the cells.
        top: the largest that a value can be.
    """

    ids: NDArray[np.object_]
    mine: NDArray[np.float64]
    theirs: NDArray[np.float64]
    weights: NDArray[np.float64]
    top: float


def _pairs(metric: str, where: Condition, run: ScoredRun, table: ImageTable, before: ScoredRun) -> _Pairs:
    """The images and cells by which a run is held against the baseline's.

    Raises:
        _MissingError: the baseline has other cells.
        _NoPictureError: it has none of the images.
        _UnmatchedError: the metric is no weighted sum of cells, or there is no such cell, group or class.
    """
    own, part = _weighed(table, metric, where, run)
    other, its = _weighed(before.table, metric, where, before)
    cells = [table.present[k] for k in part.cells]
    if cells != [before.table.present[k] for k in its.cells]:
        raise _MissingError("the baseline was run under other conditions")
    places = before.table.rows_of(table.ids)
    both = (places >= 0) & part.rows
    if not both.any():
        raise _NoPictureError("the baseline shares no picture")
    sign = -1.0 if own.higher_is_better else 1.0
    mine = np.asarray(own.values[both][:, part.cells], np.float64)
    theirs = np.asarray(other.values[places[both]][:, its.cells], np.float64)
    return _Pairs(table.ids[both], sign * mine, sign * theirs, own.weights[part.cells], own.top)


def _paired_measures(metric: str, where: Condition, mine: ScoredRun, theirs: ScoredRun) -> Evidence:
    """Of a score that sorts or divides, as calibration does."""
    tables = [(each.table, each.stored.run) for each in (mine, theirs) if len(each.table)]
    runs = [found for table, run in tables if (found := measured(table, run)) is not None]
    if len(runs) < 2:
        raise _MissingError("no image was evaluated under every condition")
    ids = np.intersect1d(runs[0].ids, runs[1].ids)
    scores = [s for each in runs for s in each.scores if (s.metric, s.condition) == (metric, where)]
    if len(scores) < 2 or not len(ids):
        raise _MissingError(f"{metric} is no score that two runs are compared by on the same images")
    (first, lacks), (second, lacks_too) = (run.estimate(score, ids) for run, score in zip(runs, scores, strict=True))
    span = max(score.span for score in scores)
    tested = difference(first, second, span, lacks or lacks_too)
    if tested.interval is None:
        raise _MissingError(f"no interval of the difference: {tested.reason}")
    value, low, high = tested.value, tested.interval.low, tested.interval.high
    if scores[0].higher_is_better:
        value, low, high = -value, -high, -low
    return Evidence.from_interval(value, Interval(low, high), tested.n, share=False)


class _UndecidableError(Exception):
    """Why no look at a part of the pictures decides a rule, in a line."""


def _look(
    rule: Rule, metric: str, where: Condition, run: ScoredRun, table: ImageTable, folder: _Folder
) -> Evidence | None:
    """The evidence that a part of a run's pictures gives, valid at every look; ``None`` while there is too little.

    Raises:
        _MissingError: no further picture gives any.
        _UndecidableError: the metric is no weighted sum of cell means over images.
        _UnmatchedError: the run has no such metric, cell, group or class.
    """
    try:
        if metric in FLIPS:
            flips, part = _flip_part(rule, run, table, _baseline_run(rule, run, folder))
            values = getattr(flips, FLIPS[metric])
            rows = part.rows if part else np.ones(len(flips.ids), bool)
            cells = part.cells if part else list(range(len(flips.conditions)))
            return Evidence.from_looks(flips.ids[rows], values[rows][:, cells], np.full(len(cells), 1 / len(cells)))
        if rule.kind == "worse_by_at_most":
            pairs = _pairs(metric, where, run, table, _standing_baseline(rule, metric, where, run, folder))
            return Evidence.from_looks(pairs.ids, pairs.mine - pairs.theirs, pairs.weights, pairs.top, paired=True)
        of, some = _weighed(table, metric, where, run)
        values = np.asarray(of.values[some.rows][:, some.cells], np.float64)
        return Evidence.from_looks(table.ids[some.rows], values, of.weights[some.cells], of.top)
    except _NoPictureError:
        return None
    except _UnmatchedError as error:
        known = {score.metric for score in run.scores(published_baseline(run.stored.run))[0]}
        if error.field == "metric" and metric in known:
            raise _UndecidableError(f"{metric} is no mean over pictures that a part of them could decide") from None
        raise


def _kept_look(rule: Rule, metric: str, where: Condition, run: ScoredRun, folder: _Folder) -> Evidence:
    """The evidence of a run that was stopped where the rules of a policy were decided.

    Raises:
        _MissingError: there is none that holds although the run was looked at.
    """

    def compute() -> Evidence:
        try:
            found = _look(rule, metric, where, run, run.table, folder)
        except _UndecidableError as error:
            raise _MissingError(
                f"{error}, and this run was stopped where rules were decided; the same 'hardiness run' without "
                "--until-decided evaluates the rest"
            ) from None
        if found is None:
            raise _MissingError("too few pictures to know how much it varies")
        return found

    before = _state_of(_baseline_run(rule, run, folder)) if rule.against else ""
    return _remembered(run, ["look", rule.kind, metric, dict(where)], before, compute)


@dataclass(frozen=True)
class PolicyLook:
    """The verdicts of a policy on runs while their pictures come in.

    Attributes:
        times: by how much the pictures must about grow until every rule is decided; 0 where every one is.
        outcomes: of each rule and run that pictures can decide.
        remarks: a line for each rule that no picture decides.
        whole: whether one of those needs all pictures, so that none of these runs may be stopped.
    """

    times: float
    outcomes: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    whole: bool = False


class PolicyWatch:
    """A policy, asked again and again of runs whose pictures come in.

    Args:
        policy: the rules.
        store: where every run that is to be evaluated has begun; the level is shared among all of them.
    """

    def __init__(self, policy: Policy, store: Store) -> None:
        self.policy, self._folder = policy, _Folder(store)
        every = [run.stored.run for run in self._folder.runs.values()]
        self._family = sum(_speaks_of(rule, run) for rule in policy.rules for run in every)

    def look(self, runs: Sequence[tuple[ScoredRun, ImageTable]]) -> PolicyLook:
        """What the rules say of some runs, each with the part of its image table that is looked at.

        Raises:
            ArgumentError: a rule matches nothing in them.
        """
        cases: list[tuple[Evidence, Limit]] = []
        lacking, remarks, whole = 0, [], False
        for rule in self.policy.rules:
            for run, table in runs:
                if not _speaks_of(rule, run.stored.run):
                    continue
                place = f"{self.policy.source}: rule {rule.number}"
                try:
                    found = self._evidence(rule, run, table)
                except _UnmatchedError as error:
                    if rule.benchmark == ANY:
                        continue
                    raise _matches_nothing(place, self._folder, error) from None
                except _MissingError as error:
                    remarks.append(f"{place} of {run.stored.run.model.name}: no picture decides it: {error}")
                except _UndecidableError as error:
                    whole = True
                    name = run.stored.run.benchmark.name
                    remarks.append(f"{place}: {error}, so that {name} is evaluated whole")
                else:
                    lacking += found is None
                    side = -1 if rule.kind == "at_least" else 1
                    cases += [(found, Limit(rule.limit, side))] if found else []
        ruled = rulings(cases, self._family)
        open_ = [(each.n + ruling.more) / each.n for (each, _), ruling in zip(cases, ruled, strict=True) if ruling.more]
        outcomes = (*(ruling.outcome for ruling in ruled), *["cannot tell"] * lacking)
        times = max(open_, default=0.0) if not lacking else math.inf
        return PolicyLook(times, outcomes, tuple(dict.fromkeys(remarks)), whole)

    def unmatched(self, rule: Rule, run: ScoredRun) -> _UnmatchedError | None:
        """What of a rule without a baseline a run has not; ``None`` where it has everything."""
        try:
            self._evidence(rule, run, run.table)
        except _UnmatchedError as error:
            return error
        except (_MissingError, _UndecidableError):
            pass
        return None

    def _evidence(self, rule: Rule, run: ScoredRun, table: ImageTable) -> Evidence | None:
        metric, where = rule.metric, rule.where
        if metric == HEADLINE:
            sums = run.card.sums(table, run.stored.run, published_baseline(run.stored.run))
            if not sums:
                raise _UndecidableError("its headline is no mean over pictures that a part of them could decide")
            metric, where = sums[0].metric, Condition(**{**sums[0].condition, **where})
        return _look(rule, metric, where, run, table, self._folder)


def _speaks_of(rule: Rule, run: Run) -> bool:
    """Whether a rule is about a run's benchmark and model."""
    name = run.model.name
    names = "", name, name if run.precision == "fp32" else f"{name} ({run.precision})"
    return rule.benchmark in (ANY, run.benchmark.name) and rule.model in names


def require_policy_fits(
    policy: Policy, benchmarks: Sequence[str], models: Sequence[str], stored: Sequence[Run]
) -> None:
    """Raise unless every rule speaks of a benchmark and model that is evaluated or stored, and each benchmark has one.

    Args:
        policy: the rules.
        benchmarks, models: names of those that are to be evaluated.
        stored: the runs that there are.

    Raises:
        ArgumentError: naming the rule, the field and the nearest name; or the benchmark that no rule would stop.
    """
    known = sorted({*benchmarks, *(run.benchmark.name for run in stored)})
    named = sorted({*models, *(run.model.name for run in stored)})
    for rule in policy.rules:
        place = f"{policy.source}: rule {rule.number}"
        plain = rule.model.rpartition(" (")[0] or rule.model
        if rule.benchmark not in (ANY, *known):
            raise ArgumentError(
                f"{place}: benchmark {rule.benchmark!r} is neither run nor stored{suggestion(rule.benchmark, known)}"
            )
        if rule.model and not {rule.model, plain} & set(named):
            raise ArgumentError(
                f"{place}: model {rule.model!r} is neither run nor stored{suggestion(rule.model, named)}"
            )
    for name in benchmarks:
        if not any(rule.benchmark in (ANY, name) for rule in policy.rules):
            raise ArgumentError(
                f"{policy.source}: no rule speaks of {name}, so that nothing would stop it; add one, or leave it out "
                "of this command"
            )


def require_policy_matches(policy: Policy, rehearsals: Mapping[str, ScoredRun | None], store: Store) -> None:
    """Raise where a rule is on a metric, condition, group or class that no benchmark it speaks of gives.

    Args:
        policy: the rules.
        rehearsals: by each benchmark that is to be evaluated a run of made-up answers; ``None`` where there is none.
        store: of these runs.

    Raises:
        ArgumentError: naming the rule, the field and the nearest name.
    """
    watch = PolicyWatch(policy, store)
    for rule in policy.rules:
        runs = {name: run for name, run in rehearsals.items() if rule.benchmark in (ANY, name)}
        # How two runs differ is asked of the same cells and pictures as what each of them is.
        alone = replace(rule, kind="at_most", against="", metric="error" if rule.metric in FLIPS else rule.metric)
        known = [run for run in runs.values() if run and not is_of_one_set(run)]
        unmatched = [error for run in known if (error := watch.unmatched(alone, run))]
        if unmatched and len(unmatched) == len(runs):
            last = max(unmatched, key=lambda error: len(error.field))  # the run that has most of what the rule names
            near = sorted({name for error in unmatched if error.field == last.field for name in error.known})
            raise ArgumentError(
                f"{policy.source}: rule {rule.number}: {last.field} {last.value!r} matches nothing in {', '.join(runs)}"
                f"{suggestion(last.value, near)}"
            )


def first_policy(store: Store, against: str = "") -> str:
    """The TOML text of a policy that a folder's runs pass now: a limit on each headline, at the end of its interval.

    Args:
        store: the folder.
        against: the folder of a baseline; rules against it are written too, as comments where there is none.
    """
    lines = [
        "# Written by 'hardiness gate --write-policy' from what the folder holds. Each limit is the end of the",
        "# interval of today's worst model: make it what you need. Values are fractions: 0.01 is one point.",
    ]
    headlines: dict[tuple[str, str, Condition], dict[str, list[Score]]] = {}
    results = results_of(store)
    for result in results:
        column = card_of(result.run).headline_of(card_of(result.run).columns_of([result]))
        for score in result.scores:
            is_headline = column and (score.metric, score.condition) == (column.metric, column.condition)
            if is_headline and score.value is not None and score.interval is not None and not score.doubt:
                by_name = headlines.setdefault((result.benchmark, score.metric, score.condition), {})
                by_name.setdefault(result.name, []).append(score)
    for (benchmark, metric, condition), scores in headlines.items():
        of_all = len(scores) == len({result.name for result in results})
        for named in [scores] if of_all else [{name: those} for name, those in scores.items()]:
            model = [] if of_all else [f"model = {json.dumps(next(iter(named)), ensure_ascii=False)}"]
            held = [score for those in named.values() for score in those]
            lines += ["", *_first_rule(benchmark, metric, condition, held), *model]
    if not headlines:
        raise ArgumentError(f"{store.address} holds no headline score with an interval, of which a rule could be made")
    note, folder = ("", against) if against else ("# ", "runs/main")
    lines += ["", "# No score worse than the baseline's by more than a point, on the same images:"]
    before = f"against = {_quoted(folder)}\n{_renamed(results, against)}"
    rules = (
        f'[[rules]]\nbenchmark = "*"\nmetric = "headline"\n{before}worse_by_at_most = 0.01\n',
        f'[[rules]]\nbenchmark = "*"\nmetric = "negative_flips"\n{before}at_most = 0.05\n',
    )
    lines += [f"{note}{line}" if line else "" for rule in rules for line in rule.split("\n")]
    lines += [
        "[policy]",
        'undecided = "fail"  # or "warn": what "cannot tell" does',
        'family = "holm"',
        "",
    ]
    return "\n".join(lines)


def _renamed(results: Sequence[Result], against: str) -> str:
    """The line that names the baseline's one model, where it is called otherwise than all of a folder's; else empty."""
    with suppress(HardinessError):
        models = {run.run.model.name for run in Store.open(against).runs()} if against else set()
        if len(models) == 1 and not models & {result.run.model.name for result in results}:
            return f"against_model = {_quoted(models.pop())}\n"
    return ""


def _quoted(text: str) -> str:
    """As TOML writes it."""
    return json.dumps(text, ensure_ascii=False)


def _first_rule(benchmark: str, metric: str, condition: Condition, scores: Sequence[Score]) -> Iterator[str]:
    """The lines of a rule that these scores pass."""
    ends = [each.interval for each in scores if each.interval]
    higher = scores[0].higher_is_better
    limit = _rounded_out(
        min(each.low for each in ends) if higher else max(each.high for each in ends), -1 if higher else 1
    )
    yield f"[[rules]]  # now {', '.join(f'{each.value:.4f}' for each in scores)}"
    yield f"benchmark = {json.dumps(benchmark)}"
    yield f"metric = {json.dumps(metric)}"
    if condition:
        words = ", ".join(f"{json.dumps(key)} = {json.dumps(value)}" for key, value in condition.items())
        yield f"where = {{ {words} }}"
    yield f"{'at_least' if higher else 'at_most'} = {limit:.4f}"


def _rounded_out(value: float, side: int) -> float:
    """The next value of four digits after the point, away from what is good; 0 is not left."""
    found = (math.floor(value * 1e4 * side) + 1) / 1e4 * side
    return max(found, 0.0) if value >= 0 else found
