"""Trials of a ladder's step: a model is run again on pictures resized in other ways, to see whether one explains it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hardiness import data as datasets
from hardiness import models
from hardiness.benchmarks.options import parse
from hardiness.core.benchmark import Benchmark, Image, Item, PictureFault
from hardiness.core.codes import RunRemark
from hardiness.core.condition import Condition
from hardiness.core.errors import HardinessError
from hardiness.core.fact import Fact, error_of
from hardiness.core.model import Canvas
from hardiness.core.run import Run
from hardiness.core.table import RIGHT
from hardiness.engine.protocol_noise import ResizedFile, Resizer, other_resizers
from hardiness.engine.tasks import canvas_of
from hardiness.imaging.resizing import resize
from hardiness.models.classifier import Classifier
from hardiness.models.preprocessing import to_pixels
from hardiness.results.ladder import LadderStep, ResizeTrial
from hardiness.results.runs import ScoredRun

MOST_CHANGED, MOST_SAME = 200, 100
"""Pictures on which a model is run again: of those whose answers change, and of those whose do not."""

BATCH = 8
"""Pictures per forward pass: most ways to resize are ruled out by the first of them."""

STILL_SAME = 0.98
"""The share of its own answers that a model must give again before anything is said of the resize."""


class UntriedError(HardinessError):
    """Why a step is not tried, in a line."""


@dataclass(frozen=True)
class ResizeTrials:
    """Runs models of a ladder again on photographs of a person's own choice.

    Attributes:
        data: values of ``--data``.
        texts: how models are asked for, by the name of the rung, where a person says so; others as their runs did,
            unless that runs code, which nobody but a person may ask for.
        classifiers: that were loaded, by the folder and the text by which they are asked for.
    """

    data: Sequence[str]
    texts: Mapping[str, str] = field(default_factory=dict)
    classifiers: dict[tuple[str, str], Classifier] = field(default_factory=dict)

    def try_on(self, step: LadderStep, runs: tuple[ScoredRun, ScoredRun]) -> LadderStep:
        """The step with what another resize explains, or with a note on why that was not tried.

        Args:
            step: between two rungs.
            runs: of the rungs.
        """
        try:
            trial = self._trial(step, runs)
        except (HardinessError, UntriedError, OSError) as error:
            untried = Fact(RunRemark.RESIZE_NOT_TRIED, {"why": error_of(error)})
            return replace(step, notes=(*step.notes, untried))
        return replace(step, resize=trial)

    def _trial(self, step: LadderStep, runs: tuple[ScoredRun, ScoredRun]) -> ResizeTrial | None:
        """A trial of the usual ways to resize; ``None`` where no answer changes, or both see the same resize.

        Raises:
            HardinessError, UntriedError: the model or the pictures cannot be had, or it answers otherwise than before.
        """
        ids, answers = clean_answers(*runs)
        changes = answers[0] != answers[1]
        if not changes.any() or all(map(can_be_resized, runs)):
            return None
        is_later = not can_be_resized(runs[0])
        if is_later and not can_be_resized(runs[1]):
            raise UntriedError("neither takes pictures that were resized before")
        run, (own, other) = runs[is_later], (answers[::-1] if is_later else answers)
        chosen = np.concatenate([np.flatnonzero(changes)[:MOST_CHANGED], np.flatnonzero(~changes)[:MOST_SAME]])
        names, own, other = ids[chosen], own[chosen], other[chosen]
        rung = (step.first, step.second)[is_later]
        rerun = self._rerun(rung, run, names.tolist())
        again = rerun.answers(resize)
        if np.mean(again == own) < STILL_SAME:
            raise UntriedError(
                f"run again, {run.stored.run.model.name} answers {int(np.sum(again != own)):,} of {len(own):,} "
                "pictures otherwise than it did"
            )
        is_again = again == own
        rerun, own, other = rerun.rows(is_again), own[is_again], other[is_again]
        changed = int(np.sum(own != other))
        if not changed:
            raise UntriedError(f"run again, {run.stored.run.model.name} gives none of its answers that change")
        resizers = other_resizers(rerun.canvas)
        explaining = [name for name, resizer in resizers.items() if rerun.gives(other, resizer)]
        return ResizeTrial(rung, tuple(resizers), tuple(explaining), changed, len(own) - changed)

    def _rerun(self, rung: str, run: ScoredRun, names: Sequence[str]) -> Rerun:
        """The model of a rung, loaded as a person or its last session asks for it, and the pictures of these names."""
        request = next((s["asked"] for s in reversed(run.sessions()) if s["asked"].get("model")), None)
        if request is None:
            raise UntriedError(f"nothing says how {run.stored.run.model.name} was asked for")
        refuse_code(rung, str(request["benchmark"]))
        root = datasets.locate(list(self.data))
        benchmark = parse(str(request["benchmark"])).parts(root)[0]
        dataset = benchmark.dataset(root)
        if dataset.fingerprint != run.stored.run.data.fingerprint:
            raise UntriedError(f"the pictures of {dataset.name} are others than those of the run")
        items = {item.id: item for item in dataset.items}
        name = run.stored.run.model.name
        text, folder = self.texts.get(rung) or self.texts.get(name) or "", "."
        if not text:
            text, folder = str(request["model"]), str(request.get("folder", "")) or "."
            refuse_code(rung, text)
        classifier = self.classifier_of(text, folder)
        canvas = canvas_of(classifier.spec, benchmark, dataset)
        return Rerun(classifier, benchmark, canvas, [items[name] for name in names], run.stored.run)

    def classifier_of(self, text: str, folder: str) -> Classifier:
        """The model that a text asks for in a folder, from which its paths are relative; each is loaded once."""
        if (folder, text) not in self.classifiers:
            with contextlib.chdir(folder):
                self.classifiers[folder, text] = models.load(models.resolve(text))
        return self.classifiers[folder, text]


@dataclass(frozen=True)
class Rerun:
    """A model, the clean pictures on which it is run again, on what canvas, and the run that it was in before."""

    classifier: Classifier
    benchmark: Benchmark
    canvas: Canvas
    items: Sequence[Item]
    run: Run

    def rows(self, is_chosen: NDArray[np.bool_]) -> Rerun:
        """The same with some of the pictures."""
        return replace(self, items=[item for item, chosen in zip(self.items, is_chosen, strict=True) if chosen])

    def answers(self, resizer: Resizer) -> NDArray[np.int64]:
        """The class that the model names for each picture, ``(N,)``, resized so."""
        return np.concatenate(list(self._batches(resizer)))

    def gives(self, answers: NDArray[np.int64], resizer: Resizer) -> bool:
        """Whether the model, given pictures that are resized so, gives these answers; it ends with the first other."""
        batches = np.split(answers, range(BATCH, len(answers), BATCH))
        return all((batch == named).all() for batch, named in zip(batches, self._batches(resizer), strict=True))

    def _batches(self, resizer: Resizer) -> Iterator[NDArray[np.int64]]:
        feed = self.classifier.feed(self.canvas.crop_px)
        for start in range(0, len(self.items), BATCH):
            images = [self._picture(item, resizer) for item in self.items[start : start + BATCH]]
            outputs = self.classifier.logits(feed(to_pixels(images))).argmax(axis=1)
            yield np.array(self.run.class_of_output)[outputs] if self.run.class_of_output else outputs

    def _picture(self, item: Item, resizer: Resizer) -> Image:
        """The clean picture ``uint8 (H, W, 3)`` that the model sees."""
        resized = replace(item, file=ResizedFile(item.file, self.canvas, resizer))
        for expansion in self.benchmark.expand(resized, (Condition(),), (self.canvas,), self.run.seed):
            if isinstance(expansion, PictureFault):
                raise UntriedError(expansion.reason)
            return expansion.images[0]  # type: ignore[return-value]  # a clean picture is an image
        raise UntriedError(f"{item.id} gives no clean picture")


def refuse_code(rung: str, text: str) -> None:
    """Raise where loading a model as a stored folder says would run code: the folder may be a stranger's.

    Raises:
        UntriedError: naming what a person writes to run it.
    """
    if any(word in text for word in ("py:", "trust_remote_code")):
        raise UntriedError(f"{rung} runs code of one's own, which a stored folder does not start; add -m {rung}=MODEL")


def can_be_resized(run: ScoredRun) -> bool:
    """Whether a run's model can be loaded, and takes pictures that were resized before, as its view says."""
    identity = run.stored.run
    return not (identity.model.is_foreign or identity.model.is_chat or identity.shows_whole_pictures)


