"""Goals that end the evaluation of a benchmark before all of it is done: precision, or a policy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from hardiness.benchmarks.card import published_baseline
from hardiness.core.codes import RunRemark
from hardiness.core.fact import Fact
from hardiness.core.request import Stop
from hardiness.engine.rounds import Rounds, first_extent
from hardiness.results.folder import Folder
from hardiness.results.policy_watch import PolicyWatch
from hardiness.results.runs import ScoredRun
from hardiness.results.stopped import companions_of, look_at, rows_of
from hardiness.statistics.stopping import Extent, Headline, decide, next_extent

MOST_TIMES = 100.0
"""How many times as many pictures the next round has at most, where nobody knows how many decide."""


class Goal(Protocol):
    """A goal that ends the evaluation of a benchmark before all of it is done."""

    def begin(self, rounds: Rounds) -> None:
        """Prepare; called once, before the first round."""

    def look(self, rounds: Rounds, extent: Extent) -> Outlook:
        """The outlook after a round, by what the extent holds; the look is kept beside each model's rows."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """The next round, or that there is none, and why.

    Attributes:
        following: the next round; ``None`` where the goal is reached, or cannot be.
        remarks: what a person should know.
        unreached: where the goal cannot be reached; else ``None``.
    """

    following: Extent | None = None
    remarks: tuple[Fact, ...] = ()
    unreached: Fact | None = None


@dataclass
class EvaluationToGoal:
    """The evaluation of one benchmark until a goal is reached.

    Attributes:
        rounds: that it goes in.
        goal: what ends it.
        extent: of the round that is evaluated, or was last.
        outlook: after the last look.
        done: whether nothing is left to evaluate, for whichever reason.
    """

    rounds: Rounds
    goal: Goal
    outlook: Outlook = field(default_factory=Outlook)
    done: bool = False

    def __post_init__(self) -> None:
        self.extent = first_extent(self.rounds.whole, self.rounds.cells)
        self.goal.begin(self.rounds)

    def run(self) -> None:
        """Rounds until the goal is reached, or cannot be."""
        while not self.done:
            self.rounds.evaluate(self.extent)
            self.look()

    def look(self) -> None:
        """Look at what the extent holds, and choose the next one."""
        self.outlook = self.goal.look(self.rounds, self.extent)
        self.done = self.outlook.following is None
        self.extent = self.outlook.following or self.extent


@dataclass
class Precision:
    """The goal that every model's headline is exact enough.

    Attributes:
        target: the half-width that is aimed at.
    """

    target: float
    _companions: dict[str, list[ScoredRun]] = field(default_factory=dict)

    def begin(self, rounds: Rounds) -> None:
        """Find what other models have answered on the same pictures."""
        others = Folder.open(rounds.workers[0].store).alone
        for run in Folder.of(task.stored for task in rounds.tasks).alone:
            self._companions[run.stored.key] = companions_of(run, others)

    def look(self, rounds: Rounds, extent: Extent) -> Outlook:
        """Whether every headline is exact enough, and if not how much more it takes."""
        headlines = self._headlines(rounds, extent)
        if not headlines or decide(headlines, self.target).done:
            return Outlook()
        whole = rounds.whole
        following = next_extent(extent, headlines, self.target, whole)
        hopeless = [headline for headline in headlines if headline.is_out_of_reach(self.target, whole.images)]
        if following is None or hopeless:
            worst = max(hopeless or decide(headlines, self.target).loose, key=lambda headline: headline.half_width)
            return Outlook(unreached=worst.out_of_reach(rounds.benchmark.name, self.target, whole.images))
        return Outlook(following)

    def _headlines(self, rounds: Rounds, extent: Extent) -> list[Headline]:
        """The first headline of every model that has one so far."""
        first_headlines: list[Headline] = []
        for run, table in rounds.tables(extent):
            companions = self._companions[run.stored.key]
            look = look_at(self.target, published_baseline(run.stored.run), companions)
            headlines: Sequence[Headline] = list(look.at(run.card, table, run.stored.run).values())
            keys = tuple(companion.stored.key for companion in companions)
            run.stored.keep_stop(Stop(self.target, rows_of(run.table), keys))
            run.release()
            first_headlines += headlines[:1]
        return first_headlines


@dataclass
class Verdicts:
    """The goal that every rule of a policy is decided for every model.

    Models whose rows were all there before are judged by these, and do not hold up the others.

    Attributes:
        watch: asks the rules.
    """

    watch: PolicyWatch
    _whole: tuple[Fact, ...] = ()
    _all_there: frozenset[str] = frozenset()

    def begin(self, rounds: Rounds) -> None:
        """See which models have nothing left to evaluate."""
        runs = Folder.of(task.stored for task in rounds.tasks).alone
        finished = [run.stored.key for run in runs if run.counts().complete and run.stored.stop() is None]
        self._all_there = frozenset(finished)

    def look(self, rounds: Rounds, extent: Extent) -> Outlook:
        """Whether every rule is decided, by the round's rows and by all that are stored, and how much more it takes."""
        policy, whole = self.watch.policy, rounds.whole
        if self._whole:
            return Outlook(remarks=self._whole)
        runs = [(run, table) for run, table in rounds.tables(extent) if run.stored.key not in self._all_there]
        state = self.watch.look(runs)
        if state.whole:
            self._whole = state.remarks
            rounds.listener.note(f"{rounds.benchmark.name} is evaluated whole: a part of it decides no rule there")
            return Outlook(None if extent == whole else whole, state.remarks)
        for run, _ in runs:
            run.stored.keep_stop(Stop(None, rows_of(run.table), policy=policy.source))
        if not state.times and any(rows_of(run.table) > rows_of(table) for run, table in runs):
            state = self.watch.look([(run, run.table) for run, _ in runs])
        times = min(state.times, MOST_TIMES)
        following = extent.grown(extent.images * times, extent.cells * times, whole) if times else None
        for run, _ in runs:
            run.release()
        if following is not None:
            return Outlook(following)
        if not state.outcomes:
            return Outlook(remarks=state.remarks)
        about = {"policy": policy.source, "benchmark": rounds.benchmark.name}
        images = {"images": extent.images, "of_images": whole.images}
        cells = {"conditions": extent.cells, "of_conditions": whole.cells}
        end = {"are_decided": not times, "outcomes": tuple(Counter(state.outcomes).items())}
        return Outlook(remarks=(Fact(RunRemark.RULES_DECIDED, about | images | cells | end), *state.remarks))
