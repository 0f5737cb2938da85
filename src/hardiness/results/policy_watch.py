"""A policy asked of runs while their pictures come in, and held against a command before it begins."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from hardiness.benchmarks.card import published_baseline
from hardiness.core.codes import RunRemark
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError, suggestion
from hardiness.core.fact import Fact
from hardiness.core.result import PARTIAL, Score
from hardiness.core.run import Run
from hardiness.core.table import ImageTable
from hardiness.results.folder import Folder, is_of_one_set
from hardiness.results.policy import ANY, HEADLINE, Policy, Rule, pair_metric_of
from hardiness.results.rules.cases import matches_nothing
from hardiness.results.rules.errors import MissingNumberError, UndecidableError, UnmatchedError, judged_whole, no_mean
from hardiness.results.rules.folder import PolicyFolder
from hardiness.results.rules.limits import require_limit, why_idle
from hardiness.results.rules.looks import score_of_look
from hardiness.results.rules.metrics import measured_metric, require_whole_headline
from hardiness.results.run_names import named_by
from hardiness.results.runs import ScoredRun
from hardiness.statistics.verdicts import Limit, rulings
from hardiness.store.store import Store


@dataclass(frozen=True)
class PolicyLook:
    """The verdicts of a policy on runs while their pictures come in.

    Attributes:
        times: by how much the pictures must about grow until every rule is decided; 0 where every one is.
        outcomes: of each rule and run that pictures can decide.
        remarks: on each rule that no picture decides.
        whole: whether one of those needs all pictures, so that none of these runs may be stopped.
    """

    times: float
    outcomes: tuple[str, ...] = ()
    remarks: tuple[Fact, ...] = ()
    whole: bool = False


class PolicyWatch:
    """A policy, asked again and again of runs whose pictures come in.

    Args:
        policy: the rules.
        store: where every run that is to be evaluated has begun; the level is shared among all of them.
    """

    def __init__(self, policy: Policy, store: Store) -> None:
        self.policy, self._folder = policy, PolicyFolder(Folder.open(store), policy)
        successors = self._folder.successors
        runs = [(key, run.stored.run) for key, run in self._folder.runs.items()]
        self._family = sum(
            _speaks_of(rule, run) for rule in policy.rules for key, run in runs if rule.run or key not in successors
        )

    def look(self, runs: Sequence[tuple[ScoredRun, ImageTable]]) -> PolicyLook:
        """The ruling of each rule on some runs, each with the part of its image table that is looked at.

        Raises:
            ArgumentError: a rule matches nothing in them, or its limit is beyond what its metric can be.
        """
        cases: list[tuple[Score, Limit]] = []
        remarks: list[Fact] = []
        undecided, whole = 0, False
        for rule in self.policy.rules:
            for run, table in runs:
                if not _speaks_of(rule, run.stored.run):
                    continue
                place = self.policy.place(rule)
                try:
                    score = self._score(rule, run, table)
                except UnmatchedError as error:
                    if rule.benchmark == ANY:
                        continue
                    raise matches_nothing(place, self._folder, error) from None
                except MissingNumberError as error:
                    about = {"rule": place, "model": run.stored.run.model.name}
                    remarks.append(Fact(RunRemark.NO_PICTURE_DECIDES, {**about, "why": error.why}))
                except UndecidableError as error:
                    whole = True
                    about = {"rule": place, "benchmark": run.stored.run.benchmark.name}
                    remarks.append(Fact(RunRemark.EVALUATED_WHOLE, {**about, "why": error.why}))
                else:
                    undecided += score is None
                    cases += [(score, Limit(rule.limit, rule.side))] if score else []
        ruled = rulings(cases, self._family)
        growths = [
            (each.n + ruling.more) / each.n for (each, _), ruling in zip(cases, ruled, strict=True) if ruling.more
        ]
        outcomes = (*(ruling.outcome for ruling in ruled), *["cannot tell"] * undecided)
        times = max(growths, default=0.0) if not undecided else math.inf
        return PolicyLook(times, outcomes, tuple(dict.fromkeys(remarks)), whole)

    def unmatched(self, rule: Rule, run: ScoredRun) -> UnmatchedError | None:
        """The field of a rule without a baseline that fits nothing of a run; ``None`` where all fit."""
        try:
            self._score(rule, run, run.table)
        except UnmatchedError as error:
            return error
        except (MissingNumberError, UndecidableError):
            pass
        return None

    def require_limit(self, rule: Rule, run: ScoredRun, table: ImageTable | None = None) -> Fact | None:
        """Raise where the limit of a rule is beyond what its metric can be, as far as a run says which that is.

        Returns:
            The fact that no model can fail the rule; else ``None``.

        Raises:
            ArgumentError: naming the rule and what its limit must be.
        """
        if rule.holds_to:
            return None
        with suppress(UndecidableError):
            metric, _ = self._metric_of(rule, run, run.table if table is None else table)
            place, measured = self.policy.place(rule), measured_metric(metric, run.card, ())
            require_limit(place, rule, measured)
            return why_idle(place, rule, measured)
        return None

    def _score(self, rule: Rule, run: ScoredRun, table: ImageTable) -> Score | None:
        if self.policy.slices:
            raise judged_whole("slices")
        if rule.holds_to:
            raise judged_whole("levels")
        metric, where = self._metric_of(rule, run, table)
        self.require_limit(rule, run, table)
        if rule.metric == HEADLINE and metric.endswith(PARTIAL):
            if len(table.present) < len(run.stored.run.conditions) and not table.failures:
                return None  # conditions that no picture was evaluated under yet
            require_whole_headline(rule, metric, run.stored.run.benchmark.name)
        return score_of_look(rule, metric, where, run, table, self._folder)

    def _metric_of(self, rule: Rule, run: ScoredRun, table: ImageTable) -> tuple[str, Condition]:
        """The metric and condition that a rule means of a run.

        Raises:
            UndecidableError: it means a headline that no part of the pictures decides.
        """
        if rule.metric != HEADLINE:
            return rule.metric, rule.where
        sums = run.card.sums(table, run.stored.run, published_baseline(run.stored.run))
        if not sums:
            raise UndecidableError(no_mean(HEADLINE))
        return sums[0].metric, Condition(**{**sums[0].condition, **rule.where})


def _speaks_of(rule: Rule, run: Run) -> bool:
    """Whether a rule is about a run's benchmark and model."""
    name = run.model.name
    names = "", name, name if run.precision == "fp32" else f"{name} ({run.precision})"
    is_named = not rule.run or named_by(run, run.key, rule.run)
    return rule.benchmark in (ANY, run.benchmark.name) and rule.model in names and is_named


