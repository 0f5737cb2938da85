"""A first policy, made of what a folder holds."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from hardiness.benchmarks import card_of
from hardiness.core import ArgumentError, Condition, Result
from hardiness.results.policy import ANY, HEADLINE, Policy, Rule, parse_policy
from hardiness.results.rule_evidence import (
    MissingNumberError,
    PolicyFolder,
    UnmatchedError,
    absent_case,
    case_of,
    quoted,
)
from hardiness.statistics import Evidence, Ruling
from hardiness.store import Store


def first_policy(store: Store, against: str = "", folder: str = "") -> str:
    """The TOML text of a policy that a folder's runs pass now: a limit on each headline, at the end of its interval.

    What the gate would call *missing* today, as of a run that was interrupted, gets no rule, and a comment says why.

    Args:
        store: the folder.
        against: the folder of a baseline; rules against it are written for what can be held against it, and an example
            as a comment where no baseline is given.
        folder: where the policy will lie, which paths in it are relative to; empty for the working folder.

    Raises:
        ArgumentError: there is nothing of which a rule could be made.
    """
    path = os.path.relpath(against, folder) if against and folder and _is_relative(against) else against
    judged = PolicyFolder(store, Policy((), folder=folder))
    results = [result for result in judged.results if result.key not in judged.successors]
    drafts = [_draft(result, judged) for result in results]
    judgeable = [draft for draft in drafts if not draft.reason]
    held = [rule for draft in judgeable for rule in _rules_against(draft, path, judged)] if path else []
    family = len(judgeable) + sum(not rule.reason for rule in held)
    names = dict.fromkeys(result.name for result in results)
    lines = [
        "# Written by 'hardiness gate --write-policy' from what the folder holds. Each limit is the end of the",
        "# interval of the model that it is for: make it what you need. Values are fractions, 0.01 is one point; a",
        '# text may say percent, as in "75 %".',
    ]
    written = 0
    for (benchmark, name), alike in _grouped(drafts).items():
        about = {"model": name} if len(names) > 1 else {}
        lines += [f"# {benchmark}, {name}: no rule, since {draft.reason}" for draft in alike if draft.reason]
        known = [draft for draft in alike if not draft.reason]
        is_of_all = len(known) == len(alike) and len({(each.metric, each.condition) for each in known}) == 1
        # Where one of several runs of a name has no such number, a rule on all of them would call it missing.
        for some in [known] if is_of_all else [[draft] for draft in known]:
            more = about if is_of_all else {**about, "run": some[0].result.key}
            lines += ["", *_first_rule(some, more, family)]
            written += 1
    if not written:
        raise ArgumentError(f"{store.address} holds no headline score with an interval, of which a rule could be made")
    lines += ["", "# No score worse than the baseline's by more than a point, on the same images:"]
    if not path:
        example = {"benchmark": ANY, "against": "runs/main"}
        for given in ({"metric": HEADLINE, "worse_by_at_most": 0.01}, {"metric": "negative_flips", "at_most": 0.05}):
            lines += [*(f"# {line}" for line in ("[[rules]]", *_toml({**example, **given}))), ""]
    for text in dict.fromkeys(f"# {rule.reason}" if rule.reason else f"{rule.text}\n" for rule in held):
        lines += text.split("\n")
    lines += [
        *([""] if lines[-1] else []),
        "[policy]",
        'undecided = "fail"  # or "warn": what "cannot tell" does',
        'family = "holm"',
        "",
    ]
    return "\n".join(lines)


def _is_relative(address: str) -> bool:
    return "://" not in address and not os.path.isabs(address)


@dataclass(frozen=True)
class _Draft:
    """What a rule could be made of: the headline of a result, with its evidence or why there is none."""

    result: Result
    metric: str
    condition: Condition
    higher_is_better: bool
    evidence: Evidence | None = None
    reason: str = ""


def _draft(result: Result, folder: PolicyFolder) -> _Draft:
    """The headline of a result as the gate would judge it."""
    column = card_of(result.run).headline_of(card_of(result.run).columns_of([result]))
    if column is None:
        reason = "it has no headline" if result.counts.images else "nothing was evaluated"
        return _Draft(result, HEADLINE, Condition(), True, reason=reason)
    score = next(s for s in result.scores if (s.metric, s.condition) == (column.metric, column.condition))
    rule = Rule(1, result.benchmark, column.metric, "at_least", 0.0, where=column.condition)
    case = case_of(rule, result, folder)
    reason = "" if case.evidence else case.reason
    return _Draft(result, column.metric, column.condition, score.higher_is_better, case.evidence, reason)


def _grouped(drafts: Sequence[_Draft]) -> dict[tuple[str, str], list[_Draft]]:
    """The drafts that one rule would speak of, by benchmark and model."""
    found: dict[tuple[str, str], list[_Draft]] = {}
    for each in drafts:
        found.setdefault((each.result.benchmark, each.result.name), []).append(each)
    return found


@dataclass(frozen=True)
class _AgainstRule:
    """The text of a rule against a baseline, or why it could never match."""

    text: str
    reason: str = ""


def _rules_against(draft: _Draft, path: str, folder: PolicyFolder) -> Iterator[_AgainstRule]:
    """The rules by which a result is held against a baseline: its headline, and what was right and is wrong now."""
    result = draft.result
    judged = {"benchmark": result.benchmark, "metric": draft.metric}
    where = {"where": draft.condition} if draft.condition else {}
    named = {"model": result.name, "against": path}
    named |= {"against_model": other} if (other := _only_other_model(result, path, folder)) else {}
    for number, given in enumerate(
        (
            {**judged, **where, **named, "worse_by_at_most": 0.01},
            {**judged, "metric": "negative_flips", **named, "at_most": 0.05},
        )
    ):
        text = "\n".join(("[[rules]]", *_toml(given)))
        (rule,) = parse_policy(text).rules
        try:
            case = case_of(rule, result, folder)
        except UnmatchedError as error:
            case = absent_case(rule, result.name, result.data, f"no {error.field} {error.value!r}")
        reason = "" if case.evidence else f"{result.benchmark}, {result.name}: {case.reason}"
        if not number or not reason:
            yield _AgainstRule(text, reason)


def _only_other_model(result: Result, path: str, folder: PolicyFolder) -> str:
    """The baseline's one model on a result's benchmark, where it is called otherwise than the result's; else empty."""
    with suppress(MissingNumberError):
        runs = [run.stored.run for run in folder.baseline(path).runs.values()]
        models = {run.model.name for run in runs if run.benchmark.name == result.benchmark}
        if len(models) == 1 and result.run.model.name not in models:
            return models.pop()
    return ""


