"""What rows of a benchmark cost on this machine, measured by computing a few of them in a store that is thrown away."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from hardiness.core import Benchmark, DataSet, Item, Request, Silence
from hardiness.engine.batches import automatic_batch_size
from hardiness.engine.cost import Price
from hardiness.engine.ensemble import Ensemble
from hardiness.engine.executors import alone
from hardiness.engine.plan import begin
from hardiness.engine.shortened import Shortened, steps_of
from hardiness.engine.worker import Worker
from hardiness.models import Classifier
from hardiness.store import Store

BUDGET_S = 5.0
"""Of one model on one benchmark; the trial that crosses it is finished."""

ATTACKED = 4
"""Images that an attack is tried on at a time: some fall at once, some never; one alone is dearer than in a batch."""


MANY_STEPS = 400
"""Of an attack on one image; where there are more, a share of them is tried and the rest taken for as dear."""

MARGIN = 1.3
"""By how much an attack's price is raised, so that images that stand longer than those tried do not pass the bound."""


@dataclass(frozen=True)
class Trial:
    """What is tried.

    Attributes:
        benchmark, data, request, surrogate: as for an evaluation.
        items: images to try, in the order of evaluation.
        conditions: indices of those wanted of each.
        store: that is thrown away.
    """

    benchmark: Benchmark
    data: DataSet
    request: Request
    surrogate: Classifier | Ensemble | None
    items: Sequence[Item]
    conditions: Sequence[int]
    store: Store

    def price(self, classifier: Classifier) -> Price:
        """What one model's rows cost; see `Price`."""
        benchmark, share = self._affordable()
        trials: list[tuple[int, float]] = []
        spent = 0.0
        for items, conditions in self._growing(benchmark, classifier):
            worker = self._worker(benchmark, [classifier], items, conditions)
            seconds = _seconds(partial(alone, worker))
            trials.append((len(items) * len(conditions), seconds))
            spent += seconds
            if spent >= BUDGET_S and (len(trials) > 1 or benchmark.attack):
                break
        row_bytes = self._stored_bytes() / sum(rows for rows, _ in trials)
        if benchmark.attack:
            found = Price.of_trials(trials)
            return replace(found, row_s=found.row_s / share * MARGIN, at_most=True, row_bytes=row_bytes)
        # The first trial compiles kernels and models and makes exhibits.
        first, *later = trials
        found = Price.of_trials(later or trials)
        start = max(0.0, first[1] - found.row_s * first[0]) if later else 0.0
        return replace(found, start_s=start, row_bytes=row_bytes)

    def shared_s(self, classifiers: Sequence[Classifier]) -> float:
        """Seconds of what is done once for all of these models, a row."""
        benchmark, share = self._affordable()
        trials: list[tuple[int, float]] = []
        for items, conditions in self._growing(benchmark, classifiers[0]):
            scratch = Store.create(f"{self.store.address}/shared-{len(trials)}")
            worker = self._worker(benchmark, classifiers, items, conditions, scratch)
            seconds = _seconds(partial(worker.expand_alone, worker.units()))
            trials.append((len(items) * len(conditions), seconds))
            if sum(seconds for _, seconds in trials) >= BUDGET_S / 2:
                break
        return Price.of_trials(trials).row_s / share

    def _affordable(self) -> tuple[Benchmark, float]:
        """The benchmark, or one with a share of its attack's steps, and that share."""
        plan = self.benchmark.attack
        if plan is None or steps_of(plan) <= MANY_STEPS:
            return self.benchmark, 1.0
        share = MANY_STEPS / 4 / steps_of(plan)
        short = Shortened(self.benchmark, share)
        assert short.attack is not None, "it has the rounds of the whole"
        return short, steps_of(short.attack) / steps_of(plan)

    def _growing(self, benchmark: Benchmark, classifier: Classifier) -> Iterator[tuple[list[Item], list[int]]]:
        """Images and conditions of one trial after the other, larger and larger, no image twice."""
        conditions, at = list(self.conditions), 0
        if benchmark.frames > 1:
            yield from self._sequences(conditions)
            return
        canvas = benchmark.canvas or classifier.spec.view.canvas
        chosen = self.request.batch_size or automatic_batch_size(classifier, classifier.feed(canvas.crop_px).input_px)
        size = first = ATTACKED if benchmark.attack else max(1, math.ceil(chosen / len(conditions)))
        while at < len(self.items):
            yield list(self.items[at : at + size]), conditions
            at += size
            size = first if benchmark.attack else min(2 * size, 8 * first)

    def _sequences(self, conditions: list[int]) -> Iterator[tuple[list[Item], list[int]]]:
        """More and more sequences, those of a trial of one image: several at a time cost less, as in an evaluation.

        Their conditions are from all over the list, as some are dearer than others.
        """
        stride = next(k for k in (5, 3, 2, 1) if math.gcd(k, len(conditions)) == 1 or k == 1)
        order = [conditions[(k * stride) % len(conditions)] for k in range(len(conditions))]
        first, *others = self.items
        yield [first], order[:1]
        if not others and len(order) > 1:
            yield [first], order[1:]
        at, size = 1, 1
        for item in others:
            yield [item], [order[(at + k) % len(order)] for k in range(size)]
            at, size = at + size, min(2 * size, len(order))

    def _worker(
        self,
        benchmark: Benchmark,
        classifiers: Sequence[Classifier],
        items: Sequence[Item],
        conditions: Sequence[int],
        store: Store | None = None,
    ) -> Worker:
        request = replace(self.request, limit=None, save_images=False, share=None)
        data, place = replace(self.data, items=tuple(items)), store or self.store
        tasks = [begin(each, benchmark, data, request, place, self.surrogate) for each in classifiers]
        worker = Worker(benchmark, data, tasks, request, place, Silence(), self.surrogate)
        worker.asked = list(conditions)
        return worker

    def _stored_bytes(self) -> int:
        return sum(int(stamp[0]) for run in self.store.runs() for stamp in run.stamps().values())


def _seconds(work: Callable[[], None]) -> float:
    begin_s = time.perf_counter()
    work()
    return time.perf_counter() - begin_s