def require_policy_fits(
    policy: Policy, benchmarks: Sequence[str], models: Sequence[str], stored: Sequence[Run]
) -> None:
    """Raise unless every rule speaks of a benchmark and model that is evaluated or stored, and each benchmark has one.

    Args:
        policy: the rules.
        benchmarks, models: names of those that are to be evaluated.
        stored: the runs that there are.

    Raises:
        ArgumentError: naming the rule, the field and the nearest name; or the benchmark that no rule would stop; or a
            rule is by clusters of pictures.
    """
    if clustered := next((rule for rule in policy.rules if rule.cluster), None):
        raise ArgumentError(
            f"{policy.place(clustered)}: cluster {clustered.cluster} does not go with until-decided: pictures come one "
            "by one in random order, so that it would stop on parts of clusters; evaluate all, and then ask "
            "'hardiness gate'"
        )
    names = sorted({*benchmarks, *(run.benchmark.name for run in stored)})
    model_names = sorted({*models, *(run.model.name for run in stored)})
    for rule in policy.rules:
        place = policy.place(rule)
        plain = rule.model.rpartition(" (")[0] or rule.model
        if rule.benchmark not in (ANY, *names):
            raise ArgumentError(
                f"{place}: benchmark {rule.benchmark!r} is neither run nor stored{suggestion(rule.benchmark, names)}"
            )
        if rule.model and not {rule.model, plain} & set(model_names):
            raise ArgumentError(
                f"{place}: model {rule.model!r} is neither run nor stored{suggestion(rule.model, model_names)}"
            )
    for name in benchmarks:
        if not any(rule.benchmark in (ANY, name) for rule in policy.rules):
            raise ArgumentError(
                f"{policy.source}: no rule speaks of {name}, so that nothing would stop it; add one, or leave it out "
                "of this command"
            )


def require_policy_matches(
    policy: Policy, rehearsals: Mapping[str, ScoredRun | None], store: Store
) -> tuple[Fact, ...]:
    """Raise where a rule is on a metric, condition, group or class that no benchmark it speaks of gives.

    Args:
        policy: the rules.
        rehearsals: by each benchmark that is to be evaluated a run of made-up answers; ``None`` where there is none.
        store: of these runs.

    Returns:
        A fact for each rule that no model can fail.

    Raises:
        ArgumentError: naming the rule, the field and the nearest name, or what its limit must be.
    """
    idle: dict[Fact, None] = {}
    watch = PolicyWatch(policy, store)
    for rule in policy.rules:
        runs = {name: run for name, run in rehearsals.items() if rule.benchmark in (ANY, name)}
        # How two runs differ is asked of the same cells and pictures as what each of them is.
        alone = replace(
            rule, kind="at_most", against="", metric="error" if pair_metric_of(rule.metric) else rule.metric
        )
        stored_whole = [run for run in runs.values() if run and not is_of_one_set(run)]
        idle.update(dict.fromkeys(filter(None, (watch.require_limit(rule, run) for run in stored_whole))))
        unmatched = [error for run in stored_whole if (error := watch.unmatched(alone, run))]
        if unmatched and len(unmatched) == len(runs):
            last = max(unmatched, key=lambda error: len(error.field))  # the run that has most of what the rule names
            near = sorted({name for error in unmatched if error.field == last.field for name in error.names})
            raise ArgumentError(
                f"{policy.place(rule)}: {last.field} {last.value!r} matches nothing in {', '.join(runs)}"
                f"{suggestion(last.value, near)}"
            )
    return tuple(idle)
