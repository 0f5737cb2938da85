"""A folder as the rules of a policy are judged on it, and those of its baselines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from hardiness.core.codes import Missing, RunRemark
from hardiness.core.errors import ArgumentError, HardinessError
from hardiness.core.fact import Fact, error_of
from hardiness.core.result import Result
from hardiness.results.dependence import dependent_pictures
from hardiness.results.folder import Folder
from hardiness.results.policy import ANY, Policy, Rule
from hardiness.results.results import group_of
from hardiness.results.rules.errors import MissingNumberError, UnmatchedError
from hardiness.results.rules.judged_runs import KEY_DIGITS, JudgedRun, labels_apart
from hardiness.results.run_names import differences_of, named_by
from hardiness.results.runs import ScoredRun
from hardiness.results.shared_clusters import clusters_of_runs
from hardiness.statistics.clusters import Clusters


class PolicyFolder:
    """A folder by the clusters that are asked for, and the baselines that rules name, each opened once.

    A baseline's pictures have the columns of its own folder.
    """

    def __init__(self, folder: Folder, policy: Policy) -> None:
        self.folder, self.policy, self.grouping = folder, policy, folder.grouping
        self.runs = folder.by_key
        self._by_cluster = {folder.grouping.cluster: self}
        self._baselines: dict[str, PolicyFolder | Fact] = {}

    def for_rule(self, rule: Rule) -> PolicyFolder:
        """The folder by the clusters of a rule, if the folder is asked for none itself.

        Raises:
            ArgumentError: no run's pictures have the column.
        """
        cluster = self.grouping.cluster or rule.cluster
        if cluster not in self._by_cluster:
            try:
                grouping = replace(self.grouping, cluster=cluster)
                folder = PolicyFolder(replace(self.folder, grouping=grouping), self.policy)
            except ArgumentError as error:
                raise ArgumentError(f"{self.policy.place(rule)}: cluster: {error}") from None
            folder._baselines = self._baselines
            self._by_cluster[cluster] = folder
        return self._by_cluster[cluster]

    def clusters_of(self, rule: Rule, run: ScoredRun, before: ScoredRun) -> Clusters | None:
        """The clusters of the pictures of a run and of the baseline's; ``None`` where each stands alone.

        Raises:
            MissingNumberError: their columns say different things of a picture.
        """
        if run.clusters is None:
            return None
        try:
            return clusters_of_runs({"this run": run, f"the baseline {rule.against}": before})[0]
        except ArgumentError as error:
            raise MissingNumberError(error_of(error)) from None

    @property
    def results(self) -> Sequence[Result]:
        """The results of all runs."""
        return self.folder.results

    @property
    def successors(self) -> Mapping[str, ScoredRun]:
        """By the key of each run that is not judged: the run of its name that was evaluated last."""
        return self.folder.successors

    def results_for(self, rule: Rule) -> list[Result]:
        """The results that a rule may speak of: of several runs of one name the last, or the one that it names.

        Raises:
            UnmatchedError: there is none that it names.
        """
        if not rule.run:
            return [result for result in self.results if result.key not in self.successors]
        results = [result for result in self.results if named_by(result.run, result.key, rule.run)]
        if not results:
            raise UnmatchedError("run", rule.run, [result.key for result in self.results])
        return results

    @property
    def column_remarks(self) -> tuple[Fact, ...]:
        """The facts on the columns of its pictures that a person should know."""
        runs = [run for folder in self._by_cluster.values() for run in folder.runs.values()]
        lines = dict.fromkeys(line for run in runs for line in run.column_remarks)
        return (*lines, *dependent_pictures(runs))

    @cached_property
    def names(self) -> dict[str, str]:
        """By a run's key the model's name, with what tells it from others of its table that are judged."""
        last = [result for result in self.results if result.key not in self.successors]
        return {**_names_of(self.results), **_names_of(last)}

    def remarks_on(self, rules: Sequence[Rule]) -> tuple[Fact, ...]:
        """A fact for each run that rules would speak of, had not another one of its name been evaluated later."""
        remarks = []
        for result in self.results:
            successor = self.successors.get(result.key)
            is_named = any(rule.run and named_by(result.run, result.key, rule.run) for rule in rules)
            if successor is None or is_named or not any(is_about(rule, result) for rule in rules if not rule.run):
                continue
            old, new = JudgedRun.of(self.runs[result.key]), JudgedRun.of(successor)
            labels = dict(zip(("label", "later_label"), labels_apart(old, new), strict=True))
            runs = {"run": old.key[:KEY_DIGITS], "later_run": new.key[:KEY_DIGITS], "folder": self.folder.address}
            about = {"model": result.name, "benchmark": result.benchmark}
            remarks.append(Fact(RunRemark.SUPERSEDED, runs | about | labels))
        return tuple(remarks)

    def baseline(self, address: str) -> PolicyFolder:
        """The folder that rules name so, relative to that of their policy.

        Raises:
            MissingNumberError: it holds no records.
        """
        if address not in self._baselines:
            try:
                self._baselines[address] = PolicyFolder(Folder.open(self.policy.address_of(address)), self.policy)
            except HardinessError as error:
                self._baselines[address] = Fact(Missing.BASELINE_UNREAD, {"why": error_of(error)})
        baseline = self._baselines[address]
        if isinstance(baseline, Fact):
            raise MissingNumberError(baseline)
        return baseline

    def save(self) -> None:
        """Keep what was computed of the runs."""
        for folder in self._by_cluster.values():
            folder.folder.save()


def _names_of(results: Sequence[Result]) -> dict[str, str]:
    """By a run's key the model's name, with what tells it from others of its table among these."""
    groups: dict[tuple[str, ...], list[Result]] = {}
    for result in results:
        groups.setdefault(group_of(result), []).append(result)
    return {
        result.key: f"{result.name} ({text})" if text else result.name
        for group in groups.values()
        for result, text in zip(group, differences_of(group), strict=True)
    }


def is_about(rule: Rule, result: Result) -> bool:
    """Whether a rule is about a result's benchmark and model."""
    return rule.benchmark in (ANY, result.benchmark) and rule.model in ("", result.name, result.model)