def clean_answers(*runs: ScoredRun) -> tuple[NDArray[Any], list[NDArray[np.int64]]]:
    """Names ``(N,)`` of the clean pictures that all runs evaluated, and the classes that each named, ``(N,)``.

    Raises:
        UntriedError: their rows have no clean pictures, or no answers.
    """
    tables = [run.columns("answer") for run in runs]
    if any("answer" not in table or Condition() not in table.present for table in tables):
        raise UntriedError("there are no answers to clean pictures")
    ids = tables[0].ids
    for table in tables[1:]:
        ids = np.intersect1d(ids, table.ids)
    places = [(table.rows_of(ids), table.present.index(Condition())) for table in tables]
    by_run = [table["answer"][place].astype(np.int64) for table, place in zip(tables, places, strict=True)]
    are_evaluated = np.all([table[RIGHT][place] >= 0 for table, place in zip(tables, places, strict=True)], axis=0)
    return ids[are_evaluated], [answers[are_evaluated] for answers in by_run]


def tried_steps(
    steps: Sequence[LadderStep], runs: Mapping[str, ScoredRun], trials: ResizeTrials
) -> Iterator[LadderStep]:
    """The steps of a ladder with what resizing explains of each."""
    for step in steps:
        yield trials.try_on(step, (runs[step.first], runs[step.second]))