def _toml(fields: Mapping[str, Any]) -> list[str]:
    """A line for each field of a rule."""

    def text_of(value: Any) -> str:
        if isinstance(value, Mapping):
            return f"{{ {', '.join(f'{quoted(str(key))} = {text_of(each)}' for key, each in value.items())} }}"
        return quoted(value) if isinstance(value, str) else f"{value}"

    return [f"{name} = {text_of(value)}" for name, value in fields.items()]


def _first_rule(drafts: Sequence[_Draft], about: Mapping[str, str], family: int) -> Iterator[str]:
    """The lines of a rule that these pass, in a policy of so many verdicts.

    Args:
        drafts: of one metric and condition, each with evidence.
        about: what the rule says of model and run.
        family: verdicts among which the level of those is shared that were looked at while their images came in.
    """
    known = [draft.evidence for draft in drafts if draft.evidence]
    ends = [Ruling("pass", each, family if each.looked else 1).interval for each in known]
    first = drafts[0]
    limit = (
        _rounded_out(min(each.low for each in ends), -1)
        if first.higher_is_better
        else _rounded_out(max(each.high for each in ends), 1)
    )
    if all(each.share for each in known):
        limit = min(limit, 1.0)
    where = {"where": first.condition} if first.condition else {}
    yield f"[[rules]]  # now {', '.join(f'{each.value:.4f}' for each in known)}"
    yield from _toml({"benchmark": first.result.benchmark, "metric": first.metric, **where})
    yield f"{'at_least' if first.higher_is_better else 'at_most'} = {limit:.4f}"
    yield from _toml(about)


def _rounded_out(value: float, side: int) -> float:
    """The next value of four digits after the point, away from what is good; 0 is not left."""
    found = (math.floor(value * 1e4 * side) + 1) / 1e4 * side
    return max(found, 0.0) if value >= 0 else found
